"""The OpenAPI document against what the routes really answer."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import httpx
from fastapi.routing import APIRoute

from awaitstep.api import access
from awaitstep.api.runshapes import (
    AttemptJson,
    AttemptShape,
    EntryJson,
    EntryShape,
    ErrorJson,
    ErrorShape,
    RunJson,
    RunShape,
    StepJson,
    StepShape,
)

from .calls import every_call
from .fakes import GRAPH, Plane, graph_with
from .test_every_route_is_closed import SESSION_ONLY

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Document:
    """Just enough of JSON Schema to hold answers against ours."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    def answers(self, method: str, route: str) -> dict[str, Any]:
        found: dict[str, Any] = self.schema["paths"][f"/api{route}"][method.lower()]["responses"]
        return found

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            name = schema["$ref"].removeprefix("#/components/schemas/")
            schema = self.schema["components"]["schemas"][name]
        return schema

    def problems(self, value: object, schema: dict[str, Any], path: str = "$") -> list[str]:
        schema = self.resolve(schema)
        for union in ("anyOf", "oneOf"):
            if union in schema:
                tried = [self.problems(value, each, path) for each in schema[union]]
                return [] if [] in tried else [problem for found in tried for problem in found]
        if "const" in schema and value != schema["const"]:
            return [f"{path} is {value!r}"]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{path} is {value!r}"]
        kind = schema.get("type")
        if kind is None:
            return []
        if not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
            return [f"{path} is no {kind}: {value!r}"]
        if schema.get("format") == "date-time":
            assert isinstance(value, str)
            assert value.endswith("Z")
            datetime.fromisoformat(value)
        found = []
        if isinstance(value, dict):
            known = schema.get("properties", {})
            found += [
                f"{path}.{n} is missing" for n in schema.get("required", ()) if n not in value
            ]
            for name, item in value.items():
                if name in known:
                    found += self.problems(item, known[name], f"{path}.{name}")
                elif schema.get("additionalProperties", True) is False:
                    found.append(f"{path}.{name} is not documented")
        if isinstance(value, list):
            for index, item in enumerate(value):
                found += self.problems(item, schema.get("items", {}), f"{path}[{index}]")
        return found


async def document(plane: Plane) -> Document:
    return Document((await plane.anonymous().get("/openapi.json")).json())


def hold(doc: Document, method: str, route: str, answer: httpx.Response) -> None:
    answers = doc.answers(method, route)
    status = str(answer.status_code)
    assert status in answers, f"{method} {route} answered {status}: {answer.text}"
    content = answers[status].get("content")
    if content is None:
        assert answer.content == b""
        return
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in content, f"{method} {route} answered {kind}"
    if kind == "application/json":
        assert doc.problems(answer.json(), content[kind]["schema"]) == [], f"{method} {route}"


async def test_every_route_answers_what_is_written(plane: Plane) -> None:
    doc = await document(plane)
    asked = set()
    async for method, route, answer in every_call(plane, await plane.client()):
        assert answer.status_code < 300 or route == "/connections/verify-token", answer.text
        hold(doc, method, route, answer)
        asked.add((method.lower(), f"/api{route}"))
    written = {(m, path) for path, found in doc.schema["paths"].items() for m in found}
    assert asked == written


async def test_every_error_is_written(plane: Plane) -> None:
    doc = await document(plane)
    client = await plane.client()
    reader = await plane.client("read")
    problem = doc.schema["components"]["schemas"]["Problem"]
    tried = 0
    for route in plane.api.routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        path = route.path.removeprefix("/api")
        concrete = re.sub(r"{\w+}", "x", path)
        for method in route.methods or ():
            for answer in (
                await plane.anonymous().request(method, concrete),
                await reader.request(method, concrete, json={"nothing": 1}),
                await client.request(method, concrete, json={"nothing": 1}),
                await client.request(method, concrete, json=[]),
                await client.request(
                    method, concrete, content=b"{", headers={"content-type": "application/json"}
                ),
                await client.request(
                    method, concrete, content=b"{}", headers={"content-type": "a/b"}
                ),
                await client.request(
                    method, concrete + "?limit=1000&wait=-1&status=x&createdAfter=x"
                ),
            ):
                hold(doc, method, path, answer)
                if answer.status_code >= 400:
                    assert doc.problems(answer.json(), problem) == []
                    assert answer.json()["requestId"] == answer.headers["x-request-id"]
                    tried += 1
    assert tried > 200


async def test_every_operation_says_what_it_needs(plane: Plane) -> None:
    doc = await document(plane)
    assert doc.schema["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    session = doc.schema["components"]["securitySchemes"]["session"]
    assert (session["in"], session["name"]) == ("cookie", "awaitstep_session")
    ids = []
    for path, operations in doc.schema["paths"].items():
        for method, operation in operations.items():
            ids.append(operation["operationId"])
            assert operation["summary"]
            if (method.upper(), path) in SESSION_ONLY:
                assert operation["security"] == [{"session": []}]
            elif not access.is_public(access.PUBLIC, method.upper(), path):
                assert operation["security"] == [{"apiKey": []}, {"session": []}], path
                assert operation["x-required-scope"] in ("read", "write", "deploy")
                assert {"401", "403", "500"} <= set(operation["responses"])
            if "requestBody" in operation:
                assert {"400", "413", "415", "422"} <= set(operation["responses"])
    assert len(ids) == len(set(ids))


async def test_references_lead_somewhere(plane: Plane) -> None:
    doc = await document(plane)

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                doc.resolve(value)
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(doc.schema)


async def test_examples_are_what_they_exemplify(plane: Plane) -> None:
    doc = await document(plane)
    checked = 0
    for name, schema in doc.schema["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            assert doc.problems(example, schema) == [], name
            checked += 1
    assert checked > 8


def test_what_is_sent_is_what_is_described() -> None:
    for sent, described in (
        (RunJson, RunShape),
        (StepJson, StepShape),
        (EntryJson, EntryShape),
        (AttemptJson, AttemptShape),
        (ErrorJson, ErrorShape),
    ):
        aliases = [field.alias for field in described.model_fields.values()]
        assert list(sent.__struct_encode_fields__) == aliases  # type: ignore[attr-defined]


async def test_the_docs_page_names_every_path_and_runs_nothing(plane: Plane) -> None:
    doc = await document(plane)
    page = await plane.anonymous().get("/docs")
    for path in doc.schema["paths"]:
        assert path in page.text
    assert "<script" not in page.text
    assert "http://" not in re.sub(r"<pre>.*?</pre>", "", page.text, flags=re.S)
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_problems_of_graphs_have_one_detail_each(plane: Plane) -> None:
    client = await plane.client()
    workflow = (await client.post("/workflows", json={"name": "x", "ir": GRAPH})).json()["id"]
    body = {"ir": graph_with("a.b", "c.d", warnings=["w.w"])}
    answer = await client.post(f"/workflows/{workflow}/versions", json=body)
    assert answer.status_code == 422
    assert [d["code"] for d in answer.json()["details"]] == ["a.b", "c.d"]
    assert answer.json()["details"][0]["nodeId"] == "charge"
    saved = await client.post(
        f"/workflows/{workflow}/versions", json={"ir": graph_with(warnings=["w.w"])}
    )
    assert [warning["code"] for warning in saved.json()["warnings"]] == ["w.w"]
