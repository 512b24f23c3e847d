"""The attempts of one step, and which of them are kept.

All that is kept of them is written anew with each attempt and read whole, so it has an end: else
what an attempt costs would grow with the number of those before. Which are left out is seen by the
numbers of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from awaitstep.engine import logs
from awaitstep.engine.logs import Line
from awaitstep.engine.outcomes import Failure

# Of one step. The oldest but for the first ones make room.
FIRST: Final = 5
MOST: Final = 50
# Characters of all failures together; so few attempts are kept whatever they take.
LARGEST: Final = 64 * 1024
FEW: Final = 2 * FIRST


class Attempt:
    """One ended try of a step, and what it printed. `number` counts from 1; `delay`: seconds until
    the next was to follow."""

    __slots__ = ("delay", "ended", "failure", "log", "number", "started")

    def __init__(
        self,
        number: int,
        started: float,
        ended: float,
        failure: Failure | None,
        log: Sequence[Line] = (),
        delay: float | None = None,
    ) -> None:
        self.number = number
        self.started = started
        self.ended = ended
        self.failure = failure
        self.log = log
        self.delay = delay


def add(attempts: list[Attempt], latest: Attempt) -> None:
    """Keep one more, at the cost of older ones where there are many."""
    attempts.append(latest)
    surplus = len(attempts) - MOST
    if surplus > 0:
        del attempts[FIRST : FIRST + surplus]
    if len(attempts) > FEW:
        _leave_out(attempts)
    if latest.log:
        _shorten_logs(attempts)


def _leave_out(attempts: list[Attempt]) -> None:
    size = sum(_size(attempt.failure) for attempt in attempts)
    while size > LARGEST and len(attempts) > FEW:
        size -= _size(attempts.pop(FIRST).failure)


def _shorten_logs(attempts: list[Attempt]) -> None:
    size = 0
    for attempt in reversed(attempts):
        size += logs.size(attempt.log)
        if size > logs.LARGEST_OF_STEP and attempt.log:
            attempt.log = logs.forgotten(attempt.ended)


def _size(failure: Failure | None) -> int:
    return 0 if failure is None else len(failure.message) + len(failure.trace or "")
