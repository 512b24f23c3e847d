"""`/metrics` is read by Prometheus, with a key of the project or, where configured, without."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from awaitstep.api import create_api
from awaitstep.engine.figures import Figures, JournalFigures, RunnerFigures, Tallies
from awaitstep.engine.states import RunStatus

from .fakes import ORIGINS, Plane

URL = "http://test/metrics"
ROOT = Path(__file__).parents[2]


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def everything() -> Figures:
    tallies = Tallies()
    tally = tallies["wf_a"]
    tally.started, tally.attempts_failed, tally.attempts_succeeded = 5, 2, 7
    tally.steps_errored = 1
    tally.end(RunStatus.errored)
    for status, seconds in ((200, 0.004), (201, 0.004), (500, 0.2), (999, 200.0)):
        tally.request(status, seconds)
    return Figures(
        tallies,
        live={"wf_a": 4},
        in_line={"wf_a": 3},
        loaded=2,
        executing=1,
        runners=RunnerFigures(ready=2, restarts={"died": 6}, wanted=9),
        journal=JournalFigures(
            rows=30, fsyncs=11, seconds=0.5, classes=[10, *[0] * 11, 1], queue=8, available=True
        ),
    )


async def told(plane: Plane, figures: Figures) -> dict[tuple[object, ...], float]:
    async def now() -> Figures:
        return figures

    plane.engine.figures = now  # type: ignore[method-assign]
    api = create_api(plane.app, ORIGINS, open_metrics=True)
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get(URL)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return samples(answer.text)


async def test_every_figure_has_its_metric(plane: Plane) -> None:
    found = await told(plane, everything())
    engine, workflow = ("engine", "local"), ("workflow", "wf_a")
    a = (engine, workflow)
    wanted = {
        ("awaitstep_runs_started_total", *a): 5,
        ("awaitstep_runs_ended_total", engine, ("status", "errored"), workflow): 1,
        ("awaitstep_runs_ended_total", engine, ("status", "complete"), workflow): 0,
        ("awaitstep_runs_restarted_total", *a): 0,
        ("awaitstep_steps_ended_total", engine, ("status", "complete"), workflow): 7,
        ("awaitstep_steps_ended_total", engine, ("status", "errored"), workflow): 1,
        ("awaitstep_attempts_ended_total", engine, ("outcome", "failed"), workflow): 2,
        ("awaitstep_attempts_ended_total", engine, ("outcome", "succeeded"), workflow): 7,
        ("awaitstep_worker_requests_total", engine, ("status", "2xx"), workflow): 2,
        ("awaitstep_worker_requests_total", engine, ("status", "4xx"), workflow): 0,
        ("awaitstep_worker_requests_total", engine, ("status", "5xx"), workflow): 2,
        ("awaitstep_worker_request_seconds_bucket", engine, ("le", "0.0025"), workflow): 0,
        ("awaitstep_worker_request_seconds_bucket", engine, ("le", "0.005"), workflow): 2,
        ("awaitstep_worker_request_seconds_bucket", engine, ("le", "100.0"), workflow): 3,
        ("awaitstep_worker_request_seconds_count", *a): 4,
        ("awaitstep_runs_live", *a): 4,
        ("awaitstep_runs_in_line", *a): 3,
        ("awaitstep_runs_loaded", engine): 2,
        ("awaitstep_runs_executing", engine): 1,
        ("awaitstep_runners_ready", engine): 2,
        ("awaitstep_runs_without_runner", engine): 9,
        ("awaitstep_runner_restarts_total", engine, ("reason", "died")): 6,
        ("awaitstep_runner_restarts_total", engine, ("reason", "stalled")): 0,
        ("awaitstep_journal_commit_seconds_bucket", engine, ("le", "0.001")): 10,
        ("awaitstep_journal_commit_seconds_bucket", engine, ("le", "5.0")): 10,
        ("awaitstep_journal_commit_seconds_bucket", engine, ("le", "+Inf")): 11,
        ("awaitstep_journal_commit_seconds_count", engine): 11,
        ("awaitstep_journal_commit_seconds_sum", engine): 0.5,
        ("awaitstep_journal_fsyncs_total", engine): 11,
        ("awaitstep_journal_rows_total", engine): 30,
        ("awaitstep_journal_queue_length", engine): 8,
        ("awaitstep_journal_available", engine): 1,
    }
    assert {key: found.get(key) for key in wanted} == wanted
    assert any(key[0] == "process_resident_memory_bytes" for key in found)


async def test_the_reference_names_every_metric(plane: Plane) -> None:
    await plane.deployed(await plane.client())
    text = (ROOT / "docs/reference/metrics.md").read_text()
    listed = set(re.findall(r"^\| `(awaitstep_\w+)` \|", text, re.MULTILINE))
    there = {
        re.sub(r"_(bucket|count|sum)$", "", str(key[0]))
        for key in await told(plane, everything())
        if str(key[0]).startswith("awaitstep_")
    }
    assert listed == there


async def test_a_key_sees_the_workflows_of_its_project(plane: Plane) -> None:
    owner = await plane.client("read", "write", "deploy")
    workflow = await plane.deployed(owner)
    await owner.post(f"/workflows/{workflow}/trigger")
    reader = await plane.client("read")
    assert f'workflow="{workflow}"' in (await reader.get(URL)).text
    worker = (await owner.get(f"/workflows/{workflow}")).json()["workerName"]
    named = ("awaitstep_workflow_info", ("worker", worker), ("workflow", workflow))
    found = samples((await reader.get(URL)).text)
    assert found[named] == 1
    stranger = await plane.client("read", project=await plane.other_project())
    answer = await stranger.get(URL)
    assert answer.status_code == 200
    assert workflow not in answer.text
    assert "awaitstep_runs_loaded" in answer.text


async def test_without_a_key_there_is_nothing_unless_configured(plane: Plane) -> None:
    nobody = plane.anonymous()
    for url in (URL, URL + "/", URL + "?a=b", "http://test//metrics"):
        assert (await nobody.get(url)).status_code in (401, 404), url
    assert (await nobody.get(URL)).json()["code"] == "auth.required"
    workflow = await plane.deployed(await plane.client())
    await (await plane.client()).post(f"/workflows/{workflow}/trigger")
    plane.api = create_api(plane.app, ORIGINS, open_metrics=True)
    nobody = plane.anonymous()
    assert f'workflow="{workflow}"' in (await nobody.get(URL)).text
    assert (await nobody.get("/workflows")).status_code == 401
    assert (await nobody.post(URL)).status_code == 401


async def test_open_metrics_are_spoken_to_who_asks_for_them(plane: Plane) -> None:
    client = await plane.client("read")
    accept = "application/openmetrics-text; version=1.0.0"
    answer = await client.get(URL, headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
