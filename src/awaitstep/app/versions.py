"""Versions: saved graphs, which never change once they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awaitstep.app.errors import Conflict, Detail
from awaitstep.app.graphs import Graphs
from awaitstep.app.ids import new_id
from awaitstep.app.language import Compiled
from awaitstep.app.ports import Ports
from awaitstep.storage.records import Page, Version


@dataclass(frozen=True, slots=True)
class Saved:
    """A version and the warnings about its graph."""

    version: Version
    warnings: list[Detail]


class Versions:
    """`ref` is a version's id or its number."""

    def __init__(self, ports: Ports, graphs: Graphs) -> None:
        self._ports = ports
        self._graphs = graphs

    async def create(
        self, project: str, workflow: str, ir: Mapping[str, Any], note: str | None = None
    ) -> Saved:
        """Raises NotFound, Invalid with one detail per problem."""
        owner = await self._ports.read(self._ports.store.workflows.get, project, workflow)
        warnings = await self._graphs.must_be_valid(ir, owner.kind)
        draft = Version(new_id("ver"), workflow, 0, dict(ir), note, False, self._ports.clock.now())
        stored = await self._ports.change(None, self._ports.store.versions.create, project, draft)
        return Saved(stored, warnings)

    async def get(self, project: str, workflow: str, ref: str) -> Version:
        return await self._ports.read(self._ports.store.versions.get, project, workflow, ref)

    async def page(
        self, project: str, workflow: str, limit: int, cursor: str | None
    ) -> Page[Version]:
        return await self._ports.read(
            self._ports.store.versions.page, project, workflow, limit, cursor
        )

    async def update(
        self, project: str, workflow: str, ref: str, locked: bool | None, note: str | None
    ) -> Version:
        """Lock, unlock or annotate it; its graph stays as it is."""
        store = self._ports.store.versions
        return await self._ports.change(
            None, store.update, project, workflow, ref, locked=locked, note=note
        )

    async def delete(self, project: str, workflow: str, ref: str) -> None:
        """Raises Conflict for a locked version and one that was deployed."""
        version = await self.get(project, workflow, ref)
        if version.locked:
            raise Conflict("This version is locked.", "version.locked")
        store = self._ports.store.versions
        await self._ports.change(None, store.delete, project, workflow, version.id)

    async def revert(self, project: str, workflow: str, ref: str) -> Saved:
        """Save the graph of an older version as the newest one."""
        old = await self.get(project, workflow, ref)
        return await self.create(project, workflow, old.ir, f"Back to version {old.number}")

    async def code(self, project: str, workflow: str, ref: str) -> Compiled:
        """The module this version compiles to with the workflow's entry code."""
        owner = await self._ports.read(self._ports.store.workflows.get, project, workflow)
        version = await self.get(project, workflow, ref)
        return await self._graphs.compile(version.ir, owner.entry_code)
