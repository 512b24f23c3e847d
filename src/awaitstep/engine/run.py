"""One run: its durable operations, and every decision about them.

Pure: no I/O, no clock, no asyncio. Each method takes `now`, changes the run in memory and returns
a `Change`: what must be journaled, and what the run's code may learn once that is durable. Every
adapter drives this one class, so the semantics exist once.

Two numbers order a run. `k` counts what the code asked for (the runner chooses it); `seq` counts
outcomes, in the order they were committed, which is the order a replay delivers them in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from awaitstep.engine import arrivals, eventlog, logs, outcomes, values
from awaitstep.engine.errors import RunState, StepNotFound
from awaitstep.engine.eventlog import Note, NoteKind
from awaitstep.engine.logs import Line
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.port import AttemptView, Onto, Parent, RunView, StepView
from awaitstep.engine.retry import DEFAULT, RetryPolicy, delay_after
from awaitstep.engine.rollback import is_handler
from awaitstep.engine.states import ENDED, STOP, Cause, RunStatus, StepKind, StepStatus, move

_RUNNING, _WAITING = StepStatus.running, StepStatus.waiting
_COMPLETE, _ERRORED, _CANCELLED = StepStatus.complete, StepStatus.errored, StepStatus.cancelled


# The event that tells a run of the end of one that it started; nobody else may send it.
_CHILD_EVENT = re.compile(r"child-([0-9a-f]{32})")
# What no operation took and none will.
_FORGOTTEN = -1


def child_event(child: str) -> str:
    """The type of the event that tells a run of its child's end."""
    return f"child-{child}"


def child_told_of(event_type: str) -> str | None:
    """The child whose end an event of this type tells, None for all other events."""
    told = _CHILD_EVENT.fullmatch(event_type)
    return None if told is None else told[1]


class Attempt:
    """One ended try of a step, and what it printed. `delay`: seconds until the next was to follow."""

    __slots__ = ("delay", "ended", "failure", "log", "started")

    def __init__(
        self,
        started: float,
        ended: float,
        failure: Failure | None,
        log: Sequence[Line] = (),
        delay: float | None = None,
    ) -> None:
        self.started = started
        self.ended = ended
        self.failure = failure
        self.log = log
        self.delay = delay


class Operation:
    """One durable operation: a step, a sleep or a wait. Its key is (kind, name, n)."""

    __slots__ = (
        "after", "attempts", "due", "ended", "event", "event_type", "k", "kind", "n",
        "name", "policy", "released", "rest", "seq", "started", "status", "value",
    )  # fmt: skip

    def __init__(self, k: int, kind: StepKind, name: str, n: int, after: int, now: float) -> None:
        self.k = k
        self.kind = kind
        self.name = name
        self.n = n
        self.after = after  # the last outcome when it was asked for
        self.seq = 0  # of its outcome; 0 while it has none
        self.status = _RUNNING
        self.started = now
        self.ended: float | None = None
        self.value: bytes | None = None  # journal form of the result, or a packed Failure
        self.attempts: list[Attempt] = []
        self.policy: RetryPolicy = DEFAULT
        self.due: float | None = None
        self.rest: float | None = None  # what a paused sleep still has to go
        self.event_type: str | None = None
        self.event: int | None = None  # the event it took
        self.released = False  # told to try again, and not yet heard to

    def taken(self) -> Event:
        """The event that a wait took, as it was before."""
        type, payload, at = arrivals.unpack(self.value or b"")
        return Event(self.event or 0, type, payload, at)


class Event:
    """A buffered event. `seq` is its place in the journal's one order of events."""

    __slots__ = ("at", "payload", "seq", "type")

    def __init__(self, seq: int, type: str, payload: bytes, at: float) -> None:
        self.seq = seq
        self.type = type
        self.payload = payload
        self.at = at


