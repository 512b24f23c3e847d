"""A run that has ended is told to an OpenTelemetry collector: run, steps and attempts as spans."""

from __future__ import annotations

import asyncio
import time

import pytest

from awaitstep import tracing
from awaitstep.engine.port import StartRun
from awaitstep.engine.states import RunStatus
from awaitstep.engine.workers import Bundle, WorkerRequest
from awaitstep.tracing import Tracing

DEADLINE = 30.0
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
WORK = """
@step.do("charge", config={"retries": {"limit": 1, "delay": "1 second"}})
async def charge(ctx):
    if ctx["attempt"] == 1:
        raise ValueError("declined")
    return 1
await charge()
await step.sleep("nap", 1)
"""


@pytest.fixture
def collector(collector, monkeypatch):
    """The environment names it."""
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return collector


@pytest.fixture
async def traced(desk, collector):
    """The desk, its ended runs told to the collector."""
    desk.tracing = Tracing(desk.engine, lambda workflow: "desk")
    yield desk
    await desk.tracing.close()


async def told(collector, runs=1):
    stop = time.monotonic() + DEADLINE
    while sum(span.name == "run desk" for span in collector.spans) < runs:
        assert time.monotonic() < stop, collector.headers
        await asyncio.sleep(0.01)


async def finish(desk, run):
    """To the end of WORK."""
    await desk.tried(run, "charge", 1)
    desk.clock.move(1)
    await desk.has(run, "nap")
    desk.clock.move(2)
    await desk.output(run)


async def test_run_steps_and_attempts_stand_inside_each_other(traced, collector):
    traced.deploy(WORK)
    start = StartRun("wf", "dep", "api", instance="one", traceparent=TRACEPARENT)
    await traced.engine.create(start)
    await finish(traced, "one")
    await told(collector)
    run, charge, nap = (collector.named(name) for name in ("run desk", "charge", "nap"))
    first, second = collector.named("attempt 1"), collector.named("attempt 2")
    assert len(collector.spans) == 5
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert run.parent_span_id.hex() == SPAN
    assert charge.parent_span_id == nap.parent_span_id == run.span_id
    assert first.parent_span_id == second.parent_span_id == charge.span_id
    kept = collector.attributes(run)
    assert (kept["awaitstep.run.id"], kept["awaitstep.run.status"]) == ("one", "complete")
    assert (kept["awaitstep.workflow.id"], kept["awaitstep.run.epoch"]) == ("wf", 1)
    assert collector.attributes(nap)["awaitstep.step.type"] == "sleep"
    for outer, inner in ((run, charge), (run, nap), (charge, first), (charge, second)):
        assert outer.start_time_unix_nano <= inner.start_time_unix_nano
        assert inner.end_time_unix_nano <= outer.end_time_unix_nano
    assert run.start_time_unix_nano == 1_800_000_000 * 10**9
    assert charge.end_time_unix_nano - charge.start_time_unix_nano == 10**9
    error = {each.key: each.value.string_value for each in first.events[0].attributes}
    assert first.events[0].name == "exception"
    assert (error["exception.type"], error["exception.message"]) == ("ValueError", "declined")
    assert "in charge" in error["exception.stacktrace"]
    assert first.status.code == first.status.STATUS_CODE_ERROR
    assert second.status.code == charge.status.code == run.status.code == 0
    resource = collector.requests[0].resource_spans[0].resource
    assert collector.attributes(resource)["service.name"] == "awaitstep"
    created = (await traced.engine.event_log("wf", "one"))[0]
    assert created.traceparent == TRACEPARENT


async def test_a_run_of_nobodys_span_has_a_trace_of_its_own(traced, collector):
    traced.deploy("raise ValueError('no')")
    for given in (None, "nonsense", f"00-{'0' * 32}-{SPAN}-01", TRACEPARENT + "x"):
        created = await traced.engine.create(StartRun("wf", "dep", "api", traceparent=given))
        assert (await traced.error(created.run.instance)).message == "no"
    await told(collector, 4)
    runs = [span for span in collector.spans if span.name == "run desk"]
    assert len({span.trace_id for span in runs}) == 4
    assert {span.parent_span_id for span in runs} == {b""}
    assert all(span.status.code == span.status.STATUS_CODE_ERROR for span in runs)
    assert runs[0].status.message == "ValueError: no"


async def test_a_span_that_is_not_sampled_has_none_below(traced, collector):
    traced.deploy("return 1")
    silent = TRACEPARENT[:-2] + "00"
    created = await traced.engine.create(StartRun("wf", "dep", "api", traceparent=silent))
    await traced.output(created.run.instance)
    await traced.output(await traced.start(instance="heard"))
    await told(collector)
    assert {collector.attributes(span)["awaitstep.run.id"] for span in collector.spans} == {"heard"}


