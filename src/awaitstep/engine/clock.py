"""The one clock. Nothing else in the engine asks what time it is, so tests can move it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol

from awaitstep.engine.timers import Timer, Timers


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Run `call` in the loop after `delay` seconds of this clock."""
        ...


class SystemClock:
    """Wall-clock time, for one event loop."""

    def __init__(self) -> None:
        # asking which loop runs costs a system call (CPython looks whether it was forked)
        self._timers: Timers | None = None

    def now(self) -> float:
        return time.time()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        if self._timers is None:
            self._timers = Timers(asyncio.get_running_loop())
        return self._timers.call_later(delay, call)


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
