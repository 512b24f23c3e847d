"""The ports that the use cases share, and the two ways to call the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, ParamSpec, TypeVar

from awaitstep.app import limits
from awaitstep.app.directory import Directory
from awaitstep.app.errors import Conflict, Invalid, NotFound, Unavailable
from awaitstep.app.language import Language
from awaitstep.auth.vault import Vault
from awaitstep.engine.clock import Clock
from awaitstep.providers.port import Provider
from awaitstep.storage.port import BadCursor, InUse, Missing, Stale, Store, StoreUnavailable, Taken
from awaitstep.storage.records import Entry

P = ParamSpec("P")
T = TypeVar("T")


class Ports:
    """`providers` are keyed by connection type."""

    def __init__(
        self,
        *,
        store: Store,
        providers: Mapping[str, Provider],
        language: Language,
        clock: Clock,
        vault: Vault,
    ) -> None:
        self.store = store
        self.providers = providers
        self.language = language
        self.clock = clock
        self.vault = vault
        self.directory = Directory()
        self._changing = asyncio.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the store in a thread; its refusals become the use cases' own."""
        try:
            return await asyncio.to_thread(call, *args, **kwargs)
        except Missing as error:
            raise NotFound(str(error), f"{error.kind}.not_found") from None
        except Taken as error:
            raise Conflict(str(error), f"{error.kind}.{error.field}_taken") from None
        except Stale as error:
            detail = {"code": f"{error.kind}.conflict", "message": str(error), "path": error.field}
            raise Conflict(
                str(error), f"{error.kind}.conflict", [{**detail, "revision": error.revision}]
            ) from None
        except InUse as error:
            raise Conflict(str(error), f"{error.kind}.in_use") from None
        except BadCursor as error:
            raise Invalid(str(error), "cursor.invalid") from None
        except StoreUnavailable as error:
            raise Unavailable(str(error), "store.unavailable") from error

    async def change(
        self, workflow: str | None, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Write to the store, then show the workflow's new state in the directory.

        One change at a time, and never half of one: when the caller goes away meanwhile, both
        parts still happen.
        """
        return await self.to_the_end(self._change(workflow, partial(call, *args, **kwargs)))

    async def to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for `work`, which goes on when the caller goes away."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def _change(self, workflow: str | None, call: Callable[[], T]) -> T:
        async with self._changing:
            result = await self.read(call)
            if workflow is not None:
                await self.refresh(workflow)
        return result

    async def refresh(self, workflow: str) -> None:
        """Show what the store knows of a workflow."""
        entry = await self.read(self.store.workflows.entry, workflow)
        if entry is not None:
            self.show(entry)
            return
        gone = self.directory.get(workflow)
        self.directory.remove(workflow)
        if gone is not None and gone.limits is not None:
            self._limit(gone.engine, workflow, None)

    def show(self, entry: Entry) -> None:
        """Put a workflow into the directory, and its limits into the engine."""
        known = self.directory.get(entry.workflow)
        before = None if known is None else (known.engine, known.limits)
        self.directory.put(entry)
        if before != (entry.engine, entry.limits) and (before or entry.limits is not None):
            self._limit(entry.engine, entry.workflow, entry.limits)

    def _limit(self, engine: str, workflow: str, kept: limits.Kept | None) -> None:
        runs = self.providers[engine].runs
        if runs.capabilities.limits:
            runs.limit(workflow, *limits.for_engine(kept))

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits has it; nobody else is told


def worker_url(ports: Ports, worker_name: str) -> str:
    """Where no deploy told one: there is a provider that makes them of names."""
    urls = (provider.url(worker_name) for provider in ports.providers.values())
    return next(filter(None, urls))
