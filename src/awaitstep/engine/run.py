"""One run, and every decision about it that is to be journaled.

Pure: no I/O, no clock, no asyncio. Each decision takes `now`, changes the run in memory and returns
a `Change`: what must be journaled, and what the run's code may learn once that is durable. Every
adapter drives this one class, so the semantics exist once.

Two numbers order a run. `k` counts what the code asked for (the runner chooses it); `seq` counts
outcomes, in the order they were committed, which is the order a replay delivers them in.
"""

from __future__ import annotations

from collections.abc import Sequence

from awaitstep.engine import eventlog, outcomes, restarting
from awaitstep.engine.change import Change
from awaitstep.engine.errors import RunState
from awaitstep.engine.eventlog import NoteKind
from awaitstep.engine.logs import Line
from awaitstep.engine.operations import Event, Operation
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.port import Onto
from awaitstep.engine.retry import delay_after
from awaitstep.engine.standing import Standing
from awaitstep.engine.states import ENDED, STOP, Cause, RunStatus, StepKind, StepStatus, move

_RUNNING, _WAITING = StepStatus.running, StepStatus.waiting
_COMPLETE, _ERRORED, _CANCELLED = StepStatus.complete, StepStatus.errored, StepStatus.cancelled
# What no operation took and none will.
_FORGOTTEN = -1


class Run(Standing):
    """The state of one run in memory, and every decision about it."""

    __slots__ = ()

    # --- what the run's code does -------------------------------------------------------------

    def attempt_succeeded(
        self, k: int, value: bytes, now: float, log: Sequence[Line] = ()
    ) -> Change | None:
        """The step's outcome. None when no such attempt runs."""
        operation = self.inflight.pop(k, None)
        if operation is None:
            return None
        if operation.attempts or log:  # a first one that went well in silence is not kept
            operation.count_attempt(None, now, log)
        return self._outcome(Change(self), operation, _COMPLETE, value, now)

    def attempt_failed(
        self, k: int, failed: Failure, retryable: bool, now: float, log: Sequence[Line] = ()
    ) -> Change | None:
        """Count the attempt; wait for the next one or end the step with its error."""
        operation = self.inflight.pop(k, None)
        if operation is None:
            return None
        operation.count_attempt(failed, now, log)
        delay = delay_after(operation.policy, operation.tried) if retryable else None
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
        operation.settle_due()
        operation.ended = now
        change.operations.append(operation)
        # the event may serve a later wait at once
        self._serve(change, list(self.events), now)
        given = {seq for seq, _ in change.taken}
        change.returned = [seq for seq in change.returned if seq not in given]
        return change

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

    def interrupted(self, now: float) -> Change:
        """What executes it ended. The attempts that were at work begin again.

        Apply it once the run has left its runner: the run's row is saved as well, which may be the
        first that tells that it has started.
        """
        change = self._saved()
        at_work = [o for _, o in sorted(self.inflight.items()) if not o.released]
        lost = [eventlog.Interruption(o.name, o.n, o.tried + 1) for o in at_work]
        change.notes = [eventlog.interruption_note(now, self.epoch, self.seq, o) for o in lost]
        return change

    def left_over(self, now: float) -> Change:
        """The server ended while something of the run was at work; what, nobody knows."""
        change = Change(self)
        self._note(change, NoteKind.interrupted, now)
        return change

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
        kept = [] if step is None else restarting.kept(self, step, count)
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
        gone = restarting.ends_of_others(self.events, kept)
        if gone:
            self.events = [event for event in self.events if event.seq not in gone]
            change.returned = [seq for seq in change.returned if seq not in gone]
            change.taken = [*change.taken, *((seq, _FORGOTTEN) for seq in sorted(gone))]
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

    # --- shared pieces ------------------------------------------------------------------------

    def _saved(self) -> Change:
        change = Change(self)
        change.save_run = True
        return change

    def _stop(self, change: Change, status: StepStatus, value: bytes, now: float) -> Change:
        operation = Operation(STOP, StepKind.stop, "stop", 1, self.seq, now)
        self.operations[STOP] = operation
        self.stop_unheard = bool(self.assignment)
        return self._outcome(change, operation, status, value, now)

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
            operation.settle_due()
            change.operations.append(operation)
        self.inflight.clear()
        return change
