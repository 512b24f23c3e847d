"""Timers of the loop, cheap for those that hardly ever ring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

# From this delay on (seconds), timers share one of the loop.
SHARED_FROM: Final = 30.0


class Timer(Protocol):
    """A call that can still be taken back."""

    def cancel(self) -> None: ...


class Timers:
    """Those of one event loop.

    Nearly all far timers are time limits of what ends in time: they are made and cancelled by the
    thousand, so they share one timer of the loop, for the first of them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._far: dict[_Far, None] = {}
        self._looks_at = float("inf")

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Call after `delay` seconds of the loop's time."""
        if delay < SHARED_FROM:
            return self._loop.call_later(delay, call)
        far = _Far(self._loop.time() + delay, call, self._far)
        self._far[far] = None
        if far.at < self._looks_at:
            self._look_at(far.at)
        return far

    def _look_at(self, at: float) -> None:
        self._looks_at = at
        self._loop.call_at(at, self._look, at)

    def _look(self, at: float) -> None:
        if at != self._looks_at:
            return  # an earlier look took its place
        self._looks_at = float("inf")
        now, following = self._loop.time(), float("inf")
        for far in self._far:
            if far.at <= now:
                self._loop.call_soon(self._ring, far)
            else:
                following = min(following, far.at)
        if following < float("inf"):
            self._look_at(following)

    def _ring(self, far: _Far) -> None:
        if far in self._far:  # not cancelled by one that rang before
            del self._far[far]
            far.call()


class _Far:
    """A timer that shares the loop's."""

    __slots__ = ("_all", "at", "call")

    def __init__(self, at: float, call: Callable[[], None], all: dict[_Far, None]) -> None:
        self.at = at
        self.call = call
        self._all = all

    def cancel(self) -> None:
        self._all.pop(self, None)
