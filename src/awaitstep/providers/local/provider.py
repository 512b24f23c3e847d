"""The `local` provider: modules become files, the server's own engine runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from awaitstep.engine.port import Runs
from awaitstep.engine.workers import HandlerFailure, RunnerHealth, Workers
from awaitstep.providers.bundles import KeptBundles
from awaitstep.providers.files import ModuleFiles
from awaitstep.providers.packages.environments import Environments
from awaitstep.providers.port import (
    Account,
    BundleRefused,
    Difference,
    Live,
    Made,
    Module,
    ProviderCapabilities,
    Release,
    TokenRefused,
)

_LARGEST = 8 * 1024 * 1024


class LocalProvider(KeptBundles):
    """`worker_url` turns a worker name into its URL; it is asked anew each time."""

    type = "local"
    capabilities = ProviderCapabilities(title="Embedded engine of this server")

    def __init__(
        self,
        *,
        runs: Runs,
        workers: Workers,
        files: ModuleFiles,
        environments: Environments,
        worker_url: Callable[[str], str],
    ) -> None:
        super().__init__(files, environments)
        self.runs = runs
        self._workers = workers
        self._worker_url = worker_url

    def validate(self, module: Module) -> None:
        """Raises BundleRefused."""
        size = len(module.source.encode())
        if size > _LARGEST:
            raise BundleRefused(f"The module takes {size:,} bytes; at most {_LARGEST:,} can run.")

    def differences(self, module: Module, *, live: bool, plan: str | None) -> Sequence[Difference]:
        return ()

    async def accounts(self, token: str) -> Sequence[Account]:
        """Raises TokenRefused."""
        raise TokenRefused("A local connection takes no token; there is nothing to verify.")

    async def deploy(self, release: Release, tell: Callable[[str], None]) -> Live:
        """The gateway reads the directory of active deployments, so the URL is all there is."""
        return Live(self.url(release.worker_name))

    async def takedown(self, connection: str, worker_name: str, made: Made) -> None:
        """Leaving the directory was enough."""

    def url(self, worker_name: str) -> str:
        return self._worker_url(worker_name)

    def crashed(self, deployment: str) -> str | None:
        return self._workers.crashed(deployment)

    def handler_failure(self, deployment: str) -> HandlerFailure | None:
        return self._workers.handler_failure(deployment)

    def health(self) -> RunnerHealth:
        return self._workers.health()
