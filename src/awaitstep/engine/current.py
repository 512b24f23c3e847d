"""Which run, attempt or request the code belongs to that is executed just now, in task or thread."""

from __future__ import annotations

import contextvars

from awaitstep.engine.hosting import Engine
from awaitstep.engine.logs import Log


class Attempting:
    """An attempt as its own code sees it: the run's engine, the operation, what is printed."""

    __slots__ = ("engine", "k", "log")

    def __init__(self, engine: Engine, k: int, log: Log) -> None:
        self.engine = engine
        self.k = k
        self.log = log


# Which attempt the current task or thread is of.
attempting: contextvars.ContextVar[Attempting | None] = contextvars.ContextVar(
    "awaitstep_attempting", default=None
)

# What the current task belongs to, for who asks what the loop hangs in.
label: contextvars.ContextVar[str | None] = contextvars.ContextVar("awaitstep_label", default=None)
