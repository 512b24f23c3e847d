"""API keys: made, listed, deleted, and recognised on every request."""

from __future__ import annotations

from collections.abc import Sequence

from awaitstep.app.errors import Forbidden
from awaitstep.app.ids import new_id
from awaitstep.app.leaving import Leaving
from awaitstep.app.ports import Ports
from awaitstep.auth.identity import Identity, Scope, expand
from awaitstep.auth.keyring import Keyring
from awaitstep.auth.keys import new_key
from awaitstep.storage.port import Store
from awaitstep.storage.records import ApiKey, Page


class Keys:
    def __init__(self, ports: Ports, leaving: Leaving) -> None:
        self._ports = ports
        self._leaving = leaving
        self._keyring = Keyring(self._find)

    async def authenticate(self, text: str) -> Identity | None:
        """Whose key it is; None when nobody's. Asks the store only for a key not seen lately."""
        return await self._keyring.identify(text)

    async def create(
        self,
        project: str,
        *,
        name: str,
        scopes: Sequence[Scope],
        granted_by: Identity | None = None,
    ) -> tuple[ApiKey, str]:
        """The key's row and the key itself, which is not kept.

        Raises Forbidden when `granted_by` would hand out a scope it lacks.
        """
        if granted_by is not None and not expand(scopes) <= granted_by.scopes:
            raise Forbidden("A key can't make one that may do more than itself.", "key.scope")
        key, text = _made(project, name, scopes, self._ports.clock.now())
        await self._ports.change(None, self._ports.store.keys.create, key)
        return key, text

    async def replace(
        self, project: str, *, name: str, scopes: Sequence[Scope]
    ) -> tuple[ApiKey, str]:
        """A new key in place of all that bear this name."""
        for old in await self._ports.read(self._ports.store.keys.named, project, name):
            await self.delete(project, old.id)
        return await self.create(project, name=name, scopes=scopes)

    async def page(self, project: str, limit: int, cursor: str | None) -> Page[ApiKey]:
        return await self._ports.read(self._ports.store.keys.page, project, limit, cursor)

    async def delete(self, project: str, id: str) -> None:
        """From the answer on, the key opens nothing. Raises NotFound."""
        await self._ports.to_the_end(self._delete(project, id))

    async def _delete(self, project: str, id: str) -> None:
        gone = await self._ports.change(None, self._ports.store.keys.delete, project, id)
        self._keyring.forget(gone.prefix)
        self._leaving.left(id)

    async def _find(self, prefix: str) -> tuple[bytes, Identity] | None:
        key = await self._ports.read(self._ports.store.keys.find, prefix)
        if key is None:
            return None
        return key.digest, Identity(key.project, expand(key.scopes), key.name, key=key.id)


def key_beside(
    store: Store, now: float, name: str, scopes: Sequence[Scope]
) -> tuple[ApiKey, str] | None:
    """A key of the first project, for whoever may write the control database; None before a
    server has made the project."""
    home = store.tenancy.home()
    if home is None:
        return None
    key, text = _made(home.project.id, name, scopes, now)
    store.keys.create(key)
    return key, text


def _made(project: str, name: str, scopes: Sequence[Scope], now: float) -> tuple[ApiKey, str]:
    new = new_key()
    key = ApiKey(
        id=new_id("key"),
        project=project,
        name=name,
        prefix=new.prefix,
        digest=new.digest,
        scopes=sorted(set(scopes)),
        created_at=now,
    )
    return key, new.text
