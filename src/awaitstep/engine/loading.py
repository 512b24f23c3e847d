"""Loading deployed modules, and starting the code inside them.

A module is executed once per process and deployment; its file never changes.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from awaitstep.engine import values
from awaitstep.engine.errors import NO_HANDLER
from workers import Response, WorkerEntrypoint, WorkflowEntrypoint
from workers.backend import Backend
from workers.bindings import Env, ServiceBinding, WorkflowBinding
from workers.context import Context, running
from workers.request import received
from workers.values import AttrDict, wrap


class NoHandler(TypeError):
    """The module has no `Default` class with a `fetch` handler: its URL answers nothing."""

    code = NO_HANDLER


class Loaded:
    """A deployment's module, its classes and its environment."""

    __slots__ = ("default", "env", "file", "module", "workflow", "workflow_name")

    def __init__(
        self,
        module: types.ModuleType,
        file: str,
        workflow: type[WorkflowEntrypoint] | None,
        default: type[WorkerEntrypoint] | None,
        workflow_name: str,
        env: Env,
    ) -> None:
        self.module = module
        self.file = file
        self.workflow = workflow
        self.default = default
        self.workflow_name = workflow_name
        self.env = env


def load(
    file: Path,
    *,
    name: str,
    class_name: str | None,
    workflow_name: str,
    variables: dict[str, str],
    bindings: list[str],
    functions: list[str],
    backend: Backend,
) -> Loaded:
    """Execute the module in `file`. Raises whatever it raises."""
    module = types.ModuleType(name)
    module.__file__ = str(file)
    exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    workflow = getattr(module, class_name, None) if class_name else _only_workflow(module)
    workflows = {binding: WorkflowBinding(binding, backend) for binding in bindings}
    services = {binding: ServiceBinding(binding, backend) for binding in functions}
    env = Env(variables, {**workflows, **services})
    return Loaded(module, str(file), workflow, getattr(module, "Default", None), workflow_name, env)


async def run_code(
    loaded: Loaded, *, instance: str, created: float, params: bytes | None, step: object
) -> Any:
    """A run's code, its class's making included. Raises TypeError when there is no workflow."""
    if loaded.workflow is None:
        raise TypeError("The module has no class derived from WorkflowEntrypoint.")
    entry = loaded.workflow(Context(), loaded.env)
    event = AttrDict(
        payload=wrap({} if params is None else values.decode(params)),
        timestamp=datetime.fromtimestamp(created, UTC),
        instanceId=instance,
        workflowName=loaded.workflow_name,
    )
    result = entry.run(event, step)  # type: ignore[arg-type]
    return await result if inspect.isawaitable(result) else result


async def respond(
    loaded: Loaded,
    context: Context,
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
) -> tuple[int, list[tuple[str, str]], bytes]:
    """What a worker's fetch handler answers: status, headers and body.

    Raises NoHandler, TypeError for what is no Response, and whatever the handler raises.
    """
    if getattr(loaded.default, "fetch", None) in (None, WorkerEntrypoint.fetch):
        raise NoHandler("The module has no Default class with a fetch handler.")
    assert loaded.default is not None
    request = received(url, method, headers, body)
    with running(loaded.env, context):
        response = await loaded.default(context, loaded.env).fetch(request)
    if not isinstance(response, Response):
        raise TypeError(f"fetch returned {type(response).__name__}, not a workers Response")
    return int(response.status), list(response.headers.items()), await response.bytes()


def _only_workflow(module: types.ModuleType) -> type[WorkflowEntrypoint] | None:
    """The module's own workflow class, when it has just one."""
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, WorkflowEntrypoint)
        and value.__module__ == module.__name__
    ]
    return own[0] if len(own) == 1 else None
