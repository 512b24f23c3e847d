"""Spans of runs for OpenTelemetry: made when a run has ended, from what is recorded of it.

Nothing is made while runs are executed, and nothing at all unless the environment names a place
to send spans to. Needs the extra `otel`; every other setting is the SDK's own, by its variables.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

import awaitstep
from awaitstep.engine.errors import EngineError
from awaitstep.engine.port import (
    AttemptView,
    EntryType,
    LogEntry,
    RunError,
    Runs,
    RunView,
    StepView,
)
from awaitstep.engine.states import ENDED, RunStatus, StepStatus, StepType

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_log = structlog.get_logger("awaitstep.tracing")
# Ended runs that may wait for their spans to be made; more are left out.
MOST_WAITING: Final = 10_000
# Runs whose spans are made at once, and spans in one request.
RUNS_AT_ONCE: Final = 50
SPANS_AT_ONCE: Final = 512
# How long spans may still be sent when the server ends (seconds).
PATIENCE: Final = 5.0
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_ENDS: Final = {EntryType.run_completed, EntryType.run_errored, EntryType.run_terminated}


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether spans are to be sent anywhere."""
    if environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    return any(environment.get(name, "").strip() for name in _ENDPOINTS)


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that is known of a run that has ended."""

    run: RunView
    steps: Sequence[StepView]
    log: Sequence[LogEntry]
    worker: str


class Tracing:
    """Sends spans of the runs of one engine. Make it where the loop runs, and close it."""

    def __init__(self, runs: Runs, worker_of: Callable[[str], str | None]) -> None:
        """`worker_of` knows the worker's name of a workflow. Raises ImportError without `otel`."""
        self._spans = Spans()
        self._runs = runs
        self._worker_of = worker_of
        self._queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue(MOST_WAITING)
        self._left_out = 0
        self._work = asyncio.get_running_loop().create_task(self._go())
        runs.watch_ends(self._ended)

    async def close(self) -> None:
        """Send what is waiting, for a while."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._queue.join()
        except TimeoutError:
            _log.warning("spans were not sent before the server ended", runs=self._queue.qsize())
        self._work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._work
        await asyncio.to_thread(self._spans.close)

    def _ended(self, workflow: str, instance: str) -> None:
        try:
            self._queue.put_nowait((workflow, instance))
        except asyncio.QueueFull:
            self._left_out += 1

    async def _go(self) -> None:
        while True:
            ended = [await self._queue.get()]
            while len(ended) < RUNS_AT_ONCE and not self._queue.empty():
                ended.append(self._queue.get_nowait())
            try:
                told = [found for each in ended if (found := await self._look(*each)) is not None]
                await asyncio.to_thread(self._spans.send, told)
            except Exception:
                _log.exception("spans of ended runs could not be sent", runs=len(ended))
            for _ in ended:
                self._queue.task_done()
            if self._left_out:
                _log.warning("runs ended faster than spans are sent", left_out=self._left_out)
                self._left_out = 0

    async def _look(self, workflow: str, instance: str) -> Told | None:
        """None for a run that was deleted or restarted meanwhile."""
        try:
            run = await self._runs.get(workflow, instance)
            steps = await self._runs.history(workflow, instance)
            log = await self._runs.event_log(workflow, instance)
        except EngineError:
            return None
        if run.status not in ENDED:
            return None
        return Told(run, steps, log, self._worker_of(workflow) or workflow)


class Spans:
    """Makes spans and sends them. Used from one thread at a time."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        """Raises ImportError when the SDK is not installed."""
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter()
        self._exporter = exporter
        self._made: list[ReadableSpan] = []
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(
                Resource({SERVICE_NAME: "awaitstep", "service.version": awaitstep.__version__})
            )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(_keeper(self._made))
        self._tracer = self._provider.get_tracer("awaitstep", awaitstep.__version__)

    def send(self, ended: Sequence[Told]) -> None:
        """One span for each run, below it its steps, below these their attempts."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        for told in ended:
            _run(self._tracer, told)
        made = self._made[:]
        self._made.clear()
        for start in range(0, len(made), SPANS_AT_ONCE):
            some = made[start : start + SPANS_AT_ONCE]
            if self._exporter.export(some) is not SpanExportResult.SUCCESS:
                _log.warning("spans were not taken by the collector", spans=len(some))

    def close(self) -> None:
        self._exporter.shutdown()


