"""Limits of a workflow: changed by one call, kept, and known to the engine at once."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from awaitstep.app import AwaitStep
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.port import Capabilities, Limits, Retention
from awaitstep.storage.records import Home
from awaitstep.wiring import Settings, open_server

from .fakes import GRAPH, Plane

LIMITS = {
    "concurrency": 5,
    "starts": {"limit": 100, "period": "1 minute"},
    "retention": {"completed": "30 days", "failed": None, "most": 1000},
}
TOLD = (
    Limits(concurrency=5, starts=100, period=60.0),
    Retention(completed=30 * 86_400.0, most=1000),
)
NONE = (Limits(), Retention())


async def made(client: httpx.AsyncClient) -> str:
    answer = await client.post("/workflows", json={"name": "Orders", "ir": GRAPH})
    return f"/workflows/{answer.json()['id']}"


async def test_a_workflow_has_no_limits_until_it_is_told(plane: Plane) -> None:
    client = await plane.client()
    workflow = await made(client)
    assert (await client.get(workflow)).json()["limits"] is None
    assert plane.engine.limits == {}


async def test_limits_are_answered_and_known_to_the_engine_at_once(plane: Plane) -> None:
    client = await plane.client()
    workflow = await made(client)
    answer = await client.patch(workflow, json={"limits": LIMITS})
    assert (answer.status_code, answer.json()["limits"]) == (200, LIMITS)
    for path in (workflow, f"{workflow}/full"):
        assert (await client.get(path)).json()["limits"] == LIMITS
    assert (await client.get("/workflows")).json()["data"][0]["limits"] == LIMITS
    assert plane.engine.limits == {workflow.rpartition("/")[2]: TOLD}


async def test_limits_are_one_value_and_null_lifts_them(plane: Plane) -> None:
    client = await plane.client()
    workflow = await made(client)
    id = workflow.rpartition("/")[2]
    await client.patch(workflow, json={"limits": LIMITS})
    await client.patch(workflow, json={"limits": {"concurrency": 1}})
    assert plane.engine.limits[id] == (Limits(concurrency=1), Retention())
    await client.patch(workflow, json={"limits": None})
    assert plane.engine.limits[id] == NONE
    assert (await client.get(workflow)).json()["limits"] is None


async def test_other_changes_leave_the_lines_alone(plane: Plane) -> None:
    client = await plane.client()
    workflow = await made(client)
    await client.patch(workflow, json={"limits": LIMITS})
    plane.engine.limits.clear()
    await client.patch(workflow, json={"name": "Renamed"})
    assert (await client.post(f"{workflow}/deploy")).status_code == 200
    assert plane.engine.limits == {}
    assert (await client.get(workflow)).json()["limits"] == LIMITS


async def test_a_server_that_starts_tells_the_engine_all_limits(plane: Plane) -> None:
    client = await plane.client()
    workflow = await made(client)
    await client.patch(workflow, json={"limits": LIMITS})
    plane.engine.limits.clear()
    await plane._app().bootstrap()
    assert plane.engine.limits == {workflow.rpartition("/")[2]: TOLD}


async def test_a_workflow_that_is_gone_limits_nothing(plane: Plane) -> None:
    client = await plane.client()
    workflow = await made(client)
    await client.patch(workflow, json={"limits": LIMITS})
    assert (await client.delete(workflow)).status_code == 204
    assert plane.engine.limits[workflow.rpartition("/")[2]] == NONE


async def test_an_engine_that_knows_no_limits_is_told_none(plane: Plane) -> None:
    plane.engine.capabilities = Capabilities(limits=False)
    client = await plane.client()
    answer = await client.patch(await made(client), json={"limits": LIMITS})
    assert answer.json()["limits"] == LIMITS
    assert plane.engine.limits == {}


@pytest.mark.parametrize(
    ("limits", "code", "path"),
    [
        ({"concurrency": 0}, "limits.number", "limits.concurrency"),
        ({"starts": {"limit": 1}}, "limits.incomplete", "limits.starts"),
        ({"starts": {"limit": 1, "period": "soon"}}, "limits.duration", "limits.starts.period"),
        ({"retention": {"most": 0}}, "limits.number", "limits.retention.most"),
        ({"parallel": 1}, "field.unknown", "limits.parallel"),
        ({"retention": {"all": "1 day"}}, "field.unknown", "limits.retention.all"),
        ({"concurrency": "5"}, "field.invalid", "limits.concurrency"),
        ({"concurrency": True}, "field.invalid", "limits.concurrency"),
        ({"starts": {"limit": 1, "period": 60}}, "field.invalid", "limits.starts.period"),
        ([], "field.invalid", "limits"),
    ],
)
async def test_bad_limits_change_nothing(
    plane: Plane, limits: object, code: str, path: str
) -> None:
    client = await plane.client()
    workflow = await made(client)
    answer = await client.patch(workflow, json={"name": "Renamed", "limits": limits})
    assert answer.status_code == 422
    [detail] = answer.json()["details"]
    assert (detail["code"], detail["path"]) == (code, path)
    assert (await client.get(workflow)).json()["name"] == "Orders"
    assert plane.engine.limits == {}


async def test_a_function_has_no_runs_to_limit(plane: Plane) -> None:
    client = await plane.client()
    answer = await client.post("/workflows", json={"name": "Price", "kind": "script"})
    path = f"/workflows/{answer.json()['id']}"
    refused = await client.patch(path, json={"limits": {"concurrency": 1}})
    assert (refused.status_code, refused.json()["code"]) == (422, "limits.function")
    assert (await client.patch(path, json={"limits": None})).status_code == 200


async def test_limits_travel_with_an_export(plane: Plane) -> None:
    client = await plane.client()
    workflow = await made(client)
    await client.patch(workflow, json={"limits": LIMITS})
    exported = (await client.get(f"{workflow}/export")).json()
    assert exported["limits"] == LIMITS
    imported = await client.post("/workflows/import", json=exported)
    assert (imported.status_code, imported.json()["limits"]) == (201, LIMITS)
    assert plane.engine.limits[imported.json()["id"]] == TOLD
    del exported["limits"]  # as releases before this one wrote it
    assert (await client.post("/workflows/import", json=exported)).json()["limits"] is None


@pytest.mark.parametrize(
    ("limits", "code", "path"),
    [
        ({"concurrency": 0}, "limits.number", "limits.concurrency"),
        ({"parallel": 1}, "limits.unknown_field", "limits.parallel"),
        ("5", "limits.shape", "limits"),
    ],
)
async def test_a_file_with_bad_limits_is_refused(
    plane: Plane, limits: object, code: str, path: str
) -> None:
    client = await plane.client()
    exported = (await client.get(f"{await made(client)}/export")).json()
    answer = await client.post("/workflows/import", json={**exported, "limits": limits})
    assert answer.status_code == 422
    assert [(d["code"], d["path"]) for d in answer.json()["details"]] == [(code, path)]
    script = {**exported, "kind": "script", "limits": {"concurrency": 1}}
    script["ir"] = {**GRAPH, "kind": "script"}
    refused = await client.post("/workflows/import", json=script)
    assert [d["code"] for d in refused.json()["details"]] == ["limits.function"]


async def test_runs_left_over_wait_until_all_limits_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    bootstrap, go_on = AwaitStep.bootstrap, Embedded.go_on

    async def noted_bootstrap(app: AwaitStep) -> Home:
        home = await bootstrap(app)
        order.append("limits are known")
        return home

    async def noted_go_on(engine: Embedded) -> None:
        order.append("runs go on")
        await go_on(engine)

    monkeypatch.setattr(AwaitStep, "bootstrap", noted_bootstrap)
    monkeypatch.setattr(Embedded, "go_on", noted_go_on)
    settings = Settings(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:2")
    async with open_server(settings):
        assert order == ["limits are known", "runs go on"]


def marks(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


NOTING = """
import asyncio, os
from workers import WorkflowEntrypoint


