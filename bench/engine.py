"""The embedded engine on a generated module of three no-op steps, history kept.

Run as a process of its own; prints JSON: `{p50_ms, p99_ms, runs_per_s_100, rows_per_run,
fsyncs_per_run_alone, fsyncs_per_run_100, bytes_written_per_run, bytes_kept_per_run}` and the CPU time
per run with 100 at once, of the server's process (this one, its clients included), of the journal's
writer inside it and of the runner: `server_cpu_ms_per_run, writer_cpu_ms_per_run,
runner_cpu_ms_per_run`. With async steps also `event_parked_p50_ms` and `event_loaded_p50_ms`, each with
its p99.

The time of an event runs from the call of `send_event` until the step that follows the wait has
completed: its result is in the journal and the code goes on, which the step after it stamps. A
parked run has left memory and is replayed; a loaded one waits in the runner.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import uvloop

from awaitstep.compiler import compile_graph
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.errors import EnvironmentMissing, NotDeployed
from awaitstep.engine.port import StartRun
from awaitstep.engine.states import RunStatus
from awaitstep.engine.workers import Active, Bundle
from awaitstep.interpreter import tune
from awaitstep.ir import parse
from awaitstep.nodes import registry
from bench.load import at_once, one_at_a_time, percentile
from bench.processes import bytes_written, children_cpu_ms, thread_cpu_ms

ASYNC_STEP = "async def noop():\n    return 1\n\nreturn await noop()"
THREAD_STEP = "return 1"
# The clock is that of the whole machine, so the runner's stamp and our time can be compared.
STAMP = "import time\n\nasync def now():\n    return time.monotonic()\n\nreturn await now()"
WAITS = {"parked": "30 days", "loaded": "1 second"}  # a wait of a second is not worth unloading
WAITING = 2  # as the journal writes it
SYNCHRONOUS = ("off", "normal", "full", "extra")  # as SQLite counts them

DURABILITY = "{settings}: a step's result is committed and synced before the next step"


def drawn(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """Nodes in a row."""
    ids = [node["id"] for node in nodes]
    return {
        "kind": "workflow",
        "metadata": {
            "name": "Three steps",
            "version": 1,
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
        },
        "entryNodeId": ids[0],
        "nodes": [
            {
                "name": node["id"],
                "version": "1.0.0",
                "provider": "local",
                "position": {"x": 0, "y": 0},
                **node,
            }
            for node in nodes
        ],
        "edges": [
            {"id": f"e{number}", "source": source, "target": target}
            for number, (source, target) in enumerate(pairwise(ids), 1)
        ],
    }


def graph(code: str) -> dict[str, Any]:
    """Three steps in a row."""
    return drawn(
        [{"id": id, "type": "step", "data": {"code": code}} for id in ("one", "two", "three")]
    )


def receiver(timeout: str) -> dict[str, Any]:
    """An event, the step it sets off, and the step that says when that had completed."""
    return drawn(
        [
            {
                "id": "wait",
                "type": "wait_for_event",
                "data": {"eventType": "go", "timeout": timeout},
            },
            {"id": "reaction", "type": "step", "data": {"code": ASYNC_STEP}},
            {"id": "stamp", "type": "step", "data": {"code": STAMP}},
        ]
    )


class Shelf:
    """Bundles by deployment, made of drawings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "deployments"
        self._folder.mkdir()
        self._nodes = registry()
        self._bundles: dict[str, Bundle] = {}

    def put(self, deployment: str, drawing: dict[str, Any]) -> None:
        compiled = compile_graph(parse(drawing, self._nodes), self._nodes)
        module = self._folder / f"{deployment}.py"
        module.write_text(compiled.source)
        self._bundles[deployment] = Bundle(
            deployment, "wf", deployment, module, compiled.class_name
        )

    async def bundle(self, deployment: str) -> Bundle:
        return self._bundles[deployment]

    async def active(self, workflow: str, caller: str) -> Active:
        raise NotDeployed(workflow)  # the drawings call nobody

    async def reached(self, workflow: str, caller: str) -> None:
        raise NotDeployed(workflow)

    async def restore(self, environment: Path) -> None:
        raise EnvironmentMissing("the drawings declare no packages")


