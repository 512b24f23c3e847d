"""What is asked of runs, as every engine in this process answers it: the Runs port.

What an engine keeps in its own way, it answers itself.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from awaitstep.engine import eventlog, ids, tracecontext, values
from awaitstep.engine.change import Change
from awaitstep.engine.children import child_told_of
from awaitstep.engine.coordinator import Coordinator, resolve
from awaitstep.engine.errors import (
    EngineError,
    InvalidEventType,
    InvalidInstanceId,
    ReservedEventType,
    RunState,
)
from awaitstep.engine.eventlog import Note, NoteKind
from awaitstep.engine.figures import Figures
from awaitstep.engine.port import (
    Capabilities,
    Created,
    LogEntry,
    Onto,
    RunPage,
    RunQuery,
    Runs,
    RunView,
    StartRun,
    StepView,
)
from awaitstep.engine.run import Run
from awaitstep.engine.states import ENDED


class Verbs(Coordinator, Runs):
    """To be completed by an adapter."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    def _new_run(self, ref: int, start: StartRun) -> Run:
        """Raises InvalidInstanceId, ValueRefused."""
        now = self._clock.now()
        if start.instance is not None and not ids.valid_instance(start.instance):
            raise InvalidInstanceId
        if start.params is not None:
            values.check(start.params)
        run = Run(
            ref,
            start.workflow,
            ids.new_instance(now) if start.instance is None else start.instance,
            start.deployment,
            version=start.version,
            trigger=start.trigger,
            params=start.params,
            created=now,
            generated=start.instance is None,
        )
        run.priority = start.priority
        return run

    def _creation(self, run: Run, start: StartRun) -> Change:
        """The new run's first change."""
        change = Change(run)
        change.created = True
        if self._tell_end is not None and (span := tracecontext.valid(start.traceparent)):
            change.notes = [Note(NoteKind.traced, run.created, 1, 0, span.encode())]
        return change

    def watch_ends(self, tell: Callable[[str, str], None]) -> None:
        self._tell_end = tell

    def watch(self, tell: Callable[[str, str], None]) -> Callable[[], None]:
        self._watchers = (*self._watchers, tell)

        def end() -> None:
            self._watchers = tuple(each for each in self._watchers if each is not tell)

        return end

    async def create_batch(self, starts: Sequence[StartRun]) -> Sequence[Created | Exception]:
        answers = await asyncio.gather(*map(self.create, starts), return_exceptions=True)
        checked: list[Created | Exception] = []
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, EngineError):
                raise answer
            checked.append(answer)
        return checked

    async def get(self, workflow: str, instance: str) -> RunView:
        run = self._index.get((workflow, instance))
        if run is None:
            run = await self._open(workflow, instance)
            self._settle(run)
        elif run.uncommitted and run.status in ENDED:
            await self._flushed()  # an end is told once it is durable
        return run.view()

    async def history(self, workflow: str, instance: str) -> Sequence[StepView]:
        run = self._index.get((workflow, instance))
        if run is None:
            run = await self._open(workflow, instance)
            self._settle(run)
        return run.history()

    async def event_log(self, workflow: str, instance: str) -> Sequence[LogEntry]:
        run = await self._open(workflow, instance)
        self._held[run.ref] += 1  # it is not read twice, and not at two moments
        try:
            return eventlog.entries(run, await self._notes(run))
        finally:
            self._let_go(run.ref)

    async def send_event(self, workflow: str, instance: str, type: str, payload: bytes) -> None:
        if not 1 <= len(type) <= 100 or not type.isprintable():
            raise InvalidEventType
        if child_told_of(type) is not None:
            raise ReservedEventType
        values.check(payload)
        self._check_intake(None)
        run = await self._open(workflow, instance)
        try:
            await self._durable(self._heard(run, type, payload, run.receive))
        finally:
            self._settle(run)

    async def pause(self, workflow: str, instance: str) -> RunView:
        self._check_intake(None)
        run = await self._open(workflow, instance)
        try:
            change = run.pause(self._clock.now())
            if run.pause_requested:
                self._hold(run)
            await self._durable(change)
            return run.view()
        finally:
            self._settle(run)

    async def resume(self, workflow: str, instance: str) -> RunView:
        self._check_intake(None)
        run = await self._open(workflow, instance)
        try:
            change = run.resume(self._clock.now())
            self._let_start(run)
            await self._durable(change)
            return run.view()
        finally:
            self._settle(run)

    async def terminate(self, workflow: str, instance: str, *, rollback: bool = False) -> RunView:
        self._check_intake(None)
        run = await self._open_beside_parent(workflow, instance)
        try:
            if run.status in ENDED:
                raise RunState(instance, "be terminated", run.status.value)
            rollback = rollback and bool(run.operations or run.started is not None)
            if rollback:
                change = run.stop(self._clock.now())
                self._let_start(run)
            else:
                self._take(run)
                change = self._told(run.terminate(self._clock.now()))
            if change:
                await self._durable(change)
            view = run.view()
        finally:
            self._settle(run)
        await self._end_children(run.ref, rollback=rollback)
        return view

    async def restart(
        self,
        workflow: str,
        instance: str,
        *,
        step: str | None = None,
        count: int = 1,
        onto: Onto | None = None,
    ) -> RunView:
        run = await self._open_beside_parent(workflow, instance)
        makes_room = False
        try:
            self._check_intake(run.deployment if onto is None else onto.deployment)
            assigned = run.assignment
            change = run.restart(self._clock.now(), step, count, onto)
            makes_room = self._admission.leave(run)  # it begins once more, and counts as that
            change.freed = self._free(run)
            run.assignment = assigned
            self._take(run)
            run.assignment = 0
            await self._durable(change)
            self._tallies[workflow].restarted += 1
            view = run.view()
        finally:
            self._settle(run)
            if makes_room:
                self._admit(workflow)
        await self._end_children(run.ref)
        return view

    async def wait(self, workflow: str, instance: str, seconds: float) -> RunView:
        run = await self._open(workflow, instance)
        if run.status not in ENDED or run.uncommitted:
            future: asyncio.Future[None] = self._loop.create_future()
            self._ends.setdefault(run.ref, []).append(future)
            patience = self._patience.call_later(seconds, partial(resolve, future))
            try:
                await future
            finally:
                patience.cancel()
                waiting = self._ends.get(run.ref, [])
                if future in waiting:
                    waiting.remove(future)
                    if not waiting:
                        del self._ends[run.ref]
        self._settle(run)
        if run.status in ENDED:
            return run.view()
        return await self.get(workflow, instance)  # it may have been read anew meanwhile

    @abstractmethod
    async def figures(self) -> Figures: ...

    @abstractmethod
    async def create(self, start: StartRun) -> Created: ...

    @abstractmethod
    async def list(self, query: RunQuery) -> RunPage: ...

    @abstractmethod
    async def views(self, runs: Sequence[tuple[str, str]]) -> Sequence[RunView]: ...

    @abstractmethod
    async def newest(self, workflows: Sequence[str]) -> Mapping[str, RunView]: ...

    @abstractmethod
    async def delete(self, workflow: str, instance: str) -> None: ...

    @abstractmethod
    async def live(self, workflow: str) -> int: ...
