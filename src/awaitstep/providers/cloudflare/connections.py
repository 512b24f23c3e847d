"""`Places` over the control database: tokens are opened when they are used, and kept nowhere."""

from __future__ import annotations

import asyncio
from typing import Final

from awaitstep.auth import places
from awaitstep.auth.vault import Unreadable, Vault
from awaitstep.providers.cloudflare.client import ADDRESS, Client
from awaitstep.providers.cloudflare.http import Http
from awaitstep.providers.cloudflare.places import NoPlace, Place, Whereabouts
from awaitstep.storage.port import Missing, Store
from awaitstep.storage.records import Connection

_TYPE: Final = "cloudflare"
# Runs of older deployments count as the live one's.
_KNOWN: Final = 100


class StoredPlaces:
    """See `Places`. `address` is where Cloudflare's API is."""

    def __init__(self, *, store: Store, vault: Vault, http: Http, address: str = ADDRESS) -> None:
        self._store = store
        self._vault = vault
        self._http = http
        self._address = address

    async def of(self, connection: str) -> Place:
        """Raises NoPlace."""
        return await asyncio.to_thread(self._of, connection)

    async def whereabouts(self, workflow: str) -> Whereabouts | None:
        """Raises NoPlace."""
        return await asyncio.to_thread(self._whereabouts, workflow)

    def _of(self, id: str) -> Place:
        try:
            return self._place(self._store.connections.load(id))
        except Missing:
            raise NoPlace("The connection is gone.") from None

    def _place(self, connection: Connection) -> Place:
        if connection.token is None or connection.account is None:
            raise NoPlace(f"The connection {connection.name} has no token.")
        try:
            place = places.connection(connection.id, connection.project)
            token = self._vault.open(connection.token, place).decode()
        except Unreadable:
            raise NoPlace(
                f"The token of {connection.name} can't be decrypted; set it again."
            ) from None
        client = Client(self._http, token, self._address)
        return Place(client, connection.account, connection.plan or "free", connection.id)

    def _whereabouts(self, workflow: str) -> Whereabouts | None:
        entry = self._store.workflows.entry(workflow)
        if entry is None or entry.engine != _TYPE or entry.connection is None:
            return None
        if entry.deployment is None or entry.worker_name is None:
            return None
        found = self._store.deployments.page(entry.project, workflow, _KNOWN, None).items
        # newest first: of several with one version, the newest says whose it is
        known = {str(d.made.get("version")): (d.id, d.version) for d in reversed(found)}
        return Whereabouts(
            self._of(entry.connection), entry.worker_name, entry.deployment, entry.version, known
        )
