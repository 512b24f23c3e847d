"""The embedded engine: the journal in this process, the code of runs in runner processes.

Adds to the supervisor of runners what is its own: rows, and runs that are not in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from awaitstep.engine import cursors
from awaitstep.engine.change import Change
from awaitstep.engine.clock import Clock, SystemClock
from awaitstep.engine.coordinator import answer
from awaitstep.engine.embedded import listing, queries, rows
from awaitstep.engine.embedded.expiry import Expiry
from awaitstep.engine.embedded.fleet import IDLE_AFTER, RUNNER, Place
from awaitstep.engine.embedded.freshness import Freshness
from awaitstep.engine.embedded.journal import Journal
from awaitstep.engine.embedded.supervisor import PAGE, Supervisor
from awaitstep.engine.errors import EngineError, InstanceTaken, JournalUnavailable, RunState
from awaitstep.engine.eventlog import Note
from awaitstep.engine.figures import Figures
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.port import Created, Parent, RunPage, RunQuery, RunView, StartRun
from awaitstep.engine.run import Run
from awaitstep.engine.states import ENDED, RunStatus
from awaitstep.engine.workers import Bundles

_log = structlog.get_logger("awaitstep.engine")
# How much is read of the journal for one page of a list, in pages: what is loaded may be in another
# state than its row says.
MOST_PAGES: Final = 20


class Embedded(Supervisor):
    """Durable runs on one machine. Make it with `open`."""

    def __init__(
        self, journal: Journal, bundles: Bundles, place: Place, clock: Clock, runners: int
    ) -> None:
        super().__init__(bundles, place, clock, runners)
        self._journal = journal
        self._names = rows.Names([])
        self._last_ref = 0
        self._next_parked: float | None = None
        self._waking = False
        self._fresh = Freshness()
        self._deleting: set[int] = set()  # runs whose rows are about to go
        self._to_fail: set[int] = set()  # runs whose rows were refused

    @classmethod
    async def open(
        cls,
        folder: Path,
        bundles: Bundles,
        *,
        runners: int = 1,
        deployments: Path | None = None,
        temporary: Path | None = None,
        clock: Clock | None = None,
        stall_after: float = 5.0,
        memory_bytes: int | None = None,
        processes: int | None = None,
        idle_after: float = IDLE_AFTER,
        runner: Sequence[str] = RUNNER,
        hold: bool = False,
    ) -> Embedded:
        """Open the journal in `folder` and start the runners; runs left over go on.

        With `hold` they do not before `go_on` is called; until then nobody may ask for one.

        `deployments` (default `folder/deployments`) is all that runners may read of the data,
        `temporary` (default `folder/tmp`) all they may write. The runner of an environment ends
        when nothing has used it for `idle_after` seconds. `memory_bytes` and `processes` are limits
        of a runner, as `Limits` of `awaitstep.runner.walls` explains them. `runner` is the program
        that runners are, with its first arguments.
        Raises JournalLocked, JournalUnavailable.
        """
        deployments = deployments or folder / "deployments"
        temporary = temporary or folder / "tmp"
        journal = await asyncio.to_thread(Journal, folder, asyncio.get_running_loop())
        for path in (deployments, temporary):
            path.mkdir(parents=True, exist_ok=True)
        place = Place(
            deployments=deployments,
            temporary=temporary,
            forbid=[folder / "journal.sqlite"],
            stall_after=stall_after,
            memory_bytes=memory_bytes,
            processes=processes,
            idle_after=idle_after,
            runner=runner,
        )
        engine = cls(journal, bundles, place, clock or SystemClock(), runners)
        engine._names = rows.Names(await journal.read(queries.names))
        engine._last_ref, engine._last_event = await journal.read(queries.last_numbers)
        engine._fleet.start()
        if not hold:
            await engine.go_on()
        return engine

    async def go_on(self) -> None:
        """Go on with the runs left over by the last server. What limits them must be known."""
        _, self._next_parked = await self._journal.read(lambda db: queries.due(db, 0.0, 1))
        for workflow in self._admission.limited:  # or who is looked at first would go first
            waiting = await self._journal.read(
                partial(queries.in_line, known=self._names, workflow=workflow)
            )
            for ref, priority, first in waiting:
                self._admission.line_up(workflow, ref, priority, first=first)
            self._admit(workflow)
        self._spawn(self._recover())
        self._arm(self._clock.now())

    async def close(self) -> None:
        """Stop the runners and write what is waiting; runs go on when the folder is opened again."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._fleet.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._journal.close()

    @property
    def journal(self) -> Journal:
        """For figures only."""
        return self._journal

    # --- the Runs port ------------------------------------------------------------------------

    async def create(self, start: StartRun) -> Created:
        self._check_intake(start.deployment)
        self._last_ref += 1
        run = self._new_run(self._last_ref, start)
        if start.instance is not None:
            known = await self._recorded(run.workflow, run.instance)
            if known is not None:
                return self._same(known, run, start.parent)
        self._adopt(run, start.parent)
        self._add(run)
        try:
            await self._durable(self._creation(run, start))
        except EngineError:
            raise
        except Exception as error:  # the journal refused the row
            known = await self._recorded(run.workflow, run.instance)
            if known is None:
                raise InstanceTaken(run.instance) from error
            # it came and went while this one looked
            return self._same(known, run, start.parent)
        return Created(run.view(), existed=False)

    async def _recorded(self, workflow: str, instance: str) -> Run | None:
        """The run of this id, once it is on disk: until then it may still be refused.

        Raises JournalUnavailable.
        """
        run, seen = await self._known_as(workflow, instance), None
        while run is not None and run.uncommitted and run is not seen:
            written: asyncio.Future[None] = self._loop.create_future()
            self._journal.write([], partial(answer, written), refusable=True)
            await written
            run, seen = await self._known_as(workflow, instance), run
        return run

    def _same(self, known: Run, wanted: Run, parent: Parent | None) -> Created:
        self._settle(known)
        self._check_parent(known, parent)
        if (known.deployment, known.params) != (wanted.deployment, wanted.params):
            raise InstanceTaken(wanted.instance)
        return Created(known.view(), existed=True)

    async def list(self, query: RunQuery) -> RunPage:
        asked, shown = query, dict[cursors.Place, RunView]()
        for _ in range(MOST_PAGES):
            found, following = await self._page(asked)
            for run in found:
                view = self._known(run).view()
                if query.status is None or view.status in query.status:
                    shown[run.created, run.ref] = view
            if following is None or len(shown) >= query.limit:
                break
            asked = replace(asked, cursor=following)
        if len(shown) > query.limit:
            shown = dict(islice(shown.items(), query.limit))
            following = cursors.write(list(shown)[-1])
        return RunPage(list(shown.values()), following)

    async def _page(self, query: RunQuery) -> tuple[Sequence[Run], str | None]:
        """A page of rows; of runs that left memory while it was read, the rows since then."""
        with self._fresh.reading() as began:
            found, following = await self._journal.read(
                partial(listing.page, known=self._names, query=query)
            )
            left = [run.ref for run in found if self._fresh.is_stale(run.ref, began)]
        if left:
            again = await self._journal.read(partial(listing.again, known=self._names, refs=left))
            newer = {run.ref: run for run in again}
            found = [newer.get(run.ref, run) for run in found]
        return found, following

    async def views(self, runs: Sequence[tuple[str, str]]) -> Sequence[RunView]:
        found, unknown = list[RunView](), list[tuple[str, str]]()
        for key in runs:
            run = self._index.get(key)
            if run is None or (run.uncommitted and run.status in ENDED):
                unknown.append(key)
            else:
                found.append(run.view())
        if unknown:
            read = await self._journal.read(partial(listing.some, known=self._names, runs=unknown))
            found += [self._known(run).view() for run in read]
        return found

    async def newest(self, workflows: Sequence[str]) -> Mapping[str, RunView]:
        read = await self._journal.read(
            partial(listing.newest, known=self._names, workflows=workflows)
        )
        return {run.workflow: self._known(run).view() for run in read}

    def _known(self, read: Run) -> Run:
        """The run as it is in memory, unless that is ahead of the journal with its end."""
        run = self._runs.get(read.ref, read)
        return read if run.uncommitted and run.status in ENDED else run

    async def delete(self, workflow: str, instance: str) -> None:
        run = await self._open(workflow, instance)
        if run.status not in ENDED:
            self._settle(run)
            raise RunState(instance, "be deleted", run.status.value)
        await self._delete(workflow, {run.ref: instance})

    async def live(self, workflow: str) -> int:
        return await self._journal.read(lambda db: queries.live(db, self._names, workflow))

    async def figures(self) -> Figures:
        return Figures(
            workflows=self._tallies,
            live=await self._journal.read(lambda db: queries.live_by_workflow(db, self._names)),
            in_line=self._admission.lengths(),
            loaded=len(self._runs),
            executing=len(self._assigned),
            runners=self._fleet.figures(),
            journal=self._journal.figures(),
        )

    # --- intake -------------------------------------------------------------------------------

    def _check_intake(self, deployment: str | None) -> None:
        if self._journal.unavailable is not None:
            raise JournalUnavailable(self._journal.unavailable)
        if deployment is not None:
            self._check_deployment(deployment)

    # --- rows ---------------------------------------------------------------------------------

    def _write(self, change: Change, done: Callable[[Exception | None], None]) -> None:
        self._journal.write(rows.of_change(change, self._names), done, refusable=change.created)

    async def _flushed(self) -> None:
        written = asyncio.Event()
        self._journal.write([], lambda _: written.set())
        await written.wait()

    def _refused(self, change: Change, error: Exception) -> None:
        super()._refused(change, error)
        if change.is_beside:
            self._spawn(self._begin_anew(change.run.ref))
        elif not change.created:
            failed = Failure("JournalError", f"A row was refused: {error}", code="journal.refused")
            self._to_fail.add(change.run.ref)
            self._spawn(self._fail_anew(change.run.ref, failed))

    async def _fail_anew(self, ref: int, failed: Failure) -> None:
        """End a run as it is recorded. Until then nobody who reads it lets it go on."""
        found = next(iter(await self._insist(partial(self._bring, [ref]))), None)
        parent = None if found is None else found.parent
        if found is not None and self._lacks_parent(found):
            found = await self._insist(partial(self._bring_parent, found))
        if found is not None:
            self._fail(found, failed)
        self._to_fail.discard(ref)
        for run in (found, self._runs.get(parent or 0)):
            if run is not None:
                self._settle(run)

    def _begin(self, run: Run) -> None:
        if run.ref not in self._to_fail:
            super()._begin(run)

    async def _children(self, parent: int) -> Sequence[tuple[str, str, int]]:
        return await self._journal.read(lambda db: queries.children(db, self._names, parent))

    @property
    def _unwritten(self) -> str | None:
        return self._journal.unavailable

    async def _live_of(self, deployment: str) -> Sequence[int]:
        live = partial(queries.live_of_deployment, known=self._names, deployment=deployment)
        return await self._journal.read(live)

    async def _notes(self, run: Run) -> Sequence[Note]:
        if run.uncommitted:
            await self._flushed()
        return await self._journal.read(partial(queries.notes, run=run.ref))

    async def _known_as(self, workflow: str, instance: str) -> Run | None:
        return self._index.get((workflow, instance)) or await self._find(workflow, instance)

    async def _open(self, workflow: str, instance: str) -> Run:
        run = await self._known_as(workflow, instance)
        if run is None:
            raise self._missing(instance)
        return run

    async def _find(self, workflow: str, instance: str) -> Run | None:
        while True:
            with self._fresh.reading() as began:
                run = await self._journal.read(
                    lambda db: queries.find(db, self._names, workflow, instance)
                )
                known = self._index.get((workflow, instance))
                if known is not None or run is None or run.ref in self._deleting:
                    return known
                if not self._fresh.is_stale(run.ref, began):
                    return self._add(run)

    async def _bring(self, refs: Sequence[int]) -> Sequence[Run]:
        """Runs by number; those in memory as they are, the others read, all in memory after."""
        while missing := [ref for ref in refs if ref not in self._runs]:
            with self._fresh.reading() as began:
                read = await self._journal.read(
                    partial(queries.load, known=self._names, refs=missing)
                )
                stale = False
                for run in read:
                    if run.ref in self._runs or run.ref in self._deleting:
                        continue
                    if self._fresh.is_stale(run.ref, began):
                        stale = True
                    else:
                        self._add(run)
            if not stale:
                break
        return [self._runs[ref] for ref in refs if ref in self._runs]

    def _evict(self, run: Run) -> None:
        super()._evict(run)
        self._fresh.left(run.ref)

    # --- runs that are not kept any longer ----------------------------------------------------

    async def _delete(self, workflow: str, gone: Mapping[int, str]) -> None:
        """Delete ended runs, given as instances by number, and all rows of theirs.

        Nobody finds them from here on, though their rows are there for another moment: else they
        could be restarted, and would write rows behind those that go. Raises what the journal
        refused it with.
        """
        for ref in gone:
            if (known := self._runs.get(ref)) is not None:
                self._evict(known)
        self._deleting.update(gone)
        future: asyncio.Future[None] = self._loop.create_future()

        def written(error: Exception | None) -> None:
            for ref, instance in gone.items():
                self._fresh.left(ref)  # who has read it by now reads again
                self._deleting.discard(ref)
                self._tell_watchers(workflow, instance)
            answer(future, error)

        self._journal.write([(rows.Kind.delete, (ref,)) for ref in gone], written)
        await future

    async def _retire(self, now: float) -> None:
        """In small batches, so that nobody waits long for the journal meanwhile."""
        for workflow, kept in list(self._retention.items()):
            expiry = Expiry(self._names, workflow, kept, now)
            while not (expiry.over or self._closed):
                with self._fresh.reading() as began:
                    expired = dict(await self._journal.read(expiry.look))
                    taken = [ref for ref in expired if self._is_taken(ref, began)]
                if self._retention.get(workflow) != kept:
                    break  # the next round goes by what is to be kept now
                for ref in taken:  # they are for the next round
                    del expired[ref]
                if expired:
                    await self._delete(workflow, expired)

    def _is_taken(self, ref: int, began: int) -> bool:
        """Whether somebody else has to do with a run that was read since `began`, or had meanwhile:
        it may be live again."""
        return ref in self._runs or ref in self._deleting or self._fresh.is_stale(ref, began)

    # --- runs that are not in memory ----------------------------------------------------------

    async def _recover(self) -> None:
        """Go on with what was queued or running when the last server ended."""
        await self._ready.wait()
        refs = await self._insist(partial(self._journal.read, queries.to_execute))
        for start in range(0, len(refs), PAGE):
            page = refs[start : start + PAGE]
            # the others are this server's doing
            left = {ref for ref in page if ref not in self._runs}
            for run in await self._insist(partial(self._bring, page)):
                if run.status is not RunStatus.queued or run.assignment:
                    self._settle(run)
                elif run.pause_requested:
                    self._apply(run.pause(self._clock.now()))
                elif run.ref in left and run.started is not None and not run.waiting:
                    self._apply(run.left_over(self._clock.now()))
                else:
                    self._settle(run)
            await self._room()
        # the last server may have ended before it could tell the children of a run
        orphaned = await self._insist(partial(self._journal.read, queries.parents_of_orphans))
        for parent in await self._insist(partial(self._bring, orphaned)):
            await self._end_children(parent.ref, rollback=parent.is_stopping)

    def _parked(self, due: float | None) -> None:
        if due is not None and (self._next_parked is None or due < self._next_parked):
            self._next_parked = due
            self._arm(due)

    def _wake_parked(self, now: float) -> None:
        if self._next_parked is None or self._waking or self._closed:
            return
        if self._next_parked <= now:
            self._waking = True
            self._spawn(self._wake(now))
        else:
            self._arm(self._next_parked)

    def _next_wake(self) -> float:
        return float("inf") if self._next_parked is None else self._next_parked

    async def _wake(self, now: float) -> None:
        try:
            while True:
                self._next_parked = None
                # who left memory before this is in the rows that are read now
                await self._flushed()
                refs, upcoming = await self._journal.read(lambda db: queries.due(db, now, PAGE))
                for run in await self._bring(refs):
                    self._fire(run, now)
                    self._settle(run)
                if upcoming is not None:
                    self._parked(upcoming)
                if not refs:
                    break
                await self._room()
            self._arm(self._next_wake())  # it may have come while this one was awake
        except Exception:
            _log.exception("waking what is due failed; it is tried again")
            self._next_parked = now
        finally:
            self._waking = False