class Change:
    """What one decision changed; nothing of it may be acted on before it is durable."""

    __slots__ = (
        "added", "beside", "created", "deleted", "dropped", "freed", "is_beside", "moved", "notes", "operations", "outcomes",
        "retries", "returned", "run", "save_run", "taken",
    )  # fmt: skip

    def __init__(self, run: Run) -> None:
        self.run = run
        self.created = False
        self.deleted = False
        self.moved = False  # to another deployment
        self.freed = False  # it is nobody's child any more
        self.save_run = False
        self.operations: list[Operation] = []  # to write
        self.outcomes: list[Operation] = []  # to deliver, in order
        # rare ones: empty until something is added
        self.dropped: Sequence[int] = ()  # operations to forget, by k
        self.added: Sequence[Event] = ()
        self.taken: Sequence[tuple[int, int]] = ()  # (event, k)
        self.returned: Sequence[int] = ()  # events that are unread again
        self.retries: Sequence[Operation] = ()  # to try again
        self.notes: Sequence[Note] = ()  # for the event log
        self.beside: Change | None = None  # of another run, in the same write
        self.is_beside = False

    def __bool__(self) -> bool:
        return bool(self.save_run or self.operations or self.dropped or self.added or self.retries)


class Run:
    """The state of one run in memory. Fields are read freely; only methods change them."""

    __slots__ = (
        "assignment", "created", "deployment", "ended", "epoch", "events", "failure", "frozen",
        "generated", "idle", "inflight", "instance", "latest", "operations", "output", "params",
        "parent", "parent_epoch", "parent_key", "pause_requested", "priority", "ref", "results", "seq", "started", "status", "stop_unheard",
        "trigger", "uncommitted", "version", "waiting", "workflow",
    )  # fmt: skip

    def __init__(
        self,
        ref: int,
        workflow: str,
        instance: str,
        deployment: str,
        *,
        version: str,
        trigger: str,
        params: bytes | None,
        created: float,
        generated: bool,
    ) -> None:
        self.ref = ref
        self.workflow = workflow
        self.instance = instance
        self.generated = generated
        self.deployment = deployment
        self.version = version
        self.trigger = trigger
        self.params = params
        self.created = created
        self.started: float | None = None
        self.ended: float | None = None
        self.status = RunStatus.queued
        self.epoch = 1
        self.seq = 0
        self.output: bytes | None = None
        self.failure: Failure | None = None
        self.parent: int | None = None  # the run that waits for this one, by its `ref`
        self.parent_epoch = 0
        self.parent_key: tuple[str, str] | None = None  # its workflow and instance, to be shown
        self.priority = 0
        self.pause_requested = False
        self.operations: dict[int, Operation] = {}
        self.events: list[Event] = []  # unread
        # in memory only
        self.waiting: dict[int, Operation] = {}  # the operations that wait, by k: few of many
        self.latest = 0  # the last outcome that stands
        self.results = 0  # bytes of all outcomes
        self.assignment = 0
        self.inflight: dict[int, Operation] = {}
        self.idle = False
        self.frozen = False
        self.stop_unheard = False  # its code may not have been told of the stop
        self.uncommitted = 0

    # --- what the run's code does -------------------------------------------------------------

    def assign(self, assignment: int, now: float) -> None:
        """Give the run to code that executes it; its messages carry `assignment` from now on."""
        self.status = move(self.status, Cause.assign, self.instance)
        self.assignment = assignment
        self.started = self.started or now
        self.idle = self.frozen = self.stop_unheard = False

    def unassign(self) -> None:
        """Take the run back; whatever its old code still says is fenced off."""
        if self.status is RunStatus.running:
            self.status = move(self.status, Cause.unassign)
        self.assignment = 0
        self.idle = False
        for operation in list(self.inflight.values()):
            self._forget_attempt(operation)
        self.inflight.clear()

    def attempt_started(
        self, k: int, name: str, n: int, attempt: int, policy: RetryPolicy, now: float
    ) -> bool:
        """Note an attempt (in memory only). False when it does not fit what is known."""
        operation = self.operations.get(k)
        if operation is None:
            if attempt != 1:
                return False
            operation = Operation(k, StepKind.do, name, n, self.seq, now)
            self.operations[k] = operation
        elif (
            operation.kind is not StepKind.do
            or not (operation.status is _WAITING or operation.released)
            or attempt != len(operation.attempts) + 1
            or (operation.name, operation.n) != (name, n)
        ):
            return False
        operation.released = False
        self._mark(operation, _RUNNING)
        operation.policy = policy
        operation.due = now  # of this attempt's start
        self.inflight[k] = operation
        self.idle = False
        return True

    def attempt_succeeded(
        self, k: int, value: bytes, now: float, log: Sequence[Line] = ()
    ) -> Change | None:
        """The step's outcome. None when no such attempt runs."""
        operation = self.inflight.pop(k, None)
        if operation is None:
            return None
        if operation.attempts or log:  # a first one that went well in silence is not kept
            _count_attempt(operation, None, now, log)
        return self._outcome(Change(self), operation, _COMPLETE, value, now)

    def attempt_failed(
        self, k: int, failed: Failure, retryable: bool, now: float, log: Sequence[Line] = ()
    ) -> Change | None:
        """Count the attempt; wait for the next one or end the step with its error."""
        operation = self.inflight.pop(k, None)
        if operation is None:
            return None
        _count_attempt(operation, failed, now, log)
        delay = delay_after(operation.policy, len(operation.attempts)) if retryable else None
        change = Change(self)
        if delay is None:
            return self._outcome(change, operation, _ERRORED, outcomes.pack(failed), now)
        operation.attempts[-1].delay = delay
        self._mark(operation, _WAITING)
        operation.due = now + delay
        change.operations.append(operation)
        return change

    def sleep(
        self, k: int, kind: StepKind, name: str, n: int, due: float, now: float
    ) -> Change | None:
        operation = self._wait_for(k, kind, name, n, due, now)
        if operation is None:
            return None
        change = Change(self)
        change.operations.append(operation)
        return change

    def wait(
        self, k: int, name: str, n: int, event_type: str, due: float, now: float
    ) -> Change | None:
        """Wait for an event; a buffered one is taken in the same decision."""
        operation = self._wait_for(k, StepKind.wait, name, n, due, now)
        if operation is None:
            return None
        operation.event_type = event_type
        change = Change(self)
        for event in self.events:
            if event.type == event_type:
                return self._take(change, operation, event, now)
        change.operations.append(operation)
        return change

    def cancel(self, k: int, seen: int, now: float) -> Change | None:
        """The code gave up waiting for `k`, having seen outcomes up to `seen`.

        An outcome decided since then never reaches it: it is undone, and an event it took is
        unread again.
        """
        operation = self.operations.get(k)
        if operation is None or (operation.seq and operation.seq <= seen):
            return None
        if operation.status is _CANCELLED:
            return None
        change = Change(self)
        if operation.event is not None:
            change.returned = [*change.returned, operation.event]
            self.take_back([operation.taken()])
            operation.event = None
        self.inflight.pop(k, None)
        self._mark(operation, _CANCELLED)
        if operation.seq:
            operation.seq = 0
            self.latest = max(o.seq for o in self.operations.values())
        self.results -= len(operation.value or b"")
        operation.value = None
        _settle_due(operation)
        operation.ended = now
        change.operations.append(operation)
        # the event may serve a later wait at once
        self._serve(change, list(self.events), now)
        given = {seq for seq, _ in change.taken}
        change.returned = [seq for seq in change.returned if seq not in given]
        return change

    def froze(self) -> None:
        """Nothing new starts in the run's code; what was told to and did not, waits again."""
        self.frozen = True
        for k, operation in list(self.inflight.items()):
            if operation.released:
                self._forget_attempt(operation)
                del self.inflight[k]

    def blocked(self, seen: int) -> bool:
        """The code waits for durable things only. True unless news is on its way to it."""
        self.idle = seen >= self.latest and not self.inflight
        return self.idle

    def park(self) -> Change:
        """Nothing to do until `next_due`: the run leaves memory."""
        self.status = move(self.status, Cause.park, self.instance)
        self.unassign()
        return self._saved()

    def end(self, output: bytes | None, failed: Failure | None, now: float) -> Change:
        """The code returned (`output`) or raised (`failed`); of a run that is rolled back: all is
        undone, or the code can't be executed (`failed`)."""
        if self.is_stopping and failed is None:
            stop = self.operations[STOP]
            if stop.status is _COMPLETE:
                self.status = move(self.status, Cause.terminate, self.instance)
                return self._end(None, None, now)
            output, failed = None, outcomes.unpack(stop.value or b"")
        cause = Cause.complete if failed is None else Cause.fail
        self.status = move(self.status, cause, self.instance)
        return self._end(output, failed, now)

    # --- what happens to a run ----------------------------------------------------------------

    def fire(self, now: float) -> Change:
        """Everything that is due at `now`: sleeps end, waits time out, steps are tried again."""
        change = Change(self)
        if self.status in ENDED or self.status is RunStatus.paused:
            return change
        due = [o for _, o in sorted(self.waiting.items()) if o.due is not None and o.due <= now]
        change.retries = [o for o in due if o.kind is StepKind.do]
        for operation in due:
            if operation.kind is StepKind.do:
                if self.assignment:
                    operation.released = True
                    self._mark(operation, _RUNNING)
                    self.inflight[operation.k] = operation
                    self.idle = False
            elif operation.kind is StepKind.wait:
                self._time_out(change, operation, now)
            else:
                self._outcome(change, operation, _COMPLETE, b"null", now)
        return change

    def receive(self, event: Event, now: float) -> Change:
        """Buffer an event, and hand it to the wait that was recorded first. Raises RunState."""
        if self.status in ENDED:
            raise RunState(self.instance, "receive events", self.status.value)
        self.events.append(event)
        change = Change(self)
        change.added = [*change.added, event]
        if self.status is not RunStatus.paused:
            self._serve(change, [event], now)  # nobody waits for those before it
        return change

    def hear(self, event: Event, now: float) -> Change:
        """A child has ended, perhaps not for the first time: then the last end counts.

        A run that has ended keeps it, for it may be restarted behind the step that started the child.
        """
        change = Change(self)
        older = [other for other in self.events if other.type == event.type]
        change.taken = [(other.seq, _FORGOTTEN) for other in older]
        self.events = [*(other for other in self.events if other not in older), event]
        change.added = [event]
        if self.status is not RunStatus.paused and self.status not in ENDED:
            self._serve(change, [event], now)
        return change

    def wake(self) -> None:
        """A waiting run has something to do again."""
        if self.status is RunStatus.waiting:
            self.status = move(self.status, Cause.wake)

    def pause(self, now: float) -> Change:
        """Stop starting things. With attempts in flight the pause is only requested.

        Raises RunState.
        """
        if self.assignment and not (self.frozen and not self.busy):
            move(self.status, Cause.pause, self.instance)
            change = self._saved()
            if not self.pause_requested:
                self._note(change, NoteKind.pausing, now)
            self.pause_requested = True
            return change
        move(self.status, Cause.pause, self.instance)
        self.unassign()
        self.status = move(self.status, Cause.pause, self.instance)
        self.pause_requested = False
        change = self._saved()
        self._note(change, NoteKind.paused, now)
        for operation in self.waiting.values():
            if operation.kind is StepKind.sleep:
                operation.rest = max((operation.due or now) - now, 0.0)
                operation.due = None
                change.operations.append(operation)
        return change

    def resume(self, now: float) -> Change:
        """Go on; frozen sleeps run for the rest they had. Raises RunState."""
        if self.pause_requested and self.status is not RunStatus.paused:
            self.pause_requested = False
            change = self._saved()
            self._note(change, NoteKind.resumed, now)
            return change
        self.status = move(self.status, Cause.resume, self.instance)
        change = self._saved()
        self._note(change, NoteKind.resumed, now)
        for operation in self.waiting.values():
            if operation.rest is not None:
                operation.due = now + operation.rest
                operation.rest = None
                change.operations.append(operation)
        self._serve(change, list(self.events), now)
        return change

    def terminate(self, now: float) -> Change:
        """Final at its commit; late results are dropped. Raises RunState."""
        self.status = move(self.status, Cause.terminate, self.instance)
        return self._end(None, None, now)

    def stop(self, now: float) -> Change:
        """Have the code left where it is and its steps rolled back; then the run is terminated.

        One that is being rolled back goes on with that, and ends as it would have. One that is
        paused, or to be, is resumed. Raises RunState.
        """
        if self.status in ENDED:
            raise RunState(self.instance, "be terminated", self.status.value)
        held = self.pause_requested or self.status is RunStatus.paused
        change = self.resume(now) if held else Change(self)
        if self.is_stopping:
            return change
        self.wake()
        change.save_run = True
        return self._stop(change, _COMPLETE, b"null", now)

    def failing(self, failed: Failure, now: float) -> Change | None:
        """The code ended with an error, and its steps are to be rolled back before the run ends.

        None when it is told to already: whatever came first is why.
        """
        if self.is_stopping:
            return None
        return self._stop(Change(self), _ERRORED, outcomes.pack(failed), now)

    def missed_stop(self, seen: int | None) -> bool:
        """Whether code that ended by itself, having seen outcomes up to `seen`, had yet to hear that
        it is to be left."""
        return self.stop_unheard and seen is not None and seen < self.operations[STOP].seq

    def fail(self, failed: Failure, now: float) -> Change:
        """End the run for a reason outside its code."""
        self.status = move(self.status, Cause.fail, self.instance)
        return self._end(None, failed, now)

    def restart(
        self, now: float, step: str | None = None, count: int = 1, onto: Onto | None = None
    ) -> Change:
        """A new epoch. From a step: what had its outcome before that step began is kept.

        From the undoing of a step, the run is rolled back from there on; from any other step, it is
        not any more. Events that dropped waits had taken are unread again, in their old order.
        Raises StepNotFound.
        """
        kept: list[Operation] = []
        if step is not None:
            steps = [o for k, o in self.operations.items() if k != STOP]
            first = next((o for o in steps if (o.name, o.n) == (step, count)), None)
            if first is None:
                raise StepNotFound(self.instance, step, count)
            if is_handler(step):
                steps = list(self.operations.values())
            kept = [o for o in steps if o.seq and o.seq <= first.after]
        keep = {operation.k for operation in kept}
        before = eventlog.kept(self, [o for o in self.operations.values() if o.k not in keep])
        self.status = move(self.status, Cause.restart, self.instance)
        change = self._saved()
        if onto is not None:
            self.deployment, self.version = onto.deployment, onto.version
            change.moved = True
        dropped: list[int] = []
        returned: list[Event] = []
        for operation in self.operations.values():
            if operation.k in keep:
                continue
            dropped.append(operation.k)
            if operation.event is not None:
                returned.append(operation.taken())
        change.dropped = dropped
        change.returned = [event.seq for event in returned]
        self.take_back(returned)
        self._forget_children(change, kept)
        self.operations = {operation.k: operation for operation in kept}
        self.waiting.clear()
        self.results = sum(len(operation.value or b"") for operation in kept)
        self.seq = self.latest = max((operation.seq for operation in kept), default=0)
        self.epoch += 1
        told = eventlog.Restart(
            step,
            None if step is None else count,
            None if onto is None else onto.deployment,
            *before,
        )
        change.notes = [eventlog.restart_note(now, self.epoch, self.seq, told)]
        self.assignment = 0
        self.inflight.clear()
        self.output = self.failure = self.started = self.ended = None
        self.pause_requested = self.idle = self.frozen = self.stop_unheard = False
        return change

    def _forget_children(self, change: Change, kept: Sequence[Operation]) -> None:
        """How children ended whose start is not kept; of several ends of one, all but the last."""
        started = {operation.value for operation in kept}
        last = {event.type: event.seq for event in self.events}
        gone = set()
        for event in self.events:
            child = child_told_of(event.type)
            if child is not None and (
                values.encode(child) not in started or event.seq != last[event.type]
            ):
                gone.add(event.seq)
        if gone:
            self.events = [event for event in self.events if event.seq not in gone]
            change.returned = [seq for seq in change.returned if seq not in gone]
            change.taken = [*change.taken, *((seq, _FORGOTTEN) for seq in sorted(gone))]

    def recall(self, operation: Operation) -> None:
        """Give the run an operation as it is recorded."""
        self.operations[operation.k] = operation
        self._mark(operation, operation.status)
        self.results += len(operation.value or b"")
        self.seq = self.latest = max(self.seq, operation.seq)

    def take_back(self, events: list[Event]) -> None:
        """Events that are unread again, in their old order."""
        self.events = sorted([*self.events, *events], key=lambda event: event.seq)

    # --- questions ----------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether an attempt runs; one that was told to begin and did not yet is none."""
        return any(not operation.released for operation in self.inflight.values())

    @property
    def is_stopping(self) -> bool:
        return STOP in self.operations

    def next_due(self) -> float | None:
        """When the run next has something to do by itself, None when only news can wake it."""
        if self.status in ENDED or self.status is RunStatus.paused:
            return None
        return min((o.due for o in self.waiting.values() if o.due is not None), default=None)

    def view(self) -> RunView:
        status = self.status
        if status is RunStatus.running and self.idle:
            status = RunStatus.waiting
        failed, retry_at = self.failure, None
        if status is RunStatus.waiting:
            retrying = [
                o for o in self.waiting.values() if o.kind is StepKind.do and o.due is not None
            ]
            if retrying:
                latest = min(retrying, key=lambda o: o.due or 0)
                retry_at = latest.due
                failed = latest.attempts[-1].failure
        return RunView(
            instance=self.instance,
            workflow=self.workflow,
            deployment=self.deployment,
            version=self.version,
            trigger=self.trigger,
            status=status,
            epoch=self.epoch,
            params=self.params,
            output=self.output,
            error=outcomes.view(failed),
            created_at=self.created,
            started_at=self.started,
            ended_at=self.ended,
            pause_requested=self.pause_requested,
            next_attempt_at=retry_at,
            generated_id=self.generated,
            priority=self.priority,
            rolling_back=self.is_stopping and status not in ENDED,
            parent=self._parent(),
        )

    def _parent(self) -> Parent | None:
        if self.parent is None or self.parent_key is None:
            return None
        return Parent(*self.parent_key, self.parent_epoch)

    def history(self) -> list[StepView]:
        """Every operation, in the order the code asked for it."""
        steps = sorted(self.operations.items())
        return [_step(operation) for k, operation in steps if k != STOP]

    # --- shared pieces ------------------------------------------------------------------------

    def _saved(self) -> Change:
        change = Change(self)
        change.save_run = True
        return change

    def _note(self, change: Change, kind: NoteKind, now: float) -> None:
        change.notes = [*change.notes, Note(kind, now, self.epoch, self.seq)]

    def _stop(self, change: Change, status: StepStatus, value: bytes, now: float) -> Change:
        operation = Operation(STOP, StepKind.stop, "stop", 1, self.seq, now)
        self.operations[STOP] = operation
        self.stop_unheard = bool(self.assignment)
        return self._outcome(change, operation, status, value, now)

    def _wait_for(
        self, k: int, kind: StepKind, name: str, n: int, due: float, now: float
    ) -> Operation | None:
        if k in self.operations:
            return None
        operation = Operation(k, kind, name, n, self.seq, now)
        self.operations[k] = operation
        self._mark(operation, _WAITING)
        operation.due = due
        return operation

    def _mark(self, operation: Operation, status: StepStatus) -> None:
        """Every change of an operation's status; `waiting` holds those that wait."""
        operation.status = status
        if status is _WAITING:
            self.waiting[operation.k] = operation
        else:
            self.waiting.pop(operation.k, None)

    def _outcome(
        self, change: Change, operation: Operation, status: StepStatus, value: bytes, now: float
    ) -> Change:
        self.seq += 1
        self.latest = self.seq
        self.idle = False
        operation.seq = self.seq
        self._mark(operation, status)
        operation.value = value
        self.results += len(value)
        operation.ended = now
        _settle_due(operation)
        change.operations.append(operation)
        change.outcomes.append(operation)
        return change

    def _take(self, change: Change, operation: Operation, event: Event, now: float) -> Change:
        """Arrival and the wait's outcome are one write."""
        self.events.remove(event)
        operation.event = event.seq
        change.taken = [*change.taken, (event.seq, operation.k)]
        value = arrivals.pack(event.type, event.payload, event.at)
        return self._outcome(change, operation, _COMPLETE, value, now)

    def _serve(self, change: Change, events: Sequence[Event], now: float) -> None:
        """Give unread events to waits: events in order of arrival, waits in order of asking."""
        for event in events:
            waiting = [
                o
                for o in self.waiting.values()
                if o.event_type == event.type and (o.due is None or event.at <= o.due)
            ]
            if waiting:
                self._take(change, min(waiting, key=lambda o: o.k), event, now)

    def _time_out(self, change: Change, operation: Operation, now: float) -> None:
        for event in self.events:  # it came in time, while the run was paused
            if event.type == operation.event_type and event.at <= (operation.due or 0):
                self._take(change, operation, event, now)
                return
        waited = ((operation.due or now) - operation.started) * 1000
        failed = Failure("TimeoutError", f"Execution timed out after {waited:.0f}ms")
        self._outcome(change, operation, _ERRORED, outcomes.pack(failed), now)

    def _forget_attempt(self, operation: Operation) -> None:
        """An attempt that never ended: as if it had not begun."""
        operation.released = False
        if operation.attempts:
            self._mark(operation, _WAITING)
        else:
            self.operations.pop(operation.k, None)

    def _end(self, output: bytes | None, failed: Failure | None, now: float) -> Change:
        change = self._saved()
        self.output = output
        self.failure = failed
        self.ended = now
        self.pause_requested = self.idle = False
        self.assignment = 0
        left = {**self.waiting, **self.inflight}
        for _, operation in sorted(left.items()):
            self._mark(operation, _CANCELLED)
            operation.ended = now
            _settle_due(operation)
            change.operations.append(operation)
        self.inflight.clear()
        return change


