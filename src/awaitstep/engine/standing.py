"""How a run stands: all that is known of it, and what its decisions share.

Pure. What needs a `Change` is decided in `run`.
"""

from __future__ import annotations

from collections.abc import Sequence

from awaitstep.engine import arrivals, outcomes
from awaitstep.engine.change import Change
from awaitstep.engine.eventlog import Note, NoteKind
from awaitstep.engine.operations import Event, Operation
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.port import Parent, RunView, StepView
from awaitstep.engine.retry import RetryPolicy
from awaitstep.engine.states import ENDED, STOP, Cause, RunStatus, StepKind, StepStatus, move
from awaitstep.engine.views import step_view

_RUNNING, _WAITING = StepStatus.running, StepStatus.waiting
_COMPLETE, _ERRORED = StepStatus.complete, StepStatus.errored


class Standing:
    """The state of one run in memory. Fields are read freely; only methods change them."""

    __slots__ = (
        "assignment", "created", "deployment", "ended", "epoch", "events", "failure", "freezes", "frozen",
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
        self.freezes = 0  # that its code has not answered yet
        self.stop_unheard = False  # its code may not have been told of the stop
        self.uncommitted = 0

    # --- what is kept in memory only ----------------------------------------------------------

    def assign(self, assignment: int, now: float) -> None:
        """Give the run to code that executes it; its messages carry `assignment` from now on."""
        self.status = move(self.status, Cause.assign, self.instance)
        self.assignment = assignment
        self.started = self.started or now
        self.idle = self.frozen = self.stop_unheard = False
        self.freezes = 0

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
            or attempt != operation.tried + 1
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

    def missed_stop(self, seen: int | None) -> bool:
        """Whether code that ended by itself, having seen outcomes up to `seen`, had yet to hear that
        it is to be left."""
        return self.stop_unheard and seen is not None and seen < self.operations[STOP].seq

    def wake(self) -> None:
        """A waiting run has something to do again."""
        if self.status is RunStatus.waiting:
            self.status = move(self.status, Cause.wake)

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
        return [step_view(operation) for k, operation in steps if k != STOP]

    # --- shared pieces ------------------------------------------------------------------------

    def _note(self, change: Change, kind: NoteKind, now: float) -> None:
        change.notes = [*change.notes, Note(kind, now, self.epoch, self.seq)]

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
        operation.settle_due()
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
