"""The attempts of a step as the journal keeps them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from awaitstep.engine.logs import Line
from awaitstep.engine.operations import Attempt
from awaitstep.engine.outcomes import Failure


class _Attempt(msgspec.Struct, array_like=True):
    """As it is written: without what follows the failure where that says nothing."""

    started: float
    ended: float
    failure: Failure | None
    log: list[Line] = []
    delay: float | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Attempt]).decode


def pack(attempts: Sequence[Attempt]) -> bytes:
    return _encode([_plain(attempt) for attempt in attempts])


def unpack(recorded: bytes) -> list[Attempt]:
    """What `pack` was given."""
    return [Attempt(a.started, a.ended, a.failure, a.log, a.delay) for a in _decode(recorded)]


def _plain(a: Attempt) -> tuple[object, ...]:
    if a.delay is not None:
        return a.started, a.ended, a.failure, a.log, a.delay
    return (a.started, a.ended, a.failure, a.log) if a.log else (a.started, a.ended, a.failure)
