"""Deployments as the engine loads them. They never change, so each is read once."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from pathlib import Path
from typing import Final

from awaitstep.auth import places
from awaitstep.auth.vault import Unreadable, Vault
from awaitstep.engine.errors import DeploymentMissing, NotDeployed
from awaitstep.engine.workers import Active, Bundle
from awaitstep.providers.files import ModuleFiles
from awaitstep.providers.packages.environments import Environments
from awaitstep.storage.port import Missing, Store
from awaitstep.storage.records import Entry

_MOST: Final = 1024
_LOCAL: Final = "local"


class LocalBundles:
    """`awaitstep.engine.workers.Bundles` over the control database and the module files."""

    def __init__(
        self, *, store: Store, vault: Vault, files: ModuleFiles, environments: Environments
    ) -> None:
        self._store = store
        self._vault = vault
        self._files = files
        self._environments = environments
        self._loaded: OrderedDict[str, Bundle] = OrderedDict()

    async def bundle(self, deployment: str) -> Bundle:
        """Raises DeploymentMissing."""
        found = self._loaded.get(deployment)
        if found is None:
            found = await asyncio.to_thread(self._load, deployment)
            self._loaded[deployment] = found
            if len(self._loaded) > _MOST:
                self._loaded.popitem(last=False)
        else:
            self._loaded.move_to_end(deployment)
        return found

    async def active(self, workflow: str, caller: str) -> Active:
        """Raises NotDeployed, also for what another project or another place holds."""
        return await asyncio.to_thread(self._active, workflow, caller)

    async def reached(self, workflow: str, caller: str) -> None:
        """Raises NotDeployed for what another project holds."""
        await asyncio.to_thread(self._entry, workflow, caller)

    def _active(self, workflow: str, caller: str) -> Active:
        entry = self._entry(workflow, caller)
        if entry.deployment is None or entry.engine != _LOCAL:
            raise NotDeployed(workflow)
        return Active(entry.deployment, entry.version)

    def _entry(self, workflow: str, caller: str) -> Entry:
        """The workflow, as long as it and the caller are in one project."""
        entry = self._store.workflows.entry(workflow)
        try:
            project = self._store.deployments.load(caller).project
        except Missing:
            raise NotDeployed(workflow) from None
        if entry is None or entry.project != project:
            raise NotDeployed(workflow)
        return entry

    async def restore(self, environment: Path) -> None:
        """Raises EnvironmentMissing."""
        await self._environments.restore(environment)

    def _load(self, id: str) -> Bundle:
        try:
            row = self._store.deployments.load(id)
            opened = self._vault.open(row.variables, places.deployment(row.id, row.workflow))
        except (Missing, Unreadable):
            raise DeploymentMissing(id) from None
        path = self._files.path(row.module)
        if path is None:
            raise DeploymentMissing(id)
        environment = None if row.environment is None else self._environments.path(row.environment)
        return Bundle(
            deployment=row.id,
            workflow=row.workflow,
            workflow_name=row.worker_name,
            module=path,
            class_name=row.class_name,
            version=row.version,
            variables=json.loads(opened),
            bindings=row.workflows | ({} if row.binding is None else {row.binding: row.workflow}),
            functions=row.functions,
            environment=environment,
        )
