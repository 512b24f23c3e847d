from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from awaitstep.engine.bindings import RunsBackend
from workers.workflows import WorkflowError

from .fakes import GRAPH, Plane, graph_with


async def test_workflows_are_found_by_their_exact_name(plane: Plane) -> None:
    client = await plane.client()
    for name in ("Desk", "Desk", "desk", "Desk 2", "100%_"):
        assert (await client.post("/workflows", json={"name": name})).status_code == 201

    async def named(name: str, **more: object) -> list[str]:
        answer = await client.get("/workflows", params={"name": name, **more})
        return [item["name"] for item in answer.json()["data"]]

    assert await named("Desk") == ["Desk", "Desk"]
    assert await named("Desk", limit=1) == ["Desk"]
    assert await named("100%_") == ["100%_"]
    assert await named("%") == []
    other = await plane.client(project=await plane.other_project())
    assert (await other.get("/workflows?name=Desk")).json()["data"] == []


async def test_runs_bear_the_name_their_workflow_has_now(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client, "Before")
    run = (await client.post(f"/workflows/{workflow}/trigger")).json()
    assert run["workflowName"] == "Before"
    await client.patch(f"/workflows/{workflow}", json={"name": "After"})
    listed = (await client.get("/runs")).json()["data"]
    assert [item["workflowName"] for item in listed] == ["After"]
    at = f"/workflows/{workflow}/runs/{run['id']}"
    assert (await client.get(at)).json()["workflowName"] == "After"


async def test_a_workflow_is_what_was_said(client: httpx.AsyncClient) -> None:
    made = await client.post("/workflows", json={"name": " Refund desk ", "description": "d"})
    assert made.status_code == 201
    workflow = made.json()
    assert workflow["id"].startswith("wf_")
    assert len(workflow["id"]) == 24
    assert (workflow["name"], workflow["kind"]) == ("Refund desk", "workflow")
    assert workflow["workerName"] is None
    found = (await client.get(f"/workflows/{workflow['id']}")).json()
    assert found == {**workflow, "envVars": []}
    keys = "url", "liveVersion", "newestVersion", "crashed", "lastRun", "handlerFailure"
    standing = dict.fromkeys(keys)
    assert (await client.get("/workflows")).json()["data"] == [workflow | standing]


async def test_a_list_tells_how_each_workflow_stands(plane: Plane) -> None:
    client = await plane.client()
    ids = {name: await plane.deployed(client, name) for name in ("Live", "Crashed", "Down")}
    drawn = (await client.post("/workflows", json={"name": "Drawn", "ir": GRAPH})).json()["id"]
    for instance in ("first", "second"):
        await client.post(f"/workflows/{ids['Live']}/trigger", json={"instanceId": instance})
        plane.clock.move(1)
    await client.post(f"/workflows/{ids['Live']}/versions", json={"ir": GRAPH})
    live = (await client.get(f"/workflows/{ids['Crashed']}")).json()["activeDeploymentId"]
    plane.workers.crashes[live] = "It died three times."
    await client.post(f"/workflows/{ids['Down']}/takedown")
    stranger = await plane.client(project=await plane.other_project())
    assert (await stranger.get("/workflows")).json()["data"] == []
    found = {each["id"]: each for each in (await client.get("/workflows")).json()["data"]}

    def standing(id: str) -> tuple[object, ...]:
        row = found[id]
        run = row["lastRun"] and (row["lastRun"]["instanceId"], row["lastRun"]["status"])
        return row["liveVersion"], row["newestVersion"], row["crashed"], run

    assert standing(ids["Live"]) == (1, 2, None, ("second", "queued"))
    assert standing(ids["Crashed"]) == (1, 1, "It died three times.", None)
    assert standing(ids["Down"]) == (None, 1, None, None)
    assert standing(drawn) == (None, 1, None, None)
    row = found[ids["Live"]]
    assert row["url"] == f"http://127.0.0.1:8787/{row['workerName']}/"
    assert found[ids["Down"]]["url"] is None


