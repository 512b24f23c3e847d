"""Deploying: all of it or nothing, the old one live until the new one is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from awaitstep.engine.port import RunError
from awaitstep.engine.workers import HandlerFailure
from awaitstep.providers.local import LocalProvider
from awaitstep.storage.sql import SqlStore

from .fakes import GRAPH, Plane, graph_with


async def test_a_deploy_answers_where_the_worker_is(plane: Plane) -> None:
    client = await plane.client()
    made = await client.post(
        "/workflows", json={"name": "Ünïcode — 発注 Order's desk!", "ir": GRAPH}
    )
    workflow = made.json()["id"]
    first = (await client.post(f"/workflows/{workflow}/deploy")).json()
    assert first["success"] is True
    name = first["workerName"]
    assert name.startswith("unicode-order-s-desk-")
    assert len(name.rpartition("-")[2]) == 6
    assert first["url"] == f"http://127.0.0.1:8787/{name}/"
    assert plane.app.directory.by_name(name) == first["deploymentId"]
    await client.patch(f"/workflows/{workflow}", json={"name": "Renamed"})
    second = (await client.post(f"/workflows/{workflow}/deploy")).json()
    assert second["workerName"] == name
    assert plane.app.directory.by_name(name) == second["deploymentId"]
    listed = (await client.get(f"/workflows/{workflow}/deployments")).json()["data"]
    assert {d["id"]: d["status"] for d in listed} == {
        first["deploymentId"]: "superseded",
        second["deploymentId"]: "active",
    }


async def test_a_variable_that_is_read_and_not_set_is_a_warning(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    await client.patch(f"/workflows/{workflow}", json={"entryCode": "return env.TOKEN"})
    warned = (await client.post(f"/workflows/{workflow}/deploy")).json()
    assert warned["success"] is True
    [warning] = warned["warnings"]
    assert (warning["code"], warning["severity"]) == ("env_var.missing", "warning")
    assert warning["message"] == "The variable TOKEN is read but not set."
    told = await client.post(f"/workflows/{workflow}/deploy-stream")
    assert '"stage":"compile","message":"The variable TOKEN is read but not set."' in told.text
    await client.post("/env-vars", json={"name": "TOKEN", "value": "", "isSecret": True})
    assert (await client.post(f"/workflows/{workflow}/deploy")).json()["warnings"] == []


async def test_a_schedule_that_nothing_keeps_is_a_warning(plane: Plane) -> None:
    client = await plane.client()
    ir = {**GRAPH, "trigger": {"type": "schedule", "cron": "0 9 * * *"}}
    made = (await client.post("/workflows", json={"name": "Daily", "ir": ir})).json()
    [warning] = (await client.post(f"/workflows/{made['id']}/deploy")).json()["warnings"]
    assert (warning["code"], warning["severity"]) == ("trigger.schedule_not_run", "warning")
    assert warning["path"] == "trigger"
    told = await client.post(f"/workflows/{made['id']}/deploy-stream")
    assert warning["message"] in told.text
    [local] = (await client.get("/connections")).json()["data"]
    body = {"ir": ir, "connectionId": local["id"]}
    checked = (await client.post("/validate", json=body)).json()
    assert checked == {"valid": True, "diagnostics": [warning]}


async def test_what_a_graph_is_warned_of_a_deploy_tells_too(plane: Plane) -> None:
    client = await plane.client()
    ir = graph_with(warnings=["node.unused"])
    workflow = (await client.post("/workflows", json={"name": "x", "ir": ir})).json()["id"]
    deployed = (await client.post(f"/workflows/{workflow}/deploy")).json()
    assert [warning["code"] for warning in deployed["warnings"]] == ["node.unused"]


async def test_what_is_live_already_is_left_alone_when_asked_so(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    at = f"/workflows/{workflow}/deploy"

    async def again() -> str:
        plane.clock.move(1)
        answer = await client.post(at, json={"unlessLive": True})
        assert answer.status_code == 200, answer.text
        id: str = answer.json()["deploymentId"]
        return id

    first = (await client.post(at)).json()
    same = (await client.post(at, json={"unlessLive": True})).json()
    assert same == first
    await client.post("/env-vars", json={"name": "TOKEN", "value": "1"})
    with_variable = await again()
    assert with_variable != first["deploymentId"]
    assert await again() == with_variable
    plane.clock.move(1)
    await client.patch(f"/workflows/{workflow}", json={"entryCode": "return 1"})
    edited = await again()
    assert edited != with_variable
    made = await client.post("/connections", json={"type": "local", "name": "Staging"})
    body = {"unlessLive": True, "connectionId": made.json()["id"]}
    moved = (await client.post(at, json=body)).json()
    assert moved["deploymentId"] != edited
    assert (await client.post(f"/workflows/{workflow}/takedown")).status_code == 200
    assert await again() not in (edited, moved["deploymentId"])


async def test_names_are_labels_whatever_the_workflow_is_called(plane: Plane) -> None:
    client = await plane.client()
    for name in ("発注", "a" * 256, "---", "xn--evil", "../../etc/passwd", "A.B"):
        workflow = (await client.post("/workflows", json={"name": name, "ir": GRAPH})).json()["id"]
        worker = (await client.post(f"/workflows/{workflow}/deploy")).json()["workerName"]
        assert len(worker) <= 47
        assert worker.replace("-", "").isalnum()
        assert worker == worker.lower()
        assert "--" not in worker
        assert worker[0].isalnum()


async def test_runs_are_pinned_to_their_deployment(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    first = (await client.post(f"/workflows/{workflow}/trigger")).json()
    await client.patch(f"/workflows/{workflow}", json={"entryCode": "return 2"})
    await client.post(f"/workflows/{workflow}/deploy")
    second = (await client.post(f"/workflows/{workflow}/trigger")).json()
    assert first["deploymentId"] != second["deploymentId"]
    old = await plane.bundles.bundle(first["deploymentId"])
    new = await plane.bundles.bundle(second["deploymentId"])
    assert "return 2" not in old.module.read_text()
    assert "return 2" in new.module.read_text()
    assert new.bindings == {"WORKFLOW": workflow}


async def test_the_same_module_is_one_file(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    await client.post(f"/workflows/{workflow}/deploy")
    files = [path for path in (plane.folder / "deployments").rglob("*") if path.is_file()]
    assert len(files) == 1
    assert files[0].name == "worker.py"


async def test_a_version_can_be_named(plane: Plane) -> None:
    client = await plane.client()
    workflow = (await client.post("/workflows", json={"name": "x", "ir": GRAPH})).json()["id"]
    versions = f"/workflows/{workflow}/versions"
    await client.post(versions, json={"ir": {**GRAPH, "nodes": []}})
    first = (await client.get(f"{versions}/1")).json()["id"]
    answer = await client.post(f"/workflows/{workflow}/deploy", json={"versionId": first})
    assert answer.json()["versionId"] == first
    for body, code in (
        ({"versionId": "ver_x"}, "version.not_found"),
        ({"connectionId": "conn_x"}, "connection.not_found"),
    ):
        answer = await client.post(f"/workflows/{workflow}/deploy", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_nothing_saved_is_nothing_to_deploy(plane: Plane) -> None:
    client = await plane.client()
    workflow = (await client.post("/workflows", json={"name": "x"})).json()["id"]
    for path in ("deploy", "deploy-stream"):
        answer = await client.post(f"/workflows/{workflow}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "workflow.empty")


async def test_a_stream_tells_each_stage_and_then_the_result(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    answer = await client.post(f"/workflows/{workflow}/deploy-stream", json={})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    names = [lines[0].removeprefix("event: ") for lines in events]
    told = [json.loads(lines[1].removeprefix("data: ")) for lines in events]
    assert names == ["progress"] * 4 + ["result"]
    assert [step["stage"] for step in told[:-1]] == ["validate", "compile", "bundle", "activate"]
    assert [step["progress"] for step in told[:-1]] == sorted(s["progress"] for s in told[:-1])
    assert told[-1]["success"] is True


def blocks(text: str) -> list[str]:
    return text.strip().split("\n\n") if text else []


async def test_a_deploy_that_is_left_goes_on_and_is_found_again(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await plane.client()
    workflow = (await client.post("/workflows", json={"name": "x", "ir": GRAPH})).json()["id"]
    at = f"/workflows/{workflow}/deploy-stream"
    assert blocks((await client.get(at)).text) == []
    reached, released = asyncio.Event(), asyncio.Event()
    bundle = LocalProvider.bundle

    async def held(*given: Any) -> Any:
        reached.set()
        await released.wait()
        return await bundle(*given)

    monkeypatch.setattr(LocalProvider, "bundle", held)
    first = asyncio.create_task(client.post(at))
    await reached.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    again = asyncio.create_task(client.get(at))
    released.set()
    told = blocks((await again).text)
    stages = [json.loads(block.partition("data: ")[2]).get("stage") for block in told]
    assert stages == ["validate", "compile", "bundle", "activate", None]
    assert told[-1].startswith("event: result")
    assert blocks((await client.get(at)).text) == told
    assert (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]


async def with_a_name_twice(client: httpx.AsyncClient, workflow: str) -> None:
    """A newest version that can't be deployed: what it calls has the name of a variable."""
    graph = {**GRAPH, "workflows": {"WORKFLOW_SHIP": "wf_x"}}
    saved = await client.post(f"/workflows/{workflow}/versions", json={"ir": graph})
    assert saved.status_code == 201
    await client.post("/env-vars", json={"name": "WORKFLOW_SHIP", "value": "1"})