async def events(engine: Embedded, folder: Path, kind: str, seconds: float) -> dict[str, float]:
    """Between `send_event` and the end of the step that follows, one run at a time."""
    journal = sqlite3.connect(f"file:{folder}/journal.sqlite?mode=ro", uri=True)
    parked = "select count(*) from runs where status = ?"

    async def waits(instance: str) -> bool:
        if kind == "parked":
            return bool(journal.execute(parked, (WAITING,)).fetchone()[0])
        return (await engine.get("wf", instance)).status is RunStatus.waiting

    async def react() -> float:
        created = await engine.create(StartRun("wf", kind, "api"))
        instance = created.run.instance
        while True:
            if await waits(instance):
                break
            await asyncio.sleep(0.001)
        begun = time.monotonic()
        await engine.send_event("wf", instance, "go", b"null")
        ended = await engine.wait("wf", instance, 60)
        if ended.output is None:
            raise SystemExit(f"a run ended {ended.status}: {ended.error}")
        return (float(json.loads(ended.output)) - begun) * 1000

    for _ in range(20):
        await react()
    took = []
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        took.append(await react())
    journal.close()
    took.sort()
    return {
        f"event_{kind}_p50_ms": percentile(took, 0.5),
        f"event_{kind}_p99_ms": percentile(took, 0.99),
    }


def settings(db: sqlite3.Connection) -> str:
    """Those in force on a connection of the journal."""
    (mode,), (synchronous,) = (
        db.execute(f"pragma {name}").fetchone() for name in ("journal_mode", "synchronous")
    )
    return f"SQLite, journal_mode {mode}, synchronous {SYNCHRONOUS[synchronous]}"


class Used:
    """What the server with its writer and its runner have used since this was made."""

    def __init__(self) -> None:
        self._before = self._now()

    @staticmethod
    def _now() -> dict[str, float]:
        return {
            "server_cpu_ms": sum(os.times()[:2]) * 1000,
            "writer_cpu_ms": thread_cpu_ms("journal"),
            "runner_cpu_ms": children_cpu_ms(os.getpid()),
            "bytes_written": bytes_written(),
        }

    def per_run(self, runs: int) -> dict[str, float]:
        now = self._now()
        return {f"{name}_per_run": (now[name] - self._before[name]) / runs for name in now}


def kept(folder: Path) -> int:
    """Bytes of the journal, once all is in its main file."""
    file = folder / "journal.sqlite"
    db = sqlite3.connect(file)
    db.execute("pragma wal_checkpoint(truncate)")
    db.close()
    return file.stat().st_size


async def measure(code: str, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shelf = Shelf(folder)
        shelf.put("dep", graph(code))
        for kind, timeout in WAITS.items():
            shelf.put(kind, receiver(timeout))
        engine = await Embedded.open(folder, shelf)
        runs = 0

        async def execute() -> None:
            nonlocal runs
            created = await engine.create(StartRun("wf", "dep", "api"))
            ended = await engine.wait("wf", created.run.instance, 60)
            if ended.status is not RunStatus.complete:
                raise SystemExit(f"a run ended {ended.status}: {ended.error}")
            runs += 1

        await execute()
        journal, before = engine.journal, runs
        rows, commits = journal.rows, journal.commits
        figures: dict[str, Any] = await one_at_a_time(execute, seconds)
        alone = (journal.commits - commits) / (runs - before)
        before, commits, size, used = runs, journal.commits, kept(folder), Used()
        figures["runs_per_s_100"] = await at_once(execute, 100, seconds)
        figures |= used.per_run(runs - before)
        figures["fsyncs_per_run_alone"] = alone
        figures["fsyncs_per_run_100"] = (journal.commits - commits) / (runs - before)
        figures["rows_per_run"] = (journal.rows - rows) / (runs - 1)
        figures["bytes_kept_per_run"] = (kept(folder) - size) / (runs - before)
        figures["durability"] = DURABILITY.format(settings=await journal.read(settings))
        if code == ASYNC_STEP:
            for kind in WAITS:
                figures |= await events(engine, folder, kind, seconds / 3)
        await engine.close()
    return figures


def main() -> None:
    tune()
    code = {"async": ASYNC_STEP, "threads": THREAD_STEP}[sys.argv[1]]
    print(json.dumps(uvloop.run(measure(code, float(sys.argv[2])))))


if __name__ == "__main__":
    main()
