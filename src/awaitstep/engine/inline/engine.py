"""The inline engine: everything in memory, in one process. For tests and for trying things out.

The same decisions and the same execution as the embedded engine, without a journal: what a change
says is durable at once. Nothing survives the process.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import FrameType
from typing import Any

from msgspec.structs import replace

from awaitstep.engine import cursors, outcomes, search
from awaitstep.engine.bindings import TOO_DEEP, RunsBackend
from awaitstep.engine.change import Change
from awaitstep.engine.clock import Clock, SystemClock
from awaitstep.engine.current import attempting
from awaitstep.engine.eager import Eager
from awaitstep.engine.errors import (
    NO_HANDLER,
    DeploymentMissing,
    InstanceTaken,
    RunState,
    WorkerFailed,
)
from awaitstep.engine.eventlog import Note
from awaitstep.engine.execution import Execution
from awaitstep.engine.figures import Figures
from awaitstep.engine.loading import Loaded, load, respond, run_code
from awaitstep.engine.logs import Line
from awaitstep.engine.operations import Operation
from awaitstep.engine.outcomes import Failure, failure, rebuild
from awaitstep.engine.port import Caller, Created, Parent, RunPage, RunQuery, RunView, StartRun
from awaitstep.engine.printing import Borrowed
from awaitstep.engine.recorded import recorded
from awaitstep.engine.retry import RetryPolicy
from awaitstep.engine.run import Run
from awaitstep.engine.states import ENDED, RunStatus, StepKind, StepStatus
from awaitstep.engine.step import WorkflowStep
from awaitstep.engine.verbs import Verbs
from awaitstep.engine.workers import (
    Bundles,
    HandlerFailure,
    RunnerHealth,
    WorkerRequest,
    WorkerResponse,
)
from workers.context import Context
from workers.workflows import WorkflowError

# The request that is being answered, in whatever task.
_answering: contextvars.ContextVar[WorkerRequest | None] = contextvars.ContextVar(
    "awaitstep_answering", default=None
)


class InlineEngine(Verbs):
    """Runs in memory. `bundles` says where the deployed modules are."""

    def __init__(self, bundles: Bundles, *, clock: Clock | None = None) -> None:
        super().__init__(clock or SystemClock())
        self._bundles = bundles
        self._all: dict[tuple[str, str], Run] = {}
        self._noted: dict[int, list[Note]] = {}
        self._failures: dict[str, HandlerFailure] = {}
        self._last_ref = 0
        self._loaded: dict[str, Loaded] = {}
        self._executions: dict[int, Execution] = {}
        self._streams = Borrowed()
        self._eager = Eager(self._loop)

    async def close(self) -> None:
        """Unload everything."""
        self._closed = True
        for assignment in list(self._assigned):
            self._take(self._assigned[assignment])
        if self._timer is not None:
            self._timer.cancel()
        self._eager.close()
        self._streams.give_back()

    async def create(self, start: StartRun) -> Created:
        run = self._new_run(self._last_ref + 1, start)
        known = self._all.get((run.workflow, run.instance))
        if known is not None:
            self._check_parent(known, start.parent)
            if (known.deployment, known.params) != (run.deployment, run.params):
                raise InstanceTaken(run.instance)
            return Created(known.view(), existed=True)
        self._adopt(run, start.parent)
        self._last_ref = run.ref
        self._all[run.workflow, run.instance] = self._add(run)
        self._apply(self._creation(run, start))
        return Created(run.view(), existed=False)

    async def list(self, query: RunQuery) -> RunPage:
        after = None if query.cursor is None else cursors.read(query.cursor)
        wanted = None if query.text is None else search.needle(query.text)
        found = [
            run
            for run in self._all.values()
            if run.workflow in query.workflows
            and (query.status is None or run.view().status in query.status)
            and (query.trigger is None or run.trigger in query.trigger)
            and query.version in (None, run.version)
            and query.deployment in (None, run.deployment)
            and (query.created_after is None or run.created >= query.created_after)
            and (query.created_before is None or run.created < query.created_before)
            and (after is None or _place(run) < after)
        ]
        if wanted is not None:
            whole = [run for run in found if run.instance in wanted.whole]
            found = whole or [run for run in found if _holds(run, wanted)]
        found.sort(key=_place, reverse=True)
        page = found[: query.limit]
        more = len(found) > len(page) > 0
        following = cursors.write(_place(page[-1])) if more else None
        return RunPage([run.view() for run in page], following)

    async def views(self, runs: Sequence[tuple[str, str]]) -> Sequence[RunView]:
        return [self._all[key].view() for key in runs if key in self._all]

    async def newest(self, workflows: Sequence[str]) -> Mapping[str, RunView]:
        rising = sorted(self._all.values(), key=_place)
        return {run.workflow: run.view() for run in rising if run.workflow in workflows}

    async def delete(self, workflow: str, instance: str) -> None:
        run = await self._open(workflow, instance)
        if run.status not in ENDED:
            raise RunState(instance, "be deleted", run.status.value)
        self._forget(run)

    def _forget(self, run: Run) -> None:
        del self._all[run.workflow, run.instance]
        self._runs.pop(run.ref, None)
        self._noted.pop(run.ref, None)
        self._evict(run)
        self._tell_watchers(run.workflow, run.instance)

    async def _retire(self, now: float) -> None:
        for workflow, kept in self._retention.items():
            mine = (run for run in self._all.values() if run.workflow == workflow)
            ended = [run for run in mine if run.status in ENDED and not run.uncommitted]
            for place, run in enumerate(sorted(ended, key=_place, reverse=True)):
                age = kept.completed if run.status is RunStatus.complete else kept.failed
                is_old = age is not None and run.created < now - age
                is_many = kept.most is not None and place >= kept.most
                if (is_old or is_many) and not self._is_needed(run):
                    self._forget(run)

    async def live(self, workflow: str) -> int:
        return sum(r.workflow == workflow and r.status not in ENDED for r in self._all.values())

    async def figures(self) -> Figures:
        live = Counter(run.workflow for run in self._all.values() if run.status not in ENDED)
        return Figures(
            workflows=self._tallies,
            live=live,
            in_line=self._admission.lengths(),
            loaded=len(self._index),
            executing=len(self._assigned),
        )

    # --- the Workers port ---------------------------------------------------------------------

    async def fetch(self, deployment: str, request: WorkerRequest) -> WorkerResponse:
        """See `Workers.fetch`."""
        loaded = await self._load(deployment)
        context = Context()
        before = _answering.set(request)
        try:
            status, headers, body = await respond(
                loaded, context, request.method, request.url, request.headers, request.body
            )
        except Exception as error:
            code = getattr(error, "code", None)
            code = code if code in (TOO_DEEP, NO_HANDLER) else "worker.failed"
            told = failure(error, loaded.file)
            failed = WorkerFailed(f"{type(error).__name__}: {error}", code, told)
            if failed.is_handlers_fault and (kept := outcomes.view(told)) is not None:
                self._failures[deployment] = HandlerFailure(self._clock.now(), kept)
            raise failed from error
        finally:
            _answering.reset(before)
            await context.drain()
        return WorkerResponse(status, headers, body)

    def crashed(self, deployment: str) -> str | None:
        """Nothing here can end the process but the process itself."""
        return None

    def handler_failure(self, deployment: str) -> HandlerFailure | None:
        return self._failures.get(deployment)

    def health(self) -> RunnerHealth:
        return RunnerHealth(ready=True, runners=1, isolated=False, isolation="one process")

    # --- what the coordinator asks for --------------------------------------------------------

    async def _open(self, workflow: str, instance: str) -> Run:
        run = self._all.get((workflow, instance))
        if run is None:
            raise self._missing(instance)
        return self._add(run)

    def _evict(self, run: Run) -> None:
        """Runs stay: memory is all there is. Ended and deleted ones leave the index only."""
        self._index.pop((run.workflow, run.instance), None)

    async def _bring(self, refs: Sequence[int]) -> Sequence[Run]:
        return [self._runs[ref] for ref in refs if ref in self._runs]

    async def _children(self, parent: int) -> Sequence[tuple[str, str, int]]:
        return [
            (run.workflow, run.instance, run.parent_epoch)
            for run in self._all.values()
            if run.parent == parent and run.status not in ENDED
        ]

    async def _notes(self, run: Run) -> Sequence[Note]:
        return self._noted.get(run.ref, [])

    def _write(self, change: Change, done: Callable[[Exception | None], None]) -> None:
        if change.notes:
            self._noted.setdefault(change.run.ref, []).extend(change.notes)
        self._loop.call_soon(done, None)

    def _execute(self, run: Run) -> None:
        self._add(run)  # who woke it may have known it by its number alone
        assignment = self._give(run)
        self._spawn(self._start(run, assignment))

    async def _start(self, run: Run, assignment: int) -> None:
        try:
            loaded = await self._load(run.deployment)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            code = error.code if isinstance(error, DeploymentMissing) else None
            self.ended(assignment, None, replace(failure(error), code=code))
            return
        if run.assignment != assignment:
            return
        self._streams.take()
        execution = Execution(
            _Link(self, assignment, run),
            label=run.instance,
            epoch=run.epoch,
            recorded=recorded(run),
            clock=self._clock,
            threads=_PlainThreads(),
            loop=self._loop,
            eager=self._eager,
            module=loaded.file,
        )
        self._executions[assignment] = execution
        step = WorkflowStep(execution)
        execution.start(
            lambda: _contained(
                lambda: run_code(
                    loaded, instance=run.instance, created=run.created, params=run.params, step=step
                ),
                loaded.file,
            )
        )
        for operation in run.operations.values():
            if operation.released:  # while there was nobody to tell it to
                execution.retry(operation.k)
        self._fire(run, self._clock.now())

    async def _load(self, deployment: str) -> Loaded:
        if deployment not in self._loaded:
            bundle = await self._bundles.bundle(deployment)
            self._loaded[deployment] = load(
                bundle.module,
                name=f"awaitstep_deployment_{deployment}",
                class_name=bundle.class_name,
                workflow_name=bundle.workflow_name,
                variables=bundle.variables,
                bindings=list(bundle.bindings),
                functions=list(bundle.functions),
                backend=RunsBackend(
                    self, self, self._bundles, bundle, "workflow", _caller, _answering.get
                ),
            )
        return self._loaded[deployment]

    def _deliver(self, run: Run, operation: Operation) -> None:
        execution = self._executions.get(run.assignment)
        if execution is not None:
            ok = operation.status is StepStatus.complete
            execution.deliver(operation.seq, operation.k, ok, operation.value)

    def _retry(self, run: Run, operation: Operation) -> None:
        if (execution := self._executions.get(run.assignment)) is not None:
            execution.retry(operation.k)

    def _unload(self, run: Run) -> None:
        if (execution := self._executions.pop(run.assignment, None)) is not None:
            execution.close()

    def worker_of(self, run: Run) -> str:
        """The name of a loaded run's worker."""
        return self._loaded[run.deployment].workflow_name

    def executed(self, assignment: int) -> None:
        """Its execution has ended by itself."""
        self._executions.pop(assignment, None)

    def _freeze(self, run: Run) -> None:
        if (execution := self._executions.get(run.assignment)) is not None:
            execution.freeze()
        self._loop.call_soon(self.frozen, run.assignment)

    def _thaw(self, run: Run) -> None:
        if (execution := self._executions.get(run.assignment)) is not None:
            execution.thaw()


