"""What an engine promises, small enough to be seen to be right: runs as plain values, one clock,
no tasks, no files. Everything takes no time here, so it tells how things are once all is quiet.

A program is a list of operations, done one after the other:
`do`, `flaky` (its first attempt fails, the second follows `RETRY` later), `hopeless`, `sleep` and
`wait` (for an event, or until it is too late).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from awaitstep.engine.errors import InstanceTaken, RunNotFound, RunState

RETRY = 10.5
ENDED = ("complete", "errored", "terminated")
Op = tuple[str, float]


@dataclass
class Event:
    number: int
    payload: int
    at: float


@dataclass
class ModelRun:
    """`since` is when the run came to its operation `at`, `due` when that ends by itself."""

    instance: str
    number: int
    program: tuple[Op, ...]
    deployment: str
    priority: int
    created: float
    status: str = "queued"
    epoch: int = 1
    started: bool = False
    at: int = 0
    entered: bool = False
    due: float | None = None
    rest: float | None = None
    failed_attempts: int = 0
    results: list[Any] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    taken: dict[int, Event] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"s{self.at}"

    @property
    def recorded(self) -> int:
        """How many operations have begun."""
        return min(self.at + self.entered, len(self.program))


class Model:
    def __init__(self, now: float) -> None:
        self.now = now
        self.runs: dict[str, ModelRun] = {}
        self.numbers = self.events = 0
        self.starts: int | None = None
        self.concurrency: int | None = None
        self.period = 3600.0
        self.begun: deque[float] = deque()
        self.kept: float | None = None

    # --- what may be asked --------------------------------------------------------------------

    def create(
        self, instance: str, program: tuple[Op, ...], deployment: str, priority: int
    ) -> bool:
        """Whether it existed."""
        known = self.runs.get(instance)
        if known is not None:
            if (known.program, known.deployment) != (program, deployment):
                raise InstanceTaken(instance)
            return True
        self.numbers += 1
        self.runs[instance] = ModelRun(
            instance, self.numbers, program, deployment, priority, self.now
        )
        self.advance()
        return False

    def send(self, instance: str, payload: int) -> None:
        run = self._live(instance)
        self.events += 1
        run.events.append(Event(self.events, payload, self.now))
        self.advance()

    def pause(self, instance: str) -> None:
        run = self._live(instance)
        if run.status == "paused":
            raise RunState(instance, "pause", run.status)
        run.status = "paused"
        if run.entered and run.program[run.at][0] == "sleep":
            assert run.due is not None
            run.rest, run.due = max(run.due - self.now, 0.0), None

    def resume(self, instance: str) -> None:
        run = self._live(instance)
        if run.status != "paused":
            raise RunState(instance, "resume", run.status)
        run.status = "queued"
        if run.rest is not None:
            run.due, run.rest = self.now + run.rest, None
        self.advance()

    def terminate(self, instance: str) -> None:
        self._live(instance).status = "terminated"

    def restart(self, instance: str, at: int | None, onto: str | None) -> None:
        run = self._known(instance)
        if at is not None and at >= run.recorded:
            raise RunNotFound(instance)
        at = at or 0
        run.deployment = onto or run.deployment
        returned = [event for index, event in run.taken.items() if index >= at]
        run.events = sorted([*run.events, *returned], key=lambda event: event.number)
        run.taken = {index: event for index, event in run.taken.items() if index < at}
        run.results = run.results[:at]
        run.at, run.entered, run.due, run.rest, run.failed_attempts = at, False, None, None, 0
        run.status, run.started = "queued", False
        run.epoch += 1
        self.advance()

    def delete(self, instance: str) -> None:
        run = self._known(instance)
        if run.status not in ENDED:
            raise RunState(instance, "be deleted", run.status)
        del self.runs[instance]

    def limit(self, concurrency: int | None, starts: int | None) -> None:
        if concurrency is None and starts is None:
            self.begun.clear()
        self.concurrency, self.starts = concurrency, starts
        self.advance()

    def move(self, seconds: float) -> None:
        self.now += seconds
        self.advance()

    def reopen(self) -> None:
        """What limits count is forgotten with the process."""
        self.begun.clear()
        self.advance()

    def may_be_gone(self, run: ModelRun) -> bool:
        """Whether retention allows it to be forgotten."""
        return self.kept is not None and run.status in ENDED and self.now - run.created >= self.kept

    # --- what follows by itself ---------------------------------------------------------------

    def advance(self) -> None:
        """Do everything that can be done now."""
        for run in self.runs.values():
            if run.started and run.status in ("queued", "waiting"):
                self._execute(run)
        line = [run for run in self.runs.values() if run.status == "queued" and not run.started]
        for run in sorted(line, key=lambda run: (-run.priority, run.number)):
            if not self._has_room():
                break
            if self.starts is not None:
                self.begun.append(self.now)
            run.started = True
            self._execute(run)

    def _has_room(self) -> bool:
        if self.starts is None:
            return True
        while self.begun and not 0 <= self.now - self.begun[0] < self.period:
            self.begun.popleft()
        return len(self.begun) < self.starts

    def _execute(self, run: ModelRun) -> None:
        while run.at < len(run.program):
            kind, seconds = run.program[run.at]
            if not run.entered:
                self._enter(run, kind, seconds)
            if kind == "hopeless":
                run.status = "errored"
                return
            if not self._over(run, kind):
                run.status = "waiting"
                return
            run.at, run.entered, run.due, run.failed_attempts = run.at + 1, False, None, 0
        run.status = "complete"

    def _enter(self, run: ModelRun, kind: str, seconds: float) -> None:
        run.entered = True
        if kind == "flaky":
            run.failed_attempts, run.due = 1, self.now + RETRY
        elif kind in ("sleep", "wait"):
            run.due = self.now + seconds

    def _over(self, run: ModelRun, kind: str) -> bool:
        """Whether the operation is over; then its result is noted."""
        if kind == "do":
            run.results.append([run.deployment, run.at])
            return True
        assert run.due is not None
        if kind == "wait":
            for event in run.events:
                if event.at <= run.due:
                    run.events.remove(event)
                    run.taken[run.at] = event
                    run.results.append(event.payload)
                    return True
        if self.now < run.due:
            return False
        results = {"flaky": [run.deployment, run.at], "sleep": None, "wait": "late"}
        run.results.append(results[kind])
        return True

    def _known(self, instance: str) -> ModelRun:
        try:
            return self.runs[instance]
        except KeyError:
            raise RunNotFound(instance) from None

    def _live(self, instance: str) -> ModelRun:
        run = self._known(instance)
        if run.status in ENDED:
            raise RunState(instance, "do that", run.status)
        return run
