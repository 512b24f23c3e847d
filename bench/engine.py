"""The embedded engine on a generated module of three no-op steps, history kept.

Run as a process of its own; prints JSON: `{p50_ms, p99_ms, runs_per_s_100, rows_per_run,
fsyncs_per_run_alone, fsyncs_per_run_100, cpu_ms_per_run}`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from awaitstep.compiler import compile_graph
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.port import StartRun
from awaitstep.engine.states import RunStatus
from awaitstep.engine.workers import Bundle
from awaitstep.interpreter import tune
from awaitstep.ir import parse
from awaitstep.nodes import registry
from bench.load import at_once, one_at_a_time

ASYNC_STEP = "async def noop():\n    return 1\n\nreturn await noop()"
THREAD_STEP = "return 1"


def graph(code: str) -> dict[str, Any]:
    """Three steps in a row."""
    ids = ["one", "two", "three"]
    return {
        "kind": "workflow",
        "metadata": {
            "name": "Three steps",
            "version": 1,
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
        },
        "entryNodeId": "one",
        "nodes": [
            {
                "id": id,
                "type": "step",
                "name": id,
                "version": "1.0.0",
                "provider": "local",
                "position": {"x": 0, "y": 0},
                "data": {"code": code},
            }
            for id in ids
        ],
        "edges": [
            {"id": "e1", "source": "one", "target": "two"},
            {"id": "e2", "source": "two", "target": "three"},
        ],
    }


class OneBundle:
    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    async def bundle(self, deployment: str) -> Bundle:
        return self._bundle


async def measure(code: str, seconds: float) -> dict[str, float]:
    nodes = registry()
    compiled = compile_graph(parse(graph(code), nodes), nodes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        module = folder / "deployments" / "worker.py"
        module.parent.mkdir()
        module.write_text(compiled.source)
        bundle = Bundle("dep", "wf", "three", module, compiled.class_name)
        engine = await Embedded.open(folder, OneBundle(bundle))
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
        figures = await one_at_a_time(execute, seconds)
        alone = (journal.commits - commits) / (runs - before)
        before, commits, cpu = runs, journal.commits, sum(os.times()[:2])
        figures["runs_per_s_100"] = await at_once(execute, 100, seconds)
        figures["server_cpu_ms_per_run"] = (sum(os.times()[:2]) - cpu) * 1000 / (runs - before)
        figures["fsyncs_per_run_alone"] = alone
        figures["fsyncs_per_run_100"] = (journal.commits - commits) / (runs - before)
        figures["rows_per_run"] = (journal.rows - rows) / (runs - 1)
        await engine.close()
    return figures


def main() -> None:
    tune()
    code = {"async": ASYNC_STEP, "threads": THREAD_STEP}[sys.argv[1]]
    print(json.dumps(uvloop.run(measure(code, float(sys.argv[2])))))


if __name__ == "__main__":
    main()