def _place(run: Run) -> cursors.Place:
    return run.created, run.ref


def _holds(run: Run, wanted: search.Needle) -> bool:
    failed = None if run.failure is None else outcomes.pack(run.failure)
    values = (run.params, run.output, failed)
    return search.matches(wanted, run.instance, run.generated, values)


def _caller() -> Caller | None:
    """The attempt whose code asks."""
    attempt = attempting.get()
    if attempt is None:
        return None
    assert isinstance(attempt.engine, _Link)
    return attempt.engine.caller(attempt.k)


async def _contained(code: Callable[[], Coroutine[Any, Any, Any]], module: str) -> Any:
    """The code's result; what would end the process ends the run."""
    try:
        return await code()
    except (SystemExit, KeyboardInterrupt) as error:
        raise rebuild(failure(error, module)) from None


class _Link:
    """An execution's engine: the coordinator, with the assignment filled in."""

    def __init__(self, engine: InlineEngine, assignment: int, run: Run) -> None:
        self._engine = engine
        self._assignment = assignment
        self._run = run

    def caller(self, k: int) -> Caller:
        """The attempt of operation `k`. Raises WorkflowError when it is over."""
        run = self._run
        step = run.inflight.get(k)
        if step is None or run.assignment != self._assignment:
            raise WorkflowError("run.state", "This attempt is over.")
        parent = Parent(run.workflow, run.instance, run.epoch)
        worker = self._engine.worker_of(run)
        return Caller(parent, step.name, step.n, worker, run.created)

    def attempt_started(self, k: int, name: str, n: int, attempt: int, policy: RetryPolicy) -> None:
        self._engine.attempt_started(self._assignment, k, name, n, attempt, policy)

    def attempt_succeeded(self, k: int, value: bytes, log: Sequence[Line]) -> None:
        self._engine.attempt_succeeded(self._assignment, k, value, log)

    def attempt_failed(
        self, k: int, failure: Failure, retryable: bool, log: Sequence[Line]
    ) -> None:
        self._engine.attempt_failed(self._assignment, k, failure, retryable, log)

    def sleep(self, k: int, kind: StepKind, name: str, n: int, seconds: float) -> None:
        self._engine.sleep(self._assignment, k, kind, name, n, seconds)

    def wait(self, k: int, name: str, n: int, event_type: str, timeout: float) -> None:
        self._engine.wait_for(self._assignment, k, name, n, event_type, timeout)

    def cancel(self, k: int, seen: int) -> None:
        self._engine.cancel(self._assignment, k, seen)

    def blocked(self, seen: int) -> None:
        self._engine.blocked(self._assignment, seen)

    def failing(self, failure: Failure) -> None:
        self._engine.failing(self._assignment, failure)

    def ended(self, output: bytes | None, failure: Failure | None, seen: int | None) -> None:
        self._engine.executed(self._assignment)
        self._engine.ended(self._assignment, output, failure, seen)


