"""The one frame of the engine's own that stays interpreted in a step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def awaited(call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `call` returns in the end.

    Python warns of a coroutine that nobody awaits, and so of a step, sleep or wait somebody forgot to
    await; of what is compiled it does not.
    """
    return await call(*args, **kwargs)
