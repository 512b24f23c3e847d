"""The API over the real language: what it says arrives whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from awaitstep.language import CompiledGraphs

from .fakes import Plane
from .test_the_document_is_true import document, hold


def graph(code: str) -> dict[str, Any]:
    at = "2026-11-23T00:00:00Z"
    node = {"id": "charge", "type": "step", "name": "Charge", "data": {"code": code}}
    place = {"position": {"x": 0, "y": 0}, "version": "1.0.0", "provider": "local"}
    return {
        "kind": "workflow",
        "metadata": {"name": "Orders", "version": 1, "createdAt": at, "updatedAt": at},
        "entryNodeId": "charge",
        "nodes": [{**node, **place}],
        "edges": [],
    }


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    plane = await Plane(tmp_path, CompiledGraphs()).open()
    yield plane
    plane.close()


async def test_node_types_are_as_described(plane: Plane) -> None:
    client = await plane.client()
    doc = await document(plane)
    listed = await client.get("/nodes")
    hold(doc, "GET", "/nodes", listed)
    names = {node["type"] for node in listed.json()["data"]}
    assert {"step", "branch", "sleep", "wait_for_event", "http_request"} <= names
    for name in names:
        answer = await client.get(f"/nodes/{name}")
        hold(doc, "GET", "/nodes/{type}", answer)
        assert answer.json()["schema"]["type"] == "object"


async def test_a_graph_becomes_a_worker(plane: Plane) -> None:
    client = await plane.client()
    doc = await document(plane)
    compiled = await client.post("/compile", json=graph("return {'cents': 100}"))
    hold(doc, "POST", "/compile", compiled)
    assert "WorkflowEntrypoint" in compiled.json()["code"]
    body = {"name": "Orders", "ir": graph("return {'cents': 100}")}
    workflow = (await client.post("/workflows", json=body)).json()["id"]
    deployed = await client.post(f"/workflows/{workflow}/deploy")
    assert deployed.status_code == 200, deployed.text
    bundle = await plane.bundles.bundle(deployed.json()["deploymentId"])
    assert bundle.module.read_text() == compiled.json()["code"]
    assert bundle.bindings == {compiled.json()["binding"]: workflow}


async def test_every_problem_arrives_with_its_place(plane: Plane) -> None:
    client = await plane.client()
    doc = await document(plane)
    broken = graph("return 1")
    broken["nodes"][0]["data"]["nope"] = 1
    broken["edges"] = [{"id": "e", "source": "charge", "target": "nobody"}]
    report = await client.post("/validate", json=broken)
    hold(doc, "POST", "/validate", report)
    found = report.json()["diagnostics"]
    assert len(found) >= 2
    assert any(problem.get("nodeId") == "charge" and problem.get("path") for problem in found)
    workflow = (await client.post("/workflows", json={"name": "x"})).json()["id"]
    refused = await client.post(f"/workflows/{workflow}/versions", json={"ir": broken})
    hold(doc, "POST", "/workflows/{id}/versions", refused)
    assert refused.status_code == 422
    assert refused.json()["details"] == [p for p in found if p["severity"] == "error"]


@pytest.mark.parametrize("ir", [{}, {"nodes": None}, {"nodes": [[]]}, {"kind": [], "nodes": {}}])
async def test_what_is_no_graph_is_422(plane: Plane, ir: dict[str, Any]) -> None:
    client = await plane.client()
    for path in ("/workflows", "/workflows/import"):
        answer = await client.post(path, json={"name": "x", "ir": ir})
        assert answer.status_code == 422, answer.text
    assert (await client.post("/compile", json={"ir": ir})).status_code == 422
    assert (await client.post("/validate", json={"ir": ir})).json()["valid"] is False


async def test_bad_entry_code_is_refused_where_it_is_set(plane: Plane) -> None:
    client = await plane.client()
    workflow = (await client.post("/workflows", json={"name": "x"})).json()["id"]
    answer = await client.patch(f"/workflows/{workflow}", json={"entryCode": "return ("})
    assert answer.status_code == 422
    assert answer.json()["details"][0]["message"]
