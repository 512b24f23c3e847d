"""What every provider keeps on this server of what it deploys: modules, and their packages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from awaitstep.providers.files import ModuleFiles
from awaitstep.providers.packages import Environments
from awaitstep.providers.port import FilesUnavailable, Module


class KeptBundles:
    """The part of `Provider` that is the same wherever a module runs in the end."""

    def __init__(self, files: ModuleFiles, environments: Environments) -> None:
        self._files = files
        self._environments = environments

    async def prepare(self, module: Module, tell: Callable[[str], None]) -> str | None:
        """See `Provider.prepare`."""
        if not module.requirements:
            return None
        return await self._environments.prepare(module.requirements, tell)

    async def bundle(self, module: Module) -> str:
        """Raises FilesUnavailable."""
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