async def test_a_graph_with_problems_leaves_no_workflow(client: httpx.AsyncClient) -> None:
    body = {"name": "x", "ir": graph_with("a.b")}
    assert (await client.post("/workflows", json=body)).status_code == 422
    other_kind = {"name": "x", "kind": "script", "ir": GRAPH}
    answer = await client.post("/workflows", json=other_kind)
    assert answer.json()["details"][0]["code"] == "graph.kind"
    assert (await client.get("/workflows")).json()["data"] == []


async def test_only_what_is_given_changes(client: httpx.AsyncClient) -> None:
    made = (await client.post("/workflows", json={"name": "x", "description": "d"})).json()
    path = f"/workflows/{made['id']}"
    changed = (await client.patch(path, json={"entryCode": "return 1"})).json()
    assert (changed["entryCode"], changed["description"]) == ("return 1", "d")
    changed = (await client.patch(path, json={"triggerCode": "return 2"})).json()
    assert changed["entryCode"] == "return 2"
    changed = (await client.patch(path, json={"entryCode": None, "name": "y"})).json()
    assert (changed["entryCode"], changed["name"]) == (None, "y")
    schema = {"type": "object"}
    body = {"dependencies": ["httpx>=0.28", "pandas[excel]==2.*"], "payloadSchema": schema}
    changed = (await client.patch(path, json=body)).json()
    assert changed["dependencies"] == ["httpx>=0.28", "pandas[excel]==2.*"]
    assert changed["payloadSchema"] == schema
    assert (await client.patch(path, json={"payloadSchema": None})).json()["payloadSchema"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"entryCode": "a", "triggerCode": "b"},
        {"entryCode": "def ("},
        {"entryCode": "a\0b"},
        {"name": None},
        {"dependencies": ["../../evil"]},
        {"dependencies": ["https://evil.example/x.whl"]},
        {"dependencies": ["--index-url=x"]},
        {"dependencies": None},
        {"kind": "script"},
        {"id": "wf_other"},
        {"projectId": "proj_other"},
        {"deployConfig": {"route": {"pattern": "x"}, "more": 1}},
        {"deployConfig": {"route": {}}},
        {"envVars": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        {"envVars": [{"name": "A"}]},
        {"envVars": [{"name": "1A", "value": "x"}]},
        {"envVars": [{"name": "A", "value": "x", "id": "var_x"}]},
        {"envVars": None},
    ],
)
async def test_a_bad_change_is_422_and_changes_nothing(
    client: httpx.AsyncClient, body: object
) -> None:
    made = (await client.post("/workflows", json={"name": "x"})).json()
    path = f"/workflows/{made['id']}"
    before = (await client.get(path)).json()
    assert (await client.patch(path, json=body)).status_code == 422
    assert (await client.get(path)).json() == before


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "/orders/*",
        "https://api.example.com/*",
        "api.example.com:8080/*",
        "*.example.com/*",
        "localhost/*",
        "victim-abc123.localhost/*",
        "127.0.0.1/*",
        "127.1/*",
        "example/*",
        "api.example.com/a/../b",
        "api.example.com//a",
        "api.example.com/*/x",
        "api.example.com/a%2Fb",
        "api.example.com/a?b",
        "api.example.com/a b",
        "api.exämple.com/*",
        "-a.example.com/*",
        "api.example.com/\u202e*",
        "api.example.com/" + "a" * 2000,
    ],
)
async def test_a_bad_route_is_422(client: httpx.AsyncClient, pattern: str) -> None:
    made = (await client.post("/workflows", json={"name": "x"})).json()
    body = {"deployConfig": {"route": {"pattern": pattern}}}
    answer = await client.patch(f"/workflows/{made['id']}", json=body)
    assert answer.status_code == 422, pattern


