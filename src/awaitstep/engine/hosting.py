"""What an execution needs of the process that hosts it: an engine that hears it, and threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Protocol

from awaitstep.engine.logs import Line
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.retry import RetryPolicy
from awaitstep.engine.states import StepKind


class Engine(Protocol):
    """What an execution tells its engine. Every call returns at once; answers come back through
    `deliver` and `retry`."""

    def attempt_started(
        self, k: int, name: str, n: int, attempt: int, policy: RetryPolicy
    ) -> None: ...
    def attempt_succeeded(self, k: int, value: bytes, log: Sequence[Line]) -> None: ...
    def attempt_failed(
        self, k: int, failure: Failure, retryable: bool, log: Sequence[Line]
    ) -> None: ...
    def sleep(self, k: int, kind: StepKind, name: str, n: int, seconds: float) -> None:
        """`seconds` from now for a sleep; the moment itself for a sleep until."""
        ...

    def wait(self, k: int, name: str, n: int, event_type: str, timeout: float) -> None: ...
    def cancel(self, k: int, seen: int) -> None: ...
    def blocked(self, seen: int) -> None: ...
    def failing(self, failure: Failure) -> None:
        """The code ended with an error, and there is something to undo: record that it stops."""
        ...

    def ended(self, output: bytes | None, failure: Failure | None, seen: int | None) -> None:
        """`seen` is the last outcome the code was told of, None when it can't be executed.

        Neither output nor failure: what was to be undone is.
        """
        ...


class Job(Protocol):
    """A call that has its thread."""

    def frame(self) -> FrameType | None:
        """Where its thread is now, None when that is not inside the call."""
        ...

    async def gone(self) -> None:
        """Returns once no thread is inside the call any more."""
        ...


class Threads(Protocol):
    """Where steps without `await` run."""

    async def run(self, fn: Callable[..., Any], *args: Any, on_start: Callable[[Any], None]) -> Any:
        """The call's result. `on_start` gets the `Job` once there is a thread for it.

        Cancelling tells the thread to stop.
        """
        ...