def _keeper(made: list[ReadableSpan]) -> Any:
    from opentelemetry.sdk.trace import SpanProcessor

    class Keeper(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            if span.context.trace_flags.sampled:
                made.append(span)

    return Keeper()


def _run(tracer: Tracer, told: Told) -> None:
    from opentelemetry.trace import SpanKind, set_span_in_context

    run = told.run
    began = next(
        (e.at for e in reversed(told.log) if e.type is EntryType.run_restarted), run.created_at
    )
    span = tracer.start_span(
        f"run {told.worker}",
        context=_caller(told.log),
        kind=SpanKind.CONSUMER,
        start_time=_nanoseconds(began),
        attributes={
            "awaitstep.workflow.id": run.workflow,
            "awaitstep.deployment.id": run.deployment,
            "awaitstep.version.id": run.version,
            "awaitstep.run.id": run.instance,
            "awaitstep.run.epoch": run.epoch,
            "awaitstep.run.trigger": run.trigger,
            "awaitstep.run.status": run.status.value,
        },
    )
    ended = run.ended_at or began
    # what was kept of an epoch that had ended was sent then
    sent = max((e.at for e in told.log if e.type in _ENDS and e.epoch < run.epoch), default=None)
    inside = set_span_in_context(span)
    for step in told.steps:
        if sent is None or (step.ended_at or ended) > sent:
            _step(tracer, inside, step, ended)
    if run.status is RunStatus.errored:
        _failed(span, run.error, ended)
    span.end(_nanoseconds(max(ended, began)))


def _step(tracer: Tracer, inside: Context, step: StepView, ended: float) -> None:
    from opentelemetry.trace import set_span_in_context

    named: dict[str, str | int] = {
        "awaitstep.step.name": step.name,
        "awaitstep.step.count": step.count,
    }
    kept: dict[str, str | int] = {
        **named,
        "awaitstep.step.type": step.type.value,
        "awaitstep.step.status": step.status.value,
    }
    if step.event_type is not None:
        kept["awaitstep.event.type"] = step.event_type
    span = tracer.start_span(
        step.name, inside, start_time=_nanoseconds(step.started_at), attributes=kept
    )
    over = max(step.ended_at or ended, step.started_at)
    below = set_span_in_context(span)
    if step.type is StepType.do:
        for attempt in step.attempts:
            _attempt(tracer, below, attempt, {**named, "awaitstep.attempt": attempt.number}, over)
    if step.status is StepStatus.errored:
        _failed(span, step.error, over)
    span.end(_nanoseconds(over))


def _attempt(
    tracer: Tracer, inside: Context, attempt: AttemptView, kept: dict[str, Any], over: float
) -> None:
    if attempt.delay is not None:
        kept["awaitstep.attempt.delay"] = attempt.delay
    span = tracer.start_span(
        f"attempt {attempt.number}",
        inside,
        start_time=_nanoseconds(attempt.started_at),
        attributes=kept,
    )
    ended = max(over if attempt.ended_at is None else attempt.ended_at, attempt.started_at)
    if attempt.error is not None:
        _failed(span, attempt.error, ended)
    span.end(_nanoseconds(ended))


def _failed(span: Span, error: RunError | None, at: float) -> None:
    """An exception event, as the conventions for exceptions want it, and the status."""
    from opentelemetry.trace import StatusCode

    if error is not None:
        told = {"exception.type": error.name, "exception.message": error.message}
        if error.traceback is not None:
            told["exception.stacktrace"] = error.traceback
        if error.line is not None:
            span.set_attribute("code.line.number", error.line)
        span.add_event("exception", told, _nanoseconds(at))
    span.set_status(StatusCode.ERROR, None if error is None else f"{error.name}: {error.message}")


def _caller(log: Sequence[LogEntry]) -> Context:
    """The span of who started the run, if it named one."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    given = log[0].traceparent if log else None
    carrier = {} if given is None else {"traceparent": given}
    return TraceContextTextMapPropagator().extract(carrier, Context())


def _nanoseconds(at: float) -> int:
    return int(at * 1_000_000) * 1_000
