"""The arguments of `WorkflowEntrypoint.run`, for annotations.

Cloudflare's package has no such module: import it under `TYPE_CHECKING` in code that is to
run there too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar, overload

from workers.values import AttrDict

Result = TypeVar("Result")

Duration: TypeAlias = "str | int | float"
"""A number of milliseconds, or a number and a unit such as "10 seconds"."""


class Retries(TypedDict, total=False):
    """How often a failed step is tried again, and when."""

    limit: int
    delay: Duration
    backoff: Literal["constant", "linear", "exponential"]


class StepConfig(TypedDict, total=False):
    """The `config` of a step."""

    retries: Retries
    timeout: Duration


class WorkflowEvent(AttrDict):
    """What started a run. A dict, its keys readable as attributes."""

    payload: Any
    timestamp: datetime
    instanceId: str
    workflowName: str


class StepDecorator(Protocol):
    """Turns a function into a step: calling the result runs it durably."""

    @overload
    def __call__(
        self, function: Callable[..., Coroutine[Any, Any, Result]], /
    ) -> Callable[[], Coroutine[Any, Any, Result]]: ...
    @overload
    def __call__(
        self, function: Callable[..., Result], /
    ) -> Callable[[], Coroutine[Any, Any, Result]]: ...


class WorkflowStep(Protocol):
    """The durable operations of a run: the second argument of `WorkflowEntrypoint.run`."""

    def do(
        self,
        name: str | None = None,
        *,
        concurrent: bool = False,
        config: StepConfig | Mapping[str, Any] | None = None,
        rollback: Callable[..., Any] | None = None,
        rollback_config: StepConfig | Mapping[str, Any] | None = None,
    ) -> StepDecorator: ...

    def sleep(self, name: str, duration: Duration) -> Awaitable[None]: ...

    def sleep_until(self, name: str, timestamp: datetime | float | str) -> Awaitable[None]: ...

    def wait_for_event(
        self, name: str, event_type: str, /, timeout: Duration = "24 hours"
    ) -> Awaitable[AttrDict]: ...
