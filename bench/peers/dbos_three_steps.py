"""DBOS at three no-op steps: `python -m bench.peers.dbos_three_steps DATABASE_URL SECONDS`.

Runs are started with `start_workflow_async` in the caller's event loop, which takes the least
writes per run. On SQLite the write-ahead log is switched on beforehand: DBOS leaves SQLite's default
in force, which is several times slower.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from importlib.metadata import version
from typing import Any

import sqlalchemy
from dbos import DBOS

from bench.load import at_once, one_at_a_time


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


def kept(engine: sqlalchemy.Engine) -> str:
    """The settings in force on a connection that DBOS itself made."""
    names = ["journal_mode", "synchronous"]
    ask = "pragma {}"
    if engine.dialect.name == "postgresql":
        names, ask = ["fsync", "synchronous_commit"], "show {}"
    with engine.connect() as connection:
        values = [connection.execute(sqlalchemy.text(ask.format(name))).scalar() for name in names]
    if values[1] == 2:  # as SQLite counts them
        values[1] = "full"
    return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


async def measure(url: str, seconds: float) -> dict[str, Any]:
    if url.startswith("sqlite:///"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
            db.execute("pragma journal_mode = wal")
        db.close()
    newest: dict[str, sqlalchemy.Engine] = {}
    sqlalchemy.event.listen(
        sqlalchemy.Engine, "engine_connect", lambda made: newest.update(engine=made.engine)
    )
    DBOS(config={"name": "three-steps", "system_database_url": url, "log_level": "ERROR"})
    DBOS.launch()
    try:
        figures: dict[str, Any] = await one_at_a_time(execute, seconds)
        figures["runs_per_s_100"] = await at_once(execute, 100, seconds)
        figures["version"] = version("dbos")
        figures["durability"] = (
            f"{kept(newest['engine'])}: a step's result is committed and synced before the next step;"
            " after kill -9 a run goes on behind its last finished step when the program is started"
            " again"
        )
    finally:
        DBOS.destroy()
    return figures


def main() -> None:
    print(json.dumps(asyncio.run(measure(sys.argv[1], float(sys.argv[2])))))


if __name__ == "__main__":
    main()
