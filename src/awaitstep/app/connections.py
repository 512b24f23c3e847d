"""Connections: where workflows can be deployed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from awaitstep.app.errors import Conflict, Detail, Invalid, invalid
from awaitstep.app.ids import new_id
from awaitstep.app.language import Compiled
from awaitstep.app.packages import differences, nodes_not_for, schedules_of
from awaitstep.app.ports import Ports
from awaitstep.app.releases import refusal
from awaitstep.auth import places
from awaitstep.providers.port import Account, DeployFailed, Module, Provider, TokenRefused
from awaitstep.storage.records import Connection, Page


@dataclass(frozen=True, slots=True)
class Access:
    """What opens an account elsewhere, as it is asked for."""

    token: str | None = field(default=None, repr=False)
    account: str | None = None
    plan: str | None = None


class Connections:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def page(self, project: str, limit: int, cursor: str | None) -> Page[Connection]:
        return await self._ports.read(self._ports.store.connections.page, project, limit, cursor)

    async def create(
        self,
        project: str,
        *,
        type: str,
        name: str,
        is_default: bool = False,
        access: Access | None = None,
    ) -> Connection:
        """Raises Invalid (no such type, a token that won't do), Conflict (name taken), Unavailable."""
        provider = self._provider(type)
        id = new_id("conn")
        account, plan, sealed = None, None, None
        if provider.capabilities.needs_token:
            asked = access or Access()
            if asked.token is None:
                raise invalid("connection.token", f"A {type} connection needs a token.", "token")
            plan = self._plan(provider, asked.plan) or provider.capabilities.plans[0]
            account = await self._account(provider, asked.token, asked.account)
            sealed = self._seal(asked.token, id, project)
        elif access is not None and access != Access():
            raise self._no_token(type)
        connection = Connection(
            id,
            project,
            type,
            name,
            is_default,
            False,
            self._ports.clock.now(),
            account,
            plan,
            sealed,
        )
        await self._ports.change(None, self._ports.store.connections.create, connection)
        return connection

    async def update(
        self,
        project: str,
        id: str,
        *,
        name: str | None,
        is_default: bool | None,
        access: Access | None = None,
    ) -> Connection:
        """A new token must open the same account. Raises NotFound, Conflict, Invalid (a default is
        replaced, not dropped), Unavailable."""
        store = self._ports.store.connections
        old = await self._ports.read(store.get, project, id)
        if old.is_default and is_default is False:
            raise invalid(
                "connection.default", "Make another connection the default instead.", "isDefault"
            )
        provider = self._provider(old.type)
        plan, sealed = None, None
        if access is not None and access != Access():
            if not provider.capabilities.needs_token:
                raise self._no_token(old.type)
            if access.account not in (None, old.account):
                raise invalid(
                    "connection.account",
                    "A connection keeps its account; make another.",
                    "accountId",
                )
            plan = self._plan(provider, access.plan)
            if access.token is not None:
                await self._account(provider, access.token, old.account)
                sealed = self._seal(access.token, id, project)
        return await self._ports.change(
            None,
            store.update,
            project,
            id,
            name=name,
            is_default=is_default,
            plan=plan,
            token=sealed,
        )

    async def delete(self, project: str, id: str) -> None:
        """Raises NotFound, Conflict (built in, or deployed to)."""
        store = self._ports.store.connections
        if (await self._ports.read(store.get, project, id)).builtin:
            raise Conflict("The built-in connection stays.", "connection.builtin")
        await self._ports.change(None, store.delete, project, id)

    async def verify_token(self, type: str, token: str | None) -> Sequence[Account]:
        """The accounts it opens, each with the permissions it lacks there.

        Raises Invalid (also for a type that takes none), Unavailable.
        """
        provider = self._provider(type)
        if not provider.capabilities.needs_token:
            raise self._no_token(type)
        if not token:
            raise invalid("connection.token", "There is no token to verify.", "token")
        return await _accounts(provider, token)

    async def differences(
        self, project: str, id: str, ir: Mapping[str, Any], compiled: Compiled
    ) -> list[Detail]:
        """What of a graph and its module is otherwise there, errors first. Raises NotFound."""
        connection = await self._ports.read(self._ports.store.connections.get, project, id)
        provider = self.provider(connection)
        packages, schedules = tuple(compiled.packages), schedules_of(ir)
        module = Module("", compiled.source, packages, schedules)
        found = nodes_not_for(connection.name, provider, compiled)
        found = [{**detail, "severity": "error"} for detail in found]
        return found + differences(provider, module, live=False, plan=connection.plan)

    def types(self) -> Mapping[str, Provider]:
        """What a connection may be, and what each can do."""
        return self._ports.providers

    def provider(self, connection: Connection) -> Provider:
        return self._ports.providers[connection.type]

    async def _account(self, provider: Provider, token: str, wanted: str | None) -> str:
        """The account that is wanted, or the only one. Raises Invalid, Unavailable."""
        found = await _accounts(provider, token)
        if wanted is None and len(found) > 1:
            names = ", ".join(f"{account.name} ({account.id})" for account in found)
            raise invalid("connection.account", f"The token opens several: {names}.", "accountId")
        account = next((one for one in found if wanted in (None, one.id)), None)
        if account is None:
            raise invalid(
                "connection.account", "The token does not open that account.", "accountId"
            )
        if account.missing:
            lacks = ", ".join(account.missing)
            raise invalid(
                "connection.permissions", f"The token lacks in {account.name}: {lacks}.", "token"
            )
        return account.id

    def _plan(self, provider: Provider, plan: str | None) -> str | None:
        plans = provider.capabilities.plans
        if plan is not None and plan not in plans:
            raise invalid("connection.plan", f"A plan is one of {', '.join(plans)}.", "plan")
        return plan

    def _seal(self, token: str, id: str, project: str) -> bytes:
        return self._ports.vault.seal(token.encode(), places.connection(id, project))

    def _no_token(self, type: str) -> Invalid:
        return Invalid(
            f"A {type} connection takes no token; there is nothing to verify.",
            "connection.no_token",
        )

    def _provider(self, type: str) -> Provider:
        if type not in self._ports.providers:
            known = ", ".join(sorted(self._ports.providers))
            raise invalid(
                "connection.type_unknown",
                f"There is no connection type {type[:100]!r} here; there is: {known}.",
                "type",
            )
        return self._ports.providers[type]


async def _accounts(provider: Provider, token: str) -> Sequence[Account]:
    try:
        return await provider.accounts(token)
    except TokenRefused as error:
        raise invalid("connection.token", str(error), "token") from None
    except DeployFailed as error:
        raise refusal(error) from None
