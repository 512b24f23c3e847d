from __future__ import annotations

import pytest

from .fakes import Plane


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer ask_",
        "Bearer ask_" + "a" * 43,
        "Basic YXNr",
        "Bearer null",
        "Bearer ask_" + "a" * 100_000,
        "Bearer ask_" + "é" * 43,
    ],
)
async def test_what_is_no_key_is_401(plane: Plane, header: str) -> None:
    headers = [(b"authorization", header.encode())]
    answer = await plane.anonymous().get("/workflows", headers=headers)
    assert answer.status_code == 401


async def test_a_key_must_be_whole_and_alone(plane: Plane) -> None:
    key = await plane.key()
    for wrong in (key[:-1], key + "a", key[:-1] + ("a" if key[-1] != "a" else "b"), key.upper()):
        answer = await plane.anonymous(Authorization=f"Bearer {wrong}").get("/workflows")
        assert answer.status_code == 401
    twice = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
    answer = await plane.anonymous().get("/workflows", headers=twice)
    assert answer.status_code == 401
    assert (
        await plane.anonymous(Authorization=f"bearer {key}").get("/workflows")
    ).status_code == 200


async def test_a_key_is_shown_once_and_kept_nowhere(plane: Plane) -> None:
    client = await plane.client()
    made = (await client.post("/api-keys", json={"name": "Billing", "scopes": ["deploy"]})).json()
    assert made["key"].startswith("ask_")
    assert made["key"].startswith(made["prefix"])
    assert len(made["prefix"]) < 16
    listed = (await client.get("/api-keys")).text
    assert made["key"] not in listed
    assert made["id"] in listed
    for file in plane.folder.rglob("*"):
        if file.is_file():
            assert made["key"].encode() not in file.read_bytes()


async def test_a_deleted_key_opens_nothing_at_once(plane: Plane) -> None:
    client = await plane.client()
    made = (await client.post("/api-keys", json={"name": "k", "scopes": ["read"]})).json()
    other = plane.anonymous(Authorization=f"Bearer {made['key']}")
    assert (await other.get("/workflows")).status_code == 200
    assert (await client.delete(f"/api-keys/{made['id']}")).status_code == 204
    assert (await other.get("/workflows")).status_code == 401
    assert (await client.delete(f"/api-keys/{made['id']}")).status_code == 404


async def test_a_key_cannot_make_a_stronger_one(plane: Plane) -> None:
    writer = await plane.client("write")
    answer = await writer.post("/api-keys", json={"name": "k", "scopes": ["deploy"]})
    assert answer.status_code == 403
    assert answer.json()["code"] == "key.scope"
    answer = await writer.post("/api-keys", json={"name": "k", "scopes": ["read", "write"]})
    assert answer.status_code == 201


@pytest.mark.parametrize("scopes", [[], ["admin"], "read", None, ["read"] * 4, [1]])
async def test_unknown_scopes_are_422(plane: Plane, scopes: object) -> None:
    client = await plane.client()
    answer = await client.post("/api-keys", json={"name": "k", "scopes": scopes})
    assert answer.status_code == 422
