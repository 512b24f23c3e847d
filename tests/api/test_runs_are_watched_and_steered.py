from __future__ import annotations

import json

import httpx
import pytest

import awaitstep

from .fakes import GRAPH, Plane


async def started(client: httpx.AsyncClient, workflow: str, instance: str) -> str:
    body = {"instanceId": instance}
    answer = await client.post(f"/workflows/{workflow}/trigger", json=body)
    return f"/workflows/{workflow}/runs/{answer.json()['id']}"


async def test_steps_name_their_nodes(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    run = await started(client, workflow, "a")
    assert (await client.get(f"{run}/steps")).json() == {"data": [], "nextCursor": None}
    plane.engine.finish(workflow, "a", b"1")
    step = (await client.get(f"{run}/steps")).json()["data"][0]
    assert step["name"] == "Charge [2.0]"
    assert step["nodeId"] == "charge"
    assert step["output"] == {"cents": 100}
    assert step["attempts"][0]["error"] == {
        "name": "TimeoutError",
        "message": "too slow",
        "step": "Charge",
        "line": 12,
    }
    assert step["attempts"][1]["error"] is None


async def test_verbs_follow_the_table(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    run = await started(client, workflow, "a")
    assert (await client.post(f"{run}/pause")).json()["status"] == "paused"
    again = await client.post(f"{run}/pause")
    assert again.status_code == 409
    assert again.json()["code"] == "run.state"
    assert (await client.post(f"{run}/resume")).json()["status"] == "queued"
    assert (await client.post(f"{run}/terminate")).json()["status"] == "terminated"
    assert (await client.post(f"{run}/terminate")).status_code == 409
    assert (await client.post(f"{run}/events", json={"type": "x"})).status_code == 409
    assert (await client.post(f"{run}/restart")).json()["epoch"] == 2
    unknown = await client.post(f"{run}/restart", json={"step": "No such step"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "step.not_found")


async def test_a_restart_stays_on_its_deployment_unless_told(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    run = await started(client, workflow, "a")
    plane.engine.finish(workflow, "a", b"1")
    before = (await client.get(run)).json()
    await client.post(f"/workflows/{workflow}/versions", json={"ir": GRAPH})
    newest = (await client.post(f"/workflows/{workflow}/deploy")).json()["deploymentId"]
    stayed = (await client.post(f"{run}/restart", json={})).json()
    assert stayed["deploymentId"] == before["deploymentId"] != newest
    body = {"step": "Charge [2.0]", "onNewest": True}
    moved = await client.post(f"{run}/restart", json=body)
    assert (moved.status_code, moved.json()["deploymentId"]) == (200, newest)
    assert moved.json()["versionId"] != before["versionId"]
    await client.post(f"/workflows/{workflow}/takedown")
    refused = await client.post(f"{run}/restart", json={"onNewest": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "workflow.not_deployed")
    assert (await client.post(f"{run}/restart", json={"onNewest": False})).status_code == 200


async def test_an_ended_run_can_be_deleted_and_a_live_one_not(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    run = await started(client, workflow, "a")
    refused = await client.delete(run)
    assert (refused.status_code, refused.json()["code"]) == (409, "run.state")
    plane.engine.finish(workflow, "a", b"1")
    deleted = await client.delete(run)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for answer in (await client.get(run), await client.delete(run)):
        assert (answer.status_code, answer.json()["code"]) == (404, "run.not_found")


@pytest.mark.parametrize(
    "body", [{"count": 0}, {"step": 1}, {"from": "x"}, [], {"onNewest": 1}, {"onNewest": None}]
)
async def test_a_bad_restart_is_422(plane: Plane, body: object) -> None:
    client = await plane.client()
    run = await started(client, await plane.deployed(client), "a")
    assert (await client.post(f"{run}/restart", json=body)).status_code == 422


async def test_events_reach_the_run_as_json(plane: Plane) -> None:
    client = await plane.client()
    run = await started(client, await plane.deployed(client), "a")
    body = {"type": "decision", "payload": {"approved": True, "by": "é"}}
    assert (await client.post(f"{run}/events", json=body)).status_code == 202
    assert (await client.post(f"{run}/events", json={"type": "bare"})).status_code == 202
    assert plane.engine.events == [
        ("a", "decision", '{"approved":true,"by":"é"}'.encode()),
        ("a", "bare", b"null"),
    ]
    assert (await client.post(f"{run}/events", json={"type": ""})).status_code == 422
    assert (await client.post(f"{run}/events", json={"payload": 1})).status_code == 422


async def test_runs_are_found_by_what_they_are(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    other = await plane.deployed(client, "Other")
    for instance in ("a", "b", "c"):
        await started(client, workflow, instance)
        plane.clock.move(60)
    await started(client, other, "d")
    await client.post(f"/workflows/{workflow}/runs/b/terminate")

    async def ids(query: str = "", path: str = "/runs") -> list[str]:
        answer = await client.get(path + query)
        assert answer.status_code == 200, answer.text
        return [run["instanceId"] for run in answer.json()["data"]]

    assert await ids() == ["d", "c", "b", "a"]
    assert await ids(path=f"/workflows/{workflow}/runs") == ["c", "b", "a"]
    assert await ids("?status=terminated") == ["b"]
    assert await ids("?status=terminated&status=queued") == ["d", "c", "b", "a"]
    assert await ids("?trigger=manual") == []
    assert await ids("?text=B") == await ids("?text=run_b") == ["b"]
    assert await ids("?text=run_&limit=100") == ["d", "c", "b", "a"]
    assert await ids("?createdAfter=2027-01-15T08:00:30Z&createdBefore=2027-01-15T08:01:30Z") == [
        "b"
    ]
    versions = (await client.get(f"/workflows/{other}/versions")).json()["data"]
    assert await ids(f"?versionId={versions[0]['id']}") == ["d"]
    first = (await client.get("/runs?limit=3")).json()
    assert len(first["data"]) == 3
    rest = (await client.get(f"/runs?limit=3&cursor={first['nextCursor']}")).json()
    assert [run["instanceId"] for run in rest["data"]] == ["a"]
    assert rest["nextCursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "status=done",
        "trigger=cron",
        "createdAfter=yesterday",
        "createdAfter=2027-01-15T08:00:00",
        "versionId=" + "x" * 200,
    ],
)
async def test_a_bad_filter_is_422(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/runs?{query}")
    assert answer.status_code == 422
    assert answer.json()["details"][0]["path"].startswith("query.")


async def test_a_stream_tells_every_change_until_the_end(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    run = await started(client, workflow, "a")
    plane.engine.on_wait = {"a": b'{"text":\n"two lines"}'}
    answer = await client.get(f"{run}/stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in (block.split("\n") for block in answer.text.strip().split("\n\n"))
    ]
    assert [name for name, _ in events] == ["run", "run", "step", "end"]
    assert events[0][1]["status"] == "queued"
    assert events[2][1]["nodeId"] == "charge"
    assert events[3][1]["output"] == {"text": "two lines"}
    assert (await client.get(f"/workflows/{workflow}/runs/nobody/stream")).status_code == 404


async def test_steps_come_in_pages(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    run = await started(client, workflow, "a")
    plane.engine.finish(workflow, "a", b"1")
    plane.engine.steps["a"] *= 5
    first = (await client.get(f"{run}/steps?limit=3")).json()
    rest = (await client.get(f"{run}/steps?limit=3&cursor={first['nextCursor']}")).json()
    assert (len(first["data"]), len(rest["data"]), rest["nextCursor"]) == (3, 2, None)
    for cursor in ("x", "é", "AAAA", "LTE", "MTAwMDAwMDAwMDAwMDAwMDAw"):
        assert (await client.get(f"{run}/steps?cursor={cursor}")).status_code == 422


async def test_health_is_503_until_a_runner_has_answered(plane: Plane) -> None:
    nobody = plane.anonymous()
    plane.workers.ready = False
    answer = await nobody.get("/health")
    assert answer.status_code == 503
    assert answer.json()["code"] == "runner.unavailable"
    plane.workers.ready = True
    healthy = (await nobody.get("/health")).json()
    assert healthy["runner"]["ready"] is True
    assert healthy["version"] == awaitstep.__version__


async def test_the_event_log_is_listed_in_pages_with_its_nodes(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    run = await started(client, workflow, "a")
    plane.engine.finish(workflow, "a", b"1")
    whole = (await client.get(f"{run}/events")).json()
    assert whole["nextCursor"] is None
    assert [entry["type"] for entry in whole["data"]] == [
        "run.created",
        "attempt.failed",
        "run.completed",
    ]
    failed = whole["data"][1]
    assert {key: failed[key] for key in ("step", "count", "attempt", "delay", "nodeId")} == {
        "step": "Charge [2.0]",
        "count": 1,
        "attempt": 1,
        "delay": 10.0,
        "nodeId": "charge",
    }
    assert failed["error"]["line"] == 12
    assert "until" not in failed
    page = (await client.get(f"{run}/events", params={"limit": 2})).json()
    rest = await client.get(f"{run}/events", params={"cursor": page["nextCursor"]})
    assert page["data"] + rest.json()["data"] == whole["data"]
    assert (await client.get(f"/workflows/{workflow}/runs/nobody/events")).status_code == 404
    assert (await client.get(f"{run}/events", params={"cursor": "x"})).status_code == 422
    steps = (await client.get(f"{run}/steps")).json()["data"]
    assert [attempt["delay"] for attempt in steps[0]["attempts"]] == [10.0, None]


async def test_a_stream_of_the_event_log_tells_each_entry_once(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    run = await started(client, workflow, "a")
    plane.engine.on_wait = {"a": b"1"}
    answer = await client.get(f"{run}/events/stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in (block.split("\n") for block in answer.text.strip().split("\n\n"))
    ]
    assert [(name, body.get("type")) for name, body in events] == [
        ("entry", "run.created"),
        ("entry", "attempt.failed"),
        ("entry", "run.completed"),
        ("end", None),
    ]
    assert events[-1][1]["status"] == "complete"
    gone = await client.get(f"/workflows/{workflow}/runs/nobody/events/stream")
    assert gone.status_code == 404
