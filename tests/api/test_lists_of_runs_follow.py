"""Whoever looks at a list of runs is told what changes, over a real connection, until they leave."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from awaitstep.app import feed
from awaitstep.engine.port import StartRun

from .fakes import Plane

SECONDS = 20.0
Event = tuple[str, Any]


@pytest.fixture
async def address(plane: Plane) -> AsyncIterator[str]:
    """Of the plane's API, on a real socket."""
    config = uvicorn.Config(plane.api, port=0, log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/api"
    server.should_exit = True
    await serving


async def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not met():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@asynccontextmanager
async def followed(plane: Plane, address: str) -> AsyncIterator[AsyncIterator[Event]]:
    """The events of a stream; comments are events without a name."""
    headers = {"Authorization": f"Bearer {await plane.key()}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=SECONDS, trust_env=False) as client,
        client.stream("GET", address) as answer,
    ):
        assert answer.status_code == 200
        events = _events(answer)
        assert await anext(events) == ("", None)
        yield events


async def _events(answer: httpx.Response) -> AsyncIterator[Event]:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith(":"):
            yield "", None
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def start(client: httpx.AsyncClient, workflow: str, instance: str) -> None:
    body = {"instanceId": instance, "params": {"for": instance}}
    answer = await client.post(f"/workflows/{workflow}/trigger", json=body)
    assert answer.status_code == 201


async def test_new_changed_and_deleted_runs_are_told(plane: Plane, address: str) -> None:
    client = await plane.client()
    workflow, other = await plane.deployed(client), await plane.deployed(client, "Other")
    await start(client, workflow, "before")
    async with followed(plane, f"{address}/workflows/{workflow}/runs/stream") as events:
        await start(client, other, "elsewhere")
        await start(client, workflow, "a")
        name, run = await anext(events)
        assert (name, run["instanceId"], run["status"]) == ("run", "a", "queued")
        assert run == (await client.get(f"/workflows/{workflow}/runs/a")).json()
        plane.engine.finish(workflow, "before", b"1")
        name, run = await anext(events)
        assert (name, run["instanceId"], run["output"]) == ("run", "before", 1)
        await client.delete(f"/workflows/{workflow}/runs/before")
        assert await anext(events) == (
            "gone",
            {"workflowId": workflow, "instanceId": "before"},
        )


async def test_a_project_hears_of_its_own_runs_alone(plane: Plane, address: str) -> None:
    client = await plane.client()
    stranger = await plane.client(project=await plane.other_project())
    theirs = await plane.deployed(stranger, "Theirs")
    async with followed(plane, f"{address}/runs/stream") as events:
        await start(stranger, theirs, "secret")
        made_since = await plane.deployed(client)
        await start(client, made_since, "own")
        name, run = await anext(events)
        assert (name, run["instanceId"]) == ("run", "own")


async def test_what_the_filter_finds_no_more_is_gone(plane: Plane, address: str) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    query = "status=queued&trigger=api&text=order"
    async with followed(plane, f"{address}/runs/stream?{query}") as events:
        await start(client, workflow, "order-1")
        assert (await anext(events))[0] == "run"
        plane.engine.finish(workflow, "order-1", b"1")
        name, gone = await anext(events)
        assert (name, gone["instanceId"]) == ("gone", "order-1")
    manual = f"{address}/runs/stream?trigger=manual"
    async with followed(plane, manual) as events, followed(plane, f"{address}/runs/stream") as all:
        await start(client, workflow, "order-2")
        assert (await anext(all))[1]["instanceId"] == "order-2"
        await client.post(f"/workflows/{workflow}/runs/order-2/terminate")
        assert (await anext(all))[1]["status"] == "terminated"
        deployment = plane.engine.runs[workflow, "order-2"].deployment
        by_hand = StartRun(workflow, deployment, "manual", instance="by-hand")
        await plane.engine.create(by_hand)
        name, run = await anext(events)  # and nothing of the one that was never in this list
        assert (name, run["instanceId"]) == ("run", "by-hand")


async def test_too_much_at_once_is_told_by_its_number(
    plane: Plane, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST", 3)
    client = await plane.client()
    workflow = await plane.deployed(client)
    async with followed(plane, f"{address}/runs/stream") as events:
        await start(client, workflow, "first")
        await anext(events)
        for n in range(5):
            await start(client, workflow, f"r{n}")
        assert await anext(events) == ("many", {"changed": 5})
        await start(client, workflow, "last")
        assert (await anext(events))[1]["instanceId"] == "last"


async def test_a_quiet_stream_says_that_it_is_alive(
    plane: Plane, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PATIENCE", 0.01)
    monkeypatch.setattr("awaitstep.api.runs.PATIENCE", 0.01)
    client = await plane.client()
    workflow = await plane.deployed(client)
    await start(client, workflow, "a")
    async with followed(plane, f"{address}/runs/stream") as events:
        assert await anext(events) == ("", None)
    for path in ("stream", "events/stream"):
        headers = {"Authorization": f"Bearer {await plane.key()}"}
        url = f"{address}/workflows/{workflow}/runs/a/{path}"
        async with (
            httpx.AsyncClient(headers=headers, timeout=SECONDS, trust_env=False) as real,
            real.stream("GET", url) as answer,
        ):
            events = _events(answer)
            assert (await anext(events))[0] == ("run" if path == "stream" else "entry")
            assert await anext(events) == ("", None)


async def test_who_leaves_costs_nothing_any_more(plane: Plane, address: str) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    await start(client, workflow, "a")
    for path in (
        "/runs/stream",
        f"/workflows/{workflow}/runs/stream",
        f"/workflows/{workflow}/runs/a/stream",
        f"/workflows/{workflow}/runs/a/events/stream",
    ):
        headers = {"Authorization": f"Bearer {await plane.key()}"}
        async with (
            httpx.AsyncClient(headers=headers, timeout=SECONDS, trust_env=False) as real,
            real.stream("GET", address + path) as answer,
        ):
            await anext(_events(answer))
            await until(lambda: len(plane.engine.watchers) == 1)
        await until(lambda: not plane.engine.watchers)
    assert (await client.get("/workflows/nobodys/runs/stream")).status_code == 404
    assert not plane.engine.watchers


async def test_streams_take_the_filters_of_lists(plane: Plane) -> None:
    client = await plane.client()
    for query in ("status=x", "text=", f"text={'x' * 201}", "createdAfter=x"):
        for path in ("/runs", "/runs/stream"):
            assert (await client.get(f"{path}?{query}")).status_code == 422, query
