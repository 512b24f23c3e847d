"""The runner processes: starting, choosing, watching and replacing them.

Knows processes and links; what a death means for runs is the engine's business.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from awaitstep.engine import messages
from awaitstep.engine.embedded.process import (
    Beat,
    Exit,
    Report,
    RunnerProcess,
    Silent,
    Stall,
    scrubbed_environment,
)
from awaitstep.engine.errors import EnvironmentMissing
from awaitstep.engine.figures import RunnerFigures
from awaitstep.engine.link import Link, Nonsense
from awaitstep.engine.workers import Bundle

_log = structlog.get_logger("awaitstep.fleet")
# A runner that dies before it is ready is started again after this long, doubling (seconds).
FIRST_BACKOFF: Final = 0.1
LONGEST_BACKOFF: Final = 5.0
# Packages that can't be installed are tried again after this long at most (seconds).
LONGEST_INSTALL_BACKOFF: Final = 300.0
# A group of packages that nothing has used for so long gives its processes up (seconds).
IDLE_AFTER: Final = 300.0
# How long attempts may go on in a runner that is being replaced.
DRAIN: Final = 10.0
# The program that a runner is. Its place, its limits and its descriptors follow as options.
RUNNER: Final = (sys.executable, "-m", "awaitstep.runner")


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of a fleet, its limits, and the program that its runners are."""

    deployments: Path
    temporary: Path
    forbid: Sequence[Path] = ()
    log: Path | None = None
    memory_bytes: int | None = None
    processes: int | None = None
    stall_after: float = 5.0
    idle_after: float = IDLE_AFTER
    runner: Sequence[str] = RUNNER


class Group:
    """The runners of one environment (None: no packages), and what waits for one of them.

    Another environment's code is never executed in them.
    """

    def __init__(self, environment: Path | None, now: float) -> None:
        self.environment = environment
        self.used = now  # when it was last asked for a runner
        self.started = False
        self.stopped = False
        self.alone: Slot | None = None
        self.starting_alone = False
        self.problem: str | None = None  # why its packages can't be installed
        self.unplaced: dict[int, None] = {}  # runs, by number
        self.suspects: dict[int, None] = {}  # runs that wait for the runner for suspects
        self.at_once = 1  # so many of them are tried at a time
        self.asking = 0  # requests that wait for the runner for suspects

    @property
    def wanted(self) -> bool:
        return bool(self.unplaced or self.suspects or self.asking)


class Printing:
    """How many lines of the server's log a runner took, since when."""

    __slots__ = ("lines", "since")

    def __init__(self) -> None:
        self.since = 0.0
        self.lines = 0


class Slot:
    """One runner process and what it has been given."""

    def __init__(self, process: RunnerProcess, group: Group, *, alone: bool) -> None:
        self.process = process
        self.group = group
        self.alone = alone  # for suspects
        self.link: Link | None = None
        self.ready = False
        self.retiring = False
        self.isolation: str | None = None
        self.known: set[str] = set()
        self.assignments: set[int] = set()
        self.fetches: dict[int, str] = {}  # call -> deployment
        self.loading: str | None = None
        self.prints = Printing()
        self.stall: Stall | None = None
        self.silent: Silent | None = None
        self.nonsense: str | None = None  # why its link was closed
        self.killed = False  # on purpose, nobody's fault

    def send(self, message: messages.Message) -> None:
        if self.link is not None:
            self.link.send(message)

    def tell(self, bundle: Bundle) -> None:
        """Make sure the runner knows a deployment."""
        if bundle.environment != self.group.environment:
            raise RuntimeError("a runner of another environment was chosen")
        if bundle.deployment not in self.known:
            self.known.add(bundle.deployment)
            self.send(
                messages.Load(
                    bundle.deployment,
                    str(bundle.module),
                    bundle.class_name,
                    bundle.workflow_name,
                    bundle.variables,
                    list(bundle.bindings),
                    list(bundle.functions),
                )
            )

    @property
    def busy(self) -> bool:
        return bool(self.assignments or self.fetches)


class Owner(Protocol):
    """What a fleet tells its engine."""

    def on_message(self, slot: Slot, message: Any) -> None: ...
    def on_ready(self, slot: Slot) -> None: ...
    def on_loaded(self, slot: Slot, deployment: str) -> None: ...
    def on_retiring(self, slot: Slot) -> None: ...
    def on_death(self, slot: Slot, exit: Exit) -> None: ...

    async def restore(self, environment: Path) -> None:
        """Raises EnvironmentMissing."""
        ...


