"""The `local` provider: modules become files, the server's own engine runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from awaitstep.engine.port import Runs
from awaitstep.engine.workers import RunnerHealth, Workers
from awaitstep.providers.files import ModuleFiles
from awaitstep.providers.packages.environments import Environments
from awaitstep.providers.port import (
    Account,
    BundleRefused,
    Difference,
    FilesUnavailable,
    Live,
    Made,
    Module,
    ProviderCapabilities,
    Release,
    TokenRefused,
)

_LARGEST = 8 * 1024 * 1024


class LocalProvider:
    """`worker_url` turns a worker name into its URL; it is asked anew each time."""

    type = "local"
    capabilities = ProviderCapabilities()

    def __init__(
        self,
        *,
        runs: Runs,
        workers: Workers,
        files: ModuleFiles,
        environments: Environments,
        worker_url: Callable[[str], str],
    ) -> None:
        self.runs = runs
        self._workers = workers
        self._files = files
        self._environments = environments
        self._worker_url = worker_url

    def validate(self, module: Module) -> None:
        """Raises BundleRefused."""
        size = len(module.source.encode())
        if size > _LARGEST:
            raise BundleRefused(f"The module takes {size:,} bytes; at most {_LARGEST:,} can run.")

    def differences(self, module: Module, *, live: bool) -> Sequence[Difference]:
        return ()

    async def prepare(self, module: Module, tell: Callable[[str], None]) -> str | None:
        """See `Provider.prepare`."""
        if not module.requirements:
            return None
        return await self._environments.prepare(module.requirements, tell)

    async def bundle(self, module: Module) -> str:
        try:
            return await asyncio.to_thread(self._files.put, module.source)
        except OSError as error:
            why = error.strerror or str(error)
            raise FilesUnavailable(f"The module can't be stored: {why}.") from error

    def source(self, bundle: str) -> str | None:
        path = self._files.path(bundle)
        return None if path is None else path.read_text(encoding="utf-8")

    def packages(self, environment: str) -> tuple[str, ...] | None:
        return self._environments.requirements(environment)

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

    def health(self) -> RunnerHealth:
        return self._workers.health()
