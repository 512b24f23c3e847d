"""Server-sent events: one JSON value each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events; `data` is JSON.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def event(name: str, data: bytes) -> bytes:
    """`data` is JSON, in which line ends mean nothing but would end a field here."""
    line = data.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"event: " + name.encode() + b"\ndata: " + line + b"\n\n"


def stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(events, media_type="text/event-stream")
