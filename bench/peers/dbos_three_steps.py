"""DBOS at three no-op steps: `python -m bench.peers.dbos_three_steps DATABASE_URL SECONDS`.

Runs are started with `start_workflow_async` in the caller's event loop, which takes the least
writes per run. On SQLite the write-ahead log is switched on beforehand: DBOS leaves SQLite's default
in force, which is several times slower. An fsync is a commit of a transaction that wrote.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from importlib.metadata import version
from typing import Any

import sqlalchemy
from dbos import DBOS

from bench.load import at_once, one_at_a_time

WRITES = ("insert", "update", "delete", "with updated")


@DBOS.step()
async def noop() -> int:
    return 1


@DBOS.workflow()
async def three_steps() -> int:
    return await noop() + await noop() + await noop()


async def execute() -> None:
    handle = await DBOS.start_workflow_async(three_steps)
    if await handle.get_result() != 3:
        raise SystemExit("a run ended with another result")


def prepare(url: str) -> None:
    """Switch the write-ahead log on, where the database is SQLite's."""
    if url.startswith("sqlite:///"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
            db.execute("pragma journal_mode = wal")
        db.close()


def kept(engine: sqlalchemy.Engine) -> str:
    """The settings in force on a connection that DBOS itself made."""
    product, names, ask = "SQLite", ["journal_mode", "synchronous"], "pragma {}"
    if engine.dialect.name == "postgresql":
        product, names, ask = "Postgres", ["fsync", "synchronous_commit"], "show {}"
    with engine.connect() as connection:
        values = [connection.execute(sqlalchemy.text(ask.format(name))).scalar() for name in names]
    if values[1] == 2:  # as SQLite counts them
        values[1] = "full"
    said = (f"{name} {value}" for name, value in zip(names, values, strict=True))
    return ", ".join((product, *said))


class Used:
    """Commits of all connections that wrote something, and CPU time, since `start`."""

    def __init__(self) -> None:
        self.engine: sqlalchemy.Engine | None = None  # the newest that DBOS made
        self.runs = self.commits = 0
        self._wrote: set[int] = set()
        listen = sqlalchemy.event.listen
        listen(sqlalchemy.Engine, "after_cursor_execute", self._executed)
        listen(sqlalchemy.Engine, "commit", self._committed)

    def _executed(self, at: sqlalchemy.Connection, _: Any, statement: str, *more: Any) -> None:
        self.engine = at.engine
        if not statement.lstrip().lower().startswith(WRITES):
            return
        if at.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            self.commits += 1
        else:
            self._wrote.add(id(at))

    def _committed(self, at: sqlalchemy.Connection) -> None:
        if id(at) in self._wrote:
            self._wrote.remove(id(at))
            self.commits += 1

    def start(self) -> None:
        self.runs = self.commits = 0
        self._cpu = sum(os.times()[:2])

    def per_run(self) -> tuple[float, float]:
        """(commits, ms of CPU time)."""
        return self.commits / self.runs, (sum(os.times()[:2]) - self._cpu) * 1000 / self.runs


async def measure(url: str, seconds: float) -> dict[str, Any]:
    prepare(url)
    used = Used()

    async def counted() -> None:
        await execute()
        used.runs += 1

    DBOS(config={"name": "three-steps", "system_database_url": url, "log_level": "ERROR"})
    DBOS.launch()
    try:
        await counted()
        used.start()
        figures: dict[str, Any] = await one_at_a_time(counted, seconds)
        figures["fsyncs_per_run_alone"], _ = used.per_run()
        used.start()
        figures["runs_per_s_100"] = await at_once(counted, 100, seconds)
        figures["fsyncs_per_run_100"], figures["server_cpu_ms_per_run"] = used.per_run()
        figures["version"] = version("dbos")
        assert used.engine is not None
        figures["durability"] = (
            f"{kept(used.engine)}: a step's result is committed and synced before the next step"
        )
    finally:
        DBOS.destroy()
    return figures


def main() -> None:
    print(json.dumps(asyncio.run(measure(sys.argv[1], float(sys.argv[2])))))


if __name__ == "__main__":
    main()