async def test_who_comes_back_hears_why_a_deploy_failed(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    await with_a_name_twice(client, workflow)
    at = f"/workflows/{workflow}/deploy-stream"
    told = (await client.post(at)).text
    assert '"env_var.reserved"' in told
    again = blocks((await client.get(at)).text)
    assert again[-1].startswith("event: error")
    assert '"env_var.reserved"' in again[-1]


@pytest.mark.parametrize("path", ["deploy", "deploy-stream"])
async def test_a_failed_deploy_leaves_the_old_one_live(plane: Plane, path: str) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    before = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    await with_a_name_twice(client, workflow)
    answer = await client.post(f"/workflows/{workflow}/{path}")
    if path == "deploy":
        assert answer.status_code == 422
    else:
        assert answer.status_code == 200
        last = answer.text.strip().split("\n\n")[-1].split("\n")
        assert last[0] == "event: error"
        assert json.loads(last[1].removeprefix("data: "))["code"] == "env_var.reserved"
    after = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    assert after == before
    assert (await client.post(f"/workflows/{workflow}/trigger")).status_code == 201


async def test_a_taken_worker_name_gives_way(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await plane.client()
    first = await plane.deployed(client)
    taken = (await client.get(f"/workflows/{first}")).json()["workerName"]
    monkeypatch.setattr(
        "awaitstep.app.deployments._names", lambda workflow: [taken, "orders-second"]
    )
    second = await plane.deployed(client)
    assert (await client.get(f"/workflows/{second}")).json()["workerName"] == "orders-second"
    assert plane.app.directory.by_name(taken) is not None


async def test_takedown_stops_intake_and_keeps_runs(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    name = (await client.get(f"/workflows/{workflow}")).json()["workerName"]
    for instance in ("a", "b"):
        await client.post(f"/workflows/{workflow}/trigger", json={"instanceId": instance})
    down = (await client.post(f"/workflows/{workflow}/takedown")).json()
    assert (down["liveRuns"], down["terminatedRuns"]) == (2, 0)
    assert plane.app.directory.by_name(name) is None
    run = (await client.get(f"/workflows/{workflow}/runs/a")).json()
    assert run["status"] == "queued"
    again = (
        await client.post(f"/workflows/{workflow}/takedown", json={"terminateRuns": True})
    ).json()
    assert again["deploymentId"] is None
    assert (again["liveRuns"], again["terminatedRuns"]) == (0, 2)
    listed = (await client.get(f"/workflows/{workflow}/deployments")).json()["data"]
    assert [deployment["status"] for deployment in listed] == ["stopped"]


async def test_a_restart_finds_everything_again(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    before = (await client.get(f"/workflows/{workflow}")).json()
    plane.app = plane._app()
    home = await plane.app.bootstrap()
    assert home.project.id == plane.project
    assert plane.app.directory.by_name(before["workerName"]) == before["activeDeploymentId"]


async def test_a_crashed_deployment_is_shown(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    id = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    plane.workers.crashes[id] = "It crashed three times."
    listed = (await client.get("/deployments")).json()["data"]
    assert listed[0]["crashed"] == "It crashed three times."


async def test_a_request_that_failed_is_shown_with_what_is_live(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    id = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    assert (await client.get("/deployments")).json()["data"][0]["handlerFailure"] is None
    plane.workers.failures[id] = HandlerFailure(
        1_800_000_000.0, RunError("KeyError", "'a'", line=7, traceback="Traceback")
    )
    told = {
        "at": "2027-01-15T08:00:00Z",
        "name": "KeyError",
        "message": "'a'",
        "code": None,
        "line": 7,
    }
    shown = (await client.get("/deployments")).json()["data"][0]["handlerFailure"]
    assert shown == {**told, "traceback": "Traceback"}
    listed = (await client.get("/workflows")).json()["data"][0]["handlerFailure"]
    assert listed == {**told, "traceback": None}
    await client.post(f"/workflows/{workflow}/deploy")
    assert (await client.get("/workflows")).json()["data"][0]["handlerFailure"] is None


async def test_an_unusable_database_is_503_and_changes_nothing(
    plane: Plane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    before = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    store: SqlStore = plane.store
    with store._database.write() as db:
        db.exec_driver_sql("PRAGMA query_only = ON")
    answer = await client.post(f"/workflows/{workflow}/deploy")
    assert (answer.status_code, answer.json()["code"]) == (503, "store.unavailable")
    assert "retry-after" in answer.headers
    after = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    assert after == before


async def test_the_built_in_connection_stays(plane: Plane) -> None:
    client = await plane.client()
    local = (await client.get("/connections")).json()["data"][0]
    assert (local["type"], local["isDefault"], local["builtin"]) == ("local", True, True)
    path = f"/connections/{local['id']}"
    assert (await client.delete(path)).json()["code"] == "connection.builtin"
    assert (await client.patch(path, json={"isDefault": False})).status_code == 422
    body = {"type": "local", "name": "Staging", "isDefault": True}
    made = (await client.post("/connections", json=body)).json()
    assert (await client.post("/connections", json=body)).status_code == 409
    assert (await client.patch(path, json={"name": "Staging"})).status_code == 409
    defaults = {c["id"]: c["isDefault"] for c in (await client.get("/connections")).json()["data"]}
    assert defaults == {local["id"]: False, made["id"]: True}
    workflow = await plane.deployed(client)
    assert (await client.get("/deployments")).json()["data"][0]["connectionId"] == made["id"]
    used = await client.delete(f"/connections/{made['id']}")
    assert (used.status_code, used.json()["code"]) == (409, "connection.in_use")
    await client.delete(f"/workflows/{workflow}")
    assert (await client.delete(f"/connections/{made['id']}")).status_code == 204
    assert (await client.get("/connections")).json()["data"][0]["isDefault"] is True


@pytest.mark.parametrize("type", ["cloudflare", "restate", "LOCAL", "x" * 32])
async def test_unknown_types_of_connections_are_422(plane: Plane, type: str) -> None:
    client = await plane.client()
    for path, body in (
        ("/connections", {"type": type, "name": "x"}),
        ("/connections/verify-token", {"type": type, "token": "t"}),
    ):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "connection.type_unknown")
    answer = await client.post("/connections/verify-token", json={"type": "local"})
    assert (answer.status_code, answer.json()["code"]) == (422, "connection.no_token")
