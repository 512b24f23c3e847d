"""The `Runs` port: what every engine offers, and the plain data it speaks in.

JSON values (params, output, payloads) are `bytes` in journal form here (see `values.py`), so that
they pass through the server without being decoded. Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from awaitstep.engine.figures import Figures
from awaitstep.engine.logs import Line
from awaitstep.engine.states import RunStatus, StepStatus, StepType

Trigger = Literal["manual", "api", "http", "schedule", "workflow"]


@dataclass(frozen=True, slots=True)
class Parent:
    """The run that waits for another one, as it was when it started that."""

    workflow: str
    instance: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Caller:
    """The step of a run whose attempt asks for something; `worker` and `created` are the run's."""

    parent: Parent
    step: str
    count: int
    worker: str
    created: float


@dataclass(frozen=True, slots=True)
class Onto:
    """The deployment that a restarted run goes on with."""

    deployment: str
    version: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What the runs of one workflow may take; None is no limit.

    `concurrency`: how many are executed at once; one that sleeps or waits is none of them.
    `starts`: how many begin in each `period` (seconds).
    """

    concurrency: int | None = None
    starts: int | None = None
    period: float = 60.0


@dataclass(frozen=True, slots=True)
class Retention:
    """How long ended runs of one workflow are kept; None is for ever.

    `completed` and `failed` are seconds since a run was created, `most` is how many of the newest
    are kept whatever their age.
    """

    completed: float | None = None
    failed: float | None = None
    most: int | None = None


class StartRun(msgspec.Struct, frozen=True, gc=False):
    """Everything that starts a run, whichever trigger it came from.

    `instance` is None for an id made by the engine (a UUID, version 7). Where runs of a workflow
    stand in line, a higher `priority` goes first. A run with a `parent` tells
    it how it ended, in the write that ends it, and is terminated with it. `traceparent` is the span
    that started it (W3C Trace Context).
    """

    workflow: str
    deployment: str
    trigger: Trigger
    params: bytes | None = None
    instance: str | None = None
    version: str = ""
    parent: Parent | None = None
    priority: int = 0
    traceparent: str | None = None


class RunError(msgspec.Struct, frozen=True):
    """Why a run or step failed. `line` counts in the deployed module, whose lines alone are in
    `traceback`, in the form that Python prints."""

    name: str
    message: str
    step: str | None = None
    line: int | None = None
    code: str | None = None
    traceback: str | None = None


class RunView(msgspec.Struct, frozen=True):
    """One run as the engine knows it now.

    `parent` waits for it, or did; it may be gone by now. None where nobody does or the engine can't
    tell. `read_at` is when it was so, where its engine is elsewhere and can't be asked now.
    """

    instance: str
    workflow: str
    deployment: str
    version: str
    trigger: str
    status: RunStatus
    epoch: int
    params: bytes | None
    output: bytes | None
    error: RunError | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    pause_requested: bool = False
    next_attempt_at: float | None = None
    generated_id: bool = True
    priority: int = 0
    rolling_back: bool = False
    parent: Parent | None = None
    read_at: float | None = None


class AttemptView(msgspec.Struct, frozen=True):
    """One try of a step, `number` counts from 1; `ended_at` and `error` are None while it runs, `log`
    comes at its end.

    `delay` is how many seconds after its failure the next one was to follow, None when none was.
    """

    number: int
    started_at: float
    ended_at: float | None
    error: RunError | None
    log: Sequence[Line] = ()
    delay: float | None = None


class StepView(msgspec.Struct, frozen=True):
    """One durable operation of a run, in the order the run asked for it.

    Of a step that is tried many times the first and the last `attempts` are kept, see `tries.py`.
    """

    name: str
    count: int
    type: StepType
    status: StepStatus
    started_at: float
    ended_at: float | None
    output: bytes | None
    error: RunError | None
    attempts: list[AttemptView] = []
    due_at: float | None = None
    event_type: str | None = None

    @property
    def attempts_left_out(self) -> int:
        """How many attempts between those that are told were not kept."""
        return self.attempts[-1].number - len(self.attempts) if self.attempts else 0


class EntryType(StrEnum):
    """What an entry of a run's event log tells."""

    run_created = "run.created"
    run_started = "run.started"
    run_pausing = "run.pausing"
    run_paused = "run.paused"
    run_resumed = "run.resumed"
    run_restarted = "run.restarted"
    run_interrupted = "run.interrupted"
    run_rolling_back = "run.rolling_back"
    run_completed = "run.completed"
    run_errored = "run.errored"
    run_terminated = "run.terminated"
    attempt_started = "attempt.started"
    attempt_failed = "attempt.failed"
    attempt_interrupted = "attempt.interrupted"
    step_completed = "step.completed"
    step_failed = "step.failed"
    step_cancelled = "step.cancelled"
    sleep_started = "sleep.started"
    sleep_ended = "sleep.ended"
    wait_started = "wait.started"
    wait_ended = "wait.ended"
    wait_timed_out = "wait.timed_out"
    event_received = "event.received"


