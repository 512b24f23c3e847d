"""Prefect at three no-op steps: `python -m bench.peers.prefect_three_steps DATABASE_URL SECONDS`.

A server of its own on a free loopback port; flows and tasks are async and run in this process. Its
documentation recommends Postgres for production and SQLite for one machine: on SQLite it answers
503 while another of its connections writes, and the client tries again two seconds later, so
`make bench` gives it Postgres where there is one. Results are persisted, because a run could not go
on after a crash without them. What costs time and is no part of the work is off: dashboard,
telemetry, and sending log lines to the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from bench.load import batch, one_at_a_time
from bench.processes import children_cpu_ms, cpu_ms

START_SECONDS = 40
BATCH_SECONDS = 40
KEPT = {
    "sqlite": "SQLite, journal_mode wal, synchronous normal: not synced at each commit",
    "postgresql": "Postgres, fsync on, synchronous_commit on",
}
DURABILITY = (
    "{kept}; by its source, states of the run are committed before it goes on, states of its steps"
    " in a batch afterwards, and results are files that are never synced"
)


@contextmanager
def server(url: str) -> Iterator[int]:
    """A Prefect server, by its process id, and the environment that leads clients to it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        api = f"http://127.0.0.1:{port}/api"
        os.environ |= {
            "DO_NOT_TRACK": "1",
            "PREFECT_API_URL": api,
            "PREFECT_HOME": home,
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "PREFECT_LOGGING_TO_API_ENABLED": "false",
            "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": url,
            "PREFECT_SERVER_UI_ENABLED": "false",
        }
        program = str(Path(sys.executable).with_name("prefect"))
        process = subprocess.Popen(
            [program, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not answers(f"{api}/health"):
                if process.poll() is not None:
                    raise SystemExit("the Prefect server ended while it started")
                if time.monotonic() > deadline:
                    raise SystemExit(f"the Prefect server did not answer within {START_SECONDS} s")
                time.sleep(0.1)
            yield process.pid
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def measure(server: int, seconds: float) -> dict[str, Any]:
    from prefect import flow, task  # reads the environment when it is imported

    @task
    async def noop() -> int:
        return 1

    @flow
    async def three_steps() -> int:
        return await noop() + await noop() + await noop()

    runs = 0

    async def execute() -> None:
        nonlocal runs
        if await three_steps() != 3:
            raise SystemExit("a run ended with another result")
        runs += 1

    def used() -> tuple[float, float]:
        return cpu_ms(server) + children_cpu_ms(server), cpu_ms(os.getpid())

    async def both() -> dict[str, Any]:
        nonlocal runs
        figures: dict[str, Any] = await one_at_a_time(execute, seconds, warm=3)
        runs, (served, ran) = 0, used()
        figures["runs_per_s_100"] = await batch(execute, 100, BATCH_SECONDS)
        for name, before, now in zip(("server", "runner"), (served, ran), used(), strict=True):
            figures[f"{name}_cpu_ms_per_run"] = (now - before) / max(runs, 1)
        return figures

    return asyncio.run(both())


def address(url: str) -> str:
    """The database's URL with the driver that Prefect wants."""
    dialect, _, place = url.partition(":")
    driver = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}[dialect]
    return f"{dialect}+{driver}:{place}"


def main() -> None:
    dialect = sys.argv[1].partition(":")[0]
    with server(address(sys.argv[1])) as pid:
        figures = measure(pid, float(sys.argv[2]))
    figures["version"] = version("prefect")
    figures["durability"] = DURABILITY.format(kept=KEPT[dialect])
    print(json.dumps(figures))
    sys.stdout.flush()
    os._exit(0)  # threads of flows that were given up would be waited for


if __name__ == "__main__":
    main()
