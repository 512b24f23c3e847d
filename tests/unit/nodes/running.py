"""Compiles a graph of one node and runs it on the inline engine; time passes only between attempts."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from awaitstep.compiler import compile_graph
from awaitstep.engine.clock import ManualClock
from awaitstep.engine.inline import InlineEngine
from awaitstep.engine.port import StartRun
from awaitstep.engine.states import RunStatus
from awaitstep.engine.workers import Bundle
from awaitstep.ir import Registry, parse
from awaitstep.nodes import registry
from workers._fetch import aclose

DEADLINE = 30.0


@dataclass(frozen=True)
class Ended:
    """`attempts` are those of the node's step; 0 for an inline node."""

    output: Any
    error: Any
    attempts: int
    source: str


def graph(kind: str, node_id: str = "it", **data: Any) -> dict[str, Any]:
    node = {"id": node_id, "type": kind, "name": "Do it", "data": data}
    return {
        "kind": "workflow",
        "metadata": {"name": "Test"},
        "nodes": [node],
        "edges": [],
        "entryNodeId": node_id,
    }


async def run(
    folder: Path,
    drawn: dict[str, Any],
    *,
    env: dict[str, str] | None = None,
    payload: Any = None,
    types: Registry | None = None,
) -> Ended:
    """The run, once it has ended."""
    types = types or registry()
    compiled = compile_graph(parse(drawn, types), types)
    module = folder / "worker.py"
    module.write_text(compiled.source, encoding="utf-8")
    bundle = Bundle("dep", "wf", "desk", module, compiled.class_name, variables=env or {})
    clock = ManualClock()
    engine = InlineEngine(_Only(bundle), clock=clock)
    try:
        params = json.dumps(payload).encode()
        created = await engine.create(StartRun("wf", "dep", "api", params=params, instance="run-1"))
        stop = time.monotonic() + DEADLINE
        view = created.run
        while view.status not in (RunStatus.complete, RunStatus.errored):
            assert time.monotonic() < stop, f"still {view.status}: {view.error}"
            if view.status == RunStatus.waiting:
                clock.move(3600)
            await asyncio.sleep(0.002)
            view = await engine.get("wf", "run-1")
        steps = await engine.history("wf", "run-1")
        attempts = sum(len(step.attempts) for step in steps)
        output = json.loads(view.output or b"null")
        return Ended(output, view.error, attempts, compiled.source)
    finally:
        await engine.close()
        await aclose()


class _Only:
    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    async def bundle(self, _: str) -> Bundle:
        return self._bundle
