"""The least that can be called durable: the yardstick the engine is measured against.

Two processes, a journal in one of them (SQLite, one writer thread, group commit), frames batched
per turn of the loop. Three no-op steps per run, five rows. No replay, sleeps, events, retries,
fencing, errors or history. Prints JSON: `{p50_ms, p99_ms, runs_per_s_100}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import uvloop

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder().decode

SCHEMA = """
create table runs(id text primary key, workflow int, params blob, status int, output blob,
                  created real, ended real) without rowid;
create table steps(run text, name text, n int, status int, value blob, started real, ended real,
                   primary key(run, name, n)) without rowid;
"""
STATEMENTS = {
    "create": "insert into runs values(?, ?, ?, 0, null, ?, null)",
    "step": "insert or replace into steps values(?, ?, ?, 1, ?, ?, ?)",
    "end": "update runs set status = 1, output = ?2, ended = ?3 where id = ?1",
}


class Link(asyncio.Protocol):
    """Sends everything said in one turn of the loop as one frame."""

    transport: Any

    def __init__(self, on: Callable[[list[Any]], None]) -> None:
        self.on = on
        self.received = bytearray()
        self.said: list[Any] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while len(self.received) >= 4:
            size = int.from_bytes(self.received[:4], "little")
            if len(self.received) < 4 + size:
                return
            frame = bytes(self.received[4 : 4 + size])
            del self.received[: 4 + size]
            for message in decode(frame):
                self.on(message)

    def send(self, message: tuple[Any, ...]) -> None:
        if not self.said:
            asyncio.get_running_loop().call_soon(self.flush)
        self.said.append(message)

    def flush(self) -> None:
        payload, self.said = encode(self.said), []
        self.transport.write(len(payload).to_bytes(4, "little") + payload)


class Runner:
    link: Link

    def __init__(self) -> None:
        self.waiting: dict[tuple[str, str, int], asyncio.Future[None]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def on(self, message: list[Any]) -> None:
        if message[0] == "start":
            task = asyncio.get_running_loop().create_task(self.run(message[1]))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            self.waiting.pop((message[1], message[2], message[3])).set_result(None)

    async def step(self, run: str, counts: dict[str, int], name: str) -> int:
        async def one() -> int:
            return 1

        n = counts[name] = counts.get(name, 0) + 1
        self.link.send(("attempt", run, name, n))
        started = time.time()
        value = await one()
        future = asyncio.get_running_loop().create_future()
        self.waiting[run, name, n] = future
        self.link.send(("step", run, name, n, encode(value), started, time.time()))
        await future
        return value

    async def run(self, run: str) -> None:
        counts: dict[str, int] = {}
        values = [await self.step(run, counts, name) for name in ("one", "two", "three")]
        self.link.send(("end", run, encode(values)))


class Writer(threading.Thread):
    def __init__(self, path: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(daemon=True)
        self.queue: queue.SimpleQueue[tuple[str, tuple[Any, ...], Callable[[], None]]]
        self.queue = queue.SimpleQueue()
        self.path = path
        self.loop = loop
        self.start()

    def run(self) -> None:
        db = sqlite3.connect(self.path, isolation_level=None)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute("pragma wal_autocheckpoint = 4000")
        db.executescript(SCHEMA)
        while True:
            batch = [self.queue.get()]
            try:
                while len(batch) < 5000:
                    batch.append(self.queue.get_nowait())
            except queue.Empty:
                pass
            db.execute("begin immediate")
            for kind, statement in STATEMENTS.items():
                if rows := [row for wanted, row, _ in batch if wanted == kind]:
                    db.executemany(statement, rows)
            db.execute("commit")
            self.loop.call_soon_threadsafe(self.done, batch)

    @staticmethod
    def done(batch: list[tuple[str, tuple[Any, ...], Callable[[], None]]]) -> None:
        for _, _, call in batch:
            call()


class Server:
    link: Link
    writer: Writer

    def __init__(self) -> None:
        self.ends: dict[str, asyncio.Future[None]] = {}
        self.count = 0
        self.inflight: set[tuple[str, str, int]] = set()

    def on(self, message: list[Any]) -> None:
        kind, run = message[0], message[1]
        if kind == "attempt":
            self.inflight.add((run, message[2], message[3]))
        elif kind == "step":
            key = (run, message[2], message[3])
            self.inflight.discard(key)
            row = tuple(message[1:])
            self.writer.queue.put(("step", row, lambda: self.link.send(("done", *key))))
        else:
            row = (run, message[2], time.time())
            self.writer.queue.put(("end", row, lambda: self.ends.pop(run).set_result(None)))

    async def execute(self) -> None:
        self.count += 1
        stamp = f"{time.time_ns() // 1000:014x}{self.count & 0xFFFF:04x}"
        run = stamp + os.urandom(4).hex()
        end = asyncio.get_running_loop().create_future()
        self.ends[run] = end
        row = (run, 1, b"{}", time.time())
        self.writer.queue.put(("create", row, lambda: self.link.send(("start", run))))
        await end


async def serve(end: socket.socket) -> None:
    runner = Runner()
    loop = asyncio.get_running_loop()
    _, runner.link = await loop.create_connection(lambda: Link(runner.on), sock=end)
    await asyncio.Event().wait()


async def measure(end: socket.socket, seconds: float) -> dict[str, float]:
    from bench.load import at_once, one_at_a_time

    server = Server()
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder:
        server.writer = Writer(f"{folder}/journal.sqlite", loop)
        _, server.link = await loop.create_connection(lambda: Link(server.on), sock=end)
        figures = await one_at_a_time(server.execute, seconds)
        figures["runs_per_s_100"] = await at_once(server.execute, 100, seconds)
    return figures


def main() -> None:
    seconds = float(sys.argv[1])
    near, far = socket.socketpair()
    pid = os.fork()  # before any loop exists
    if pid == 0:
        near.close()
        uvloop.run(serve(far))
        os._exit(0)
    far.close()
    try:
        print(json.dumps(uvloop.run(measure(near, seconds))))
    finally:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
