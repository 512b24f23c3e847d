"""Variables: what a deployment sees, and that nobody else sees a secret."""

from __future__ import annotations

import sqlite3

import httpx
import pytest

from awaitstep.app.variables import OWN_NAME
from awaitstep.auth.vault import BadKey, Vault
from awaitstep.compiler import BINDING
from awaitstep.engine.errors import DeploymentMissing

from .fakes import GRAPH, Plane

SECRET = "hunter2-hunter2"


async def variable(client: httpx.AsyncClient, **body: object) -> str:
    answer = await client.post("/env-vars", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def deployed_values(plane: Plane, client: httpx.AsyncClient, workflow: str) -> dict[str, str]:
    answer = await client.post(f"/workflows/{workflow}/deploy")
    assert answer.status_code == 200, answer.text
    return (await plane.bundles.bundle(answer.json()["deploymentId"])).variables


async def test_a_deployment_sees_what_was_set_when_it_was_made(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    shared = await variable(client, name="SHARED", value="1")
    await variable(client, name="BOTH", value="project")
    own = [
        {"name": "BOTH", "value": "workflow"},
        {"name": "TOKEN", "value": SECRET, "isSecret": True},
    ]
    await client.patch(f"/workflows/{workflow}", json={"envVars": own})
    first = await client.post(f"/workflows/{workflow}/deploy")
    expected = {"SHARED": "1", "BOTH": "workflow", "TOKEN": SECRET}
    first_id = first.json()["deploymentId"]
    assert (await plane.bundles.bundle(first_id)).variables == expected
    await client.patch(f"/env-vars/{shared}", json={"value": "2"})
    await client.patch(f"/workflows/{workflow}", json={"envVars": []})
    assert await deployed_values(plane, client, workflow) == {"SHARED": "2", "BOTH": "project"}
    assert (await plane.bundles.bundle(first_id)).variables == expected


async def test_a_secret_goes_in_and_never_comes_out(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    id = await variable(client, name="TOKEN", value=SECRET, isSecret=True)
    own = [{"name": "OWN", "value": SECRET, "isSecret": True}]
    await client.patch(f"/workflows/{workflow}", json={"envVars": own})
    await client.post(f"/workflows/{workflow}/deploy")
    await client.post(f"/workflows/{workflow}/trigger")
    for path in (
        "/env-vars",
        "/workflows",
        f"/workflows/{workflow}",
        f"/workflows/{workflow}/full",
        f"/workflows/{workflow}/export",
        f"/workflows/{workflow}/versions/1/code",
        "/deployments",
        "/runs",
    ):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert SECRET not in answer.text, path
    changed = await client.patch(f"/env-vars/{id}", json={"name": "RENAMED"})
    assert changed.json()["value"] is None
    assert SECRET not in changed.text
    for file in plane.folder.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file


async def test_a_refused_secret_is_not_repeated(plane: Plane) -> None:
    client = await plane.client()
    for body in (
        {"name": "TOKEN", "value": [SECRET]},
        {"name": "TOKEN", "value": SECRET, "isSecret": SECRET},
        {"name": "1", "value": SECRET},
        {"name": "TOKEN", "value": SECRET + "\0"},
        {"name": "TOKEN", "value": SECRET * 10_000},
    ):
        answer = await client.post("/env-vars", json=body)
        assert answer.status_code == 422
        assert SECRET not in answer.text


async def test_a_secret_becomes_plain_only_with_its_value(plane: Plane) -> None:
    client = await plane.client()
    id = await variable(client, name="TOKEN", value=SECRET, isSecret=True)
    refused = await client.patch(f"/env-vars/{id}", json={"isSecret": False})
    assert refused.status_code == 422
    plain = await client.patch(f"/env-vars/{id}", json={"isSecret": False, "value": "new"})
    assert plain.json()["value"] == "new"
    sealed = await client.patch(f"/env-vars/{id}", json={"isSecret": True})
    assert sealed.json()["value"] is None
    workflow = await plane.deployed(client)
    assert await deployed_values(plane, client, workflow) == {"TOKEN": "new"}


async def test_what_is_not_given_again_stays(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    own = [{"name": "TOKEN", "value": SECRET, "isSecret": True}, {"name": "A", "value": "1"}]
    await client.patch(f"/workflows/{workflow}", json={"envVars": own})
    again = [{"name": "TOKEN"}, {"name": "A", "value": "2"}]
    changed = (await client.patch(f"/workflows/{workflow}", json={"envVars": again})).json()
    assert {v["name"]: v["value"] for v in changed["envVars"]} == {"A": "2", "TOKEN": None}
    assert await deployed_values(plane, client, workflow) == {"TOKEN": SECRET, "A": "2"}


async def test_names_are_unique_among_their_own(plane: Plane) -> None:
    client = await plane.client()
    first = await variable(client, name="A", value="1")
    second = await variable(client, name="B", value="1")
    taken = await client.post("/env-vars", json={"name": "A", "value": "2"})
    assert taken.status_code == 409
    assert taken.json()["code"] == "env_var.name_taken"
    assert (await client.patch(f"/env-vars/{second}", json={"name": "A"})).status_code == 409
    assert (await client.delete(f"/env-vars/{first}")).status_code == 204
    assert (await client.patch(f"/env-vars/{second}", json={"name": "A"})).status_code == 200


async def test_a_workflows_variables_are_not_reached_as_the_projects(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    own = [{"name": "A", "value": "1"}]
    changed = await client.patch(f"/workflows/{workflow}", json={"envVars": own})
    id = changed.json()["envVars"][0]["id"]
    assert (await client.delete(f"/env-vars/{id}")).status_code == 404
    assert (await client.patch(f"/env-vars/{id}", json={"value": "2"})).status_code == 404


async def test_the_workflows_own_name_in_env_is_taken(plane: Plane) -> None:
    assert OWN_NAME == BINDING
    client = await plane.client()
    workflow = await plane.deployed(client)
    other = await variable(client, name="OTHER", value="1")
    exported = (await client.get(f"/workflows/{workflow}/export")).json()
    own = {"name": "WORKFLOW", "value": "1"}
    for method, path, body, place in (
        ("POST", "/env-vars", own, "name"),
        ("PATCH", f"/env-vars/{other}", {"name": "WORKFLOW"}, "name"),
        ("PATCH", f"/workflows/{workflow}", {"envVars": [{**own, "name": "A"}, own]}, "envVars.1"),
        ("POST", "/workflows/import", {**exported, "envVars": [own]}, "envVars.0"),
    ):
        answer = await client.request(method, path, json=body)
        assert answer.status_code == 422, path
        [problem] = answer.json()["details"]
        assert problem["code"] == "env_var.reserved"
        assert problem["path"] == (place if place == "name" else f"{place}.name")
    assert (await client.post(f"/workflows/{workflow}/deploy")).status_code == 200


async def test_a_function_has_no_such_name(plane: Plane) -> None:
    client = await plane.client()
    made = await client.post("/workflows", json={"name": "F", "ir": {**GRAPH, "kind": "script"}})
    at = f"/workflows/{made.json()['id']}"
    own = {"envVars": [{"name": "WORKFLOW", "value": "1"}]}
    assert (await client.patch(at, json=own)).status_code == 200
    assert (await client.post(f"{at}/deploy")).status_code == 200


async def test_the_name_of_what_a_graph_calls_is_taken_once_it_is_deployed(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    shared = await variable(client, name="WORKFLOW_SHIP", value="1")
    own = [{"name": name, "value": "1"} for name in ("A", "WORKFLOW_SHIP")]
    assert (await client.patch(f"/workflows/{workflow}", json={"envVars": own})).status_code == 200
    graph = {**GRAPH, "workflows": {"WORKFLOW_SHIP": "wf_x"}}
    await client.post(f"/workflows/{workflow}/versions", json={"ir": graph})
    answer = await client.post(f"/workflows/{workflow}/deploy")
    assert (answer.status_code, answer.json()["code"]) == (422, "env_var.reserved")
    places = [problem["path"] for problem in answer.json()["details"]]
    assert places == ["envVars.1.name", f"/env-vars/{shared}"]


async def test_a_secret_copied_to_another_row_does_not_open(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    await variable(client, name="MINE", value="1", isSecret=True)
    await variable(client, name="THEIRS", value=SECRET, isSecret=True)
    with sqlite3.connect(plane.folder / "control.db") as db:
        db.execute(
            "UPDATE env_vars SET sealed = (SELECT sealed FROM env_vars WHERE name = 'THEIRS')"
            " WHERE name = 'MINE'"
        )
    db.close()
    answer = await client.post(f"/workflows/{workflow}/deploy")
    assert answer.status_code == 409
    assert answer.json()["code"] == "env_var.unreadable"
    assert "MINE" in answer.json()["error"]


async def test_another_key_does_not_start(plane: Plane) -> None:
    plane.vault = Vault(b"x" * 32)
    with pytest.raises(BadKey, match="not the one this control database was made with"):
        await plane._app().bootstrap()


async def test_a_deployment_of_another_key_or_a_changed_file_is_missing(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    id = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    plane.bundles._vault = Vault(b"x" * 32)
    with pytest.raises(DeploymentMissing):
        await plane.bundles.bundle(id)
    plane.bundles._vault = plane.vault
    (module,) = plane.folder.glob("deployments/files/*/worker.py")
    module.write_text("import os")
    with pytest.raises(DeploymentMissing):
        await plane.bundles.bundle(id)
    with pytest.raises(DeploymentMissing):
        await plane.bundles.bundle("dep_nobody")
