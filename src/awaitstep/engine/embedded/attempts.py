"""The attempts of a step as the journal keeps them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from awaitstep.engine.logs import Line
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.tries import Attempt


class _Attempt(msgspec.Struct, array_like=True):
    """As it is written: without what follows the failure where that says nothing.

    `number` is 0 for the one after the one before.
    """

    started: float
    ended: float
    failure: Failure | None
    log: list[Line] = []
    delay: float | None = None
    number: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Attempt]).decode


def pack(attempts: Sequence[Attempt]) -> bytes:
    rows = []
    last = 0
    for attempt in attempts:
        rows.append(_plain(attempt, attempt.number == last + 1))
        last = attempt.number
    return _encode(rows)


def unpack(recorded: bytes) -> list[Attempt]:
    """What `pack` was given."""
    attempts: list[Attempt] = []
    number = 0
    for a in _decode(recorded):
        number = a.number or number + 1
        attempts.append(Attempt(number, a.started, a.ended, a.failure, a.log, a.delay))
    return attempts


def _plain(a: Attempt, follows: bool) -> tuple[object, ...]:
    if not follows:
        return a.started, a.ended, a.failure, a.log, a.delay, a.number
    if a.delay is not None:
        return a.started, a.ended, a.failure, a.log, a.delay
    return (a.started, a.ended, a.failure, a.log) if a.log else (a.started, a.ended, a.failure)
