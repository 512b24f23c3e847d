"""A workflow's payload schema is kept: what does not fit starts nothing, and a bad schema is refused."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from .fakes import GRAPH, Plane

ORDER = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^ord_[0-9]+$"},
        "items": {"type": "array", "items": {"type": "object", "required": ["a/b"]}},
    },
    "required": ["id"],
    "additionalProperties": False,
}


async def made(plane: Plane, client: httpx.AsyncClient, schema: object) -> str:
    workflow = await plane.deployed(client)
    answer = await client.patch(f"/workflows/{workflow}", json={"payloadSchema": schema})
    assert answer.status_code == 200, answer.text
    return workflow


async def trigger(client: httpx.AsyncClient, workflow: str, params: object) -> httpx.Response:
    return await client.post(f"/workflows/{workflow}/trigger", json={"params": params})


async def test_what_fits_starts_a_run(plane: Plane, client: httpx.AsyncClient) -> None:
    workflow = await made(plane, client, ORDER)
    answer = await trigger(client, workflow, {"id": "ord_1", "items": [{"a/b": 1}]})
    assert answer.status_code == 201
    await client.patch(f"/workflows/{workflow}", json={"payloadSchema": None})
    assert (await trigger(client, workflow, 5)).status_code == 201


@pytest.mark.parametrize(
    ("params", "place"),
    [
        (None, "params"),
        ({"id": "hunter2"}, "params/id"),
        ({"id": "ord_1", "items": [{"a/b": 1}, {}]}, "params/items/1"),
        ({"id": "ord_1", "items": [3]}, "params/items/0"),
        ({"id": "ord_1", "more": 1}, "params"),
    ],
)
async def test_what_does_not_fit_starts_nothing(
    plane: Plane, client: httpx.AsyncClient, params: object, place: str
) -> None:
    workflow = await made(plane, client, ORDER)
    answer = await trigger(client, workflow, params)
    assert answer.status_code == 422
    assert answer.json()["code"] == "payload.invalid"
    assert answer.json()["details"][0]["path"] == place
    assert place.removeprefix("params") in answer.json()["error"]
    assert "hunter2" not in answer.text
    assert plane.engine.runs == {}


async def test_a_few_problems_are_told(plane: Plane, client: httpx.AsyncClient) -> None:
    workflow = await made(plane, client, {"items": {"type": "integer"}})
    assert len((await trigger(client, workflow, ["x"] * 9)).json()["details"]) == 5
    assert len((await trigger(client, workflow, ["x"] * 90_000)).json()["details"]) == 1


async def test_an_answered_request_is_answered_again(
    plane: Plane, client: httpx.AsyncClient
) -> None:
    workflow = await plane.deployed(client)
    body = {"params": 1, "instanceId": "one"}
    first = await client.post(f"/workflows/{workflow}/trigger", json=body)
    await client.patch(f"/workflows/{workflow}", json={"payloadSchema": {"type": "string"}})
    again = await client.post(f"/workflows/{workflow}/trigger", json=body)
    assert (again.status_code, again.json()) == (201, first.json())
    assert (await trigger(client, workflow, 1)).status_code == 422


def nested(times: int, keyword: str, also: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"const": 1}
    for _ in range(times):
        schema = {keyword: [schema] if keyword == "allOf" else schema, also: False}
    return schema


DOUBLING = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(40)}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strin"},
        {"properties": {"a": {"minLength": -1}}},
        {"allOf": 3},
        {"$schema": "http://127.0.0.1:9/schema"},
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"properties": {"a": {"$ref": "#"}}},
        {"properties": {"a": {"$id": "http://127.0.0.1:9/schema"}}},
        {"$dynamicRef": "#x"},
        {"pattern": "("},
        {"pattern": "(?=a)b"},
        {"pattern": "((a{1,1000}){1,1000}){1,1000}"},
        {"allOf": [{"pattern": "a"}] * 51},
        {"enum": ["x" * 70_000]},
        {"$ref": "#/$defs/a0", "$defs": DOUBLING | {"a40": {}}},
        nested(30, "allOf", "unevaluatedProperties"),
        nested(45, "contains", "unevaluatedItems"),
    ],
)
async def test_a_bad_schema_is_not_saved(
    plane: Plane, client: httpx.AsyncClient, schema: dict[str, Any]
) -> None:
    workflow = await plane.deployed(client)
    answer = await client.patch(f"/workflows/{workflow}", json={"payloadSchema": schema})
    assert answer.status_code == 422, schema
    assert answer.json()["code"] == "payload_schema.invalid"
    assert (await client.get(f"/workflows/{workflow}")).json()["payloadSchema"] is None
    file = {"name": "N", "ir": GRAPH, "payloadSchema": schema}
    answer = await client.post("/workflows/import", json=file)
    assert answer.status_code == 422
    assert answer.json()["details"][0]["code"] == "payload_schema.invalid"


@pytest.mark.parametrize(
    ("schema", "params"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 900_000 + "b"),
        ({"items": {"anyOf": [{"type": "string"}] * 20}}, list(range(100_000))),
        ({"items": {"enum": [{"a": i} for i in range(500)]}}, [{"a": 500}] * 90_000),
    ],
)
async def test_no_payload_takes_long(
    plane: Plane, client: httpx.AsyncClient, schema: object, params: object
) -> None:
    workflow = await made(plane, client, schema)
    began = time.monotonic()
    answer = await trigger(client, workflow, params)
    assert answer.json()["code"] == "payload.invalid"
    assert time.monotonic() - began < 5
