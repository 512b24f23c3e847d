"""Deny by default: every route there is, asked without a key, with a weak one, and from outside."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from awaitstep.api import access, application, create_api

from .fakes import GRAPH, ORIGINS, Plane

PUBLIC = {
    ("GET", "/api/health"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/docs"),
    ("POST", "/api/auth/sessions"),
}
SESSION_ONLY = {
    ("DELETE", "/api/auth/sessions"),
    ("GET", "/api/projects"),
    ("POST", "/api/projects"),
    ("PATCH", "/api/projects/{id}"),
}
READING_POSTS = {"/api/validate", "/api/compile", "/api/workflows/{id}/changes"}


def routes(plane: Plane) -> list[tuple[str, str, APIRoute | None]]:
    found = []
    for route in plane.api.routes:
        assert isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}:
            found.append((method, route.path, route if isinstance(route, APIRoute) else None))
    return found


def path_of(route: str, **known: str) -> str:
    path = re.sub(r"{(\w+)}", lambda name: known.get(name[1], "x"), route)
    return path.removeprefix("/api") if path.startswith("/api") else f"http://test{path}"


async def test_only_the_listed_routes_are_public(plane: Plane) -> None:
    assert access.PUBLIC == PUBLIC
    nobody = plane.anonymous()
    for method, path, _ in routes(plane):
        answer = await nobody.request(method, path_of(path))
        if path == access.SIGN_IN and method == "POST":
            assert answer.status_code == 403  # it needs no session, and our own page
            assert answer.json()["code"] == "origin.foreign"
        elif (method, path) in PUBLIC:
            assert answer.status_code == 200, path
        else:
            assert answer.status_code == 401, path
            assert answer.json()["code"] == "auth.required"
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_read_only_key_changes_nothing(plane: Plane) -> None:
    reader = await plane.client("read")
    for method, path, route in routes(plane):
        if method == "GET" or path in READING_POSTS | {access.SIGN_IN}:
            continue
        assert route is not None
        assert access.scope_of(route) in ("write", "deploy"), path
        answer = await reader.request(method, path_of(path), json={})
        assert answer.status_code == 403, (method, path)
        assert answer.json()["code"] == "scope.missing"


async def test_write_does_not_deploy_and_deploy_does_not_write(plane: Plane) -> None:
    clients = {"write": await plane.client("write"), "deploy": await plane.client("deploy")}
    for method, path, route in routes(plane):
        if method == "GET" or route is None or path in READING_POSTS | {access.SIGN_IN}:
            continue
        scope = access.scope_of(route)
        other = clients["deploy" if scope == "write" else "write"]
        answer = await other.request(method, path_of(path), json={})
        assert answer.status_code == 403, (method, path)


async def test_another_projects_ids_do_not_exist(plane: Plane) -> None:
    owner = await plane.client()
    workflow = await plane.deployed(owner)
    run = (await owner.post(f"/workflows/{workflow}/trigger")).json()["instanceId"]
    deployment = (await owner.get(f"/workflows/{workflow}/deployments")).json()["data"][0]
    variable = (await owner.post("/env-vars", json={"name": "A", "value": "1"})).json()["id"]
    key = (await owner.post("/api-keys", json={"name": "k", "scopes": ["read"]})).json()["id"]
    ids = {"env-vars": variable, "api-keys": key, "connections": deployment["connectionId"]}
    bodies = {
        "/versions": {"ir": GRAPH},
        "/changes": {"ir": GRAPH},
        "/draft": {"ir": {}, "revision": 0},
        "/move": {"projectId": plane.project},
        "/events": {"type": "paid"},
        "/runs/bulk": {"verb": "delete", "filter": {}},
    }
    stranger = await plane.client(project=await plane.other_project())
    tried = 0
    for method, path, _ in routes(plane):
        if "{" not in path or "{type}" in path or "/templates/" in path:
            continue
        if (method, path) in SESSION_ONLY:  # see test_projects_are_switched.py
            continue
        kind = path.split("/")[2]
        concrete = path_of(path, id=ids.get(kind, workflow), run=run, version="1")
        body = next((body for end, body in bodies.items() if path.endswith(end)), {})
        answer = await stranger.request(method, concrete, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
        tried += 1
    assert tried > 30
    assert (await owner.get(f"/workflows/{workflow}/runs/{run}")).json()["status"] == "queued"
    listing = (await stranger.get("/runs")).json()
    assert listing["data"] == []
    used = await stranger.post(
        "/workflows", json={"name": "Mine", "ir": GRAPH}
    )  # and their connection can't be deployed to
    mine = used.json()["id"]
    answer = await stranger.post(
        f"/workflows/{mine}/deploy", json={"connectionId": deployment["connectionId"]}
    )
    assert answer.status_code == 404
    answer = await stranger.post(
        f"/workflows/{mine}/deploy", json={"versionId": deployment["versionId"]}
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/health/",
        "/healthx",
        "/health/../workflows",
        "/health;/workflows",
        "/docs/../workflows",
        "/workflows/",
        "//workflows",
        "/openapi.json/workflows",
        "/workflows%2Fhealth",
        "/workflows%252Fhealth",
        "/%2e%2e/api/workflows",
        "/workflows/..%2Fhealth",
        "/HEALTH",
        "/health%00",
        "/configs",
    ],
)
async def test_tricks_with_paths_open_nothing(plane: Plane, path: str) -> None:
    answer = await plane.anonymous().get(path)
    assert answer.status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "test/api/health?", "127.0.0.1#", ""])
async def test_the_host_header_decides_nothing(plane: Plane, host: str) -> None:
    answer = await plane.anonymous(Host=host).get("/workflows")
    assert answer.status_code == 401


async def test_other_methods_are_405_in_our_shape(plane: Plane) -> None:
    client = await plane.client()
    for method in ("PUT", "OPTIONS", "TRACE", "DELETE"):
        answer = await client.request(method, "/workflows")
        assert answer.status_code == 405
        assert answer.json()["code"] == "method.not_allowed"
        assert set(answer.headers["allow"].split(", ")) <= {"GET", "POST"}
    assert (await plane.anonymous().request("OPTIONS", "/workflows")).status_code == 401


async def test_outside_of_api_there_is_nothing(plane: Plane) -> None:
    for path in ("http://test/", "http://test/api", "http://test/API/workflows"):
        answer = await plane.anonymous().get(path)
        assert answer.status_code == 404
        assert answer.json()["code"] == "route.not_found"


async def test_a_websocket_is_turned_away(plane: Plane) -> None:
    sent = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/api/health", "headers": [], "query_string": b""}
    await plane.api(scope, receive, send)  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_a_route_without_a_scope_stops_the_start(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "PUBLIC", frozenset())
    with pytest.raises(AssertionError, match="names no scope"):
        create_api(plane.app, ORIGINS)
