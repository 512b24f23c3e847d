"""Server-sent events: one JSON value each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

from awaitstep.api.problems import describe, to_json

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events; `data` is JSON.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


# A comment: nothing for the reader of events, but proof for who waits on the connection.
ALIVE = b": alive\n\n"


def event(name: str, data: bytes) -> bytes:
    """`data` is JSON, in which line ends mean nothing but would end a field here."""
    line = data.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"event: " + name.encode() + b"\ndata: " + line + b"\n\n"


async def or_error(events: AsyncIterator[bytes], request_id: str) -> AsyncIterator[bytes]:
    """The events; an `error` event, in the shape of every error, where the next can't be made."""
    try:
        async for made in events:
            yield made
    except Exception as error:
        described = describe(error)
        if described is None:
            yield event(
                "error", to_json(request_id, "server.error", "Something went wrong on the server.")
            )
            raise
        _, code, message, details = described
        yield event("error", to_json(request_id, code, message, details))


def stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(events, media_type="text/event-stream")
