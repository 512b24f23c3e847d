"""Runs a workflow or a function without Cloudflare: no network, no time passing.

Stands in for the module `workers` and for `step`. Steps are not executed: a test says what they
answer. What the workflow does between them is its own code. A function has no `step`, so its
inner functions that are steps are taken for such when the module is loaded.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

# Nothing here takes time: a run that has not ended after so many turns of the loop never does.
TURNS = 1_000
_ITERATION = re.compile(r" \[[\d.]+\]$")
# What is added to a step's name where the run that it started is waited for.
RESULT = " · result"


class NonRetryableError(Exception):
    """What a step raises that must not be tried again."""


class Entrypoint:
    def __init__(self, ctx: Any = None, env: Any = None) -> None:
        self.ctx, self.env = ctx, env


class WorkflowEntrypoint(Entrypoint):
    """What a workflow extends."""


class WorkerEntrypoint(Entrypoint):
    """What the class behind the Worker URL extends."""


class Headers(dict[str, str]):
    """Header fields."""


class FormData(dict[str, Any]):
    """The fields of a form."""


class Message:
    """A request or a response, as far as tests need one."""

    def __init__(
        self, body: Any = None, status: int = 200, headers: Any = None, **more: Any
    ) -> None:
        self.body, self.status, self.headers = body, status, Headers(headers or {})
        self.more = more

    async def text(self) -> str:
        return self.body.decode() if isinstance(self.body, bytes) else str(self.body or "")


class Response(Message):
    @staticmethod
    def json(data: Any, status: int = 200, headers: Any = None, **more: Any) -> Response:
        return Response(json.dumps(data), status, headers, **more)


class Request(Message):
    def __init__(self, url: str, method: str = "GET", **options: Any) -> None:
        super().__init__(**options)
        self.url, self.method = url, method

    async def json(self) -> Any:
        return json.loads(await self.text())


async def fetch(resource: Any, **_: Any) -> Response:
    raise ConnectionError(f"there is no network in these tests: {resource}")


class Data(dict[str, Any]):
    """A dict whose keys are attributes too, as a workflow sees its event and its results."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Env(Data):
    """Variables, and the workflows and functions that are called: those are there, and only steps,
    which are not executed, would do something with them."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("WORKFLOW_", "FUNCTION_")):
            return self.get(name)
        return super().__getattr__(name)


def data(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Data({key: data(inner) for key, inner in value.items()})
    return [data(inner) for inner in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Done:
    """A run that is over. `trace` holds what it asked for, in order, as (kind, step name).

    `end` is "complete", "errored", or "stuck" when it waited for something that never came;
    `waited` are the types of the events it waited for, by step name.
    """

    trace: list[tuple[str, str]]
    end: str
    output: Any
    error: BaseException | None
    waited: dict[str, str]


class Step:
    """Notes what a run asks for and answers at once, as it was told to.

    A name may leave out the ` [0]` that an iteration adds to it.
    """

    def __init__(
        self,
        results: Mapping[str, Any],
        events: Mapping[str, Any],
        fails: Collection[str],
        never: Collection[str],
        default: Any,
    ) -> None:
        self.trace: list[tuple[str, str]] = []
        self.waited: dict[str, str] = {}
        self._results, self._events = results, events
        self._fails, self._never, self._default = fails, never, default

    def do(
        self, name: str | None = None, **_: Any
    ) -> Callable[[Callable[..., Any]], Callable[[], Awaitable[Any]]]:
        def declare(function: Callable[..., Any]) -> Callable[[], Awaitable[Any]]:
            async def run() -> Any:
                asked = name or function.__name__
                await self._begins("do", asked)
                self._raises(asked)
                told = _told(asked, self._results)
                return data(self._default if told is None else self._results[told])

            return run

        return declare

    async def sleep(self, name: str, duration: Any) -> None:
        await self._begins("sleep", name)
        self._raises(name)

    async def sleep_until(self, name: str, timestamp: Any) -> None:
        await self._begins("sleep_until", name)
        self._raises(name)

    async def wait_for_event(self, name: str, event_type: str, /, timeout: Any = None) -> Any:
        await self._begins("wait_for_event", name)
        self.waited[name] = event_type
        told = _told(name, self._events) or _told(event_type, self._events)
        if told is not None:
            self._raises(name)
            payload = self._events[told]
        elif event_type.startswith("child-") and _ITERATION.sub("", name).endswith(RESULT):
            payload = self._outcome(name)
        else:
            self._raises(name)
            raise TimeoutError("Execution timed out")
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        return data({"payload": payload, "type": event_type, "timestamp": moment})

    def _outcome(self, name: str) -> dict[str, Any]:
        """How a run of another workflow has ended."""
        try:
            self._raises(name)
        except RuntimeError as error:
            return {"status": "errored", "error": {"name": "RuntimeError", "message": str(error)}}
        told = _told(name, self._results)
        return {
            "status": "complete",
            "output": self._default if told is None else self._results[told],
        }

    async def _begins(self, kind: str, name: str) -> None:
        self.trace.append((kind, name))
        if _told(name, self._never):
            await asyncio.get_running_loop().create_future()

    def _raises(self, name: str) -> None:
        if _told(name, self._fails):
            raise RuntimeError(f"{name} failed")


def _told(name: str, names: Collection[str]) -> str | None:
    """The name under which a step was told something."""
    return next((form for form in (name, _ITERATION.sub("", name)) if form in names), None)


async def perform(
    workflow: type[Any],
    *,
    payload: Any = None,
    request: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    events: Mapping[str, Any] | None = None,
    env: Mapping[str, Any] | None = None,
    fails: Collection[str] = (),
    never: Collection[str] = (),
    default: Any = None,
) -> Done:
    """One run of a workflow's class, or one call of a function's.

    `results` are what steps answer, by name; a step that is not in it answers `default`. So does
    `<name> · result`, the wait for a run that a step has started. `events` are the payloads of
    events by their type, or by the name of the step that waits; a wait for any other event times
    out. The steps in `fails` raise, those in `never` do not end. `request` is what a function's
    event holds besides its payload: method, url, headers.
    """
    step = Step(results or {}, events or {}, fails, never, default)
    given, known = {} if payload is None else payload, Env(data(env or {}))
    entry: Any = workflow
    if issubclass(workflow, WorkflowEntrypoint):
        event = {
            "payload": given,
            "timestamp": datetime(2026, 1, 1, tzinfo=UTC),
            "instanceId": "instance-1",
            "workflowName": "workflow",
        }
        running = entry(None, known).run(data(event), step)
    else:
        asked = {"method": "POST", "url": "https://function/", "headers": {}, **(request or {})}
        running = entry(step, known).run(data({"payload": given, **asked}))
    task = asyncio.ensure_future(running)
    for _ in range(TURNS):
        if task.done():
            break
        await asyncio.sleep(0)
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return Done(step.trace, "stuck", None, None, step.waited)
    error = task.exception()
    output = task.result() if error is None else None
    end = "complete" if error is None else "errored"
    return Done(step.trace, end, output, error, step.waited)


def run(workflow: type[Any], **told: Any) -> Done:
    """The same, for tests."""
    with installed():
        return asyncio.run(perform(workflow, **told))


def load(source: str, file: str | Path, steps: Collection[str] = ()) -> dict[str, Any]:
    """The names that a module defines, `workers` being this stand-in.

    `steps` are the steps of a function: `x` is what its inner function `_x` does. Raises
    LookupError when there is no such function: what is not found would be executed.
    """
    namespace: dict[str, Any] = {"__name__": "worker"}
    module = ast.parse(source, str(file))
    functions = {f"_{step}": step for step in steps}
    for node in module.body:
        if steps and isinstance(node, ast.ClassDef) and node.name == "Default":
            _declare_steps(node, functions)
    with installed():
        exec(compile(module if steps else source, str(file), "exec"), namespace)
    return namespace


def _declare_steps(default: ast.ClassDef, functions: Mapping[str, str]) -> None:
    """Put `@self.ctx.do("x")` before each `def _x`, and `await` before each `_x()`."""
    pending: list[ast.AST] = [
        method for method in default.body if getattr(method, "name", None) != "fetch"
    ]
    missing = set(functions)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in functions:
            declared = ast.parse(f"self.ctx.do({functions[node.name]!r})", mode="eval").body
            node.decorator_list = [_standing_at(declared, node)]
            missing.discard(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if getattr(node.value.func, "id", None) in functions:
                node.value = ast.copy_location(ast.Await(value=node.value), node.value)
        elif not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.expr):
            pending += ast.iter_child_nodes(node)
    if missing:
        raise LookupError(f"Default has no inner function {', '.join(sorted(missing))}")


def _standing_at(tree: ast.expr, place: ast.stmt) -> ast.expr:
    for node in ast.walk(tree):
        ast.copy_location(node, place)
    return tree


@contextmanager
def installed() -> Iterator[None]:
    """`import workers` finds this stand-in."""
    workers, workflows = ModuleType("workers"), ModuleType("workers.workflows")
    offered = (
        *(WorkflowEntrypoint, WorkerEntrypoint),
        *(Response, Request, Headers, FormData, fetch),
    )
    vars(workers).update({thing.__name__: thing for thing in offered}, workflows=workflows)
    vars(workflows).update(NonRetryableError=NonRetryableError)
    stand_ins = {"workers": workers, "workers.workflows": workflows}
    before = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
