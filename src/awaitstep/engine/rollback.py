"""What undoes a step: its rollback handler, and the name its undoing has in the history.

Handlers run when a run ends in an error nobody caught, or is terminated with a rollback; each is a
step of its own, tried again like one. Knows what a handler is and how it is called, not when its
turn comes nor how steps are executed.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter
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
    """`call` takes output, error and ctx in this order, and gives the function what it takes."""

    call: Callable[[Any, Any, Any], Any]
    policy: RetryPolicy

    @classmethod
    def of(cls, function: Callable[..., Any], policy: RetryPolicy) -> Handler:
        """A handler for a function that takes some of `output`, `error` and `ctx`, by these names.

        Its other parameters keep their defaults. Raises TypeError for what is no function, or can't
        be called with these.
        """
        if not callable(function):
            raise TypeError("A rollback is a function.")
        try:
            parameters = inspect.signature(function).parameters.values()
        except ValueError:
            name = getattr(function, "__name__", "this function")
            raise TypeError(
                f"Of {name} it can't be said what it takes: wrap it in a function."
            ) from None
        return cls(_adapted(function, *_taken(parameters)), policy)


def _taken(parameters: Any) -> tuple[list[int], list[tuple[str, int]]]:
    """Which of what is offered goes to a function by position, and which by name."""
    by_position: list[int] = []
    by_name: dict[str, int] = {}
    in_order = True  # what follows a default of its own goes by name
    for parameter in parameters:
        kind, name = parameter.kind, parameter.name
        if kind is Parameter.VAR_KEYWORD:
            given = {_OFFERED[at] for at in by_position}
            by_name |= {name: at for at, name in enumerate(_OFFERED) if name not in given}
        elif name in _OFFERED and kind is not Parameter.VAR_POSITIONAL:
            at = _OFFERED.index(name)
            if kind is Parameter.KEYWORD_ONLY or not in_order:
                by_name[name] = at
            else:
                by_position.append(at)
        elif parameter.default is not Parameter.empty:
            in_order = False
        else:
            raise _unexpected(name)
        if kind is Parameter.POSITIONAL_ONLY and name in by_name:
            raise _unexpected(name)  # it stands behind one that is not given
    return by_position, list(by_name.items())


def _unexpected(name: str) -> TypeError:
    return TypeError(
        f"Received unexpected parameter {name}: a rollback is offered output, error and ctx, by name."
    )


def _adapted(
    function: Callable[..., Any], by_position: list[int], by_name: list[tuple[str, int]]
) -> Callable[[Any, Any, Any], Any]:
    """The function, called with what it takes; one that is async stays so."""
    if inspect.iscoroutinefunction(function):

        async def waited(*offered: Any) -> Any:
            args = [offered[at] for at in by_position]
            return await function(*args, **{name: offered[at] for name, at in by_name})

        return waited

    def called(*offered: Any) -> Any:
        args = [offered[at] for at in by_position]
        return function(*args, **{name: offered[at] for name, at in by_name})

    return called


def handler_name(step: str) -> str:
    """What the undoing of a step is called: like it, and unlike that of any other."""
    longest = LONGEST_NAME - len(SUFFIX)
    if len(step) > longest:
        mark = hashlib.sha256(step.encode()).hexdigest()[:8]
        step = f"{step[: longest - len(mark) - 1]}…{mark}"
    return step + SUFFIX


def is_handler(name: str) -> bool:
    """Whether a step of this name is the undoing of another; no other step may be called so."""
    return name.endswith(SUFFIX)
