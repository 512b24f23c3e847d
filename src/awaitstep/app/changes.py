"""What a deploy would change of what is live: the module, its packages, its variables.

Stores nothing, and tells no value of a variable: only which are new, others, or gone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awaitstep.app.errors import not_deployed
from awaitstep.app.graphs import Graphs
from awaitstep.app.packages import requirements_of
from awaitstep.app.ports import Ports
from awaitstep.app.variables import snapshot
from awaitstep.auth import places
from awaitstep.auth.vault import Unreadable
from awaitstep.storage.records import Deployment


@dataclass(frozen=True, slots=True)
class Changed:
    """The live side is None where it is lost; variables are named in order."""

    deployment: str
    code_before: str | None
    code_after: str
    packages_before: tuple[str, ...] | None
    packages_after: tuple[str, ...]
    variables_added: list[str]
    variables_changed: list[str]
    variables_removed: list[str]


class Changes:
    def __init__(self, ports: Ports, graphs: Graphs) -> None:
        self._ports = ports
        self._graphs = graphs

    async def of(self, project: str, workflow: str, ir: Mapping[str, Any]) -> Changed:
        """Of this graph with the workflow's entry code, packages and variables of now.

        Raises NotFound, Invalid with one detail per problem, Conflict when nothing is live.
        """
        owner = await self._ports.read(self._ports.store.workflows.get, project, workflow)
        if owner.active_deployment is None:
            raise not_deployed()
        await self._graphs.must_be_valid(ir, owner.kind)
        compiled = await self._graphs.compile(ir, owner.entry_code)
        wanted = requirements_of(owner.dependencies, compiled)
        live = await self._ports.read(self._ports.store.deployments.load, owner.active_deployment)
        entry = self._ports.directory.find(project, workflow)
        provider = self._ports.providers[entry.engine]
        had: tuple[str, ...] | None = ()
        if live.environment is not None:
            had = await asyncio.to_thread(provider.packages, live.environment)
        store = self._ports.store.variables
        shared = await self._ports.read(store.of, project, None)
        own = await self._ports.read(store.of, project, workflow)
        values = snapshot(self._ports.vault, shared, own)
        before = self._values(live)
        return Changed(
            deployment=live.id,
            code_before=await asyncio.to_thread(provider.source, live.module),
            code_after=compiled.source,
            packages_before=had,
            packages_after=wanted,
            variables_added=sorted(set(values) - set(before)),
            variables_changed=sorted(
                name for name in set(values) & set(before) if values[name] != before[name]
            ),
            variables_removed=sorted(set(before) - set(values)),
        )

    def _values(self, live: Deployment) -> dict[str, str]:
        """Those it was deployed with; none where the key of then is gone."""
        place = places.deployment(live.id, live.workflow)
        try:
            values: dict[str, str] = json.loads(self._ports.vault.open(live.variables, place))
        except Unreadable:
            return {}
        return values
