"""`changes`: the module, the packages and the names of variables, against what is live."""

from __future__ import annotations

import shutil

import httpx
import pytest

from .fakes import GRAPH, Plane, graph_with


@pytest.fixture
async def workflow(plane: Plane, client: httpx.AsyncClient) -> str:
    await client.post("/env-vars", json={"name": "SHARED", "value": "one", "isSecret": False})
    await client.post("/env-vars", json={"name": "GONE", "value": "x", "isSecret": True})
    return await plane.deployed(client)


async def changes(client: httpx.AsyncClient, workflow: str, ir: object = GRAPH) -> httpx.Response:
    return await client.post(f"/workflows/{workflow}/changes", json={"ir": ir})


async def test_nothing_is_changed_right_after_a_deploy(
    client: httpx.AsyncClient, workflow: str
) -> None:
    answer = await changes(client, workflow)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["code"]["before"] == told["code"]["after"]
    assert told["packages"] == {"before": [], "after": []}
    assert told["variables"] == {"added": [], "changed": [], "removed": []}


async def test_entry_code_packages_and_variables_are_compared_and_no_value_is_told(
    client: httpx.AsyncClient, workflow: str
) -> None:
    entry = 'return Response("another entry")'
    listed = (await client.get("/env-vars")).json()["data"]
    ids = {variable["name"]: variable["id"] for variable in listed}
    await client.patch(f"/env-vars/{ids['SHARED']}", json={"value": "two-secret"})
    await client.delete(f"/env-vars/{ids['GONE']}")
    own = [{"name": "OWN", "value": "own-secret", "isSecret": True}]
    patch = {"entryCode": entry, "dependencies": ["tiny>=1"], "envVars": own}
    assert (await client.patch(f"/workflows/{workflow}", json=patch)).status_code == 200
    answer = await changes(client, workflow)
    told = answer.json()
    assert entry not in told["code"]["before"]
    assert entry in told["code"]["after"]
    assert told["packages"] == {"before": [], "after": ["tiny>=1"]}
    assert told["variables"] == {"added": ["OWN"], "changed": ["SHARED"], "removed": ["GONE"]}
    assert "secret" not in answer.text


async def test_what_cannot_be_deployed_is_refused_with_its_problems(
    client: httpx.AsyncClient, workflow: str
) -> None:
    answer = await changes(client, workflow, graph_with("edge.node_unknown", "node.unknown"))
    assert answer.status_code == 422
    assert len(answer.json()["details"]) == 2


async def test_nothing_live_has_nothing_to_be_compared_with(
    client: httpx.AsyncClient, workflow: str
) -> None:
    await client.post(f"/workflows/{workflow}/takedown")
    answer = await changes(client, workflow)
    assert (answer.status_code, answer.json()["code"]) == (409, "workflow.not_deployed")


async def test_a_module_that_is_lost_is_told_as_lost(
    plane: Plane, client: httpx.AsyncClient, workflow: str
) -> None:
    shutil.rmtree(plane.folder / "deployments" / "files")
    told = (await changes(client, workflow)).json()
    assert told["code"]["before"] is None
