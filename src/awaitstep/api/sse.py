"""Server-sent events: one JSON value each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import Request
from starlette.responses import StreamingResponse

from awaitstep.api.access import application, who_asks
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


async def or_error(events: AsyncIterator[bytes], request_id: str) -> AsyncGenerator[bytes]:
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


def stream(request: Request, events: AsyncIterator[bytes]) -> StreamingResponse:
    """The events, in the end an error as one of them; none from when who asks has left."""
    made = or_error(events, request.state.request_id)
    return StreamingResponse(_until_left(request, made), media_type="text/event-stream")


async def _until_left(request: Request, events: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    who = who_asks(request)
    with application(request).leaving.heard(who.session or who.key or "") as gone:
        leaving = asyncio.ensure_future(gone.wait())
        following: asyncio.Future[bytes] | None = None
        try:
            while True:
                following = asyncio.ensure_future(anext(events))
                await asyncio.wait({following, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if leaving.done():
                    return
                try:
                    made = following.result()
                except StopAsyncIteration:
                    return
                yield made
        finally:
            leaving.cancel()
            if following is not None:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
            await events.aclose()
