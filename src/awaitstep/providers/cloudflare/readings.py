"""What was read of runs: kept for a moment, and to be shown while Cloudflare is away.

Owns how often a connection is asked, and what is kept of its answers, which is bounded and gone
with the process.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec

from awaitstep.engine.port import RunView
from awaitstep.providers.cloudflare.client import Away, Client, Refused
from awaitstep.providers.cloudflare.places import Place

# What was read less long ago (seconds) is not asked for again.
MOMENT: Final = 1.0
# Once away, a connection is asked again after so long (seconds), then after twice as long each time.
_FIRST_DELAY: Final = 1.0
_LONGEST_DELAY: Final = 60.0
# Longer than this nobody is believed.
_LONGEST_LIMIT: Final = 600.0
# Somebody waits for what is read: so long at most, and so long for a second try (seconds).
_PATIENCE: Final = 10.0
_WAIT: Final = 2.0
_AT_ONCE: Final = 8
# Of one connection.
_MOST_ANSWERS: Final = 1000
_MOST_BYTES: Final = 16 * 1024 * 1024
_MOST_RUNS: Final = 2000

Params = Mapping[str, str | int]
_Key = tuple[str, tuple[tuple[str, str | int], ...]]


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer; `at` is when it was read, where Cloudflare does not give a newer one now."""

    envelope: dict[str, Any]
    at: float | None = None


@dataclass(slots=True)
class _Kept:
    text: bytes
    at: float
    # when it was asked for, by the clock that only goes forward
    asked: float


@dataclass(slots=True)
class Shelf:
    """Of one connection. `turns` are how many calls it takes at a time."""

    now: Callable[[], float]
    ticks: Callable[[], float]
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _answers: OrderedDict[_Key, _Kept] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _runs: OrderedDict[tuple[str, str], RunView] = field(default_factory=OrderedDict)
    _reading: WeakValueDictionary[_Key, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _changes: int = 0
    _failures: int = 0
    _failed: float = -math.inf
    _again: float = -math.inf
    _why: str = ""

    async def read(
        self,
        client: Client,
        path: str,
        params: Params | None = None,
        *,
        moment: float = MOMENT,
        old_will_do: bool = False,
    ) -> Reading:
        """What was read within the last `moment`, else what Cloudflare answers; who asks for the
        same meanwhile shares it. With `old_will_do` what was read last, where it does not answer.

        Raises Refused, Away.
        """
        key = (path, tuple(sorted((params or {}).items())))
        async with self._reading.setdefault(key, asyncio.Lock()):
            kept = self._answers.get(key)
            if kept is not None and self.ticks() - kept.asked < moment:
                return Reading(json.loads(kept.text))
            asked, changes = self.ticks(), self._changes
            try:
                envelope = await self._ask(client, path, params, tries=1 if kept else 2)
            except (Refused, Away) as error:
                if isinstance(error, Refused) and error.status == 404:
                    self._drop(key)
                    raise
                if kept is None or not old_will_do:
                    raise
                return Reading(json.loads(kept.text), kept.at)
            # what was changed meanwhile may not be in it
            self._keep(key, envelope, asked if changes == self._changes else -math.inf)
            return Reading(envelope)

    def changed(self, path: str) -> None:
        """Something was changed there: what lies below is asked for anew."""
        self._changes += 1
        for (at, _), kept in self._answers.items():
            if at.startswith(path):
                kept.asked = -math.inf

    def saw(self, run: RunView) -> None:
        """A run as it is now. Its values are left out: no list tells them."""
        key = run.workflow, run.instance
        self._runs[key] = msgspec.structs.replace(run, params=None, output=None, read_at=self.now())
        self._runs.move_to_end(key)
        if len(self._runs) > _MOST_RUNS:
            self._runs.popitem(last=False)

    def seen(self, workflow: str) -> Iterable[RunView]:
        """The runs of a workflow as they were seen last; each tells when."""
        return [run for (of, _), run in self._runs.items() if of == workflow]

    def seen_run(self, workflow: str, instance: str) -> RunView | None:
        return self._runs.get((workflow, instance))

    def gone(self, workflow: str, instance: str) -> None:
        self._runs.pop((workflow, instance), None)

    async def _ask(
        self, client: Client, path: str, params: Params | None, *, tries: int
    ) -> dict[str, Any]:
        self._is_time()
        async with self.turns:
            self._is_time()
            began = self.ticks()
            try:
                async with asyncio.timeout(_PATIENCE):
                    hasty = replace(client, tries=tries, longest_wait=_WAIT)
                    envelope = await hasty.answer("GET", path, params=params)
            except TimeoutError:
                error = Away("Cloudflare does not answer.")
                self._fail(error, began)
                raise error from None
            except Away as error:
                self._fail(error, began)
                raise
        if began > self._failed:
            self._failures = 0
        return envelope

    def _is_time(self) -> None:
        rest = self._again - self.ticks()
        if rest > 0:
            raise Away(f"{self._why} It is asked again in {math.ceil(rest)} s.", rest)

    def _fail(self, error: Away, began: float) -> None:
        # calls that were under way together failed for one reason
        if began > self._failed or self._failures == 0:
            self._failures += 1
        self._failed = self.ticks()
        delay = min(_FIRST_DELAY * 2.0 ** (self._failures - 1), _LONGEST_DELAY)
        delay = max(delay, min(error.after or 0.0, _LONGEST_LIMIT))
        self._again = max(self._again, self._failed + delay)
        self._why = str(error)

    def _keep(self, key: _Key, envelope: dict[str, Any], asked: float) -> None:
        text = json.dumps(envelope, separators=(",", ":")).encode()
        self._drop(key)
        self._answers[key] = _Kept(text, self.now(), asked)
        self._bytes += len(text)
        while self._bytes > _MOST_BYTES or len(self._answers) > _MOST_ANSWERS:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: _Key) -> None:
        kept = self._answers.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.text)


class Readings:
    """`now` is the time of day in seconds, `ticks` a clock that only goes forward."""

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._ticks = ticks
        self._shelves: dict[str, Shelf] = {}

    def of(self, place: Place) -> Shelf:
        if place.connection not in self._shelves:
            self._shelves[place.connection] = Shelf(self._now, self._ticks)
        return self._shelves[place.connection]
