"""What is being drawn is kept, valid or not, and nobody's drawing is overwritten unseen."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from .fakes import GRAPH, Plane, graph_with


async def drawn(client: httpx.AsyncClient) -> tuple[str, str]:
    """A workflow's path, and the id of its version."""
    made = (await client.post("/workflows", json={"name": "x", "ir": GRAPH})).json()["id"]
    versions = (await client.get(f"/workflows/{made}/versions")).json()["data"]
    return f"/workflows/{made}", versions[0]["id"]


async def test_a_graph_that_is_not_valid_is_kept(client: httpx.AsyncClient) -> None:
    path, version = await drawn(client)
    missing = await client.get(f"{path}/draft")
    assert (missing.status_code, missing.json()["code"]) == (404, "draft.not_found")
    broken = {"nodes": [{"id": "half", "data": {"code": "def ("}}], "note": "\u00e4 \u2028"}
    body = {"ir": broken, "baseVersionId": version, "revision": 0}
    put = await client.put(f"{path}/draft", json=body)
    assert put.status_code == 200, put.text
    draft = put.json()
    assert draft == {
        "ir": broken,
        "entryCode": None,
        "baseVersionId": version,
        "revision": 1,
        "updatedAt": draft["updatedAt"],
    }
    assert (await client.get(f"{path}/draft")).json() == draft
    assert (await client.get(f"{path}/full")).json()["version"]["ir"] == GRAPH
    assert (await client.delete(f"{path}/draft")).status_code == 204
    assert (await client.get(f"{path}/draft")).status_code == 404
    assert (await client.delete(f"{path}/draft")).json()["code"] == "draft.not_found"


async def test_the_second_of_two_is_told_the_revision_of_now(client: httpx.AsyncClient) -> None:
    path, _ = await drawn(client)
    bodies = [{"ir": {"by": name}, "revision": 0} for name in range(8)]
    answers = await asyncio.gather(*(client.put(f"{path}/draft", json=body) for body in bodies))
    (won,) = [answer for answer in answers if answer.status_code == 200]
    assert (await client.get(f"{path}/draft")).json() == won.json()
    for lost in answers:
        if lost is not won:
            assert (lost.status_code, lost.json()["code"]) == (409, "draft.conflict")
            (detail,) = lost.json()["details"]
            assert detail["revision"] == won.json()["revision"]


async def test_saving_the_draft_ends_it(client: httpx.AsyncClient) -> None:
    path, _ = await drawn(client)
    graph = graph_with(warnings=["w.w"])
    await client.put(f"{path}/draft", json={"ir": graph, "revision": 0})
    await client.post(f"{path}/versions", json={"ir": GRAPH})
    assert (await client.get(f"{path}/draft")).status_code == 200
    refused = await client.post(f"{path}/versions", json={"ir": graph_with("a.b")})
    assert refused.status_code == 422
    assert (await client.get(f"{path}/draft")).status_code == 200
    await client.post(f"{path}/versions", json={"ir": graph})
    assert (await client.get(f"{path}/draft")).json()["code"] == "draft.not_found"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"ir": []}, 422, "request.invalid"),
        ({"ir": "{}"}, 422, "request.invalid"),
        ({"revision": -1}, 422, "request.invalid"),
        ({"revision": 2**80}, 422, "request.invalid"),
        ({"revision": True}, 422, "request.invalid"),
        ({"revision": None}, 422, "request.invalid"),
        ({"revision": 7}, 409, "draft.conflict"),
        ({"baseVersionId": "ver_nobodys"}, 404, "version.not_found"),
        ({"baseVersionId": ""}, 422, "request.invalid"),
        ({"workflowId": "wf_other"}, 422, "request.invalid"),
        ({"entryCode": "a\0b"}, 422, "request.invalid"),
    ],
)
async def test_a_bad_draft_changes_nothing(
    client: httpx.AsyncClient, change: dict[str, object], status: int, code: str
) -> None:
    path, _ = await drawn(client)
    answer = await client.put(f"{path}/draft", json={"ir": {}, "revision": 0} | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await client.get(f"{path}/draft")).status_code == 404


async def test_a_draft_may_be_as_large_as_a_graph_and_no_larger(plane: Plane) -> None:
    client = await plane.client()
    path, _ = await drawn(client)
    large = {"ir": {"text": "x" * (2 * 1024 * 1024)}, "revision": 0}
    assert (await client.put(f"{path}/draft", json=large)).status_code == 200
    larger = {"ir": {"text": "x" * (16 * 1024 * 1024)}, "revision": 1}
    answer = await client.put(f"{path}/draft", json=larger)
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")
