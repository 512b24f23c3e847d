"""One verb on many runs: each that the filter finds is asked once, and how it went is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from awaitstep.app.bulk import Outcome, Progress
from awaitstep.engine.errors import DeploymentCrashed, RunState
from awaitstep.engine.port import RunQuery
from awaitstep.engine.states import RunStatus

from .fakes import Plane

MANY = 130  # more than two batches


async def with_runs(plane: Plane, client: httpx.AsyncClient, count: int = MANY) -> str:
    workflow = await plane.deployed(client)
    for number in range(count):
        plane.clock.move(1)
        body = {"instanceId": f"r{number}"}
        await client.post(f"/workflows/{workflow}/trigger", json=body)
    return workflow


def events(answer: httpx.Response) -> list[tuple[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in blocks
    ]


async def changed(client: httpx.AsyncClient, workflow: str, verb: str, **rest: Any) -> Any:
    body = {"verb": verb, "filter": {}, **rest}
    told = events(await client.post(f"/workflows/{workflow}/runs/bulk", json=body))
    assert {name for name, _ in told[:-1]} == {"progress"}
    name, outcome = told[-1]
    assert name == "result"
    return outcome


def result(done: int, skipped: int = 0, *, dry: bool = False) -> dict[str, Any]:
    return {"done": done, "failed": 0, "skipped": skipped, "errors": [], "dryRun": dry}


async def test_every_run_is_asked_once_though_what_it_does_changes_the_list(plane: Plane) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client)
    # the filter finds none of those that were changed any more
    for verb, status in (("pause", "queued"), ("resume", "paused"), ("terminate", "queued")):
        plane.engine.asked.clear()
        outcome = await changed(client, workflow, verb, filter={"status": [status]})
        assert outcome == result(MANY)
        assert sorted(plane.engine.asked) == sorted(f"r{number}" for number in range(MANY))
    plane.engine.asked.clear()
    assert await changed(client, workflow, "delete") == result(MANY)
    assert len(plane.engine.asked) == MANY
    assert plane.engine.runs == {}


@pytest.mark.parametrize("rollback", [False, True])
async def test_runs_are_undone_first_when_that_is_asked_for(plane: Plane, rollback: bool) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client, 60)
    asked = {"rollback": rollback}
    assert await changed(client, workflow, "terminate", dryRun=True, **asked) == result(
        60, dry=True
    )
    assert plane.engine.rolled_back == []
    assert await changed(client, workflow, "terminate", **asked) == result(60)
    assert len(plane.engine.rolled_back) == (60 if rollback else 0)


async def test_a_run_that_a_verb_starts_anew_is_not_met_again(plane: Plane) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client)
    assert await changed(client, workflow, "restart") == result(MANY)
    assert {run.epoch for run in plane.engine.all} == {2}


async def test_runs_that_start_meanwhile_are_left_alone(plane: Plane) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client, 60)
    found = plane.app.bulk.steps(plane.project, workflow, "terminate", RunQuery([]))
    while (step := await anext(found)) != Progress(0, 0, 0, 60):
        assert isinstance(step, Progress)
    plane.clock.move(1)
    await client.post(f"/workflows/{workflow}/trigger", json={"instanceId": "late"})
    assert [step async for step in found][-1] == Outcome(done=60)
    assert plane.engine.runs[workflow, "late"].status is RunStatus.queued


async def test_a_state_that_does_not_allow_the_verb_is_skipped(plane: Plane) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client, 6)
    plane.engine.finish(workflow, "r0", b"1")
    plane.engine.finish(workflow, "r1", b"1")
    await client.post(f"/workflows/{workflow}/runs/r2/pause")
    assert await changed(client, workflow, "delete", dryRun=True) == result(2, 4, dry=True)
    assert await changed(client, workflow, "resume") == result(1, 5)
    assert await changed(client, workflow, "pause") == result(4, 2)
    assert await changed(client, workflow, "delete") == result(2, 4)
    assert len(plane.engine.runs) == 4


async def test_a_run_that_ends_just_then_is_skipped_too(plane: Plane) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client, 3)
    plane.engine.failing = {"r1": RunState("r1", "be paused", "complete")}
    plane.engine.on_ask = lambda instance: (
        plane.engine.runs.pop((workflow, instance)) and None if instance == "r2" else None
    )
    assert await changed(client, workflow, "pause") == result(1, 2)


async def test_a_dry_run_changes_nothing(plane: Plane) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client)
    assert await changed(client, workflow, "terminate", dryRun=True) == result(MANY, dry=True)
    assert plane.engine.asked == []
    assert {run.status for run in plane.engine.all} == {RunStatus.queued}


async def test_failures_are_counted_and_the_first_are_named(plane: Plane) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client, 70)
    error = DeploymentCrashed("It crashed\u2028three times.")
    plane.engine.failing = {f"r{number}": error for number in range(10, 40)}
    outcome = await changed(client, workflow, "restart")
    assert (outcome["done"], outcome["failed"], outcome["skipped"]) == (40, 30, 0)
    assert len(outcome["errors"]) == 20
    assert outcome["errors"][0] == {
        "instanceId": "r39",
        "code": error.code,
        "message": str(error),
    }


async def test_a_filter_finds_what_the_list_finds(plane: Plane) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client, 5)
    runs = (await client.get(f"/workflows/{workflow}/runs")).json()["data"]
    run = runs[2]
    for chosen, count in (
        ({"versionId": run["versionId"]}, 5),
        ({"versionId": "ver_other"}, 0),
        ({"deploymentId": run["deploymentId"]}, 5),
        ({"trigger": ["manual", "schedule"]}, 0),
        ({"trigger": ["api"], "status": ["queued", "waiting"]}, 5),
        ({"createdAfter": run["createdAt"]}, 2),
        ({"createdBefore": run["createdAt"]}, 2),
    ):
        outcome = await changed(client, workflow, "pause", filter=chosen, dryRun=True)
        assert outcome == result(count, dry=True), chosen


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"verb": "stop", "filter": {}}, "verb"),
        ({"verb": "pause"}, "filter"),
        ({"verb": "pause", "filter": None}, "filter"),
        ({"verb": "pause", "filter": {"status": []}}, "filter.status"),
        ({"verb": "pause", "filter": {"status": ["done"]}}, "filter.status.0"),
        ({"verb": "pause", "filter": {"status": "queued"}}, "filter.status"),
        ({"verb": "pause", "filter": {"name": "x"}}, "filter.name"),
        ({"verb": "pause", "filter": {"createdAfter": "yesterday"}}, "filter.createdAfter"),
        (
            {"verb": "pause", "filter": {"createdAfter": "2027-01-15T08:00:00"}},
            "filter.createdAfter",
        ),
        ({"verb": "pause", "filter": {}, "dryRun": "no"}, "dryRun"),
        ({"verb": "restart", "filter": {}, "rollback": True}, "rollback"),
        ({"verb": "terminate", "filter": {}, "rollback": "yes"}, "rollback"),
        ({"verb": "terminate", "filter": {"rollback": True}}, "filter.rollback"),
    ],
)
async def test_a_bad_request_changes_nothing(plane: Plane, body: object, path: str) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client, 1)
    answer = await client.post(f"/workflows/{workflow}/runs/bulk", json=body)
    assert answer.status_code == 422
    assert answer.json()["details"][0]["path"] == path
    assert plane.engine.asked == []


# digits that are no moment of any form, though they could be seconds since 1970
DIGITS = ["20261128", "2026", "1", "-1", "5.5", "1e3", "20261128T080000Z", 20261128, -1, 5.5, True]


@pytest.mark.parametrize("name", ["createdAfter", "createdBefore"])
@pytest.mark.parametrize("value", DIGITS)
async def test_digits_are_no_moment(plane: Plane, name: str, value: object) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client, 1)
    wanted = f"`{name}` is a moment in ISO 8601 with a zone."
    body = {"verb": "pause", "filter": {name: value}}
    answers = [await client.post(f"/workflows/{workflow}/runs/bulk", json=body)]
    for path in ("/runs", "/runs/stream", f"/workflows/{workflow}/runs"):
        answers.append(await client.get(path, params={name: str(value)}))
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (422, wanted)
    assert plane.engine.asked == []


async def test_a_workflow_that_is_not_there_is_404(plane: Plane) -> None:
    client = await plane.client()
    body = {"verb": "pause", "filter": {}}
    answer = await client.post("/workflows/wf_x/runs/bulk", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "workflow.not_found")


async def test_a_caller_that_goes_away_stops_it_after_the_runs_just_then(plane: Plane) -> None:
    client = await plane.client()
    workflow = await with_runs(plane, client)
    begun, go_on = asyncio.Event(), asyncio.Event()
    pause = plane.engine.pause

    async def slow(workflow: str, instance: str) -> Any:
        begun.set()
        await go_on.wait()
        return await pause(workflow, instance)

    plane.engine.pause = slow  # type: ignore[method-assign]
    body = {"verb": "pause", "filter": {}}
    caller = asyncio.create_task(client.post(f"/workflows/{workflow}/runs/bulk", json=body))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    for _ in range(1000):  # turns in which the batch ends, and a next one would begin
        await asyncio.sleep(0)
    assert len(plane.engine.asked) == 50
    states = [run.status for run in plane.engine.all]
    assert (states.count(RunStatus.paused), states.count(RunStatus.queued)) == (50, MANY - 50)
