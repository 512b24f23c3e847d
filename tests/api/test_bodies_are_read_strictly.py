from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi.routing import APIRoute

from awaitstep.api import gate
from awaitstep.api.queries import names_of

from .fakes import GRAPH, Plane

JSON = {"content-type": "application/json"}
NOT_JSON = {
    "half": b'{"name": ',
    "nothing but space": b"   ",
    "single quotes": b"{'name': 'x'}",
    "nan": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "too large a float": b'{"name": 1e400}',
    "a key twice": b'{"name": "a", "name": "b"}',
    "a key twice, deep": b'{"name": "a", "ir": {"x": [{"y": 1, "y": 2}]}}',
    "100,000 deep": b"[" * 100_000,
    "100,000 deep and closed": b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "201 deep": b'{"name":' + b"[" * 200 + b"]" * 200 + b"}",
    "10,000 digits": b'{"name": ' + b"1" * 10_000 + b"}",
    "half a pair": b'{"name": "\\ud800"}',
    "half a pair as a key": b'{"\\udfff": 1}',
    "not utf-8": b'{"name": "\xff"}',
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "nul": b'{"name": "x\x00"}',
    "trailing": b'{"name": "x"} {}',
    "gzip": b"\x1f\x8b\x08\x00",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_json_is_400(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/workflows", content=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "body.malformed"
    assert (await client.get("/workflows")).json()["data"] == []


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_broken_params_start_nothing(plane: Plane, body: bytes) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    answer = await client.post(f"/workflows/{workflow}/trigger", content=body, headers=JSON)
    assert answer.status_code == 400
    assert not plane.engine.runs


async def test_large_but_possible_numbers_and_texts_pass(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    text = (
        b'{"params":{"big":123456789012345678901234567890,"pair":"\\ud83d\\ude00","nul":"\\u0000"}}'
    )
    answer = await client.post(f"/workflows/{workflow}/trigger", content=text, headers=JSON)
    assert answer.status_code == 201
    assert answer.json()["params"] == {
        "big": 123456789012345678901234567890,
        "pair": "😀",
        "nul": "\0",
    }


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "text/json",
        "application/json; charset=utf-16",
        "application/octet-stream",
    ],
)
async def test_a_body_must_say_that_it_is_json(
    client: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await client.post("/workflows", content=b'{"name": "x"}', headers=headers)
    assert answer.status_code == 415
    assert answer.json()["code"] == "body.content_type"


async def test_compressed_bodies_are_415(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/workflows", content=b"\x1f\x8b", headers={**JSON, "content-encoding": "gzip"}
    )
    assert answer.status_code == 415
    assert answer.json()["code"] == "body.content_encoding"


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "application/ld+json"])
async def test_other_ways_to_say_json_pass(client: httpx.AsyncClient, kind: str) -> None:
    answer = await client.post(
        "/workflows", content=b'{"name": "x"}', headers={"content-type": kind}
    )
    assert answer.status_code == 201


