"""Head and body of an answer are one write; a head whose body comes later does not wait for it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from awaitstep.cli import listeners
from awaitstep.cli.listeners import Listeners, bind

Send = Callable[[dict[str, Any]], Awaitable[None]]
LARGE = 3 * 1024 * 1024


def head(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


def body(data: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


@asynccontextmanager
async def serving(application: Any) -> AsyncIterator[int]:
    listener = bind("127.0.0.1", 0, "--port")
    both = Listeners()
    both.catch_signals()
    both.serve(application, listener)
    yield listener.getsockname()[1]
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(both.until_stopped(), 10)


@asynccontextmanager
async def asking(port: int, said: bytes) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    async with asyncio.timeout(20):
        yield reader
    writer.close()


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What reaches transports, call by call."""
    seen: list[bytes] = []

    class Seen(listeners._Joining):
        def __init__(self, transport: Any, loop: Any) -> None:
            super().__init__(_Recording(transport, seen), loop)  # type: ignore[arg-type]

    monkeypatch.setattr(listeners, "_Joining", Seen)
    return seen


class _Recording:
    def __init__(self, transport: Any, seen: list[bytes]) -> None:
        self._transport = transport
        self._seen = seen

    def write(self, data: bytes) -> None:
        self._seen.append(data)
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


async def test_an_answer_is_one_write(writes: list[bytes]) -> None:
    async def application(scope: Any, receive: Any, send: Send) -> None:
        await send(head((b"content-length", b"2")))
        await send(body(b"ok"))

    async with serving(application) as port:
        for _ in range(2):
            async with asking(port, GET) as reader:
                assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(writes) == 2
    assert all(written.endswith(b"\r\n\r\nok") for written in writes)


async def test_a_head_does_not_wait_for_its_body() -> None:
    goes_on = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Send) -> None:
        await send(head())
        await goes_on.wait()
        await send(body(b"one", more=True))
        await send(body(b"two"))

    async with serving(application) as port, asking(port, GET) as reader:
        assert b"transfer-encoding: chunked" in await reader.readuntil(b"\r\n\r\n")
        goes_on.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_a_client_that_waits_to_be_told_to_go_on_is_told() -> None:
    async def application(scope: Any, receive: Any, send: Send) -> None:
        got = await receive()
        await send(head((b"content-length", b"%d" % len(got["body"]))))
        await send(body(got["body"]))

    asked = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    async with serving(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked)
        async with asyncio.timeout(20):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"body")
            assert (await reader.readuntil(b"body")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_the_last_answer_of_a_connection_is_whole() -> None:
    async def application(scope: Any, receive: Any, send: Send) -> None:
        await send(head((b"connection", b"close"), (b"content-length", b"0")))
        await send(body(b""))

    async with serving(application) as port, asking(port, GET) as reader:
        assert (await reader.read()).endswith(b"\r\n\r\n")


async def test_much_at_once_is_held_back_while_the_client_does_not_read() -> None:
    sent = 0

    async def application(scope: Any, receive: Any, send: Send) -> None:
        nonlocal sent
        await send(head((b"content-length", b"%d" % (16 * LARGE))))
        for number in range(16):
            await send(body(b"x" * LARGE, more=number < 15))
            sent += 1

    async with serving(application) as port, asking(port, GET) as reader:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        assert sent < 16
        assert len(await reader.readexactly(16 * LARGE)) == 16 * LARGE


async def test_a_client_that_left_between_head_and_body_disturbs_nobody() -> None:
    asked, left, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def application(scope: Any, receive: Any, send: Send) -> None:
        asked.set()
        await left.wait()
        await send(head((b"content-length", b"2")))
        await asyncio.sleep(0.05)
        await send(body(b"ok"))
        ended.set()

    async with serving(application) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await asyncio.wait_for(asked.wait(), 10)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        left.set()
        await asyncio.wait_for(ended.wait(), 10)
        async with asking(port, GET) as reader:
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
