"""The runner processes: starting, choosing, watching and replacing them.

Knows processes and links; what a death means for runs is the engine's business.
"""

from __future__ import annotations

import asyncio
import sys
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
from awaitstep.engine.link import Link, Nonsense
from awaitstep.engine.workers import Bundle

_log = structlog.get_logger("awaitstep.fleet")
# A runner that dies before it is ready is started again after this long, doubling (seconds).
FIRST_BACKOFF: Final = 0.1
LONGEST_BACKOFF: Final = 5.0
# How long attempts may go on in a runner that is being replaced.
DRAIN: Final = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of a fleet, and its limits."""

    deployments: Path
    temporary: Path
    forbid: Sequence[Path] = ()
    log: Path | None = None
    memory_bytes: int | None = None
    stall_after: float = 5.0


class Slot:
    """One runner process and what it has been given."""

    def __init__(self, process: RunnerProcess, *, alone: bool) -> None:
        self.process = process
        self.alone = alone  # for suspects, one at a time
        self.link: Link | None = None
        self.ready = False
        self.retiring = False
        self.isolation: str | None = None
        self.known: set[str] = set()
        self.assignments: set[int] = set()
        self.fetches: dict[int, str] = {}  # call -> deployment
        self.loading: str | None = None
        self.stall: Stall | None = None
        self.silent: Silent | None = None
        self.nonsense: str | None = None  # why its link was closed
        self.killed = False  # on purpose, nobody's fault

    def send(self, message: messages.Message) -> None:
        if self.link is not None:
            self.link.send(message)

    def tell(self, bundle: Bundle) -> None:
        """Make sure the runner knows a deployment."""
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


@dataclass
class Fleet:
    place: Place
    owner: Owner
    size: int = 1
    slots: list[Slot] = field(default_factory=list)
    closing: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _alone: Slot | None = None
    _starting_alone: bool = False
    _number: int = 0

    def start(self) -> None:
        for _ in range(self.size):
            self._spawn(self._keep_one())

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

    def pick(self) -> Slot | None:
        """The ready runner with the least to do."""
        ready = [s for s in self.slots if s.ready and not s.retiring and not s.alone]
        return min(ready, key=lambda s: len(s.assignments) + len(s.fetches), default=None)

    def pick_alone(self) -> Slot | None:
        """The runner for suspects, when it is free; it is started when there is none."""
        slot = self._alone
        if slot is None:
            if not self._starting_alone:
                self._starting_alone = True
                self._spawn(self._keep_alone())
            return None
        return slot if slot.ready and not slot.retiring and not slot.busy else None

    def retire(self, slot: Slot, why: str) -> None:
        """Replace a runner: it gets nothing new, and is killed once its attempts have ended."""
        if not slot.retiring:
            _log.warning("replacing a runner: a step ignores being told to stop", where=why[:500])
            slot.retiring = True
            if not slot.alone:
                self._spawn(self._keep_one())
            self._spawn(self._drain(slot))
            self.owner.on_retiring(slot)

    def kill(self, slot: Slot) -> None:
        """End a runner now; its death is nobody's fault."""
        slot.killed = True
        self._kill(slot)

    def _kill(self, slot: Slot) -> None:
        slot.killed = slot.killed or self.closing
        slot.process.kill()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, slot: Slot) -> None:
        await asyncio.wait([slot.process.exited], timeout=DRAIN)
        self.kill(slot)

    async def _keep_one(self) -> None:
        """Keep one place in the fleet filled until it is handed on or the fleet closes."""
        backoff = FIRST_BACKOFF
        while not self.closing:
            try:
                slot = await self._start(alone=False)
            except OSError as error:
                _log.error("a runner could not be started", reason=str(error))
                await asyncio.sleep(LONGEST_BACKOFF)
                continue
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

    async def _keep_alone(self) -> None:
        """Start the runner for suspects and see it end; the next one starts when it is asked for."""
        while True:
            try:
                slot = await self._start(alone=True)
                break
            except OSError as error:
                _log.error("a runner could not be started", reason=str(error))
                await asyncio.sleep(LONGEST_BACKOFF)
        self._alone = slot
        exit = await slot.process.wait()
        if not slot.ready:
            _log.error("a runner died before it was ready", how=exit.describe())
            await asyncio.sleep(FIRST_BACKOFF)
        self._alone = None
        self._starting_alone = False
        self._bury(slot, exit)

    async def _start(self, *, alone: bool) -> Slot:
        self._number += 1
        slot: Slot

        def report(said: Report) -> None:
            self._reported(slot, said)

        place = self.place
        process = await RunnerProcess.start(
            self._command(),
            name=f"runner-{self._number}",
            env=scrubbed_environment(place.temporary),
            log=place.log,
            on_report=report,
            code=place.deployments,
            cwd=place.temporary,
        )
        slot = Slot(process, alone=alone)
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
        command = [sys.executable, "-m", "awaitstep.runner"]
        command += ["--deployments", str(place.deployments), "--temporary", str(place.temporary)]
        command += ["--stall-after", str(place.stall_after)]
        for path in place.forbid:
            command += ["--forbid", str(path)]
        if place.memory_bytes is not None:
            command += ["--memory", str(place.memory_bytes)]
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
        if not self.closing:
            self.owner.on_death(slot, exit)
