"""What a run is made of: its durable operations with their attempts, and the events sent to it."""

from __future__ import annotations

from collections.abc import Sequence

from awaitstep.engine import arrivals, logs
from awaitstep.engine.logs import Line
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.retry import DEFAULT, RetryPolicy
from awaitstep.engine.states import StepKind, StepStatus

_RUNNING = StepStatus.running


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

    def settle_due(self) -> None:
        """When a sleep or wait was to be over stays known; of a step's next attempt nothing is left."""
        if self.kind is StepKind.do:
            self.due = None

    def count_attempt(self, failed: Failure | None, now: float, log: Sequence[Line]) -> None:
        """The attempt that ran has ended; together its attempts keep so much of what they printed."""
        started = self.due or now
        attempts = self.attempts
        attempts.append(
            Attempt(started, now, failed, logs.between(log, started, now) if log else ())
        )
        if not log:
            return
        size = 0
        for attempt in reversed(attempts):
            size += logs.size(attempt.log)
            if size > logs.LARGEST_OF_STEP and attempt.log:
                attempt.log = logs.forgotten(attempt.ended)


class Event:
    """A buffered event. `seq` is its place in the journal's one order of events."""

    __slots__ = ("at", "payload", "seq", "type")

    def __init__(self, seq: int, type: str, payload: bytes, at: float) -> None:
        self.seq = seq
        self.type = type
        self.payload = payload
        self.at = at
