"""Triggering: what starts, what is the same request again, and what is refused."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from awaitstep.engine.errors import DeploymentCrashed, JournalUnavailable, RunnerUnavailable

from .fakes import GRAPH, Plane


async def test_a_trigger_answers_the_run(plane: Plane) -> None:
    client = await plane.client("deploy")
    workflow = await plane.deployed(await plane.client())
    answer = await client.post(f"/workflows/{workflow}/trigger", json={"params": {"a": [1, None]}})
    assert answer.status_code == 201
    run = answer.json()
    assert run["id"] == run["instanceId"]
    assert run["params"] == {"a": [1, None]}
    assert run["trigger"] == "api"
    assert run["status"] == "queued"
    assert "idempotent-replayed" not in answer.headers


@pytest.mark.parametrize("body", [None, b"", b"{}", b'{"params": null}'])
async def test_params_are_optional(plane: Plane, body: bytes | None) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    headers = {"content-type": "application/json"} if body else {}
    answer = await client.post(f"/workflows/{workflow}/trigger", content=body, headers=headers)
    assert answer.status_code == 201
    assert plane.engine.all[0].params is None


async def test_the_same_key_starts_one_run(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)

    async def trigger(key: str, params: object) -> httpx.Response:
        return await client.post(
            f"/workflows/{workflow}/trigger",
            json={"params": params},
            headers={"Idempotency-Key": key},
        )

    first = await trigger("order 1".replace(" ", "-"), {"a": 1, "b": 2})
    again = await trigger("order-1", {"b": 2, "a": 1})
    other = await trigger("order-2", {"a": 1, "b": 2})
    assert {first.status_code, again.status_code, other.status_code} == {201}
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert other.json()["instanceId"] != first.json()["instanceId"]
    await client.post(f"/workflows/{workflow}/deploy")  # the key outlives a new deployment
    assert (await trigger("order-1", {"a": 1, "b": 2})).json() == first.json()
    for params in ({"a": 1, "b": 3}, {"a": 1, "b": 2.0}, {"a": True, "b": 2}, None):
        refused = await trigger("order-1", params)
        assert refused.status_code == 409
        assert refused.json()["code"] == "idempotency.conflict"
    assert len(plane.engine.runs) == 2


async def test_a_key_means_something_else_in_another_workflow(plane: Plane) -> None:
    client = await plane.client()
    ids = set()
    for name in ("One", "Two"):
        workflow = await plane.deployed(client, name)
        answer = await client.post(
            f"/workflows/{workflow}/trigger", headers={"Idempotency-Key": "k"}
        )
        ids.add(answer.json()["instanceId"])
    assert len(ids) == 2


async def test_many_at_once_with_one_key_start_one_run(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    answers = await asyncio.gather(
        *(
            client.post(
                f"/workflows/{workflow}/trigger",
                json={"params": 1},
                headers={"Idempotency-Key": "k"},
            )
            for _ in range(20)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["instanceId"] for answer in answers}) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "a\tb", "é"])
async def test_a_bad_idempotency_key_is_422(plane: Plane, key: str) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    answer = await client.post(
        f"/workflows/{workflow}/trigger", headers=[(b"idempotency-key", key.encode())]
    )
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency.invalid_key"


async def test_two_keys_or_key_and_id_are_refused(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    path = f"/workflows/{workflow}/trigger"
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert (await client.post(path, headers=twice)).status_code == 400
    both = await client.post(path, json={"instanceId": "a"}, headers={"Idempotency-Key": "b"})
    assert both.status_code == 422
    assert both.json()["code"] == "idempotency.ambiguous"
    assert not plane.engine.runs


async def test_a_callers_id_is_the_runs(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    path = f"/workflows/{workflow}/trigger"
    body = {"instanceId": "order-7", "params": {"a": 1}}
    first = (await client.post(path, json=body)).json()
    assert first["instanceId"] == "order-7"
    assert first["id"] == "run_order-7"
    again = await client.post(path, json=body)
    assert again.status_code == 201
    assert again.json() == first
    taken = await client.post(path, json={"instanceId": "order-7", "params": {"a": 2}})
    assert taken.status_code == 409
    assert taken.json()["code"] == "instance.already_exists"
    await client.post(f"/workflows/{workflow}/deploy")
    assert (await client.post(path, json=body)).status_code == 409  # another deployment
    for ref in ("order-7", "run_order-7"):
        assert (await client.get(f"/workflows/{workflow}/runs/{ref}")).json() == first
    assert (await client.get(f"/workflows/{workflow}/runs/run_x")).status_code == 404


async def test_an_id_wins_over_an_id_that_looks_the_same(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    for instance in ("x", "run_x"):
        await client.post(f"/workflows/{workflow}/trigger", json={"instanceId": instance})
    found = (await client.get(f"/workflows/{workflow}/runs/run_x")).json()
    assert found["instanceId"] == "run_x"
    found = (await client.get(f"/workflows/{workflow}/runs/{found['id']}")).json()
    assert found["instanceId"] == "run_x"


@pytest.mark.parametrize("instance", ["", "-a", "a b", "x" * 101, "../x", "é", "a/b"])
async def test_a_bad_instance_id_is_422(plane: Plane, instance: str) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    answer = await client.post(f"/workflows/{workflow}/trigger", json={"instanceId": instance})
    assert answer.status_code == 422
    assert answer.json()["code"] == "instance.invalid_id"


async def test_a_priority_belongs_to_the_run(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    path = f"/workflows/{workflow}/trigger"
    for priority in (-100, 0, 100):
        body = {"instanceId": f"p{priority + 100}", "priority": priority}
        run = (await client.post(path, json=body)).json()
        assert run["priority"] == priority
        assert (await client.get(f"/workflows/{workflow}/runs/{run['id']}")).json() == run
    assert (await client.post(path)).json()["priority"] == 0
    again = await client.post(path, json={"instanceId": "p0", "priority": 7})
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["priority"] == -100


@pytest.mark.parametrize("priority", [101, -101, 1.5, "1", True, None, 10**300])
async def test_a_bad_priority_is_422(plane: Plane, priority: object) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    answer = await client.post(f"/workflows/{workflow}/trigger", json={"priority": priority})
    assert answer.status_code == 422
    assert answer.json()["details"][0]["path"] == "priority"
    assert not plane.engine.runs


async def test_waiting_answers_with_the_output(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    plane.engine.on_wait = {"a": b'{"shipped":true}'}
    path = f"/workflows/{workflow}/trigger?wait=2.5"
    run = (await client.post(path, json={"instanceId": "a"})).json()
    assert run["status"] == "complete"
    assert run["output"] == {"shipped": True}
    assert (await client.post(path, json={"instanceId": "b"})).json()["status"] == "queued"
    assert plane.engine.waited == [2.5, 2.5]
    for seconds in ("61", "-1", "nan", "x", "1e400"):
        answer = await client.post(f"/workflows/{workflow}/trigger?wait={seconds}")
        assert answer.status_code == 422, seconds


async def test_a_workflow_that_is_not_live_starts_nothing(plane: Plane) -> None:
    client = await plane.client()
    workflow = (await client.post("/workflows", json={"name": "x", "ir": GRAPH})).json()["id"]
    path = f"/workflows/{workflow}/trigger"
    assert (await client.post(path)).json()["code"] == "workflow.not_deployed"
    await client.post(f"/workflows/{workflow}/deploy")
    assert (await client.post(path)).status_code == 201
    await client.post(f"/workflows/{workflow}/takedown")
    refused = await client.post(path)
    assert refused.status_code == 409
    assert refused.json()["code"] == "workflow.not_deployed"


async def test_the_connection_must_be_where_it_is_live(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    local = (await client.get("/connections")).json()["data"][0]["id"]
    other = await client.post("/connections", json={"type": "local", "name": "Staging"})
    path = f"/workflows/{workflow}/trigger"
    assert (await client.post(path, json={"connectionId": local})).status_code == 201
    elsewhere = await client.post(path, json={"connectionId": other.json()["id"]})
    assert elsewhere.json()["code"] == "workflow.not_deployed"
    nowhere = await client.post(path, json={"connectionId": "conn_x"})
    assert nowhere.status_code == 404
    assert nowhere.json()["code"] == "connection.not_found"


@pytest.mark.parametrize(
    "error",
    [
        JournalUnavailable("disk full"),
        RunnerUnavailable(),
        DeploymentCrashed("It crashed three times."),
    ],
)
async def test_what_is_away_is_503(plane: Plane, error: Exception) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    plane.engine.broken = error
    answer = await client.post(f"/workflows/{workflow}/trigger")
    assert answer.status_code == 503
    assert answer.json()["code"] == error.code  # type: ignore[attr-defined]
    assert answer.headers["retry-after"] == "1"


async def test_no_trigger_asks_the_database(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    await client.get("/workflows")  # the key has been seen
    plane.store.close()
    for path in plane.folder.glob("control.db*"):
        path.unlink()
    answer = await client.post(f"/workflows/{workflow}/trigger", json={"params": 1})
    assert answer.status_code == 201
    instance = answer.json()["instanceId"]
    assert (await client.get(f"/workflows/{workflow}/runs/{instance}")).status_code == 200