async def test_a_restart_is_a_span_of_its_own_epoch(traced, collector):
    traced.deploy(WORK)
    run = await traced.start()
    await finish(traced, run)
    await told(collector)
    traced.clock.move(1)
    await traced.engine.restart("wf", run, step="nap")
    await traced.has(run, "nap")
    traced.clock.move(2)
    await traced.output(run)
    await told(collector, 2)
    epochs = [
        collector.attributes(span)["awaitstep.run.epoch"]
        for span in collector.spans
        if span.name == "run desk"
    ]
    assert epochs == [1, 2]
    assert [span.name for span in collector.spans].count("charge") == 1  # it was kept
    assert [span.name for span in collector.spans].count("nap") == 2


async def test_a_terminated_run_is_told_with_what_it_was_at(traced, collector):
    traced.deploy('await step.wait_for_event("gate", "go")')
    run = await traced.start()
    await traced.has(run, "gate")
    await traced.until(run, RunStatus.waiting)
    await traced.engine.terminate("wf", run)
    await told(collector)
    assert collector.attributes(collector.named("run desk"))["awaitstep.run.status"] == "terminated"
    gate = collector.attributes(collector.named("gate"))
    assert (gate["awaitstep.step.status"], gate["awaitstep.event.type"]) == ("cancelled", "go")


async def test_what_a_worker_starts_belongs_to_the_request_it_answers(traced, collector):
    module = traced.folder / "deployments" / "http.py"
    module.write_text(
        """
from workers import Response, WorkerEntrypoint, WorkflowEntrypoint

class W(WorkflowEntrypoint):
    async def run(self, event, step):
        return 1

class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response((await self.env.WORKFLOW.create()).id)
"""
    )
    bindings = {"WORKFLOW": "wf"}
    traced.bundles["http"] = Bundle("http", "wf", "desk", module, "W", bindings=bindings)
    headers = [("Traceparent", TRACEPARENT)]
    answer = await traced.engine.fetch("http", WorkerRequest("POST", "http://w/", headers))
    await traced.output(answer.body.decode())
    await told(collector)
    run = collector.named("run desk")
    assert (run.trace_id.hex(), run.parent_span_id.hex()) == (TRACE, SPAN)


async def test_the_last_spans_are_sent_before_the_server_ends(desk, collector):
    desk.tracing = Tracing(desk.engine, lambda workflow: None)
    desk.deploy("return 1")
    await asyncio.gather(*[desk.output(await desk.start()) for _ in range(20)])
    await desk.tracing.close()
    assert [span.name for span in collector.spans] == ["run wf"] * 20


async def test_a_collector_that_refuses_harms_no_run(traced, collector):
    collector.status = 400
    traced.deploy("return 1")
    await traced.output(await traced.start())
    stop = time.monotonic() + DEADLINE
    while not collector.headers:
        assert time.monotonic() < stop
        await asyncio.sleep(0.01)
    collector.status = 200
    await traced.output(await traced.start(instance="later"))
    await told(collector)
    assert collector.attributes(collector.named("run desk"))["awaitstep.run.id"] == "later"


async def test_the_sdks_own_variables_are_heard(desk, collector, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "billing")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=desk")
    desk.tracing = Tracing(desk.engine, lambda workflow: "desk")
    desk.deploy("return 1")
    await desk.output(await desk.start())
    await desk.tracing.close()
    resource = collector.requests[0].resource_spans[0].resource
    assert collector.attributes(resource)["service.name"] == "billing"
    assert collector.headers[0]["x-team"] == "desk"
    assert collector.headers[0]["content-type"] == "application/x-protobuf"


def test_nothing_is_sent_unless_the_environment_says_where():
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert tracing.wanted(endpoint)
    assert tracing.wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/x"})
    for environment in (
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {**endpoint, "OTEL_TRACES_EXPORTER": "none"},
        {**endpoint, "OTEL_SDK_DISABLED": "true"},
    ):
        assert not tracing.wanted(environment)


async def test_runs_that_nobody_watches_keep_no_span(embedded_desk):
    desk = embedded_desk
    desk.deploy("return 1")
    created = await desk.engine.create(StartRun("wf", "dep", "api", traceparent=TRACEPARENT))
    await desk.output(created.run.instance)
    (noted,) = await desk.engine.journal.read(
        lambda db: db.execute("select count(*) from notes").fetchone()
    )
    assert noted == 0
    log = await desk.engine.event_log("wf", created.run.instance)
    assert log[0].traceparent is None
