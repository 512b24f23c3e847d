"""What an engine promises, small enough to be seen to be right: runs as plain values, one clock,
no tasks, no files. Everything takes no time here, so it tells how things are once all is quiet.

A program is a list of operations, done one after the other:
`do`, `flaky` (its first attempt fails, the second follows `RETRY` later), `hopeless`, `sleep`,
`wait` (for an event, or until it is too late), `undo` (a step with a rollback handler, whose first
attempt fails when the number is 1) and `child` (starts a run of `CHILDREN` and waits for its end).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from awaitstep.engine.children import child_instance
from awaitstep.engine.errors import InstanceTaken, RunNotFound, RunState, StepNotFound
from awaitstep.engine.port import Caller, Parent

RETRY = 10.5
ENDED = ("complete", "errored", "terminated")
WORKER = "bench"
Op = tuple[str, float]
Program = tuple[Op, ...]
CHILDREN: tuple[Program, ...] = (
    (("do", 0.0),),
    (("undo", 0.0), ("wait", 60.5), ("do", 0.0)),
    (("undo", 1.0), ("sleep", 7200.5), ("hopeless", 0.0)),
)
HANDLER = " · rollback"


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
    parent: str | None = None
    parent_epoch: int = 0
    children: dict[int, str] = field(default_factory=dict)  # by the operation that started them
    told: dict[str, str] = field(default_factory=dict)  # how children ended, unread
    # rolling back: why, what is still to be undone, what was, when the next attempt is
    why: str | None = None
    left: bool = False
    to_undo: list[int] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    undo_due: float | None = None
    forgotten: bool = False  # the operation it was left in, by a restart from a handler

    @property
    def kind(self) -> str:
        return self.program[self.at][0] if self.at < len(self.program) else ""

    @property
    def waits_at(self) -> tuple[str, float | None, int]:
        """The step a waiting run waits at, when that is over by itself, its failed attempts."""
        if self.left:
            return f"s{self.to_undo[0]}{HANDLER}", self.undo_due, 1
        if self.kind == "child":
            return f"s{self.at}r", None, 0
        return f"s{self.at}", self.due, self.failed_attempts

    @property
    def recorded(self) -> int:
        """How many operations have begun."""
        begun = sum(1 + (kind == "child") for kind, _ in self.program[: self.at])
        if self.entered and not self.forgotten:
            begun += 1 + (self.kind == "child")
        return begun + len(self.undone) + (self.undo_due is not None)


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
        if run.entered and run.why is None and run.kind == "sleep":
            assert run.due is not None
            run.rest, run.due = max(run.due - self.now, 0.0), None

    def resume(self, instance: str) -> None:
        run = self._live(instance)
        if run.status != "paused":
            raise RunState(instance, "resume", run.status)
        self._resume(run)
        self.advance()

    def _resume(self, run: ModelRun) -> None:
        run.status = "queued"
        if run.rest is not None:
            run.due, run.rest = self.now + run.rest, None

    def terminate(self, instance: str) -> None:
        run = self._live(instance)
        self._end(run, "terminated")
        for child in self._live_children(run):
            self.terminate(child.instance)
        self.advance()

    def roll_back(self, instance: str) -> None:
        run = self._live(instance)
        if not (run.started or run.at or run.why):
            self.terminate(instance)
            return
        if run.status == "paused":
            self._resume(run)
            if run.why is None and run.entered and self._arrived(run):
                run.at, run.entered = run.at + 1, False
        if run.why is None:
            self._stop(run, "terminated")
        self.advance()

    def _stop(self, run: ModelRun, why: str) -> None:
        """What was asked for is undone: in a replay, the next step may have begun before."""
        asked = range(min(run.at + 1, len(run.program)))
        run.to_undo = [at for at in reversed(asked) if run.program[at][0] == "undo"]
        run.why, run.due = why, None
        if why == "terminated" or run.to_undo:
            for child in self._live_children(run):
                self.roll_back(child.instance)

    def restart(self, instance: str, at: int | None, onto: str | None) -> None:
        run = self._known(instance)
        if at is not None and at >= run.at + (run.entered and not run.forgotten):
            raise StepNotFound(instance, "", 1)
        at = at or 0
        run.deployment = onto or run.deployment
        run.why, run.left, run.undo_due, run.forgotten = None, False, None, False
        run.to_undo, run.undone = [], []
        run.children = {index: child for index, child in run.children.items() if index < at}
        run.told = {c: end for c, end in run.told.items() if c in run.children.values()}
        returned = [event for index, event in run.taken.items() if index >= at]
        run.events = sorted([*run.events, *returned], key=lambda event: event.number)
        run.taken = {index: event for index, event in run.taken.items() if index < at}
        run.results = run.results[:at]
        run.at, run.entered, run.due, run.rest, run.failed_attempts = at, False, None, None, 0
        self._begin_anew(run)

    def restart_undoing(self, instance: str, at: int, onto: str | None) -> None:
        """From the handler of an operation on."""
        run = self._known(instance)
        begun = [*run.undone, *(run.to_undo[:1] if run.undo_due is not None else [])]
        if at not in begun:
            raise StepNotFound(instance, "", 1)
        run.deployment = onto or run.deployment
        place = begun.index(at)
        run.to_undo = [*begun[place:], *(i for i in run.to_undo if i not in begun)]
        run.undone, run.undo_due = begun[:place], None
        run.forgotten = run.forgotten or run.kind in ("flaky", "sleep", "wait")
        run.rest = None
        self._begin_anew(run)

    def _begin_anew(self, run: ModelRun) -> None:
        parent = self.runs.get(run.parent or "")
        if parent is None or parent.status == "terminated" or not self._knows(parent, run):
            run.parent = None
        run.status, run.started = "queued", False
        run.epoch += 1
        for child in self._live_children(run):
            if not self._knows(run, child):
                self.terminate(child.instance)
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
        while True:
            for run in list(self.runs.values()):
                if run.started and run.status in ("queued", "waiting"):
                    self._execute(run)
            line = [run for run in self.runs.values() if run.status == "queued" and not run.started]
            if not (line and self._has_room()):
                break
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
        while run.why is None and run.at < len(run.program):
            kind, seconds = run.program[run.at]
            if not run.entered:
                self._enter(run, kind, seconds)
            if kind == "hopeless":
                self._stop(run, "errored")
            elif not self._over(run, kind):
                run.status = "waiting"
                return
            else:
                run.at, run.entered, run.due, run.failed_attempts = run.at + 1, False, None, 0
        if run.why is None:
            self._end(run, "complete")
        else:
            self._undo(run)

    def _undo(self, run: ModelRun) -> None:
        """First children, then one handler after the other."""
        run.status = "waiting"
        waits = not run.left and run.entered and run.kind == "child"
        if waits and run.told.pop(run.children[run.at], None) is None:
            return
        run.left = True
        while run.to_undo:
            if run.program[run.to_undo[0]][1] == 1:
                if run.undo_due is None:
                    run.undo_due = self.now + RETRY
                if self.now < run.undo_due:
                    return
            run.undo_due = None
            run.undone.append(run.to_undo.pop(0))
        assert run.why is not None
        self._end(run, run.why)

    def _end(self, run: ModelRun, status: str) -> None:
        run.status = status
        parent = self.runs.get(run.parent or "")
        if parent is not None and self._knows(parent, run):
            parent.told[run.instance] = status
            if parent.started and parent.status in ("queued", "waiting"):
                self._execute(parent)

    def _knows(self, parent: ModelRun, child: ModelRun) -> bool:
        """Whether the parent, as it is now, has started the child."""
        return child.parent_epoch == parent.epoch or child.instance in parent.children.values()

    def _live_children(self, parent: ModelRun) -> list[ModelRun]:
        return [
            run
            for run in self.runs.values()
            if run.parent == parent.instance and run.status not in ENDED
        ]

    def _enter(self, run: ModelRun, kind: str, seconds: float) -> None:
        run.entered = True
        if kind == "flaky":
            run.failed_attempts, run.due = 1, self.now + RETRY
        elif kind in ("sleep", "wait"):
            run.due = self.now + seconds
        elif kind == "child":
            of = Parent("wf", run.instance, run.epoch)
            child = child_instance(Caller(of, f"s{run.at}", 1, WORKER, run.created))
            run.children[run.at] = child
            self.numbers += 1
            self.runs[child] = ModelRun(
                child,
                self.numbers,
                CHILDREN[int(seconds)],
                run.deployment,
                0,
                self.now,
                parent=run.instance,
                parent_epoch=run.epoch,
            )

    def _over(self, run: ModelRun, kind: str) -> bool:
        """Whether the operation is over; then its result is noted."""
        if kind in ("do", "undo"):
            run.results.append([run.deployment, run.at])
            return True
        if kind in ("wait", "child"):
            if self._arrived(run):
                return True
            if kind == "child":
                return False
        assert run.due is not None
        if self.now < run.due:
            return False
        results = {"flaky": [run.deployment, run.at], "sleep": None, "wait": "late"}
        run.results.append(results[kind])
        return True

    def _arrived(self, run: ModelRun) -> bool:
        """Whether what it waits for is there; then it is taken."""
        if run.kind == "child":
            end = run.told.pop(run.children[run.at], None)
            run.results += [] if end is None else [end]
            return end is not None
        if run.kind == "wait":
            for event in run.events:
                if event.at <= (run.due or 0):
                    run.events.remove(event)
                    run.taken[run.at] = event
                    run.results.append(event.payload)
                    return True
        return False

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