class _PlainThreads:
    """Threads that can't be told to stop; a late result is dropped by the execution."""

    async def run(self, fn: Callable[..., Any], *args: Any, on_start: Callable[[Any], None]) -> Any:
        job = _PlainJob()
        on_start(job)
        try:
            value, error = await asyncio.shield(
                job.follow(asyncio.to_thread(job.outcome, fn, args))
            )
        finally:
            del job
        if error is not None:
            raise error
        return value


class _PlainJob:
    def __init__(self) -> None:
        self._call: asyncio.Task[Any] | None = None
        self._worker: int | None = None

    def outcome(
        self, fn: Callable[..., Any], args: tuple[Any, ...]
    ) -> tuple[Any, BaseException | None]:
        """What the call ended with: no future can raise a StopIteration, or should a SystemExit."""
        self._worker = threading.get_ident()
        try:
            return fn(*args), None
        except BaseException as error:
            return None, error
        finally:
            self._worker = None

    def frame(self) -> FrameType | None:
        thread = self._worker
        frame = None if thread is None else sys._current_frames().get(thread)
        return frame if self._worker is not None else None

    def follow(self, call: Any) -> asyncio.Task[Any]:
        self._call = asyncio.ensure_future(call)
        return self._call

    async def gone(self) -> None:
        if self._call is not None:
            await asyncio.wait([self._call])
