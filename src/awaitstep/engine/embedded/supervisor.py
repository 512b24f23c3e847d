"""Runs that are executed by runner processes: in which one, beside whom, and what a death means.

Adds to the shared coordinator the fleet and the requests to workers. Where rows are kept is its
adapter's business.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from awaitstep.engine import messages
from awaitstep.engine.change import Change
from awaitstep.engine.clock import Clock
from awaitstep.engine.embedded.blame import MOST_AT_ONCE, Blame, Unit
from awaitstep.engine.embedded.casualties import Casualties
from awaitstep.engine.embedded.fleet import Fleet, Group, Place, Slot
from awaitstep.engine.embedded.hearing import Heard, Hearing
from awaitstep.engine.embedded.prints import Prints
from awaitstep.engine.embedded.process import Exit
from awaitstep.engine.embedded.requests import Requests
from awaitstep.engine.errors import (
    UNAVAILABLE,
    DeploymentCrashed,
    DeploymentMissing,
    EnvironmentMissing,
    RunnerUnavailable,
    WorkerFailed,
)
from awaitstep.engine.operations import Operation
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.recorded import fitting, recorded
from awaitstep.engine.run import Run
from awaitstep.engine.states import ENDED, RunStatus, StepStatus
from awaitstep.engine.verbs import Verbs
from awaitstep.engine.workers import (
    Bundle,
    Bundles,
    HandlerFailure,
    RunnerHealth,
    WorkerRequest,
    WorkerResponse,
)

_log = structlog.get_logger("awaitstep.engine")
# Runs read back per turn, and how many may be loaded by that.
PAGE: Final = 500
MOST_LOADED: Final = 10_000
READY_TIMEOUT: Final = 10.0


class Supervisor(Verbs):
    """The runners of one machine and what they execute."""

    def __init__(self, bundles: Bundles, place: Place, clock: Clock, runners: int) -> None:
        super().__init__(clock)
        self._bundles = bundles
        self._bundle: dict[str, Bundle] = {}
        self._unread: dict[str, dict[int, None]] = {}  # deployment -> the runs that wait for it
        self._fleet = Fleet(place, self, runners)
        self._slots: dict[int, Slot] = {}  # assignment -> runner
        self._requests = Requests(self, bundles)
        self._ready = asyncio.Event()
        self._blame = Blame()
        self._crashed: dict[str, str] = {}
        self._isolation: str | None = "no runner has answered yet"
        self._prints = Prints(self)
        self.on_answer = self._requests.on_answer
        beside: dict[type, Heard] = {
            messages.Answer: self.on_answer,
            messages.Call: lambda slot, call: self._spawn(self._requests.on_call(slot, call)),
            messages.Printed: self._prints.heard,
        }
        self.on_message = Hearing(self, beside).on_message

    @property
    @abstractmethod
    def _unwritten(self) -> str | None:
        """Why nothing can be written at this time."""

    @abstractmethod
    async def _live_of(self, deployment: str) -> Sequence[int]:
        """The numbers of a deployment's runs that have not ended."""

    # --- the Workers port ---------------------------------------------------------------------

    async def fetch(self, deployment: str, request: WorkerRequest) -> WorkerResponse:
        """See `Workers.fetch`."""
        began, status = self._loop.time(), UNAVAILABLE  # unless it is asked
        bundle = self._bundle.get(deployment)
        try:
            self._check_deployment(deployment)
            if bundle is None:
                bundle = await self._learn(deployment)
            slot = self._slot_now(bundle) or await self._slot_later(bundle)
            try:
                response = await self._requests.fetch(slot, bundle, request)
                status = response.status
                return response
            finally:
                if slot.alone:
                    self._freed(slot)
                if slot.retiring:
                    self._check_drained(slot)
        except WorkerFailed as error:
            status = error.status
            raise
        except asyncio.CancelledError:
            bundle = None  # nobody was answered
            raise
        finally:
            if bundle is not None:
                self._tallies[bundle.workflow].request(status, self._loop.time() - began)

    def crashed(self, deployment: str) -> str | None:
        return self._crashed.get(deployment)

    def handler_failure(self, deployment: str) -> HandlerFailure | None:
        return self._requests.failure(deployment)

    def health(self) -> RunnerHealth:
        ready = [slot for slot in self._fleet.slots if slot.ready]
        return RunnerHealth(
            # one set of packages says nothing about the others
            ready=any(slot.group.environment is None for slot in ready),
            runners=len(ready),
            isolated=self._isolation is None,
            isolation=self._isolation or "",
            unwritten=self._unwritten,
        )

    def _slot_now(self, bundle: Bundle) -> Slot | None:
        """A runner that can answer a request now."""
        group = self._fleet.group(bundle.environment)
        if self._answers_alone(bundle.deployment):
            return self._fleet.pick_alone(group)
        return self._fleet.pick(group)

    async def _slot_later(self, bundle: Bundle) -> Slot:
        deployment, fleet = bundle.deployment, self._fleet
        asked: Group | None = None
        slot: Slot | None = None
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                while True:
                    self._check_deployment(deployment)
                    if asked is None and self._answers_alone(deployment):
                        asked = fleet.group(bundle.environment)
                        asked.asking += 1
                        self._make_room(asked)
                    slot = self._slot_now(bundle)
                    if slot is not None:
                        return slot
                    self._ready.clear()
                    await self._ready.wait()
        except TimeoutError:
            why = fleet.group(bundle.environment).problem
            raise RunnerUnavailable if why is None else EnvironmentMissing(why) from None
        finally:
            if asked is not None:
                asked.asking -= 1
                if slot is None:
                    self._gave_up(asked)

    def _check_deployment(self, deployment: str) -> None:
        why = self._crashed.get(deployment)
        if why is not None:
            raise DeploymentCrashed(why)

    async def _learn(self, deployment: str) -> Bundle:
        bundle = self._bundle[deployment] = await self._bundles.bundle(deployment)
        return bundle

    # --- who executes what --------------------------------------------------------------------

    def _execute(self, run: Run) -> None:
        why = self._crashed.get(run.deployment)
        if why is not None:
            self._fail(run, Failure("RunnerCrashed", why, code="runner.crashed"))
            return
        bundle = self._bundle.get(run.deployment)
        if bundle is None:
            self._execute_later(run)
            return
        group = self._fleet.group(bundle.environment)
        if self._is_suspect(run):
            group.suspects[run.ref] = None
            self._place_alone(group)
            return
        slot = self._fleet.pick(group)
        if slot is None:
            group.unplaced[run.ref] = None
            if group.environment is not None and not self._is_needed(run):
                self._evict(run)  # they may be many, and wait for long: others need the room
            return
        self._start(run, bundle, slot)

    def _execute_later(self, run: Run) -> None:
        """Execute a queued run once its deployment is read, which is done once for all its runs."""
        waiting = self._unread.get(run.deployment)
        if waiting is not None:
            waiting[run.ref] = None
            return
        self._unread[run.deployment] = {run.ref: None}
        self._spawn(self._execute_unread(run.deployment))

    async def _execute_unread(self, deployment: str) -> None:
        missing = await self._insist(partial(self._miss, deployment))
        waiting = self._unread.pop(deployment)
        # by number: they may have been paused meanwhile, have left memory, and been read anew
        for run in [self._runs[ref] for ref in waiting if ref in self._runs]:
            if missing is None:
                self._settle(run)
            elif run.status is RunStatus.queued and run.deployment == deployment:
                self._fail(run, missing)

    async def _miss(self, deployment: str) -> Failure | None:
        """Learn what a deployment is; what its runs end with when there is none."""
        try:
            await self._learn(deployment)
        except DeploymentMissing as error:
            return Failure("DeploymentMissing", str(error), code=error.code)
        return None

    def _start(self, run: Run, bundle: Bundle, slot: Slot) -> None:
        slot.tell(bundle)
        assignment = self._give(run)
        slot.assignments.add(assignment)
        self._slots[assignment] = slot
        rest = recorded(run) if run.operations else []
        while len(rest) > (size := fitting(rest)):
            slot.send(messages.History(assignment, rest[:size]))
            rest = rest[size:]
        slot.send(
            messages.Start(
                assignment,
                run.deployment,
                run.instance,
                run.created,
                run.params,
                rest,
                slot.alone,
                run.epoch,
            )
        )
        if run.operations:
            self._fire(run, self._clock.now())

    def _place_unplaced(self, group: Group) -> None:
        waiting, group.unplaced = list(group.unplaced), {}
        if group.environment is not None and waiting and not self._closed:
            self._spawn(self._place_waiting(waiting))
            return
        for ref in waiting:
            if (run := self._runs.get(ref)) is not None:
                self._settle(run)

    async def _place_waiting(self, refs: Sequence[int]) -> None:
        """Execute runs that left memory while there was no runner for their packages."""
        for start in range(0, len(refs), PAGE):
            page = refs[start : start + PAGE]
            for run in await self._insist(partial(self._bring, page)):
                self._settle(run)
            await self._room()

    async def _room(self) -> None:
        while len(self._runs) > MOST_LOADED:
            await self._flushed()
            await asyncio.sleep(0.01)

    def _take(self, run: Run, *, unload: bool = True) -> None:
        assignment = run.assignment
        super()._take(run, unload=unload)
        slot = self._slots.pop(assignment, None)
        if slot is not None:
            slot.assignments.discard(assignment)
            if slot.alone:
                self._freed(slot)
            elif slot.retiring:
                self._check_drained(slot)

    def _may_rest(self, run: Run) -> bool:
        slot = self._slots[run.assignment]
        # the runner for suspects is wanted by others, one with packages ends when nothing uses it
        if slot.alone or slot.retiring or slot.group.environment is not None:
            return False
        return super()._may_rest(run)

    def ended(
        self,
        assignment: int,
        output: bytes | None,
        failure: Failure | None,
        seen: int | None = None,
    ) -> None:
        run = self._assigned.get(assignment)
        if run is not None:
            self._clear(run, self._slots[assignment])
        super().ended(assignment, output, failure, seen)

    def lost(self, run: Run, *, unload: bool = False, interrupted: bool = False) -> None:
        """The runner that executed the run is gone (`interrupted`, if all at once), or is to let go
        of it (`unload`): it is executed again."""
        if run.assignment:
            change = None
            if interrupted and run.busy:
                change = run.interrupted(self._clock.now())
            self._take(run, unload=unload)
            run.unassign()
            if change is not None:
                self._apply(change)
            if run.pause_requested:
                self._apply(run.pause(self._clock.now()))
            self._settle(run)

    # --- suspects of a death ------------------------------------------------------------------

    def _is_suspect(self, run: Run) -> bool:
        return self._blame.suspects(run.ref) or self._loads_alone(run.deployment)

    def _loads_alone(self, deployment: str) -> bool:
        return self._blame.suspects_load(deployment)

    def _answers_alone(self, deployment: str) -> bool:
        now = self._clock.now()
        return self._blame.suspects_fetch(deployment, now) or self._loads_alone(deployment)

    def _place_alone(self, group: Group) -> None:
        """Give the next suspects the runner for suspects, as far as that is free."""
        suspects = group.suspects
        while suspects and not group.asking:
            ref = next(iter(suspects))
            run = self._runs.get(ref)
            if run is None or run.assignment or run.status is not RunStatus.queued:
                del suspects[ref]
                continue
            bundle = self._bundle.get(run.deployment)
            lacks = run.uncommitted or run.deployment in self._crashed
            if bundle is None or lacks or not self._is_suspect(run):
                del suspects[ref]
                self._settle(run)  # a suspect comes back here once what it lacks is there
                continue
            slot = self._fleet.pick_alone(group, self._at_once(group, run))
            if slot is None:
                break
            del suspects[ref]
            if self._may_begin(run):  # limits may have come while it waited
                self._start(run, bundle, slot)
        if suspects or group.asking:
            self._make_room(group)
        elif group.alone is None or not group.alone.assignments:
            group.at_once = 1  # whoever comes next has to do with other deaths

    def _at_once(self, group: Group, run: Run) -> int:
        """How many runs may be in the runner for suspects once this one is."""
        there = [] if group.alone is None else group.alone.assignments
        for other in (run, *(self._assigned[assignment] for assignment in there)):
            if self._blame.isolates(other.ref) or self._loads_alone(other.deployment):
                return 1
        return group.at_once

    def _make_room(self, group: Group) -> None:
        """Who went well leaves the runner for suspects to those who wait for it."""
        for slot in self._fleet.slots:
            if slot.alone and slot.group is group:
                for assignment in slot.assignments:
                    run = self._assigned[assignment]
                    if not run.frozen and self._may_leave(run, slot):
                        self._hold(run)

    def _may_leave(self, run: Run, slot: Slot) -> bool:
        """Whether the run is to go on in another runner, as soon as nothing of it executes."""
        if slot.alone and not slot.retiring:
            return not self._is_suspect(run) and bool(slot.group.suspects or slot.group.asking)
        return slot.retiring

    def _freed(self, slot: Slot) -> None:
        """The runner for suspects has nothing to do; a request goes before a run."""
        self._ready.set()
        self._place_alone(slot.group)

    def _gave_up(self, group: Group) -> None:
        """A request waits for the runner for suspects no longer: who was to make room may stay."""
        if group.alone is not None:
            for assignment in group.alone.assignments:
                run = self._assigned[assignment]
                if run.frozen:
                    self._let_start(run)
        self._place_alone(group)

    def went_well(self, slot: Slot, run: Run) -> None:
        """A step of the run succeeds, and its runner is there."""
        self._clear(run, slot)
        if slot.alone:
            self._place_alone(slot.group)

    def _clear(self, run: Run, slot: Slot) -> None:
        """It has proven itself, and makes the suspects after it less suspicious."""
        if slot.alone and self._blame.suspects(run.ref):
            slot.group.at_once = min(slot.group.at_once + 1, MOST_AT_ONCE)
        self._blame.clear_run(run.ref)

    def _told(self, change: Change) -> Change:
        self._blame.clear_run(change.run.ref)
        return super()._told(change)

    # --- what runners are told ----------------------------------------------------------------

    def _deliver(self, run: Run, operation: Operation) -> None:
        ok = operation.status is StepStatus.complete
        own = ok and operation.kind == 0  # the runner still has what it sent
        self._slots[run.assignment].send(
            messages.Outcome(
                run.assignment, operation.seq, operation.k, ok, None if own else operation.value
            )
        )

    def _retry(self, run: Run, operation: Operation) -> None:
        self._slots[run.assignment].send(messages.Retry(run.assignment, operation.k))

    def _unload(self, run: Run) -> None:
        self._slots[run.assignment].send(messages.Unload(run.assignment))

    def _freeze(self, run: Run) -> None:
        self._slots[run.assignment].send(messages.Freeze(run.assignment))

    def _thaw(self, run: Run) -> None:
        self._slots[run.assignment].send(messages.Thaw(run.assignment))

    # --- what the fleet tells -----------------------------------------------------------------

    def on_ready(self, slot: Slot) -> None:
        self._isolation = slot.isolation
        self._ready.set()
        self._place_unplaced(slot.group)
        self._place_alone(slot.group)

    def on_loaded(self, slot: Slot, deployment: str) -> None:
        self._blame.clear(Unit("load", deployment))
        self._place_alone(slot.group)

    def on_retiring(self, slot: Slot) -> None:
        """Nothing new starts there; what has ended moves on, and the rest may end."""
        for assignment in slot.assignments:
            self._hold(self._assigned[assignment])
        self._check_drained(slot)

    def on_death(self, slot: Slot, exit: Exit) -> None:
        """Decide who is charged, and let everything else go on as if nothing had happened."""
        if slot.alone:
            slot.group.at_once = 1
        Casualties(self, self._blame, slot, exit).treat()
        self._ready.set()
        for group in self._fleet.groups:  # who is cleared by it may wait in any of them
            self._place_alone(group)

    def _held_back(self, run: Run) -> bool:
        slot = self._slots[run.assignment]
        return run.pause_requested or self._may_leave(run, slot)

    def _check_pause(self, run: Run) -> None:
        super()._check_pause(run)
        slot = self._slots.get(run.assignment)
        if slot is None or not (slot.retiring or slot.alone):
            return
        if run.frozen and not run.busy and not run.pause_requested:
            self.lost(run, unload=True)
        if slot.retiring:
            self._check_drained(slot)

    def _check_drained(self, slot: Slot) -> None:
        busy = any(self._assigned[assignment].busy for assignment in slot.assignments)
        if not busy and not slot.fetches:
            self._fleet.kill(slot)

    async def restore(self, environment: Path) -> None:
        """Raises EnvironmentMissing."""
        await self._bundles.restore(environment)

    # --- for those that hear runners ----------------------------------------------------------

    def is_assigned(self, assignment: int) -> bool:
        return assignment in self._assigned

    def bundle_of(self, deployment: str) -> Bundle:
        """Raises KeyError when nobody has asked for the deployment yet."""
        return self._bundle[deployment]

    def assigned(self, assignment: int) -> Run:
        return self._assigned[assignment]

    def worker(self, deployment: str) -> str:
        """Its name, as far as it is known."""
        bundle = self._bundle.get(deployment)
        return "" if bundle is None else bundle.workflow_name

    def now(self) -> float:
        return self._clock.now()

    # --- endings that are not the code's ------------------------------------------------------

    def _fail(self, run: Run, failed: Failure) -> None:
        if run.status in ENDED:
            return
        if self._lacks_parent(run):
            self._with_parent(run, lambda run: self._fail(run, failed))
            return
        self._take(run)
        self._apply(self._told(run.fail(failed, self._clock.now())))

    def close_deployment(self, deployment: str, why: str) -> None:
        """Too many deaths: intake says so, and its runs end."""
        _log.error("a deployment brought its runner down too often", deployment=deployment, why=why)
        self._crashed[deployment] = why
        self._spawn(self._fail_all(deployment, why))

    async def _fail_all(self, deployment: str, why: str) -> None:
        failed = Failure("RunnerCrashed", why, code="runner.crashed")
        await self._flushed()
        refs = await self._insist(partial(self._live_of, deployment))
        for start in range(0, len(refs), PAGE):
            for run in await self._insist(partial(self._bring, refs[start : start + PAGE])):
                self._fail(run, failed)
                self._settle(run)
            await self._room()
