"""The `local` provider: modules become files, the server's own engine runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from awaitstep.engine.port import Runs
from awaitstep.engine.workers import RunnerHealth, Workers
from awaitstep.providers.local.environments import Environments
from awaitstep.providers.local.files import ModuleFiles
from awaitstep.providers.port import BundleRefused, FilesUnavailable, Module, ProviderCapabilities

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

    async def deploy(self, worker_name: str, bundle: str) -> str:
        """The gateway reads the directory of active deployments, so the URL is all there is."""
        return self.url(worker_name)

    async def takedown(self, worker_name: str) -> None:
        """Leaving the directory was enough."""

    def url(self, worker_name: str) -> str:
        return self._worker_url(worker_name)

    def crashed(self, deployment: str) -> str | None:
        return self._workers.crashed(deployment)

    def health(self) -> RunnerHealth:
        return self._workers.health()
