"""Executes a compiled module with a small stand-in for `workers`: no runtime, no time passing."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import pairwise
from types import ModuleType
from typing import Any

from awaitstep.compiler import CompiledModule, compile_graph
from awaitstep.ir import parse
from awaitstep.nodes import registry

REGISTRY = registry()


class NonRetryableError(Exception):
    pass


class Entrypoint:
    def __init__(self, ctx: Any, env: Any) -> None:
        self.ctx, self.env = ctx, env


class Response:
    """Both what `fetch` answers and what a handler returns."""

    def __init__(self, body: Any = None, status: int = 200, headers: Any = None) -> None:
        self.body, self.status, self.headers = body, status, headers or {}

    @staticmethod
    def json(data: Any) -> Response:
        return Response(data)

    async def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else str(self.body or "").encode()


class Step:
    """Notes what a run asks for, in order, and answers at once."""

    def __init__(self, events: dict[str, Any] | None = None) -> None:
        self.trace: list[tuple[Any, ...]] = []
        self.configs: dict[str, Any] = {}
        self.kinds: dict[str, bool] = {}
        self.events = events or {}

    def do(self, name: str, *, config: Any = None) -> Callable[[Any], Callable[[], Awaitable[Any]]]:
        def decorate(function: Any) -> Callable[[], Awaitable[Any]]:
            async def run() -> Any:
                self.trace.append(("do", name))
                self.configs[name] = config
                self.kinds[name] = inspect.iscoroutinefunction(function)
                wants = list(inspect.signature(function).parameters)
                assert wants in ([], ["ctx"])
                result = function(*[{"attempt": 1}][: len(wants)])
                return await result if inspect.isawaitable(result) else result

            return run

        return decorate

    async def sleep(self, name: str, duration: Any) -> None:
        self.trace.append(("sleep", name, duration))

    async def sleep_until(self, name: str, moment: datetime) -> None:
        self.trace.append(("sleep_until", name, moment))

    async def wait_for_event(self, name: str, event_type: str, *, timeout: Any = None) -> Any:
        self.trace.append(("wait", name, event_type))
        answer = self.events[name.partition(" [")[0]]
        if answer is TimeoutError:
            raise TimeoutError("Execution timed out")
        return answer(event_type) if callable(answer) else answer


def load(source: str, fetch: Any = None) -> dict[str, Any]:
    """The namespace of a module. `fetch` stands in for the network."""
    workers, workflows = ModuleType("workers"), ModuleType("workers.workflows")
    for name in ("WorkflowEntrypoint", "WorkerEntrypoint"):
        setattr(workers, name, Entrypoint)
    for name, value in {"Response": Response, "fetch": fetch, "workflows": workflows}.items():
        setattr(workers, name, value)
    workflows.NonRetryableError = NonRetryableError  # type: ignore[attr-defined]
    stand_ins = {"workers": workers, "workers.workflows": workflows}
    before = {name: sys.modules.get(name) for name in stand_ins}
    namespace: dict[str, Any] = {"__name__": "worker"}
    sys.modules.update(stand_ins)
    try:
        exec(compile(source, "worker.py", "exec"), namespace)
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return namespace


def run(
    module: CompiledModule, payload: Any, step: Step, *, env: Any = None, fetch: Any = None
) -> Any:
    """What the workflow answers."""
    workflow = load(module.source, fetch)[module.class_name](None, env)
    event = {"payload": payload, "timestamp": None, "instanceId": "i", "workflowName": "w"}
    return asyncio.run(workflow.run(event, step))


def compiled(graph: Any, **options: Any) -> CompiledModule:
    return compile_graph(parse(graph, REGISTRY), REGISTRY, **options)


def drawing(*nodes: dict[str, Any], edges: list[tuple[str, ...]] | None = None) -> dict[str, Any]:
    """A graph; without edges, its nodes follow each other."""
    ids = [node["id"] for node in nodes]
    pairs = edges if edges is not None else list(pairwise(ids))
    drawn = [
        {"id": f"e{i}", "source": pair[0], "target": pair[1], "label": (*pair, None)[2]}
        for i, pair in enumerate(pairs)
    ]
    return {
        "kind": "workflow",
        "metadata": {"name": "Test"},
        "nodes": [{"name": node["id"], **node} for node in nodes],
        "edges": drawn,
        "entryNodeId": ids[0],
    }


def node(node_id: str, kind: str, **data: Any) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "data": data}
