"""The API over the real language: what it says arrives whole."""

from __future__ import annotations

import json
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


MODULE = """from workers import WorkerEntrypoint, WorkflowEntrypoint

class Hello(WorkflowEntrypoint):
    async def run(self, event, step): ...

class Default(WorkerEntrypoint):
    async def fetch(self, request): ...
"""


async def test_a_module_by_itself_is_imported_as_a_graph_is(plane: Plane) -> None:
    client = await plane.client()
    file = {
        "kind": "workflow",
        "metadata": {"name": "Hello", "description": "by hand"},
        "module": MODULE,
        "className": "Hello",
    }
    made = await client.post("/workflows/import", json={**file, "dependencies": ["httpx>=0.27"]})
    assert made.status_code == 201, made.text
    assert (made.json()["name"], made.json()["description"]) == ("Hello", "by hand")
    at = f"/workflows/{made.json()['id']}"
    exported = (await client.get(f"{at}/export")).json()
    assert (exported["ir"], exported["dependencies"]) == (file, ["httpx>=0.27"])
    for nameless in ({**file, "module": "x = 1"}, {**file, "className": "Other"}):
        refused = await client.post("/workflows/import", json=nameless)
        assert (refused.status_code, refused.json()["code"]) == (422, "import.invalid")


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


async def test_problems_of_entry_code_are_told_beside_those_of_the_graph(plane: Plane) -> None:
    client = await plane.client()
    node = {"id": "a", "type": "step", "name": "A", "data": {"code": "return 1"}}
    ir = {"metadata": {"name": "x"}, "entryNodeId": "a", "nodes": [node], "edges": []}
    for code, valid in [(None, True), ("return 1", True), ("x = 1\nreturn (", False)]:
        answer = await client.post("/validate", json={"ir": ir, "entryCode": code})
        assert (answer.status_code, answer.json()["valid"]) == (200, valid), answer.text
    (problem,) = answer.json()["diagnostics"]
    assert (problem["path"], problem["line"]) == ("entryCode", 2)


FOREIGN: dict[str, Any] = {
    "metadata": {"name": "Orders", "version": 1, "createdAt": "x", "updatedAt": "y"},
    "entryNodeId": "step-1",
    "nodes": [
        {
            "id": "step-1",
            "type": "step",
            "name": "Check stock",
            "position": {"x": 0, "y": 0},
            "version": "1.0.0",
            "provider": "cloudflare",
            "data": {"code": "const n = event.payload.n;\nreturn { n };"},
        },
        {
            "id": "turn",
            "type": "branch",
            "name": "Enough?",
            "data": {"branches": [{"label": "y", "condition": "{{step-1.n}} > 1 && true"}]},
        },
    ],
    "edges": [{"id": "e1", "source": "step-1", "target": "turn"}],
    "trigger": {"type": "cron", "expression": "0 9 * * *"},
    "triggerCode": "return new Response(null, { status: 200 })",
}


async def test_a_foreign_export_comes_in_and_every_change_is_told(plane: Plane) -> None:
    client = await plane.client()
    answer = await client.post("/workflows/import", json=FOREIGN)
    assert answer.status_code == 201, answer.text
    hold(await document(plane), "POST", "/workflows/import", answer)
    made = answer.json()
    assert made["renames"] == [{"from": "step-1", "to": "check_stock", "name": "Check stock"}]
    assert made["needsPorting"] == ["check_stock", "entryCode"]
    assert [(note["nodeId"], note["path"]) for note in made["notes"]] == [
        ("turn", "data.branches[0].condition"),
        (None, "trigger"),
    ]
    exported = (await client.get(f"/workflows/{made['id']}/export")).json()
    assert exported["ir"]["trigger"] == {"type": "schedule", "cron": "0 9 * * *"}
    assert exported["entryCode"].startswith("# return new Response(")
    report = await client.post("/validate", json=exported["ir"])
    assert report.json()["valid"]
    assert "code.needs_porting" in {d["code"] for d in report.json()["diagnostics"]}
    again = await client.post("/workflows/import", json=exported)
    assert again.json()["renames"] == []
    assert again.json()["needsPorting"] == made["needsPorting"]
    back = (await client.get(f"/workflows/{again.json()['id']}/export")).json()
    assert back == exported


async def test_an_import_that_is_refused_names_nodes_as_the_file_does(plane: Plane) -> None:
    client = await plane.client()
    broken = {**FOREIGN, "entryCode": "return 1", "nodes": [*FOREIGN["nodes"]]}
    broken["nodes"][0] = {**FOREIGN["nodes"][0], "data": {"code": "x = (", "more": 1}}
    broken["nodes"].append({**FOREIGN["nodes"][1], "data": {"branches": 5}})
    answer = await client.post("/workflows/import", json=broken)
    assert answer.status_code == 422
    told = [(d.get("nodeId"), d["code"]) for d in answer.json()["details"]]
    assert {
        ("step-1", "code.syntax"),
        ("step-1", "field.unknown"),
        ("turn", "id.repeated"),
        (None, "entry.twice"),
    } <= set(told)
    assert (await client.get("/workflows")).json()["data"] == []


HOSTILE = ['"', "'", "a\nb", "\u2028", "{{", "${x}", "\u202e", '"""', "`", "__proto__", "𝐚", "a\\"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_texts_go_out_and_in_bit_for_bit(plane: Plane, text: str) -> None:
    client = await plane.client()
    file = graph(f"return {text!r}  # {text!r}")
    file["nodes"][0]["name"] = text
    file["metadata"] |= {"description": text, "name": "Orders"}
    made = await client.post("/workflows", json={"name": "Orders", "ir": file})
    exported = await client.get(f"/workflows/{made.json()['id']}/export")
    imported = await client.post("/workflows/import", json=exported.json())
    assert imported.status_code == 201, imported.text
    assert imported.json()["renames"] == imported.json()["needsPorting"] == []
    back = await client.get(f"/workflows/{imported.json()['id']}/export")
    assert back.content == exported.content
    assert back.json()["ir"] == file


async def test_files_that_are_no_graphs_make_nothing(plane: Plane) -> None:
    client = await plane.client()
    deep = "[" * 100_000 + "]" * 100_000
    long = "x" * 10_000_000
    bodies = [
        '{"nodes": [], "edges": ' + deep + "}",
        '{"nodes": [{"id": "a-b", "type": "step", "name": "\\ud800", "data": {"code": "1"}}]}',
        json.dumps({"nodes": [{"id": long, "type": "step", "name": long, "data": {"code": long}}]}),
        json.dumps({"nodes": [{"id": "a-b", "type": "step", "data": {"code": long}}]}),
        '{"nodes": [{"id": "a-b"}, {"id": "a-b"}], "edges": [{"source": {}, "target": []}]}',
        '{"nodes": [[], 1, null, {"id": "../.."}], "__proto__": {"x": 1}, "edges": 5}',
    ]
    for body in bodies:
        headers = {"content-type": "application/json"}
        answer = await client.post("/workflows/import", content=body, headers=headers)
        assert answer.status_code in (400, 413, 422), body[:80]
    assert (await client.get("/workflows")).json()["data"] == []
