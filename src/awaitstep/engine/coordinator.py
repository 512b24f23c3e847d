"""What every engine in this process shares: events, timers, and who executes which run.

Owns the runs in memory. An adapter says how a change becomes durable, where a run that is not in
memory comes from, and how to reach the code that executes it. A change is acted on only once it
is durable, and a run leaves memory only when nothing of it is still on its way to the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import structlog

from awaitstep.engine import children
from awaitstep.engine.admission import Admission
from awaitstep.engine.change import Change
from awaitstep.engine.children import child_event
from awaitstep.engine.clock import Clock
from awaitstep.engine.errors import (
    JournalUnavailable,
    NotAChild,
    RunNotFound,
    RunState,
)
from awaitstep.engine.eventlog import Note
from awaitstep.engine.figures import Tallies
from awaitstep.engine.logs import Line
from awaitstep.engine.operations import Event, Operation
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.port import (
    Limits,
    Parent,
    Retention,
    RunView,
)
from awaitstep.engine.resting import Resting
from awaitstep.engine.retry import RetryPolicy
from awaitstep.engine.run import Run
from awaitstep.engine.states import ENDED, RunStatus, StepKind, StepStatus
from awaitstep.engine.timers import Timer, Timers

T = TypeVar("T")
_log = structlog.get_logger("awaitstep.engine")

# A loaded run is cheaper than its replay when it goes on this soon (seconds, and per operation).
KEEP_LOADED: Final = 1.0
REPLAY_COST: Final = 0.0002
# The longest the timer sleeps without looking at the clock: laptops are closed and opened.
LONGEST_NAP: Final = 5.0
# How often ended runs are looked for that are not kept any longer (seconds).
RETIRE_EVERY: Final = 60.0
# What could not be read is read again after this long (seconds).
READ_AGAIN: Final = 5.0
# After this long a child is told again that the journal could not be told of (seconds).
TRY_AGAIN: Final = 0.5
# Children that are ended at once.
CHILDREN_AT_ONCE: Final = 100


class Coordinator(ABC):
    """The shared half of the embedded and the inline engine. Used from one event loop only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._runs: dict[int, Run] = {}
        self._index: dict[tuple[str, str], Run] = {}
        self._assigned: dict[int, Run] = {}
        self._last_assignment = 0
        self._last_event = 0
        self._alarms: list[tuple[float, int]] = []
        self._timer: Timer | None = None
        self._timer_at = float("inf")
        self._swept = clock.now()
        self._closed = False
        self._admission = Admission()
        self._tallies = Tallies()
        self._watchers: tuple[Callable[[str, str], None], ...] = ()
        self._tell_end: Callable[[str, str], None] | None = None
        self._resting = Resting()
        self._retention: dict[str, Retention] = {}
        self._retired = clock.now()
        self._retiring = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ends: dict[int, list[asyncio.Future[None]]] = {}
        self._patience = Timers(self._loop)
        self._held: Counter[int] = Counter()  # runs that stay in memory, by who needs them

    # --- what an adapter provides -------------------------------------------------------------

    @abstractmethod
    async def _open(self, workflow: str, instance: str) -> Run:
        """The run, in memory from now on. Raises RunNotFound."""

    @abstractmethod
    def _write(self, change: Change, done: Callable[[Exception | None], None]) -> None:
        """Make the change durable, then call `done`; in order for one run."""

    @abstractmethod
    def _execute(self, run: Run) -> None:
        """Find code to execute the queued run and call `_give`; now or as soon as there is room."""

    @abstractmethod
    def _deliver(self, run: Run, operation: Operation) -> None: ...

    @abstractmethod
    def _retry(self, run: Run, operation: Operation) -> None: ...

    @abstractmethod
    def _unload(self, run: Run) -> None: ...

    @abstractmethod
    def _freeze(self, run: Run) -> None: ...

    @abstractmethod
    def _thaw(self, run: Run) -> None: ...

    @abstractmethod
    async def _children(self, parent: int) -> Sequence[tuple[str, str, int]]:
        """The live runs that a run started and waits for: workflow, instance, the epoch then."""

    @abstractmethod
    async def _bring(self, refs: Sequence[int]) -> Sequence[Run]:
        """Runs by number, without those that are gone; all of them in memory at once."""

    @abstractmethod
    async def _notes(self, run: Run) -> Sequence[Note]:
        """What the run's event log can't be made from otherwise, in order."""

    async def _flushed(self) -> None:
        """Return once everything written so far is durable."""
        await asyncio.sleep(0)

    @abstractmethod
    async def _retire(self, now: float) -> None:
        """Forget ended runs that are not kept any longer."""

    # not every engine has these to do: one in memory accepts all, and keeps all there

    def _check_intake(self, deployment: str | None) -> None:  # noqa: B027
        """Raise when nothing can be accepted now."""

    def _wake_parked(self, now: float) -> None:  # noqa: B027
        """Wake what is due outside memory."""

    def _parked(self, due: float | None) -> None:  # noqa: B027
        """A run left memory until `due`."""

    @abstractmethod
    async def terminate(
        self, workflow: str, instance: str, *, rollback: bool = False
    ) -> RunView: ...

    # --- runs in memory -----------------------------------------------------------------------

    def _add(self, run: Run) -> Run:
        self._runs[run.ref] = run
        self._index[run.workflow, run.instance] = run
        return run

    def _evict(self, run: Run) -> None:
        if self._runs.pop(run.ref, None) is not None:
            del self._index[run.workflow, run.instance]

    def _give(self, run: Run) -> int:
        """The run is executed from now on; its messages carry the number returned."""
        self._last_assignment += 1
        run.assign(self._last_assignment, self._clock.now())
        self._assigned[run.assignment] = run
        self._tell_watchers(run.workflow, run.instance)
        for operation in run.waiting.values():  # recorded in another life
            if operation.due is not None:
                self._set_alarm(operation.due, run.ref)
        return run.assignment

    def _take(self, run: Run, *, unload: bool = True) -> None:
        """End the assignment: whatever its code still says is fenced off."""
        self._resting.leave(run.ref)
        known = self._assigned.pop(run.assignment, None)
        if known is not None and unload:
            self._unload(run)

    def _apply(
        self, change: Change, done: Callable[[Exception | None], None] | None = None
    ) -> None:
        """Make a change, and what it changes beside, durable; then act on it."""
        changes = (change,) if change.beside is None else (change, change.beside)
        for one in changes:
            for operation in one.operations:
                if operation.due is not None and operation.status is StepStatus.waiting:
                    self._set_alarm(operation.due, one.run.ref)
            one.run.uncommitted += 1

        def committed(error: Exception | None) -> None:
            for one in changes:
                one.run.uncommitted -= 1
                if error is None:
                    self._act(one)
                else:
                    self._refused(one, error)
            if done is not None:
                done(error)
            for one in changes:
                self._settle(one.run)

        self._write(change, committed)

    async def _durable(self, change: Change) -> None:
        """Apply a change and wait until it is durable. Raises what the journal refused it with."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._apply(change, partial(answer, future))
        await future

    def _act(self, change: Change) -> None:
        run = change.run
        self._tell_watchers(run.workflow, run.instance)
        if change.created:
            self._tallies[run.workflow].started += 1
        if run.assignment:
            for operation in change.outcomes:
                if operation.seq:  # not undone by a cancel meanwhile
                    self._deliver(run, operation)
            for operation in change.retries:
                if operation.k in run.inflight:  # not taken back by a pause meanwhile
                    self._retry(run, operation)
        if run.status in ENDED:
            for future in self._ends.pop(run.ref, []):
                resolve(future)

    def _tell_watchers(self, workflow: str, instance: str) -> None:
        for tell in self._watchers:
            tell(workflow, instance)

    def _refused(self, change: Change, error: Exception) -> None:
        """The journal refused these rows: what is in memory is not what is recorded."""
        run = change.run
        self._take(run)
        run.unassign()
        self._evict(run)

    def _settle(self, run: Run) -> None:
        """What follows for a run once nothing of it is on its way to the journal."""
        if run.uncommitted or self._runs.get(run.ref) is not run:
            return  # it is on its way, or left memory: who has read it anew sees to it
        if run.status is RunStatus.queued:
            if not run.assignment and run.pause_requested:
                self._apply(run.pause(self._clock.now()))
            elif not run.assignment:
                self._begin(run)
        elif not run.assignment:
            if self._admission.leave(run):
                self._admit(run.workflow)
            if not self._is_needed(run):
                self._evict(run)

    def _is_needed(self, run: Run) -> bool:
        """Whether the run stays in memory although nothing of it is executed."""
        return run.ref in self._ends or run.ref in self._held

    def _let_go(self, ref: int) -> None:
        """Somebody who held a run in memory needs it no longer."""
        self._held[ref] -= 1
        if not self._held[ref]:
            del self._held[ref]
        if (known := self._runs.get(ref)) is not None:
            self._settle(known)

    def _missing(self, instance: str) -> RunNotFound:
        return RunNotFound(instance)

    # --- who may begin ------------------------------------------------------------------------

    def _begin(self, run: Run) -> None:
        """Execute a queued run, or let it stand in line; a run in line takes no memory."""
        if self._may_begin(run):
            self._execute(run)

    def _may_begin(self, run: Run) -> bool:
        """Whether the run may be executed now; else it stands in line."""
        if self._admission.enter(run, self._clock.now()):
            return True
        self._await_start(run.workflow)
        if not self._is_needed(run):
            self._evict(run)
        return False

    def _admit(self, workflow: str) -> None:
        """Let in who may begin now."""
        now = self._clock.now()
        while (ref := self._admission.next(workflow, now)) is not None:
            self._spawn(self._begin_anew(ref))
        self._await_start(workflow)

    def _await_start(self, workflow: str) -> None:
        at = self._admission.next_start(workflow, self._clock.now())
        if at is not None:
            self._arm(at)

    async def _begin_anew(self, ref: int) -> None:
        for run in await self._insist(partial(self._bring, [ref])):
            self._settle(run)

    def limit(self, workflow: str, limits: Limits, retention: Retention) -> None:
        self._park_resting(lambda run: run.workflow == workflow)
        executed = {run.ref for run in self._assigned.values() if run.workflow == workflow}
        for ref in self._admission.set_limits(workflow, limits, executed):
            self._spawn(self._begin_anew(ref))
        self._admit(workflow)
        if retention == Retention():
            self._retention.pop(workflow, None)
        else:
            self._retention[workflow] = retention
            self._arm(self._clock.now() + LONGEST_NAP)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _insist(self, read: Callable[[], Awaitable[T]]) -> T:
        """What is read, however often that has to be tried: nobody waits here who could be told
        that it failed, and nobody else would do what is to follow."""
        while True:
            try:
                return await read()
            except Exception:
                _log.exception("something could not be read; it is tried again")
            over: asyncio.Future[None] = self._loop.create_future()
            self._clock.call_later(READ_AGAIN, partial(resolve, over))
            await over

    # --- timers -------------------------------------------------------------------------------

    def _set_alarm(self, at: float, ref: int) -> None:
        """Look at a run in memory again at `at`. What is further off is found by the sweep."""
        if at <= self._clock.now() + 2 * LONGEST_NAP:
            heapq.heappush(self._alarms, (at, ref))
            self._arm(at)
        else:
            self._arm(self._clock.now() + LONGEST_NAP)

    def _arm(self, at: float) -> None:
        if at >= self._timer_at or self._closed:
            return
        now = self._clock.now()
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = min(at, now + LONGEST_NAP)
        self._timer = self._clock.call_later(max(self._timer_at - now, 0.0), self._tick)

    def _tick(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        now = self._clock.now()
        due: dict[int, None] = {}
        while self._alarms and self._alarms[0][0] <= now:
            due[heapq.heappop(self._alarms)[1]] = None
        if abs(now - self._swept) >= LONGEST_NAP:
            self._swept = now
            for run in self._runs.values():
                at = run.next_due()
                if at is not None and at <= now:
                    due[run.ref] = None
                elif at is not None and at <= now + 2 * LONGEST_NAP:
                    heapq.heappush(self._alarms, (at, run.ref))
        for ref in due:
            if (fired := self._runs.get(ref)) is not None:
                self._fire(fired, now)
                following = fired.next_due()
                if following is not None and following > now:
                    # the sweep saw only what was due first
                    self._set_alarm(following, ref)
        for workflow in self._admission.counting():
            self._admit(workflow)
        if self._retention and abs(now - self._retired) >= RETIRE_EVERY and not self._retiring:
            self._retired = now
            self._retiring = True
            self._spawn(self._retire_once(now))
        self._wake_parked(now)
        upcoming = self._alarms[0][0] if self._alarms else float("inf")
        self._arm(min(upcoming, now + LONGEST_NAP))

    async def _retire_once(self, now: float) -> None:
        """A round may take longer than the time between two."""
        try:
            await self._retire(now)
        except Exception:
            _log.exception("runs that are not kept could not be deleted now")
        finally:
            self._retiring = False

    def _fire(self, run: Run, now: float) -> None:
        change = run.fire(now)
        if not change:
            return
        if not run.assignment and run.status is RunStatus.waiting:
            run.wake()
            change.save_run = True
        if change.save_run or change.operations or run.uncommitted:
            self._apply(change)  # an attempt never begins before it is on disk how the last ended
        else:
            self._act(change)

    # --- what executing code says; a wrong or old assignment is nobody's -----------------------

    def attempt_started(
        self, assignment: int, k: int, name: str, n: int, attempt: int, policy: RetryPolicy
    ) -> None:
        run = self._assigned.get(assignment)
        if run is not None:
            run.attempt_started(k, name, n, attempt, policy, self._clock.now())
            self._tell_watchers(run.workflow, run.instance)

    def attempt_succeeded(
        self, assignment: int, k: int, value: bytes, log: Sequence[Line] = ()
    ) -> None:
        run = self._assigned.get(assignment)
        if run is not None:
            change = run.attempt_succeeded(k, value, self._clock.now(), log)
            if change is not None:
                self._tallies[run.workflow].attempts_succeeded += 1
                self._apply(change)
                self._check_pause(run)

    def attempt_failed(
        self,
        assignment: int,
        k: int,
        failure: Failure,
        retryable: bool,
        log: Sequence[Line] = (),
    ) -> None:
        run = self._assigned.get(assignment)
        if run is not None:
            change = run.attempt_failed(k, failure, retryable, self._clock.now(), log)
            if change is not None:
                tally = self._tallies[run.workflow]
                tally.attempts_failed += 1
                tally.steps_errored += len(change.outcomes)
                self._apply(change)
                self._check_pause(run)

    def sleep(
        self, assignment: int, k: int, kind: StepKind, name: str, n: int, seconds: float
    ) -> None:
        run = self._assigned.get(assignment)
        if run is not None:
            now = self._clock.now()
            due = now + seconds if kind is StepKind.sleep else seconds
            change = run.sleep(k, kind, name, n, due, now)
            if change is not None:
                self._apply(change)

    def wait_for(
        self, assignment: int, k: int, name: str, n: int, event_type: str, timeout: float
    ) -> None:
        run = self._assigned.get(assignment)
        if run is not None:
            now = self._clock.now()
            change = run.wait(k, name, n, event_type, now + timeout, now)
            if change is not None:
                self._apply(change)

    def cancel(self, assignment: int, k: int, seen: int) -> None:
        run = self._assigned.get(assignment)
        if run is not None:
            change = run.cancel(k, seen, self._clock.now())
            if change is not None:
                self._apply(change)

    def blocked(self, assignment: int, seen: int) -> None:
        run = self._assigned.get(assignment)
        if run is None or run.pause_requested or run.frozen or not run.blocked(seen):
            return  # a run that is being paused is taken once its code has frozen
        self._tell_watchers(run.workflow, run.instance)
        due = run.next_due()
        keep = KEEP_LOADED + REPLAY_COST * len(run.operations)
        if due is not None and due - self._clock.now() <= keep:
            return
        if self._may_rest(run):
            for ref in self._resting.rest(run.ref, len(run.operations), run.results):
                self._park(self._runs[ref])
        else:
            self._park(run)

    def _may_rest(self, run: Run) -> bool:
        """Whether a run may stay loaded while it waits: it is in nobody's way."""
        return not self._admission.is_limited(run.workflow)

    def _park(self, run: Run) -> None:
        """Unload a run that is idle."""
        if run.idle and run.assignment and not run.pause_requested and not run.frozen:
            due = run.next_due()
            self._take(run)
            self._apply(run.park())
            self._parked(due)

    def _park_resting(self, wanted: Callable[[Run], bool]) -> None:
        for run in [self._runs[ref] for ref in self._resting.all()]:
            if wanted(run):
                self._park(run)

    def failing(self, assignment: int, failure: Failure) -> None:
        run = self._assigned.get(assignment)
        if run is None:
            return
        change = run.failing(failure, self._clock.now())
        if change is not None:
            self._apply(change, lambda error: None if error else self._spawn_end_children(run))

    def ended(
        self,
        assignment: int,
        output: bytes | None,
        failure: Failure | None,
        seen: int | None = None,
    ) -> None:
        run = self._assigned.get(assignment)
        if run is None:
            return
        if self._lacks_parent(run):
            self._with_parent(run, lambda _: self.ended(assignment, output, failure, seen))
            return
        missed_stop = run.missed_stop(seen)
        self._take(run, unload=False)
        if missed_stop:  # it is executed again up to there, and rolled back
            run.unassign()
            self._settle(run)
            return
        self._apply(self._told(run.end(output, failure, self._clock.now())))
        if run.status is RunStatus.terminated:
            self._spawn_end_children(run)

    def frozen(self, assignment: int) -> None:
        """Nothing new starts in this run's code any more."""
        run = self._assigned.get(assignment)
        if run is None or not run.freezes:
            return
        run.freezes -= 1
        if run.freezes:
            return  # it went on after this one, and is to freeze again
        if self._held_back(run):
            run.froze()
            self._check_pause(run)
        else:  # why it was to freeze is over, and perhaps nobody has told it
            self._let_start(run)

    def _hold(self, run: Run) -> None:
        """Let the run's code start nothing new; it answers by `frozen`."""
        run.freezes += 1
        self._freeze(run)

    def _held_back(self, run: Run) -> bool:
        """Whether the run's code is to start nothing new."""
        return run.pause_requested

    def _check_pause(self, run: Run) -> None:
        if run.pause_requested and run.frozen and not run.busy:
            self._take(run)
            self._apply(run.pause(self._clock.now()))

    def _let_start(self, run: Run) -> None:
        """The code of a run may start things again, unless it is to leave where it is executed."""
        if run.assignment and not self._held_back(run):
            run.frozen = False
            self._thaw(run)

    # --- parents and children -----------------------------------------------------------------

    def _adopt(self, run: Run, parent: Parent | None) -> None:
        """Note whose child a new run is. Raises RunState when nobody waits for it any more."""
        if parent is None:
            return
        known = self._index.get((parent.workflow, parent.instance))
        if known is None or known.status in ENDED or known.epoch != parent.epoch:
            status = "gone" if known is None else known.status.value
            raise RunState(parent.instance, "start another run", status)
        if known.is_stopping:
            raise RunState(parent.instance, "start another run", "being rolled back")
        run.parent, run.parent_epoch = known.ref, known.epoch
        run.parent_key = known.workflow, known.instance

    def _check_parent(self, known: Run, parent: Parent | None) -> None:
        """Raise NotAChild when a step finds another's run under the id of its child: it would wait
        for an end that it is never told."""
        if parent is None:
            return
        wanting = self._index.get((parent.workflow, parent.instance))
        if wanting is None or known.parent != wanting.ref:
            raise NotAChild(known.instance)

    def _free(self, run: Run) -> bool:
        """Whether a restarted run, which nobody waits for any more, is on its own from now on."""
        parent = None if run.parent is None else self._runs.get(run.parent)
        if parent is None or children.still_wanted(parent, run.instance, run.parent_epoch):
            return False
        run.parent = None
        self._loop.call_soon(self._settle, parent)
        return True

    def _lacks_parent(self, run: Run) -> bool:
        """Whether the run can't end yet, for its parent has to hear of it in the same write."""
        return run.parent is not None and run.parent not in self._runs

    def _told(self, change: Change) -> Change:
        """The change that ends a run, and beside it what its parent, if any, hears of it."""
        child = change.run
        self._tallies[child.workflow].end(child.status)
        if self._tell_end is not None:
            self._tell_end(child.workflow, child.instance)
        parent = None if child.parent is None else self._runs.get(child.parent)
        if parent is None:
            return change
        if children.is_known(parent, child.instance, child.parent_epoch):
            type, payload = child_event(child.instance), children.outcome(child)
            change.beside = self._heard(parent, type, payload, parent.hear)
            change.beside.is_beside = True
        else:
            self._loop.call_soon(self._settle, parent)  # it was perhaps read for this alone
        return change

    def _heard(
        self, run: Run, type: str, payload: bytes, take: Callable[[Event, float], Change]
    ) -> Change:
        """An event reaches a run. Raises what `take` raises."""
        now = self._clock.now()
        self._last_event += 1
        change = take(Event(self._last_event, type, payload, now), now)
        if change.outcomes and run.status is RunStatus.waiting:
            run.wake()
            change.save_run = True
        return change

    async def _open_beside_parent(self, workflow: str, instance: str) -> Run:
        """The run, its parent in memory too. Raises RunNotFound."""
        while True:
            run = await self._open(workflow, instance)
            if not self._lacks_parent(run):
                return run
            await self._bring_parent(run)

    async def _bring_parent(self, run: Run) -> Run | None:
        """The run as it is in memory now, with its parent; None when it was deleted meanwhile."""
        ref, parent = run.ref, run.parent or 0
        both = {run.ref: run for run in await self._bring([ref, parent])}
        if ref in both and parent not in both:
            both[ref].parent = None  # it was deleted
        return both.get(ref)

    def _with_parent(self, run: Run, then: Callable[[Run], None]) -> None:
        """Call `then` with the run once its parent is in memory too."""
        self._spawn(self._once_beside_parent(run, then))

    async def _once_beside_parent(self, run: Run, then: Callable[[Run], None]) -> None:
        found = await self._insist(partial(self._bring_parent, run))
        parent = run.parent
        if found is not None:
            then(found)
            self._settle(found)
        if parent is not None and parent in self._runs:
            self._settle(self._runs[parent])

    def _spawn_end_children(self, parent: Run) -> None:
        self._spawn(self._end_children(parent.ref, rollback=parent.is_stopping))

    async def _end_children(self, parent: int, *, rollback: bool = False) -> None:
        """Terminate what nobody waits for any more: the parent was terminated or restarted.

        With `rollback`, because it is rolled back: all its children are, and undone themselves.
        What the parent was told is done already: when its children can't be read now, they are
        told later.
        """
        # each of them looks at its parent: that is read once, not once for each
        self._held[parent] += 1
        try:
            try:
                unwanted = await self._unwanted_children(parent, rollback)
            except Exception:
                _log.exception("the children of a run could not be read; it is tried again")
                self._spawn(self._end_children_later(parent, rollback))
                return
            for start in range(0, len(unwanted), CHILDREN_AT_ONCE):
                some = unwanted[start : start + CHILDREN_AT_ONCE]
                await asyncio.gather(*(self._end_child(*child, rollback) for child in some))
        finally:
            self._let_go(parent)

    async def _end_children_later(self, parent: int, rollback: bool) -> None:
        await asyncio.sleep(TRY_AGAIN)
        await self._end_children(parent, rollback=rollback)

    async def _unwanted_children(self, ref: int, rollback: bool) -> Sequence[tuple[str, str]]:
        """Those whom the parent, as it is now, does not wait for: it may have been restarted since
        somebody asked, and be another object in memory, or be deleted."""
        found = await self._children(ref)
        parent = next(iter(await self._bring([ref])), None) if found else None
        return [
            (workflow, instance)
            for workflow, instance, epoch in found
            if parent is None
            or (rollback and parent.is_stopping)
            or not children.still_wanted(parent, instance, epoch)
        ]

    async def _end_child(self, workflow: str, instance: str, rollback: bool) -> None:
        with contextlib.suppress(RunNotFound, RunState):  # it ended by itself
            try:
                await self.terminate(workflow, instance, rollback=rollback)
            except JournalUnavailable:  # nobody else would tell it, and its parent may wait for it
                self._spawn(self._end_child_later(workflow, instance, rollback))

    async def _end_child_later(self, workflow: str, instance: str, rollback: bool) -> None:
        await asyncio.sleep(TRY_AGAIN)
        await self._end_child(workflow, instance, rollback)


def answer(future: asyncio.Future[None], error: Exception | None) -> None:
    """End what somebody waits for with the journal's word, unless they have left."""
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def resolve(future: asyncio.Future[None]) -> None:
    """Let whoever waits go on, unless they have left."""
    if not future.done():
        future.set_result(None)
