"""What `wait_for_event` answers, as it is recorded: payload, type and the moment of arrival."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from awaitstep.engine import values


class _Arrival(msgspec.Struct):
    payload: msgspec.Raw
    type: str
    timestamp: str


_decode = msgspec.json.Decoder(_Arrival).decode


def pack(type: str, payload: bytes, at: float) -> bytes:
    """`at` in seconds since the epoch."""
    moment = datetime.fromtimestamp(at, UTC).isoformat()
    return b'{"payload":%b,"type":%b,"timestamp":%b}' % (
        payload,
        values.encode(type),
        values.encode(moment),
    )


def unpack(recorded: bytes) -> tuple[str, bytes, float]:
    """Type, payload and moment of what `pack` made."""
    arrival = _decode(recorded)
    at = datetime.fromisoformat(arrival.timestamp).timestamp()
    return arrival.type, bytes(arrival.payload), at
