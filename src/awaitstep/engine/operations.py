"""What a run is made of: its durable operations with their attempts, and the events sent to it."""

from __future__ import annotations

from collections.abc import Sequence

from awaitstep.engine import arrivals, logs, tries
from awaitstep.engine.logs import Line
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.retry import DEFAULT, RetryPolicy
from awaitstep.engine.states import StepKind, StepStatus
from awaitstep.engine.tries import Attempt

_RUNNING = StepStatus.running


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

    @property
    def tried(self) -> int:
        """How many attempts have ended, kept or not."""
        return self.attempts[-1].number if self.attempts else 0

    def taken(self) -> Event:
        """The event that a wait took, as it was before."""
        type, payload, at = arrivals.unpack(self.value or b"")
        return Event(self.event or 0, type, payload, at)

    def settle_due(self) -> None:
        """When a sleep or wait was to be over stays known; of a step's next attempt nothing is left."""
        if self.kind is StepKind.do:
            self.due = None

    def count_attempt(self, failed: Failure | None, now: float, log: Sequence[Line]) -> None:
        """The attempt that ran has ended."""
        started = self.due or now
        told = logs.between(log, started, now) if log else ()
        tries.add(self.attempts, Attempt(self.tried + 1, started, now, failed, told))


class Event:
    """A buffered event. `seq` is its place in the journal's one order of events."""

    __slots__ = ("at", "payload", "seq", "type")

    def __init__(self, seq: int, type: str, payload: bytes, at: float) -> None:
        self.seq = seq
        self.type = type
        self.payload = payload
        self.at = at
