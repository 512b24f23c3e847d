"""Connections: where workflows can be deployed to."""

from __future__ import annotations

from awaitstep.app.errors import Conflict, Invalid, invalid
from awaitstep.app.ids import new_id
from awaitstep.app.ports import Ports
from awaitstep.storage.records import Connection, Page


class Connections:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def page(self, project: str, limit: int, cursor: str | None) -> Page[Connection]:
        return await self._ports.read(self._ports.store.connections.page, project, limit, cursor)

    async def create(
        self, project: str, *, type: str, name: str, is_default: bool = False
    ) -> Connection:
        """Raises Invalid (no such type), Conflict (name taken)."""
        self._must_be_known(type)
        connection = Connection(
            new_id("conn"), project, type, name, is_default, False, self._ports.clock.now()
        )
        await self._ports.change(None, self._ports.store.connections.create, connection)
        return connection

    async def update(
        self, project: str, id: str, *, name: str | None, is_default: bool | None
    ) -> Connection:
        """Raises NotFound, Conflict, Invalid (a default is replaced, not dropped)."""
        store = self._ports.store.connections
        old = await self._ports.read(store.get, project, id)
        if old.is_default and is_default is False:
            raise invalid(
                "connection.default", "Make another connection the default instead.", "isDefault"
            )
        return await self._ports.change(
            None, store.update, project, id, name=name, is_default=is_default
        )

    async def delete(self, project: str, id: str) -> None:
        """Raises NotFound, Conflict (built in, or deployed to)."""
        store = self._ports.store.connections
        if (await self._ports.read(store.get, project, id)).builtin:
            raise Conflict("The built-in connection stays.", "connection.builtin")
        await self._ports.change(None, store.delete, project, id)

    async def verify_token(self, type: str, token: str | None) -> None:
        """Raises Invalid: no type of connection here takes a token."""
        self._must_be_known(type)
        raise Invalid(
            f"A {type} connection takes no token; there is nothing to verify.",
            "connection.no_token",
        )

    def _must_be_known(self, type: str) -> None:
        if type not in self._ports.providers:
            known = ", ".join(sorted(self._ports.providers))
            raise invalid(
                "connection.type_unknown",
                f"There is no connection type {type[:100]!r} here; there is: {known}.",
                "type",
            )
