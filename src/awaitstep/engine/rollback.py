"""Undoing what a run did: the rollback handlers of its steps, last step first.

Handlers run when a run ends in an error nobody caught, or is terminated with a rollback; each is a
step of its own in the history, tried again like one. Knows what a handler is and when its turn
comes, not how steps are executed.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from awaitstep.engine.retry import RetryPolicy

SUFFIX: Final = " · rollback"
LONGEST_NAME: Final = 256
_OFFERED: Final = ("output", "error", "ctx")


class RunTerminated(Exception):
    """What handlers get as `error` when the run was terminated with a rollback."""

    def __init__(self) -> None:
        super().__init__("The run was terminated.")


@dataclass(frozen=True, slots=True)
class Handler:
    """`wanted` are those of `output`, `error` and `ctx` that the function takes, in its order."""

    call: Callable[..., Any]
    wanted: tuple[str, ...]
    policy: RetryPolicy

    @classmethod
    def of(cls, call: Callable[..., Any], policy: RetryPolicy) -> Handler:
        """Raises TypeError for what is no function, or takes anything else."""
        if not callable(call):
            raise TypeError("A rollback is a function.")
        wanted = tuple(inspect.signature(call).parameters)
        for parameter in wanted:
            if parameter not in _OFFERED:
                raise TypeError(f"Received unexpected parameter {parameter}")
        return cls(call, wanted, policy)


@dataclass(slots=True)
class Undo:
    """One use of a step that can be undone. `output` is its result, None when it has none."""

    name: str
    handler: Handler
    context: dict[str, Any]
    output: Any = None


Do = Callable[[str, Callable[..., Any], tuple[Any, ...], RetryPolicy], Awaitable[Any]]


async def roll_back(undos: Sequence[Undo], error: BaseException, do: Do) -> None:
    """Run the handlers, last step first. One that fails for good is in the history, and the others
    go on."""
    for undo in reversed(undos):
        offered = {"output": undo.output, "error": error, "ctx": undo.context}
        handler = undo.handler
        args = tuple(offered[parameter] for parameter in handler.wanted)
        name = undo.name[: LONGEST_NAME - len(SUFFIX)] + SUFFIX
        try:
            await do(name, handler.call, args, handler.policy)
        except Exception:
            continue