async def test_all_problems_of_a_body_come_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/workflows", json={"name": "", "kind": "robot", "projectId": "proj_x", "id": "wf_x"}
    )
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "request.invalid"
    assert {detail["path"]: detail["code"] for detail in problem["details"]} == {
        "name": "field.invalid",
        "kind": "field.invalid",
        "projectId": "field.unknown",
        "id": "field.unknown",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "said"),
    [
        ("POST", "/workflows", {}, "field.missing", "`name` is missing."),
        ("POST", "/workflows", {"name": ""}, "field.invalid", "`name` can't be empty."),
        ("POST", "/workflows", {"name": 5}, "field.invalid", "`name` is text."),
        (
            *("POST", "/workflows", {"name": "x" * 257}),
            *("field.invalid", "`name` has at most 256 characters."),
        ),
        (
            *("POST", "/workflows", {"name": "x", "kind": "robot"}),
            *("field.invalid", "`kind` is 'workflow' or 'script'."),
        ),
        (
            *("POST", "/workflows", {"name": "x", "nme": 1}),
            *("field.unknown", "There is no field `nme`."),
        ),
        ("POST", "/workflows", {"name": "x", "ir": []}, "field.invalid", "`ir` is an object."),
        ("POST", "/workflows", None, "field.missing", "The body is missing."),
        ("POST", "/workflows", [], "field.invalid", "`body` is an object."),
        ("GET", "/runs?limit=0", None, "field.invalid", "`limit` is 1 or more."),
        ("GET", "/runs?limit=x", None, "field.invalid", "`limit` is a whole number."),
        (
            *("GET", "/runs?createdAfter=noon", None, "field.invalid"),
            "`createdAfter` is a moment in ISO 8601 with a zone.",
        ),
        (
            *("GET", "/workflows?nme=x", None, "field.unknown"),
            "There is no parameter `nme`; there are `cursor`, `limit`, `name`.",
        ),
        (
            *("POST", "/workflows/wf_x/trigger?wiat=1", None, "field.unknown"),
            "There is no parameter `wiat`; there is `wait`.",
        ),
        ("POST", "/workflows/wf_x/trigger?wait=61", None, "field.invalid", "`wait` is 60 or less."),
        (
            *("PATCH", "/workflows/wf_x", {"envVars": None}),
            *("field.invalid", "`envVars` can't be null."),
        ),
        (
            *("PATCH", "/workflows/wf_x", {"envVars": [{"name": 1}]}),
            *("field.invalid", "`name` is text."),
        ),
        (
            *("PATCH", "/workflows/wf_x", {"dependencies": [1]}),
            *("field.invalid", "`dependencies.0` is text."),
        ),
    ],
)
async def test_a_wrong_field_is_told_in_a_plain_sentence(
    client: httpx.AsyncClient, method: str, path: str, body: object, code: str, said: str
) -> None:
    answer = await client.request(method, path, json=body)
    assert answer.status_code == 422
    problem = answer.json()
    assert (problem["code"], problem["error"]) == ("request.invalid", said)
    assert [(found["code"], found["message"]) for found in problem["details"]] == [(code, said)]


@pytest.mark.parametrize("name", [5, True, None, ["x"], {}, "x" * 257, "a\nb", "a\x7fb", "  "])
async def test_a_name_is_text_and_stays_so(client: httpx.AsyncClient, name: object) -> None:
    assert (await client.post("/workflows", json={"name": name})).status_code == 422


async def test_hostile_names_are_kept_as_they_are(client: httpx.AsyncClient) -> None:
    for name in ("'; DROP TABLE workflows; --", "<script>alert(1)</script>", "{{x}}", "‮😀", '"""'):
        made = await client.post("/workflows", json={"name": name})
        assert made.status_code == 201
        found = await client.get(f"/workflows/{made.json()['id']}")
        assert found.json()["name"] == name


async def test_a_body_over_the_limit_is_413(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    path = f"/workflows/{workflow}/trigger"
    large = b'{"params": "' + b"x" * (1024 * 1024) + b'"}'
    announced = await client.post(path, content=large, headers=JSON)
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for start in range(0, 16 * len(large), 65_536):
            read += 65_536
            yield large[start : start + 65_536] or b" " * 65_536

    streamed = await client.post(path, content=chunks(), headers=JSON)
    for answer in (announced, streamed):
        assert answer.status_code == 413
        assert answer.json()["code"] == "body.too_large"
    assert not plane.engine.runs
    lying = await client.post(path, content=b"{}", headers={**JSON, "content-length": "9" * 30})
    assert lying.status_code == 413


async def test_a_body_that_does_not_arrive_is_given_up(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    monkeypatch.setattr(gate, "SLOWEST", 0.01)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    for path in ("/workflows", f"/workflows/{workflow}/trigger"):
        answer = await client.post(path, content=never(), headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (408, "body.too_slow")


async def test_a_client_that_goes_away_is_no_bug(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    for path in ("/api/workflows", f"/api/workflows/{workflow}/trigger"):
        sent = []

        async def gone() -> dict[str, str]:
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object], sent: list[object] = sent) -> None:
            sent.append(message.get("status"))

        authorization = client.headers["authorization"].encode()
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(b"authorization", authorization), (b"content-type", b"application/json")],
        }
        await plane.api(scope, gone, send)  # type: ignore[arg-type]
        assert sent[0] == 400