@dataclass
class Fleet:
    place: Place
    owner: Owner
    size: int = 1
    slots: list[Slot] = field(default_factory=list)
    closing: bool = False
    _groups: dict[Path | None, Group] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _number: int = 0
    _restarts: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        self._start_group(self.group(None))
        self._spawn(self._watch_idle())

    @property
    def groups(self) -> list[Group]:
        return list(self._groups.values())

    def group(self, environment: Path | None) -> Group:
        """The group of an environment. Ask each time: one that is idle is given up."""
        group = self._groups.get(environment)
        if group is None:
            group = self._groups[environment] = Group(environment, _now())
        return group

    def stop_idle(self, now: float) -> None:
        """Give up the groups of packages that nothing has used for long enough (loop time)."""
        for group in list(self._groups.values()):
            slots = [slot for slot in self.slots if slot.group is group]
            if group.wanted or any(slot.busy for slot in slots):
                group.used = max(group.used, now)
            elif group.environment is not None and now - group.used >= self.place.idle_after:
                group.stopped = True
                del self._groups[group.environment]
                for slot in slots:
                    slot.retiring = True
                    self.kill(slot)

    def figures(self) -> RunnerFigures:
        wanted = sum(len(g.unplaced) + len(g.suspects) for g in self._groups.values())
        ready = sum(slot.ready for slot in self.slots)
        return RunnerFigures(ready=ready, restarts=dict(self._restarts), wanted=wanted)

    async def close(self) -> None:
        self.closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        slots = list(self.slots)
        for slot in slots:
            self._kill(slot)
        await asyncio.gather(*(slot.process.wait() for slot in slots))
        for slot in slots:
            if slot.link is not None:
                slot.link.close()

    def pick(self, group: Group) -> Slot | None:
        """The ready runner of the group with the least to do; one is started if there is none."""
        group.used = _now()
        if not group.started:
            self._start_group(group)
        best: Slot | None = None
        least = 0
        for slot in self.slots:
            if slot.group is group and slot.ready and not slot.retiring and not slot.alone:
                load = len(slot.assignments) + len(slot.fetches)
                if best is None or load < least:
                    best, least = slot, load
        return best

    def pick_alone(self, group: Group, most: int = 1) -> Slot | None:
        """The group's runner for suspects, when it answers nothing and executes fewer than `most`
        runs; it is started when there is none."""
        group.used = _now()
        slot = group.alone
        if slot is None:
            if not group.starting_alone:
                group.starting_alone = True
                self._spawn(self._keep_alone(group))
            return None
        free = not slot.fetches and len(slot.assignments) < most
        return slot if slot.ready and not slot.retiring and free else None

    def retire(self, slot: Slot, why: str) -> None:
        """Replace a runner: it gets nothing new, and is killed once its attempts have ended."""
        if not slot.retiring:
            _log.warning("replacing a runner: a step ignores being told to stop", where=why[:500])
            slot.retiring = True
            if not slot.alone:
                self._spawn(self._keep_one(slot.group))
            self._spawn(self._drain(slot))
            self.owner.on_retiring(slot)

    def kill(self, slot: Slot) -> None:
        """End a runner now; its death is nobody's fault."""
        slot.killed = True
        self._kill(slot)

    def _kill(self, slot: Slot) -> None:
        slot.killed = slot.killed or self.closing
        slot.process.kill()

    def _start_group(self, group: Group) -> None:
        group.started = True
        for _ in range(self.size if group.environment is None else 1):
            self._spawn(self._keep_one(group))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, slot: Slot) -> None:
        await asyncio.wait([slot.process.exited], timeout=DRAIN)
        self.kill(slot)

    async def _watch_idle(self) -> None:
        while True:
            await asyncio.sleep(self.place.idle_after / 4)
            self.stop_idle(_now())

    async def _keep_one(self, group: Group) -> None:
        """Keep one place in a group filled until it is handed on or the group is given up."""
        backoff = FIRST_BACKOFF
        while not (self.closing or group.stopped):
            slot = await self._start(group, alone=False)
            if slot is None:
                return
            exit = await slot.process.wait()
            was_ready = slot.ready
            self._bury(slot, exit)
            if slot.retiring:
                return
            if was_ready:
                backoff = FIRST_BACKOFF
            else:
                _log.error("a runner died before it was ready", how=exit.describe())
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF)

    async def _keep_alone(self, group: Group) -> None:
        """Start the runner for suspects and see it end; the next one starts when it is asked for."""
        slot = await self._start(group, alone=True)
        if slot is None:
            return
        group.alone = slot
        exit = await slot.process.wait()
        if not slot.ready:
            _log.error("a runner died before it was ready", how=exit.describe())
            await asyncio.sleep(FIRST_BACKOFF)
        group.alone = None
        group.starting_alone = False
        self._bury(slot, exit)

    async def _start(self, group: Group, *, alone: bool) -> Slot | None:
        """Try until a runner is started; None when its group was given up meanwhile."""
        backoff = LONGEST_BACKOFF
        while not group.stopped:
            try:
                if group.environment is not None:
                    await self._install(group, group.environment)
                slot = await self._start_process(group, alone=alone)
                if slot.group.stopped:
                    slot.retiring = True
                    self.kill(slot)
                return slot
            except EnvironmentMissing as error:
                _log.error("packages are missing; what needs them waits", reason=str(error))
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, LONGEST_INSTALL_BACKOFF)
            except OSError as error:
                _log.error("a runner could not be started", reason=str(error))
                await asyncio.sleep(LONGEST_BACKOFF)
        return None

    async def _install(self, group: Group, environment: Path) -> None:
        if await asyncio.to_thread(environment.is_dir):
            group.problem = None
            return
        try:
            await self.owner.restore(environment)
            group.problem = None
        except EnvironmentMissing as error:
            group.problem = error.why
            raise

    async def _start_process(self, group: Group, *, alone: bool) -> Slot:
        self._number += 1
        slot: Slot

        def report(said: Report) -> None:
            self._reported(slot, said)

        place = self.place
        process = await RunnerProcess.start(
            self._command() + _packages(group.environment),
            name=f"runner-{self._number}",
            env=scrubbed_environment(place.temporary),
            log=place.log,
            on_report=report,
            code=place.deployments,
            cwd=place.temporary,
        )
        slot = Slot(process, group, alone=alone)
        slot.link = Link(
            process.socket,
            decode=messages.decode_for_server,
            on_message=lambda message: self._said(slot, message),
            on_lost=lambda why: self._lost(slot, why),
        )
        self.slots.append(slot)
        return slot

    def _command(self) -> list[str]:
        place = self.place
        command = [*place.runner, "--deployments", str(place.deployments)]
        command += ["--temporary", str(place.temporary)]
        command += ["--stall-after", str(place.stall_after)]
        for path in place.forbid:
            command += ["--forbid", str(path)]
        if place.memory_bytes is not None:
            command += ["--memory", str(place.memory_bytes)]
        if place.processes is not None:
            command += ["--processes", str(place.processes)]
        return command

    def _said(self, slot: Slot, message: Any) -> None:
        if isinstance(message, messages.Hello):
            if slot.ready:
                raise Nonsense("a second hello")
            if slot.process.exited.done():
                return  # read after its death: nothing can be given to it any more
            slot.ready = True
            slot.isolation = message.isolation
            self.owner.on_ready(slot)
        elif isinstance(message, messages.Loading):
            if message.deployment not in slot.known:
                raise Nonsense("a deployment it was never told of")
            slot.loading = None if message.done else message.deployment
            if message.done:
                self.owner.on_loaded(slot, message.deployment)
        elif isinstance(message, messages.Stuck):
            self.retire(slot, message.where)
        else:
            self.owner.on_message(slot, message)

    def _lost(self, slot: Slot, why: str) -> None:
        """The link is gone; a runner without one is of no use."""
        if slot.link is not None and slot.link.nonsense:
            slot.nonsense = why
        slot.process.kill()

    def _reported(self, slot: Slot, report: Report) -> None:
        match report:
            case Beat():
                pass
            case Stall():
                slot.stall = report
                slot.process.kill()
            case Silent():
                slot.silent = report
                slot.process.abort()
                asyncio.get_running_loop().call_later(2.0, slot.process.kill)

    def _bury(self, slot: Slot, exit: Exit) -> None:
        slot.ready = False
        if slot.link is not None:
            slot.link.drain()
            slot.link.close()
            slot.link = None
        self.slots.remove(slot)
        if not (self.closing or slot.group.stopped):
            self._restarts[_reason(slot)] += 1
        if not self.closing:
            self.owner.on_death(slot, exit)


def _reason(slot: Slot) -> str:
    """Why another runner takes this one's place."""
    if slot.killed:
        return "replaced"
    return "stalled" if slot.stall is not None or slot.silent is not None else "died"


def _packages(environment: Path | None) -> list[str]:
    return [] if environment is None else ["--packages", str(environment)]


def _now() -> float:
    return asyncio.get_running_loop().time()
