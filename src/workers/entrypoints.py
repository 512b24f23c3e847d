"""The classes a worker's module derives from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workers.bindings import Env
    from workers.context import Context
    from workers.request import Request
    from workers.response import Response
    from workers.steps import WorkflowEvent, WorkflowStep


class WorkerEntrypoint:
    """A worker's handlers: derive, name the class `Default`, override what it answers to."""

    ctx: Context
    env: Env

    def __init__(self, ctx: Context, env: Env) -> None:
        self.ctx = ctx
        self.env = env

    async def fetch(self, request: Request) -> Response:
        """Answers a request to the worker's URL."""
        raise NotImplementedError(f"{type(self).__name__} has no fetch handler")

    async def scheduled(self, *args: Any, **kwargs: Any) -> None:
        """Called when a schedule fires, with the controller, the environment and the context."""
        raise NotImplementedError(f"{type(self).__name__} has no scheduled handler")


class WorkflowEntrypoint:
    """A workflow: derive and override `run`."""

    ctx: Context
    env: Env

    def __init__(self, ctx: Context, env: Env) -> None:
        self.ctx = ctx
        self.env = env

    async def run(self, event: WorkflowEvent, step: WorkflowStep) -> Any:
        """The run's code, executed again from the start whenever the run goes on.

        What it returns is the run's output.
        """
        raise NotImplementedError(f"{type(self).__name__} has no run method")