async def test_params_just_under_the_limit_are_taken(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    params = "x" * (1024 * 1024 - 100)
    answer = await client.post(f"/workflows/{workflow}/trigger", json={"params": params})
    assert answer.status_code == 201
    # one character takes more room in the journal than in this body: still an answer, not a 500
    answer = await client.post(
        f"/workflows/{workflow}/trigger",
        content=b'{"params":"' + "\x7f\u2028".encode() * 260_000 + b'"}',
        headers=JSON,
    )
    assert answer.status_code in (201, 413)


async def test_graphs_may_be_larger(plane: Plane) -> None:
    client = await plane.client()
    workflow = (await client.post("/workflows", json={"name": "x"})).json()["id"]
    large = {**GRAPH, "note": "x" * (2 * 1024 * 1024)}
    for path, body in (
        (f"/workflows/{workflow}/versions", {"ir": large}),
        ("/workflows/import", {"name": "y", "ir": large}),
        ("/validate", {"ir": large}),
        ("/compile", large),
    ):
        assert (await client.post(path, json=body)).status_code in (200, 201)
    too_large = {"ir": {**GRAPH, "note": "x" * (16 * 1024 * 1024)}}
    answer = await client.post(f"/workflows/{workflow}/versions", json=too_large)
    assert answer.status_code == 413


async def test_request_ids_are_answered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/workflows", headers={"X-Request-Id": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"
    for wrong in ("", "x" * 65, "a b", "<x>"):
        answer = await client.get("/nothing", headers={"X-Request-Id": wrong})
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.json()["requestId"] == answer.headers["x-request-id"]


async def test_a_bug_is_a_500_that_tells_nothing(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    plane.engine.broken = RuntimeError("the password is hunter2")
    answer = await client.post(f"/workflows/{workflow}/trigger")
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "Something went wrong on the server.",
        "code": "server.error",
        "requestId": answer.headers["x-request-id"],
    }


async def test_every_route_that_reads_a_query_refuses_what_it_does_not_know(plane: Plane) -> None:
    client = await plane.client()
    tried = set()
    for route in plane.api.routes:
        known = sorted(names_of(route)) if isinstance(route, APIRoute) else []
        if not known:
            continue
        [method] = route.methods or ()
        path = re.sub(r"{\w+}", "x", route.path.removeprefix("/api"))
        for query in (
            "staus=errored",
            f"{known[0]}=1&staus",
            "%00=1",
            "=1",
            f"{known[0].upper()}=1",
        ):
            answer = await client.request(method, f"{path}?{query}")
            assert answer.status_code == 422, (path, query, answer.text)
            assert answer.json()["code"] == "request.invalid"
            [problem] = answer.json()["details"]
            assert problem["code"] == "field.unknown"
            assert problem["path"].startswith("query.")
            assert all(f"`{name}`" in problem["message"] for name in known)
        tried.add(route.path)
    assert {"/api/runs", "/api/runs/stream", "/api/workflows/{id}/trigger"} <= tried


async def test_many_unknown_parameters_make_no_long_answer(client: httpx.AsyncClient) -> None:
    query = "&".join(f"{n}{'x' * 500}=1" for n in range(50))
    answer = await client.get(f"/runs?{query}")
    assert (answer.status_code, len(answer.json()["details"])) == (422, 10)
    assert len(answer.content) < 10_000
    assert (await client.get("/health?staus=1")).status_code == 200
