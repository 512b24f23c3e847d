"""Two applications share a loop; a signal ends open requests first, a second one ends at once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

import httpx
import pytest

from awaitstep.cli import listeners
from awaitstep.cli.failures import Failure
from awaitstep.cli.listeners import Listeners, bind


def answering(text: bytes, started: asyncio.Event | None = None, seconds: float = 0.0):
    async def application(scope, receive, send):
        if started is not None:
            started.set()
        await asyncio.sleep(seconds)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text})

    return application


async def test_both_answer_and_an_open_request_is_finished():
    first, second = bind("127.0.0.1", 0, "--port"), bind("127.0.0.1", 0, "--worker-port")
    started = asyncio.Event()
    both = Listeners()
    both.catch_signals()
    both.serve(answering(b"one"), first)
    both.serve(answering(b"two", started, 0.3), second)
    ports = [listener.getsockname()[1] for listener in (first, second)]
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.1:{ports[0]}/")).content == b"one"
        slow = asyncio.create_task(client.get(f"http://127.0.0.1:{ports[1]}/"))
        await asyncio.wait_for(started.wait(), 10)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(both.until_stopped(), 10)
        answer = await slow
    assert answer.content == b"two"
    assert answer.headers["connection"] == "close"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]), 5)


async def test_a_second_signal_ends_the_process_at_once():
    program = """
import asyncio, os, signal
from awaitstep.cli.listeners import Listeners
async def main():
    both = Listeners()
    both.catch_signals()
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await asyncio.wait_for(process.wait(), 30) == 130


async def test_a_connection_that_asks_nothing_is_ended(monkeypatch):
    monkeypatch.setattr(listeners, "FIRST_REQUEST_SECONDS", 0.2)
    first = bind("127.0.0.1", 0, "--port")
    port = first.getsockname()[1]
    both = Listeners()
    both.catch_signals()
    both.serve(answering(b"one"), first)
    for said in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 200")
    writer.close()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(both.until_stopped(), 10)


def test_a_busy_port_is_one_sentence():
    with bind("127.0.0.1", 0, "--port") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Failure, match=rf"^Port {port} on 127\.0\.0\.1 .* with --port\.$"):
            bind("127.0.0.1", port, "--port")


@pytest.mark.parametrize("host", ["999.1.1.1", "203.0.113.7"])
def test_a_host_that_is_not_ours_is_one_sentence(host):
    with pytest.raises(Failure, match=r"^[^\n]+\.$"):
        bind(host, 0, "--port")
