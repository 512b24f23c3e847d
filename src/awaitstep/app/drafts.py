"""Drafts: graphs as they are drawn, kept before they are saved as a version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from awaitstep.app.ports import Ports
from awaitstep.storage.records import Draft


class Drafts:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def get(self, project: str, workflow: str) -> Draft:
        """Raises NotFound: there is no workflow, or no draft of it."""
        return await self._ports.read(self._ports.store.drafts.get, project, workflow)

    async def put(
        self,
        project: str,
        workflow: str,
        ir: Mapping[str, Any],
        *,
        revision: int,
        entry_code: str | None = None,
        base_version: str | None = None,
    ) -> Draft:
        """Keep a graph, whatever is wrong with it, in the place of the draft that was read last.

        `revision` is that draft's, 0 when there was none. Raises NotFound, for the base version
        too, and Conflict (`draft.conflict`) when there is another draft by now.
        """
        now = self._ports.clock.now()
        draft = Draft(workflow, dict(ir), entry_code, base_version, revision, now)
        return await self._ports.change(None, self._ports.store.drafts.put, project, draft)

    async def discard(self, project: str, workflow: str) -> None:
        """Raises NotFound."""
        await self._ports.change(None, self._ports.store.drafts.delete, project, workflow)