class Noting(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("note", config={"retries": {"limit": 0}})
        async def note():
            place = event["payload"]
            with open(place + "/marks", "a") as marks:
                marks.write(f"+{event['instanceId']}\\n")
            while not os.path.exists(place + "/open"):
                await asyncio.sleep(0.01)
            for _ in range(20):
                await asyncio.sleep(0.01)
            with open(place + "/marks", "a") as marks:
                marks.write(f"-{event['instanceId']}\\n")

        await note()
"""


def test_a_server_that_was_killed_never_lets_in_more_than_the_limit(new_server) -> None:
    server = new_server("--no-example")
    graph = {
        "kind": "workflow",
        "metadata": {"name": "Noting"},
        "module": NOTING,
        "className": "Noting",
    }
    workflow = server.deploy(graph)["id"]
    path = f"/workflows/{workflow}"
    assert server.api("PATCH", path, {"limits": {"concurrency": 1}}).status == 200
    place = server.data / "tmp"
    file = place / "marks"
    names = [f"r{number}" for number in range(6)]
    for name in names:
        body = {"instanceId": name, "params": str(place)}
        assert server.api("POST", f"{path}/trigger", body).status == 201
    server.until(lambda: marks(file) == ["+r0"])
    server.stop(9)
    file.unlink()
    server.start()
    assert server.api("GET", path).json["limits"]["concurrency"] == 1
    server.until(lambda: len(marks(file)) == 1)
    queued = server.api("GET", f"{path}/runs?status=queued").json["data"]
    assert len(queued) == 5
    (place / "open").touch()
    for name in names:
        assert server.ended(workflow, name)["status"] == "complete"
    told = marks(file)
    assert sorted(told[::2]) == [f"+{name}" for name in names]
    assert [text[1:] for text in told[1::2]] == [text[1:] for text in told[::2]]
