"""A change reaches the store and the directory, or neither, whoever goes away meanwhile."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, cast

import pytest

from awaitstep.app.errors import Conflict, Invalid, NotFound, Unavailable
from awaitstep.app.ports import Ports
from awaitstep.auth.vault import Vault
from awaitstep.engine.clock import ManualClock
from awaitstep.storage.port import BadCursor, InUse, Missing, StoreUnavailable, Taken
from awaitstep.storage.records import Entry

ENTRY = Entry("wf_a", "proj_a", "local", "orders-a", None, "dep_a")


class OneEntry:
    """A store that knows one workflow, or none."""

    def __init__(self) -> None:
        self.known: Entry | None = None
        self.workflows = self

    def entry(self, id: str) -> Entry | None:
        return self.known


@pytest.fixture
def store() -> OneEntry:
    return OneEntry()


@pytest.fixture
async def ports(store: OneEntry) -> Ports:
    return Ports(
        store=cast(Any, store),
        providers={},
        language=cast(Any, None),
        clock=ManualClock(),
        vault=Vault(b"k" * 32),
    )


async def test_the_directory_shows_what_was_stored(ports: Ports, store: OneEntry) -> None:
    def put() -> str:
        store.known = ENTRY
        return "done"

    assert await ports.change("wf_a", put) == "done"
    assert ports.directory.by_name("orders-a") == "dep_a"
    store.known = None
    await ports.change("wf_a", lambda: None)
    assert ports.directory.by_name("orders-a") is None


async def test_a_caller_that_goes_away_leaves_nothing_half_done(
    ports: Ports, store: OneEntry
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def put() -> None:
        begun.set()
        go_on.wait()
        store.known = ENTRY

    caller = asyncio.create_task(ports.change("wf_a", put))
    await asyncio.to_thread(begun.wait)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ports.directory.by_name("orders-a") is None
    go_on.set()
    await ports.change(None, lambda: None)  # changes are served in order
    assert ports.directory.by_name("orders-a") == "dep_a"


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        (Missing("api_key", "x"), NotFound, "api_key.not_found"),
        (Taken("workflow", "route"), Conflict, "workflow.route_taken"),
        (InUse("version", "a deployment"), Conflict, "version.in_use"),
        (BadCursor(), Invalid, "cursor.invalid"),
        (StoreUnavailable(), Unavailable, "store.unavailable"),
    ],
)
async def test_what_the_store_refuses_has_a_stable_code(
    ports: Ports, raised: Exception, kind: type[Exception], code: str
) -> None:
    def refuse() -> None:
        raise raised

    with pytest.raises(kind) as refused:
        await ports.change("wf_a", refuse)
    assert refused.value.code == code  # type: ignore[attr-defined]
    assert str(refused.value) == str(raised)