class LogEntry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Something that happened to a run, at a moment and in an epoch; what else is given depends on
    its type.

    `step` and `count` name the operation, or for a restart where it began. What was interrupted begins
    again. `delay` is how many
    seconds after a failed attempt the next one was to follow, `until` when a sleep or wait was to
    be over. `deployment` is what a restart went on with when that was another one; `left_out` is
    how many of the entries before it were not kept. `traceparent` is the span that created
    the run, kept while somebody watches how runs end.
    """

    at: float
    type: EntryType
    epoch: int
    step: str | None = None
    count: int | None = None
    attempt: int | None = None
    error: RunError | None = None
    delay: float | None = None
    until: float | None = None
    event_type: str | None = None
    deployment: str | None = None
    left_out: int = 0
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class RunQuery:
    """A page of runs, newest first. `cursor` is the last page's `next_cursor`.

    `text` is part of their id, or of their params, output or error, see `search.py`.
    """

    workflows: list[str]
    status: list[RunStatus] | None = None
    trigger: list[str] | None = None
    version: str | None = None
    deployment: str | None = None
    created_after: float | None = None
    created_before: float | None = None
    text: str | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs and the cursor of the next page (None on the last). A page may hold fewer than asked for
    although more follow.

    `away` are the workflows whose runs could not be read now: of these it holds what was read last.
    """

    runs: list[RunView]
    next_cursor: str | None
    away: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, as data: callers ask this, never the engine's name.

    `newest_code`: a restart may go on with another deployment, else it always has the live one.
    `logs`: attempts keep what was printed, errors their traceback. `delete`: ended runs can be
    forgotten before their time. `search`: text is looked for in more than a run's id.
    """

    pause: bool = True
    restart: bool = True
    restart_from_step: bool = True
    limits: bool = True
    events: bool = True
    history: bool = True
    survives_restart: bool = True
    priority: bool = True
    newest_code: bool = True
    delete: bool = True
    logs: bool = True
    search: bool = True


class Created(msgspec.Struct, frozen=True):
    """Answer to `create`: `existed` when the same id, deployment and params were there already."""

    run: RunView
    existed: bool


class Runs(Protocol):
    """Durable runs. Every method raises `EngineError` subclasses and nothing else on bad input."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def create(self, start: StartRun) -> Created:
        """Start a run; returns once it is durable.

        Raises:
            InstanceTaken: the id belongs to a run with another deployment or other params.
            InvalidInstanceId, ValueTooLarge, ValueRefused: nothing was started.
            DeploymentCrashed, JournalUnavailable: intake is closed.
            RunState: its parent has ended, or begun anew.
        """
        ...

    async def create_batch(self, starts: Sequence[StartRun]) -> Sequence[Created | Exception]:
        """Start several; each answers for itself, in order."""
        ...

    async def get(self, workflow: str, instance: str) -> RunView:
        """Raises RunNotFound."""
        ...

    async def list(self, query: RunQuery) -> RunPage: ...

    async def views(self, runs: Sequence[tuple[str, str]]) -> Sequence[RunView]:
        """Those of the runs, each a workflow and an instance, that are there."""
        ...

    async def newest(self, workflows: Sequence[str]) -> Mapping[str, RunView]:
        """The run that was created last in each of the workflows that have any; its params,
        output and the error of an attempt may be left out."""
        ...

    def watch(self, tell: Callable[[str, str], None]) -> Callable[[], None]:
        """From now on call `tell`, with workflow and instance, when a run is new, was changed or
        deleted; it must not wait. Not told is the deletion of runs for their age or number.

        Calling what this returns ends it.
        """
        ...

    async def history(self, workflow: str, instance: str) -> Sequence[StepView]:
        """Raises RunNotFound."""
        ...

    async def event_log(self, workflow: str, instance: str) -> Sequence[LogEntry]:
        """What happened to the run so far, oldest first. Raises RunNotFound."""
        ...

    async def send_event(self, workflow: str, instance: str, type: str, payload: bytes) -> None:
        """Buffer an event; first in, first out per type.

        Raises RunNotFound, RunState (the run has ended), InvalidEventType, ValueTooLarge.
        """
        ...

    async def pause(self, workflow: str, instance: str) -> RunView:
        """Raises RunNotFound, RunState."""
        ...

    async def resume(self, workflow: str, instance: str) -> RunView:
        """Raises RunNotFound, RunState."""
        ...

    async def terminate(self, workflow: str, instance: str, *, rollback: bool = False) -> RunView:
        """End the run for good. With `rollback` attempts may end, then the rollback handlers of its
        steps run, and only then it has ended.

        Raises RunNotFound, RunState.
        """
        ...

    async def restart(
        self,
        workflow: str,
        instance: str,
        *,
        step: str | None = None,
        count: int = 1,
        onto: Onto | None = None,
    ) -> RunView:
        """A new epoch under the same id, from the start or from a recorded step on; with the
        run's own deployment, or with another one.

        Raises RunNotFound, StepNotFound (none of that name is recorded), RunState.
        """
        ...

    async def delete(self, workflow: str, instance: str) -> None:
        """Forget an ended run. Raises RunNotFound, RunState (it is still live)."""
        ...

    def limit(self, workflow: str, limits: Limits, retention: Retention) -> None:
        """From now on, and until told otherwise; it is forgotten with the process."""
        ...

    async def live(self, workflow: str) -> int:
        """How many runs of this workflow have not ended."""
        ...

    def watch_ends(self, tell: Callable[[str, str], None]) -> None:
        """From now on call `tell`, with workflow and instance, as runs end; it must not wait.

        `get` answers with the end, once it is durable. One caller only.
        """
        ...

    async def figures(self) -> Figures:
        """What the engine counts of itself, for who watches it."""
        ...

    async def wait(self, workflow: str, instance: str, seconds: float) -> RunView:
        """The run once it has ended, or as it is after `seconds`. Raises RunNotFound."""
        ...
