"""After a runner's death: who is charged with it, and what becomes of what it was doing.

Code that was certainly at fault pays with an attempt; everything else is executed again at once,
without backoff, as if it had never begun.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import structlog

from awaitstep.engine import messages
from awaitstep.engine.embedded.blame import Blame, Unit
from awaitstep.engine.embedded.fleet import Slot
from awaitstep.engine.embedded.process import Exit
from awaitstep.engine.errors import RUNNER_LOST
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.run import Run
from awaitstep.engine.states import RunStatus

if TYPE_CHECKING:
    from awaitstep.engine.embedded.supervisor import Supervisor

_log = structlog.get_logger("awaitstep.engine")
# The names of a runner's tasks: a run's code, one of its attempts, a handler.
_RUN: Final = re.compile(r"run (\d+)(?: (\d+))?")
_FETCH: Final = re.compile(r"fetch (\d+)")
# A deployed file as its author knows it; each has a folder of its own.
MODULE: Final = "worker.py"
_FAULT: Final = re.compile(rf"{re.escape(MODULE)} line (\d+) in ")


class Casualties:
    """One death, from the finding of the cause to the last run going on."""

    def __init__(self, engine: Supervisor, blame: Blame, slot: Slot, exit: Exit) -> None:
        self._engine = engine
        self._blame = blame
        self._slot = slot
        self._exit = exit

    def treat(self) -> None:
        engine, slot = self._engine, self._slot
        runs = [engine.assigned(assignment) for assignment in list(slot.assignments)]
        charged: Unit | None = None
        if not slot.killed:
            charged = self._blame.verdict(self._units(runs), self._known(runs), engine.now())
            _log.warning(
                "a runner died", how=self._how(), charged=charged and charged.kind, runs=len(runs)
            )
        if charged is not None:
            self._charge(charged, runs)
        for run in runs:
            engine.lost(run, interrupted=True)
        for call, deployment in list(slot.fetches.items()):
            failed = self._told(charged is not None and _is_of(charged, deployment))
            engine.on_answer(slot, messages.Answer(call, 500, [], b"", failed))

    def _told(self, guilty: bool) -> Failure:
        """What a request that was under way fails with. Of others' code it tells nothing: they may
        belong to somebody else."""
        if guilty:
            return Failure("RunnerDied", f"The runner ended: {self._how()}", code="runner.died")
        why = "The runner ended; other code may have brought it down, or it was replaced."
        return Failure("RunnerDied", why, code=RUNNER_LOST)

    def _charge(self, unit: Unit, runs: list[Run]) -> None:
        engine = self._engine
        if unit.kind == "attempt":
            run = next(run for run in runs if run.ref == unit.run)
            operation = run.inflight[unit.k]
            what = f"Step {operation.name!r}"
            failed = Failure(
                "RunnerDied", f"{what} ended its runner: {self._how()}",
                line=self._line(), code="runner.died", step=operation.name,
            )  # fmt: skip
            engine.attempt_failed(run.assignment, unit.k, failed, True)
        else:
            what = {
                "body": "The code of run()",
                "fetch": "The fetch handler",
                "load": "Importing the module",
            }[unit.kind]
        if self._blame.charge(unit.deployment, engine.now()):
            engine.close_deployment(
                unit.deployment, f"{what} brought its runner down repeatedly: {self._how()}"
            )

    def _line(self) -> int | None:
        """The line of the deployed module, where it is known."""
        stall = self._slot.stall
        if stall is not None:
            return stall.line if _file(stall.file) == MODULE else None
        found = _FAULT.match(self._exit.fault or "")
        return int(found[1]) if found else None

    def _how(self) -> str:
        stall, silent = self._slot.stall, self._slot.silent
        if stall is not None:
            place = f"{_file(stall.file)} line {stall.line} in {stall.function}"
            return f"it blocked the event loop for {stall.seconds:.0f} s at {place}"
        if silent is not None:
            where = f" at {self._exit.fault}" if self._exit.fault else ""
            return f"it computed for {silent.seconds:.0f} s without letting go{where}"
        if self._slot.nonsense is not None:
            return f"it sent its server nonsense: {self._slot.nonsense}"
        return self._exit.describe()

    def _known(self, runs: list[Run]) -> Unit | None:
        """The culprit, where something named it."""
        slot = self._slot
        if slot.loading is not None:
            return Unit("load", slot.loading)
        task = slot.stall.task if slot.stall is not None else None
        if task is None:
            return None
        if found := _FETCH.fullmatch(task):
            deployment = slot.fetches.get(int(found[1]))
            return None if deployment is None else Unit("fetch", deployment)
        if found := _RUN.fullmatch(task):
            run = next((run for run in runs if run.assignment == int(found[1])), None)
            if run is None:
                return None
            if found[2] is None:
                return Unit("body", run.deployment, run.ref)
            k = int(found[2])
            return Unit("attempt", run.deployment, run.ref, k) if k in run.inflight else None
        return None

    def _units(self, runs: list[Run]) -> Iterator[Unit]:
        """Everything that was running."""
        for run in runs:
            attempts = [o for o in run.inflight.values() if not o.released]
            for operation in attempts:
                yield Unit("attempt", run.deployment, run.ref, operation.k)
            active = not (attempts or run.idle or run.uncommitted or run.frozen)
            if active and run.status is RunStatus.running:
                yield Unit("body", run.deployment, run.ref)
        for deployment in set(self._slot.fetches.values()):
            yield Unit("fetch", deployment)


def _is_of(unit: Unit, deployment: str) -> bool:
    """Whether it was the deployment's handler, or its module while that was imported."""
    return unit.kind in ("fetch", "load") and unit.deployment == deployment


def _file(path: str) -> str:
    return os.path.basename(path) or "an unknown place"
