"""One thing that a run's code asked for and waits on: a step, a sleep or a wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from awaitstep.engine import values
from awaitstep.engine.children import child_told_of
from awaitstep.engine.hosting import Job
from awaitstep.engine.logs import Log
from awaitstep.engine.recorded import Recorded
from awaitstep.engine.retry import DEFAULT, RetryPolicy
from awaitstep.engine.rollback import Handler
from awaitstep.engine.states import StepKind
from awaitstep.engine.timers import Timer


class Ask:
    """One use of a name. What it is to do is filled in by who made it."""

    __slots__ = (
        "args", "attempt", "call", "cancelled", "code", "event_type", "future", "handler", "job", "k", "kind",
        "known", "local", "log", "n", "name", "output", "policy", "seconds", "task", "timer", "undoes",
    )  # fmt: skip

    def __init__(
        self, k: int, kind: StepKind, name: str, n: int, future: asyncio.Future[Any]
    ) -> None:
        self.k = k
        self.kind = kind
        self.name = name
        self.n = n
        self.future = future
        self.known: Recorded | None = None
        self.call: Callable[..., Any] | None = None
        self.args: tuple[Any, ...] = ()
        self.code: Any = None  # the attempt's coroutine
        self.policy: RetryPolicy = DEFAULT
        self.attempt = 0
        self.local: bytes | None = None  # a result on its way through the journal
        self.seconds = 0.0
        self.event_type = ""
        self.task: asyncio.Task[None] | None = None
        self.timer: Timer | None = None
        self.job: Job | None = None
        self.log: Log | None = None
        self.handler: Handler | None = None  # undoes it
        self.output: Any = None  # for its handler
        self.undoes: Ask | None = None
        self.cancelled = False

    def waits_for_child(self) -> bool:
        """Whether it waits, or would, for the end of a run that this one started."""
        if self.kind is not StepKind.wait or child_told_of(self.event_type) is None:
            return False
        return self.known is None or not self.known.cancelled

    def keep_output(self, ok: bool, value: bytes | None) -> None:
        """For the step's handler, should it come to that."""
        data = self.local if value is None else value
        self.local = None
        if ok and data is not None and self.handler is not None:
            self.output = values.decode(data)
