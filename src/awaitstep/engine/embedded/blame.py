"""Whose fault a runner's death was. Pure.

A unit is one thing that was running: an attempt, a run's own code, a fetch handler, the import of
a module. Alone in flight, a unit is charged; among several none is, but each is remembered. What
was there twice is a suspect and is tried away from the others. Suspects are tried a few at a time,
more as it goes well: after a death that was nobody's fault (the machine was out of memory) there may
be thousands. What was there three times is tried alone, where the next death has only one possible
cause. What was charged runs alone too, so that others do not pay for it again. Once it is found who
brought the runners down, the others are cleared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

# Deaths charged to a deployment before its intake is closed, and how long one is remembered.
MOST_DEATHS: Final = 3
REMEMBERED: Final = 600.0
SUSPECT_AFTER: Final = 2
ALONE_AFTER: Final = 3
# How many suspects are tried at once. The first is alone, each that proves itself makes it one more:
# twice as many in each round. That many begin their step once more when the culprit is among them.
MOST_AT_ONCE: Final = 16
# How long the requests to a worker are answered alone. A run proves itself by a step that ends
# well; of a handler one good answer says nothing about the next.
HANDLER_SUSPECTED: Final = 60.0


@dataclass(frozen=True, slots=True)
class Unit:
    """`run` and `k` are 0 where they mean nothing."""

    kind: Literal["attempt", "body", "fetch", "load"]
    deployment: str
    run: int = 0
    k: int = 0


class Blame:
    """Times are seconds of any one clock."""

    def __init__(self) -> None:
        # nearly always empty, which is looked at first: each run and each request asks
        self._seen: dict[int, dict[Unit, int]] = {}  # by run, as there may be thousands
        self._last: dict[Unit, float] = {}  # of handlers
        self._deaths: dict[str, list[float]] = {}

    def verdict(self, units: Iterable[Unit], known: Unit | None, now: float) -> Unit | None:
        """Who is charged; None when it could have been any of several."""
        units = list(units)
        if known is None and len(units) != 1:
            for unit in units:
                self._note(unit, self._times(unit) + 1, now)
            return None
        charged = known or units[0]
        if known is None and self._times(charged) >= SUSPECT_AFTER:
            self._seen.clear()  # the one of many
            self._last.clear()
        self._note(charged, ALONE_AFTER, now)
        return charged

    def suspects(self, run: int) -> bool:
        """Whether the run must be executed away from those that are none."""
        return self._seen_of(run) >= SUSPECT_AFTER

    def isolates(self, run: int) -> bool:
        """Whether the run must be executed alone, without other suspects."""
        return self._seen_of(run) >= ALONE_AFTER

    def suspects_fetch(self, deployment: str, now: float) -> bool:
        """Whether the worker's requests must be answered alone."""
        if not self._seen:
            return False
        unit = Unit("fetch", deployment)
        if self._times(unit) and now - self._last[unit] >= HANDLER_SUSPECTED:
            self.clear(unit)
        return self._times(unit) >= SUSPECT_AFTER

    def suspects_load(self, deployment: str) -> bool:
        """Whether the module must be imported away from the others."""
        if not self._seen:
            return False
        return self._times(Unit("load", deployment)) >= SUSPECT_AFTER

    def clear(self, unit: Unit) -> None:
        """It went well."""
        self._last.pop(unit, None)
        units = self._seen.get(unit.run)
        if units is not None:
            units.pop(unit, None)
            if not units:
                del self._seen[unit.run]

    def clear_run(self, run: int) -> None:
        self._seen.pop(run, None)

    def charge(self, deployment: str, now: float) -> bool:
        """Count a death; whether the deployment has had too many."""
        for other, deaths in list(self._deaths.items()):
            self._deaths[other] = [at for at in deaths if now - at < REMEMBERED]
            if not self._deaths[other]:
                del self._deaths[other]
        deaths = self._deaths.setdefault(deployment, [])
        deaths.append(now)
        return len(deaths) >= MOST_DEATHS

    def _seen_of(self, run: int) -> int:
        units = self._seen.get(run)
        return 0 if units is None else max(units.values())

    def _times(self, unit: Unit) -> int:
        units = self._seen.get(unit.run)
        return 0 if units is None else units.get(unit, 0)

    def _note(self, unit: Unit, count: int, now: float) -> None:
        self._seen.setdefault(unit.run, {})[unit] = count
        if unit.kind == "fetch":
            self._last[unit] = now
