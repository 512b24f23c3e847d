"""Reads requests' bodies, bounded in size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from awaitstep.gateway.refusals import Refusal

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LARGEST: Final = 1024 * 1024
# How many times in the time a body may take it is looked for late ones.
_LOOKS: Final = 8


class ClientGone(Exception):
    """The client closed the connection before its body was complete."""


class Bodies:
    """Bodies of at most `limit` bytes that arrive within `seconds`.

    One timer serves all readers: a timer for each costs more than most bodies do.
    """

    def __init__(self, *, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._began: dict[asyncio.Task[Any], float] = {}  # the oldest first
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, receive: Receive, declared: str | None) -> bytes:
        """The whole body. `declared` is the Content-Length header.

        Raises Refusal (413, 408) and ClientGone.
        """
        if declared is not None and declared.isdecimal() and len(declared) < 16:
            size = int(declared)
            if size == 0:
                return b""
            if size > self._limit:
                raise self._too_large()
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        self._began[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / _LOOKS, self._look, loop)
        try:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                body: bytes = message.get("body", b"")
                if len(body) > self._limit:
                    raise self._too_large()
                return body
            return await self._rest(message, receive)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            self._late.discard(task)
            task.uncancel()
            raise self._too_slow() from None
        finally:
            del self._began[task]

    async def _rest(self, message: MutableMapping[str, Any], receive: Receive) -> bytes:
        whole = bytearray()
        while True:
            if message["type"] != "http.request":
                raise ClientGone
            whole += message.get("body", b"")
            if len(whole) > self._limit:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(whole)
            message = await receive()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Interrupt the readers that have had their time."""
        oldest = loop.time() - self._seconds
        for task, began in self._began.items():
            if began > oldest:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._timer = None
        if self._began:
            self._timer = loop.call_later(self._seconds / _LOOKS, self._look, loop)

    def _too_large(self) -> Refusal:
        message = f"The body is over {self._limit:,} bytes."
        return Refusal(413, "body.too_large", message, close=True)

    def _too_slow(self) -> Refusal:
        message = f"The body did not arrive within {self._seconds:g} seconds."
        return Refusal(408, "body.too_slow", message, close=True)
