"""The one clock. Nothing else in the engine asks what time it is, so tests can move it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Final, Protocol


class Timer(Protocol):
    """A call that can still be taken back."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Run `call` in the loop after `delay` seconds of this clock."""
        ...


# From this delay on (seconds), timers share one of the loop.
SHARED_FROM: Final = 30.0


class SystemClock:
    """Wall-clock time, for one event loop.

    Nearly all far timers are time limits of what ends in time: they are made and cancelled by the
    thousand, so they share one timer of the loop, for the first of them.
    """

    def __init__(self) -> None:
        # asking which loop runs costs a system call (CPython looks whether it was forked)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._far: dict[_Far, None] = {}
        self._looks_at = float("inf")

    def now(self) -> float:
        return time.time()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        if delay < SHARED_FROM:
            return loop.call_later(delay, call)
        far = _Far(loop.time() + delay, call, self._far)
        self._far[far] = None
        if far.at < self._looks_at:
            self._look_at(loop, far.at)
        return far

    def _look_at(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        self._looks_at = at
        loop.call_at(at, self._look, loop, at)

    def _look(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if at != self._looks_at:
            return  # an earlier look took its place
        self._looks_at = float("inf")
        now, following = loop.time(), float("inf")
        for far in self._far:
            if far.at <= now:
                loop.call_soon(self._ring, far)
            else:
                following = min(following, far.at)
        if following < float("inf"):
            self._look_at(loop, following)

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


class _Alarm:
    __slots__ = ("at", "call")

    def __init__(self, at: float, call: Callable[[], None] | None) -> None:
        self.at = at
        self.call = call

    def cancel(self) -> None:
        self.call = None

    def ring(self) -> None:
        if self.call is not None:
            self.call()


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._alarms: list[tuple[float, int, _Alarm]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        alarm = _Alarm(self._now + delay, call)
        if delay <= 0:
            # like any clock: what is due already needs no time to pass
            asyncio.get_running_loop().call_soon(alarm.ring)
        else:
            heapq.heappush(self._alarms, (alarm.at, next(self._order), alarm))
        return alarm

    def move(self, seconds: float) -> None:
        """Move on (or back) by `seconds` and run what has become due, in order."""
        self._now += seconds
        while self._alarms and self._alarms[0][0] <= self._now:
            _, _, alarm = heapq.heappop(self._alarms)
            alarm.ring()