async def test_a_route_belongs_to_one_workflow(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    body = {"deployConfig": {"route": {"pattern": "API.example.com/orders/*"}}}
    changed = await client.patch(f"/workflows/{workflow}", json=body)
    assert changed.json()["deployConfig"]["route"]["pattern"] == "api.example.com/orders/*"
    active = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    assert plane.app.directory.by_route("api.example.com", "/orders/7") == active
    assert plane.app.directory.by_route("api.example.com", "/orders") is None
    other = (await client.post("/workflows", json={"name": "y"})).json()["id"]
    taken = await client.patch(f"/workflows/{other}", json=body)
    assert taken.status_code == 409
    assert taken.json()["code"] == "workflow.route_taken"
    none = {"deployConfig": {"route": None}}
    assert (await client.patch(f"/workflows/{workflow}", json=none)).status_code == 200
    assert plane.app.directory.by_route("api.example.com", "/orders/7") is None
    assert (await client.patch(f"/workflows/{other}", json=body)).status_code == 200


async def test_versions_count_up_and_stay_as_they_were(client: httpx.AsyncClient) -> None:
    workflow = (await client.post("/workflows", json={"name": "x", "ir": GRAPH})).json()["id"]
    path = f"/workflows/{workflow}/versions"
    second = (await client.post(path, json={"ir": {**GRAPH, "second": True}})).json()
    assert second["version"] == 2
    assert (await client.get(f"{path}/1")).json()["ir"] == GRAPH
    assert (await client.get(f"{path}/{second['id']}")).json()["version"] == 2
    back = (await client.post(f"{path}/1/revert")).json()
    assert (back["version"], back["ir"]) == (3, GRAPH)
    listed = (await client.get(path)).json()["data"]
    assert [version["version"] for version in listed] == [3, 2, 1]
    assert "ir" not in listed[0]
    full = (await client.get(f"/workflows/{workflow}/full")).json()
    assert full["version"]["version"] == 3
    for missing in ("0", "4", "99999999999999999999", "ver_x", "-1", "²"):
        assert (await client.get(f"{path}/{missing}")).status_code == 404


async def test_a_version_in_use_stays(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    path = f"/workflows/{workflow}/versions"
    assert (await client.delete(f"{path}/1")).json()["code"] == "version.in_use"
    await client.post(path, json={"ir": GRAPH})
    locked = await client.patch(f"{path}/2", json={"locked": True, "note": "keep"})
    assert (locked.json()["locked"], locked.json()["note"]) == (True, "keep")
    refused = await client.delete(f"{path}/2")
    assert refused.status_code == 409
    assert refused.json()["code"] == "version.locked"
    opened = (await client.patch(f"{path}/2", json={"locked": False, "note": None})).json()
    assert (opened["locked"], opened["note"]) == (False, None)
    assert (await client.delete(f"{path}/2")).status_code == 204
    assert (await client.get(f"{path}/2")).status_code == 404


async def test_lists_come_in_pages(plane: Plane) -> None:
    client = await plane.client()
    names = []
    for number in range(5):
        names.insert(0, f"w{number}")
        await client.post("/workflows", json={"name": f"w{number}"})
        plane.clock.move(number % 2)  # some at the very same time
    found: list[str] = []
    cursor = ""
    while True:
        page = (await client.get(f"/workflows?limit=2{cursor}")).json()
        found += [workflow["name"] for workflow in page["data"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert sorted(found) == sorted(names)
    assert len(found) == 5
    for bad in ("x", "WzEsMl0", "e30", "é", "WyIxIiwgIjIiXQ", "W" * 1025):
        assert (await client.get(f"/workflows?cursor={bad}")).status_code == 422, bad


async def test_a_workflow_with_live_runs_is_not_deleted_by_accident(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    for instance in ("a", "b"):
        await client.post(f"/workflows/{workflow}/trigger", json={"instanceId": instance})
    plane.engine.finish(workflow, "b", b"1")
    refused = await client.delete(f"/workflows/{workflow}")
    assert refused.status_code == 409
    assert refused.json()["code"] == "workflow.live_runs"
    assert refused.json()["error"].startswith("1 run is")
    assert (await client.post(f"/workflows/{workflow}/trigger")).status_code == 201
    assert (await client.delete(f"/workflows/{workflow}?force=true")).status_code == 204
    assert plane.engine.runs == {}
    assert (await client.get(f"/workflows/{workflow}")).status_code == 404
    assert (await client.post(f"/workflows/{workflow}/trigger")).status_code == 404


async def test_moving_needs_a_project_that_one_sees(plane: Plane) -> None:
    client = await plane.client()
    workflow = (await client.post("/workflows", json={"name": "x"})).json()["id"]
    other = await plane.other_project()
    path = f"/workflows/{workflow}/move"
    assert (await client.patch(path, json={"projectId": other})).status_code == 404
    assert (await client.patch(path, json={"projectId": plane.project})).status_code == 200


async def test_a_moved_workflow_takes_everything_along(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    secret = [{"name": "TOKEN", "value": "hunter2", "isSecret": True}]
    await client.patch(f"/workflows/{workflow}", json={"envVars": secret})
    other = await plane.other_project()
    await plane.app.workflows.move(plane.project, workflow, other, {plane.project, other})
    assert (await client.get(f"/workflows/{workflow}")).status_code == 404
    there = await plane.client(project=other)
    found = (await there.get(f"/workflows/{workflow}")).json()
    assert found["envVars"][0]["name"] == "TOKEN"
    deployed = await there.post(f"/workflows/{workflow}/deploy")
    bundle = await plane.bundles.bundle(deployed.json()["deploymentId"])
    assert bundle.variables == {"TOKEN": "hunter2"}
    assert len((await there.get("/deployments")).json()["data"]) == 2
    assert (await client.get("/deployments")).json()["data"] == []


async def test_what_moved_away_is_out_of_reach_of_those_who_called_it(plane: Plane) -> None:
    client = await plane.client()
    caller, called = await plane.deployed(client), await plane.deployed(client, "Called")
    started = (await client.post(f"/workflows/{called}/trigger", json={})).json()["instanceId"]
    deployment = (await client.get(f"/workflows/{caller}")).json()["activeDeploymentId"]
    bundle = replace(await plane.bundles.bundle(deployment), bindings={"OTHER": called})
    backend = RunsBackend(
        plane.engine, plane.workers, plane.bundles, bundle, "workflow", lambda: None, lambda: None
    )
    assert (await backend.status("OTHER", started))["status"] == "queued"
    other = await plane.other_project()
    await plane.app.workflows.move(plane.project, called, other, {plane.project, other})
    for asked in (
        backend.create("OTHER", None, None),
        backend.get("OTHER", started),
        backend.status("OTHER", started),
        backend.verb("OTHER", started, "terminate"),
        backend.send_event("OTHER", started, "go", 1),
    ):
        with pytest.raises(WorkflowError, match="not_deployed"):
            await asked
    assert (await plane.engine.get(called, started)).status.value == "queued"


async def test_out_and_in_again_is_the_same(client: httpx.AsyncClient) -> None:
    made = await client.post("/workflows", json={"name": "x", "description": "d", "ir": GRAPH})
    path = f"/workflows/{made.json()['id']}"
    variables = [
        {"name": "PLAIN", "value": "1"},
        {"name": "TOKEN", "value": "hunter2", "isSecret": True},
    ]
    body = {"envVars": variables, "entryCode": "return 1", "dependencies": ["httpx"]}
    await client.patch(path, json=body)
    exported = await client.get(f"{path}/export")
    assert "hunter2" not in exported.text
    imported = await client.post("/workflows/import", json=exported.json())
    assert imported.status_code == 201
    assert imported.json()["missingEnvVars"] == ["TOKEN"]
    assert imported.json()["id"] != made.json()["id"]
    again = (await client.get(f"/workflows/{imported.json()['id']}/export")).json()
    assert again["envVars"] == [{"name": "PLAIN", "isSecret": False, "value": "1"}]
    assert {**again, "envVars": None} == {**exported.json(), "envVars": None}


async def test_a_bare_graph_is_imported_under_its_name(client: httpx.AsyncClient) -> None:
    imported = await client.post("/workflows/import", json=GRAPH)
    assert imported.status_code == 201
    assert imported.json()["name"] == "Orders"


async def test_a_hostile_file_tells_all_and_makes_nothing(plane: Plane) -> None:
    client = await plane.client()
    hostile = {
        "awaitstep": 99,
        "id": "wf_other",
        "projectId": await plane.other_project(),
        "deployConfig": {"route": {"pattern": "api.example.com/*"}},
        "__proto__": {"polluted": True},
        "name": 5,
        "description": "x" * 100_000,
        "kind": "script",
        "entryCode": "def (",
        "dependencies": ["--index-url=http://evil.example"],
        "payloadSchema": [],
        "envVars": [
            {"name": "../x", "value": "1"},
            {"name": "A", "value": 1},
            {"name": "B", "value": "1", "sealed": "x"},
            {"name": "C", "value": "1"},
            {"name": "C", "value": "1"},
        ],
        "ir": graph_with("a.b", "c.d"),
    }
    answer = await client.post("/workflows/import", json=hostile)
    assert answer.status_code == 422
    paths = {detail.get("path") for detail in answer.json()["details"]}
    assert {"awaitstep", "id", "projectId", "deployConfig", "__proto__", "name"} <= paths
    assert {"description", "kind", "dependencies.0", "payloadSchema", "envVars"} <= paths
    assert {"envVars.0.name", "envVars.1", "envVars.2"} <= paths
    assert {"a.b", "c.d", "entry.syntax"} <= {d["code"] for d in answer.json()["details"]}
    assert (await client.get("/workflows")).json()["data"] == []
    for wrong in ({}, {"ir": None}, {"nodes": 1}, {"name": "x", "ir": []}, {"envVars": {}}):
        assert (await client.post("/workflows/import", json=wrong)).status_code == 422, wrong
    assert (await client.post("/workflows/import", json=[])).status_code == 422
    assert json.loads((await client.get("/workflows")).text)["data"] == []


async def test_of_two_who_change_entry_code_the_second_is_told(client: httpx.AsyncClient) -> None:
    made = (await client.post("/workflows", json={"name": "x", "ir": GRAPH})).json()
    at = f"/workflows/{made['id']}"
    body = {"entryCode": "return 1", "entryRevision": made["entryRevision"]}
    first = await client.patch(at, json=body)
    assert first.status_code == 200, first.text
    assert first.json()["entryRevision"] > made["entryRevision"]
    second = await client.patch(at, json={**body, "entryCode": "return 2", "name": "y"})
    assert (second.status_code, second.json()["code"]) == (409, "entry.conflict")
    [detail] = second.json()["details"]
    assert (detail["path"], detail["revision"]) == ("entryRevision", first.json()["entryRevision"])
    kept = (await client.get(at)).json()
    assert (kept["entryCode"], kept["name"]) == ("return 1", "x")
    body = {"entryCode": None, "entryRevision": detail["revision"]}
    assert (await client.patch(at, json=body)).json()["entryCode"] is None
    # who names no revision replaces whatever is there; other fields leave it alone
    blind = (await client.patch(at, json={"triggerCode": "return 3"})).json()
    renamed = (await client.patch(at, json={"name": "z"})).json()
    assert renamed["entryRevision"] == blind["entryRevision"]


@pytest.mark.parametrize("revision", [-1, 1.5, "1", True, 2**31])
async def test_a_revision_that_is_none_is_422(client: httpx.AsyncClient, revision: object) -> None:
    made = (await client.post("/workflows", json={"name": "x", "ir": GRAPH})).json()
    body = {"entryCode": "return 1", "entryRevision": revision}
    assert (await client.patch(f"/workflows/{made['id']}", json=body)).status_code == 422


async def test_a_revision_goes_with_entry_code(client: httpx.AsyncClient) -> None:
    made = (await client.post("/workflows", json={"name": "x", "ir": GRAPH})).json()
    answer = await client.patch(f"/workflows/{made['id']}", json={"entryRevision": 0})
    assert (answer.status_code, answer.json()["details"][0]["path"]) == (422, "entryRevision")
