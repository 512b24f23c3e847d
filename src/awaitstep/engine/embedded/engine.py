"""The embedded engine: the journal in this process, the code of runs in runner processes.

Adds to the shared coordinator what is its own: rows instead of memory, runners instead of tasks.
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

from awaitstep.engine import cursors, messages
from awaitstep.engine.change import Change
from awaitstep.engine.clock import Clock, SystemClock
from awaitstep.engine.coordinator import Coordinator, answer
from awaitstep.engine.embedded import listing, queries, rows
from awaitstep.engine.embedded.blame import MOST_AT_ONCE, Blame, Unit
from awaitstep.engine.embedded.casualties import Casualties
from awaitstep.engine.embedded.expiry import Expiry
from awaitstep.engine.embedded.fleet import IDLE_AFTER, RUNNER, Fleet, Group, Place, Slot
from awaitstep.engine.embedded.freshness import Freshness
from awaitstep.engine.embedded.hearing import Heard, Hearing
from awaitstep.engine.embedded.journal import Journal
from awaitstep.engine.embedded.prints import Prints
from awaitstep.engine.embedded.process import Exit
from awaitstep.engine.embedded.requests import Requests
from awaitstep.engine.errors import (
    DeploymentCrashed,
    DeploymentMissing,
    EngineError,
    EnvironmentMissing,
    InstanceTaken,
    JournalUnavailable,
    RunnerUnavailable,
    RunState,
)
from awaitstep.engine.eventlog import Note
from awaitstep.engine.figures import Figures
from awaitstep.engine.operations import Operation
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.port import (
    Created,
    Parent,
    RunPage,
    RunQuery,
    RunView,
    StartRun,
)
from awaitstep.engine.recorded import fitting, recorded
from awaitstep.engine.run import Run
from awaitstep.engine.states import ENDED, RunStatus, StepStatus
from awaitstep.engine.workers import (
    Bundle,
    Bundles,
    RunnerHealth,
    WorkerRequest,
    WorkerResponse,
)

_log = structlog.get_logger("awaitstep.engine")
# Runs read back per turn at start and when many are due, and how many may be loaded by that.
PAGE: Final = 500
MOST_LOADED: Final = 10_000
# How much is read of the journal for one page of a list, in pages: what is loaded may be in another
# state than its row says.
MOST_PAGES: Final = 20
READY_TIMEOUT: Final = 10.0


class Embedded(Coordinator):
    """Durable runs on one machine. Make it with `open`."""

    def __init__(
        self, journal: Journal, bundles: Bundles, place: Place, clock: Clock, runners: int
    ) -> None:
        super().__init__(clock)
        self._journal = journal
        self._bundles = bundles
        self._names = rows.Names([])
        self._last_ref = 0
        self._bundle: dict[str, Bundle] = {}
        self._forgotten = 0  # how often a deployment was
        self._unread: dict[str, dict[int, None]] = {}  # deployment -> the runs that wait for it
        self._fleet = Fleet(place, self, runners)
        self._slots: dict[int, Slot] = {}  # assignment -> runner
        self._requests = Requests(self, bundles)
        self._ready = asyncio.Event()
        self._next_parked: float | None = None
        self._waking = False
        self._fresh = Freshness()
        self._deleting: set[int] = set()  # runs whose rows are about to go
        self._blame = Blame()
        self._crashed: dict[str, str] = {}
        self._isolation: str | None = "no runner has answered yet"
        self._prints = Prints(self)
        self.on_answer = self._requests.on_answer
        beside: dict[type, Heard] = {
            messages.Answer: self.on_answer,
            messages.Call: lambda slot, call: self._spawn(self._requests.on_call(slot, call)),
            messages.Printed: self._prints.heard,
        }
        self.on_message = Hearing(self, beside).on_message

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

    # --- the Workers port ---------------------------------------------------------------------

    async def fetch(self, deployment: str, request: WorkerRequest) -> WorkerResponse:
        """See `Workers.fetch`."""
        self._check_deployment(deployment)
        bundle = self._bundle.get(deployment) or await self._learn(deployment)
        slot = self._slot_now(bundle) or await self._slot_later(bundle)
        try:
            return await self._requests.fetch(slot, bundle, request)
        finally:
            if slot.alone:
                self._freed(slot)
            if slot.retiring:
                self._check_drained(slot)

    def crashed(self, deployment: str) -> str | None:
        return self._crashed.get(deployment)

    def health(self) -> RunnerHealth:
        ready = [slot for slot in self._fleet.slots if slot.ready]
        return RunnerHealth(
            # one set of packages says nothing about the others
            ready=any(slot.group.environment is None for slot in ready),
            runners=len(ready),
            isolated=self._isolation is None,
            isolation=self._isolation or "",
            unwritten=self._journal.unavailable,
        )

    def forget(self, deployment: str) -> None:
        """Read the deployment anew when it is next needed: its variables may have changed."""
        self._bundle.pop(deployment, None)
        self._forgotten += 1
        for slot in self._fleet.slots:
            slot.known.discard(deployment)
        self._park_resting(lambda run: run.deployment == deployment)

    def _slot_now(self, bundle: Bundle) -> Slot | None:
        """A runner that can answer a request now."""
        group = self._fleet.group(bundle.environment)
        if self._answers_alone(bundle.deployment):
            return self._fleet.pick_alone(group)
        return self._fleet.pick(group)

    async def _slot_later(self, bundle: Bundle) -> Slot:
        deployment, fleet = bundle.deployment, self._fleet
        asked: Group | None = None
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                while True:
                    self._check_deployment(deployment)
                    if asked is None and self._answers_alone(deployment):
                        asked = fleet.group(bundle.environment)
                        asked.asking += 1
                        self._make_room(asked)
                    slot = self._slot_now(bundle)
                    if slot is not None:
                        return slot
                    self._ready.clear()
                    await self._ready.wait()
        except TimeoutError:
            why = fleet.group(bundle.environment).problem
            raise RunnerUnavailable if why is None else EnvironmentMissing(why) from None
        finally:
            if asked is not None:
                asked.asking -= 1

    # --- intake -------------------------------------------------------------------------------

    def _check_intake(self, deployment: str | None) -> None:
        if self._journal.unavailable is not None:
            raise JournalUnavailable(self._journal.unavailable)
        if deployment is not None:
            self._check_deployment(deployment)

    def _check_deployment(self, deployment: str) -> None:
        why = self._crashed.get(deployment)
        if why is not None:
            raise DeploymentCrashed(why)

    async def _learn(self, deployment: str) -> Bundle:
        while True:
            forgotten = self._forgotten
            bundle = await self._bundles.bundle(deployment)
            if forgotten == self._forgotten:  # else it may be the one of before
                self._bundle[deployment] = bundle
                return bundle

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
            self._spawn(self._fail_anew(change.run.ref, failed))

    async def _fail_anew(self, ref: int, failed: Failure) -> None:
        for run in await self._insist(partial(self._bring, [ref])):
            self._fail(run, failed)
            self._settle(run)

    async def _children(self, parent: int) -> Sequence[tuple[str, str, int]]:
        return await self._journal.read(lambda db: queries.children(db, self._names, parent))

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
            for run in await self._insist(partial(self._bring, refs[start : start + PAGE])):
                if run.pause_requested and run.status is RunStatus.queued:
                    self._apply(run.pause(self._clock.now()))
                else:
                    self._settle(run)
            await self._room()
        # the last server may have ended before it could tell the children of a run
        orphaned = await self._insist(partial(self._journal.read, queries.parents_of_orphans))
        for parent in await self._insist(partial(self._bring, orphaned)):
            await self._end_children(parent.ref, rollback=parent.is_stopping)

    async def _room(self) -> None:
        while len(self._runs) > MOST_LOADED:
            await self._flushed()
            await asyncio.sleep(0.01)

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

    # --- runners ------------------------------------------------------------------------------

    def _execute(self, run: Run) -> None:
        why = self._crashed.get(run.deployment)
        if why is not None:
            self._fail(run, Failure("RunnerCrashed", why, code="runner.crashed"))
            return
        bundle = self._bundle.get(run.deployment)
        if bundle is None:
            self._execute_later(run)
            return
        group = self._fleet.group(bundle.environment)
        if self._is_suspect(run):
            group.suspects.append(run.ref)
            self._place_alone(group)
            return
        slot = self._fleet.pick(group)
        if slot is None:
            group.unplaced[run.ref] = None
            if group.environment is not None and not self._is_needed(run):
                self._evict(run)  # they may be many, and wait for long: others need the room
            return
        self._start(run, bundle, slot)

    def _execute_later(self, run: Run) -> None:
        """Execute a queued run once its deployment is read, which is done once for all its runs."""
        waiting = self._unread.get(run.deployment)
        if waiting is not None:
            waiting[run.ref] = None
            return
        self._unread[run.deployment] = {run.ref: None}
        self._spawn(self._execute_unread(run.deployment))

    async def _execute_unread(self, deployment: str) -> None:
        missing = await self._insist(partial(self._miss, deployment))
        waiting = self._unread.pop(deployment)
        # by number: they may have been paused meanwhile, have left memory, and been read anew
        for run in [self._runs[ref] for ref in waiting if ref in self._runs]:
            if missing is None:
                self._settle(run)
            elif run.status is RunStatus.queued and run.deployment == deployment:
                self._fail(run, missing)

    async def _miss(self, deployment: str) -> Failure | None:
        """Learn what a deployment is; what its runs end with when there is none."""
        try:
            await self._learn(deployment)
        except DeploymentMissing as error:
            return Failure("DeploymentMissing", str(error), code=error.code)
        return None

    def _loads_alone(self, deployment: str) -> bool:
        return self._blame.suspects_load(deployment)

    def _answers_alone(self, deployment: str) -> bool:
        now = self._clock.now()
        return self._blame.suspects_fetch(deployment, now) or self._loads_alone(deployment)

    def _place_alone(self, group: Group) -> None:
        """Give the next suspects the runner for suspects, as far as that is free."""
        suspects = group.suspects
        while suspects and not group.asking:
            run = self._runs.get(suspects[0])
            if run is None or run.assignment or run.status is not RunStatus.queued:
                suspects.popleft()
                continue
            bundle = self._bundle.get(run.deployment)
            lacks = run.uncommitted or run.deployment in self._crashed
            if bundle is None or lacks or not self._is_suspect(run):
                suspects.popleft()
                self._settle(run)  # a suspect comes back here once what it lacks is there
                continue
            slot = self._fleet.pick_alone(group, self._at_once(group, run))
            if slot is None:
                break
            suspects.popleft()
            self._start(run, bundle, slot)
        if suspects or group.asking:
            self._make_room(group)

    def _at_once(self, group: Group, run: Run) -> int:
        """How many runs may be in the runner for suspects once this one is."""
        there = [] if group.alone is None else group.alone.assignments
        for other in (run, *(self._assigned[assignment] for assignment in there)):
            if self._blame.isolates(other.ref) or self._loads_alone(other.deployment):
                return 1
        return group.at_once

    def _make_room(self, group: Group) -> None:
        """Who went well leaves the runner for suspects to those who wait for it."""
        for slot in self._fleet.slots:
            if slot.alone and slot.group is group:
                for assignment in slot.assignments:
                    run = self._assigned[assignment]
                    if not run.frozen and self._may_leave(run, slot):
                        self._hold(run)

    def _may_leave(self, run: Run, slot: Slot) -> bool:
        """Whether the run is to go on in another runner, as soon as nothing of it executes."""
        if slot.alone and not slot.retiring:
            return not self._is_suspect(run) and bool(slot.group.suspects or slot.group.asking)
        return slot.retiring

    def _is_suspect(self, run: Run) -> bool:
        return self._blame.suspects(run.ref) or self._loads_alone(run.deployment)

    def _start(self, run: Run, bundle: Bundle, slot: Slot) -> None:
        slot.tell(bundle)
        assignment = self._give(run)
        slot.assignments.add(assignment)
        self._slots[assignment] = slot
        rest = recorded(run) if run.operations else []
        while len(rest) > (size := fitting(rest)):
            slot.send(messages.History(assignment, rest[:size]))
            rest = rest[size:]
        slot.send(
            messages.Start(
                assignment,
                run.deployment,
                run.instance,
                run.created,
                run.params,
                rest,
                slot.alone,
                run.epoch,
            )
        )
        if run.operations:
            self._fire(run, self._clock.now())

    def _take(self, run: Run, *, unload: bool = True) -> None:
        assignment = run.assignment
        super()._take(run, unload=unload)
        slot = self._slots.pop(assignment, None)
        if slot is not None:
            slot.assignments.discard(assignment)
            if slot.alone:
                self._freed(slot)
            elif slot.retiring:
                self._check_drained(slot)

    def _may_rest(self, run: Run) -> bool:
        slot = self._slots[run.assignment]
        # the runner for suspects is wanted by others, one with packages ends when nothing uses it
        if slot.alone or slot.retiring or slot.group.environment is not None:
            return False
        return super()._may_rest(run)

    def went_well(self, slot: Slot, run: Run) -> None:
        """An attempt of the run has ended, and its runner with it not."""
        self._clear(run, slot)
        if slot.alone and (slot.group.suspects or slot.group.asking):
            self._make_room(slot.group)

    def ended(
        self,
        assignment: int,
        output: bytes | None,
        failure: Failure | None,
        seen: int | None = None,
    ) -> None:
        run = self._assigned.get(assignment)
        if run is not None:
            self._clear(run, self._slots[assignment])
        super().ended(assignment, output, failure, seen)

    def _clear(self, run: Run, slot: Slot) -> None:
        """It has proven itself, and makes the suspects after it less suspicious."""
        if slot.alone and self._blame.suspects(run.ref):
            slot.group.at_once = min(slot.group.at_once + 1, MOST_AT_ONCE)
        self._blame.clear_run(run.ref)

    def _freed(self, slot: Slot) -> None:
        """The runner for suspects has nothing to do; a request goes before a run."""
        self._ready.set()
        self._place_alone(slot.group)

    def _deliver(self, run: Run, operation: Operation) -> None:
        ok = operation.status is StepStatus.complete
        own = ok and operation.kind == 0  # the runner still has what it sent
        self._slots[run.assignment].send(
            messages.Outcome(
                run.assignment, operation.seq, operation.k, ok, None if own else operation.value
            )
        )

    def _retry(self, run: Run, operation: Operation) -> None:
        self._slots[run.assignment].send(messages.Retry(run.assignment, operation.k))

    def _unload(self, run: Run) -> None:
        self._slots[run.assignment].send(messages.Unload(run.assignment))

    def _freeze(self, run: Run) -> None:
        self._slots[run.assignment].send(messages.Freeze(run.assignment))

    def _thaw(self, run: Run) -> None:
        self._slots[run.assignment].send(messages.Thaw(run.assignment))

    def on_ready(self, slot: Slot) -> None:
        self._isolation = slot.isolation
        self._ready.set()
        self._place_unplaced(slot.group)
        self._place_alone(slot.group)

    def _place_unplaced(self, group: Group) -> None:
        waiting, group.unplaced = list(group.unplaced), {}
        if group.environment is not None and waiting and not self._closed:
            self._spawn(self._place_waiting(waiting))
            return
        for ref in waiting:
            if (run := self._runs.get(ref)) is not None:
                self._settle(run)

    async def _place_waiting(self, refs: Sequence[int]) -> None:
        """Execute runs that left memory while there was no runner for their packages."""
        for start in range(0, len(refs), PAGE):
            page = refs[start : start + PAGE]
            for run in await self._insist(partial(self._bring, page)):
                self._settle(run)
            await self._room()

    def on_loaded(self, slot: Slot, deployment: str) -> None:
        self._blame.clear(Unit("load", deployment))

    def on_retiring(self, slot: Slot) -> None:
        """Nothing new starts there; what has ended moves on, and the rest may end."""
        for assignment in slot.assignments:
            self._hold(self._assigned[assignment])
        self._check_drained(slot)

    def _held_back(self, run: Run) -> bool:
        slot = self._slots[run.assignment]
        return run.pause_requested or self._may_leave(run, slot)

    def _check_pause(self, run: Run) -> None:
        super()._check_pause(run)
        slot = self._slots.get(run.assignment)
        if slot is None or not (slot.retiring or slot.alone):
            return
        if run.frozen and not run.busy and not run.pause_requested:
            self.lost(run, unload=True)
        if slot.retiring:
            self._check_drained(slot)

    def _check_drained(self, slot: Slot) -> None:
        busy = any(self._assigned[assignment].busy for assignment in slot.assignments)
        if not busy and not slot.fetches:
            self._fleet.kill(slot)

    def on_death(self, slot: Slot, exit: Exit) -> None:
        """Decide who is charged, and let everything else go on as if nothing had happened."""
        if slot.alone:
            slot.group.at_once = 1
        Casualties(self, self._blame, slot, exit).treat()
        self._ready.set()
        self._place_alone(slot.group)

    async def restore(self, environment: Path) -> None:
        """Raises EnvironmentMissing."""
        await self._bundles.restore(environment)

    def is_assigned(self, assignment: int) -> bool:
        return assignment in self._assigned

    def bundle_of(self, deployment: str) -> Bundle:
        """Raises KeyError when nobody has asked for the deployment yet."""
        return self._bundle[deployment]

    def assigned(self, assignment: int) -> Run:
        return self._assigned[assignment]

    def worker(self, deployment: str) -> str:
        """Its name, as far as it is known."""
        bundle = self._bundle.get(deployment)
        return "" if bundle is None else bundle.workflow_name

    def now(self) -> float:
        return self._clock.now()

    def lost(self, run: Run, *, unload: bool = False) -> None:
        """The runner that executed the run is gone, or is to let go of it (`unload`): it is
        executed again."""
        if run.assignment:
            self._take(run, unload=unload)
            run.unassign()
            if run.pause_requested:
                self._apply(run.pause(self._clock.now()))
            self._settle(run)

    # --- endings that are not the code's ------------------------------------------------------

    def _fail(self, run: Run, failed: Failure) -> None:
        if run.status in ENDED:
            return
        if self._lacks_parent(run):
            self._with_parent(run, lambda run: self._fail(run, failed))
            return
        self._take(run)
        self._apply(self._told(run.fail(failed, self._clock.now())))

    def close_deployment(self, deployment: str, why: str) -> None:
        """Too many deaths: intake says so, and its runs end."""
        _log.error("a deployment brought its runner down too often", deployment=deployment, why=why)
        self._crashed[deployment] = why
        self._spawn(self._fail_all(deployment, why))

    async def _fail_all(self, deployment: str, why: str) -> None:
        failed = Failure("RunnerCrashed", why, code="runner.crashed")
        await self._flushed()
        live = partial(queries.live_of_deployment, known=self._names, deployment=deployment)
        refs = await self._insist(partial(self._journal.read, live))
        for start in range(0, len(refs), PAGE):
            for run in await self._insist(partial(self._bring, refs[start : start + PAGE])):
                self._fail(run, failed)
                self._settle(run)
            await self._room()