def _settle_due(operation: Operation) -> None:
    """When a sleep or wait was to be over stays known; of a step's next attempt nothing is left."""
    if operation.kind is StepKind.do:
        operation.due = None


def _count_attempt(
    operation: Operation, failed: Failure | None, now: float, log: Sequence[Line]
) -> None:
    started = operation.due or now
    attempts = operation.attempts
    attempts.append(Attempt(started, now, failed, logs.between(log, started, now) if log else ()))
    if not log:
        return
    size = 0
    for attempt in reversed(attempts):
        size += logs.size(attempt.log)
        if size > logs.LARGEST_OF_STEP and attempt.log:
            attempt.log = logs.forgotten(attempt.ended)


def _step(operation: Operation) -> StepView:
    status = operation.status
    failed = None
    output = operation.value
    if status is _ERRORED and operation.value is not None:
        failed, output = outcomes.view(outcomes.unpack(operation.value), operation.name), None
    elif operation.attempts and status in (_WAITING, _RUNNING):
        failed = outcomes.view(operation.attempts[-1].failure, operation.name)
    attempts = [
        AttemptView(a.started, a.ended, outcomes.view(a.failure, operation.name), a.log, a.delay)
        for a in operation.attempts
    ]
    if operation.kind is StepKind.do:
        if status is _RUNNING:
            attempts.append(AttemptView(operation.due or operation.started, None, None))
        elif not attempts and status is _COMPLETE:
            attempts.append(AttemptView(operation.started, operation.ended, None))
    return StepView(
        name=operation.name,
        count=operation.n,
        type=operation.kind.type,
        status=status,
        started_at=operation.started,
        ended_at=operation.ended,
        output=output,
        error=failed,
        attempts=attempts,
        due_at=operation.due if status is _WAITING else None,
        event_type=operation.event_type,
    )
