"""Runs in Miniflare, Cloudflare's own simulator: a peer that we did not write, driven by our client.

Its API is like the real one but for what `Explorer` translates.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

import nodetools
from awaitstep.engine.errors import RunNotFound
from awaitstep.engine.port import EntryType, RunQuery, RunView, StartRun
from awaitstep.engine.states import RunStatus, StepStatus, StepType
from awaitstep.providers.cloudflare.client import Client
from awaitstep.providers.cloudflare.places import Place
from awaitstep.providers.cloudflare.runs import CloudflareRuns
from fakecloud.places import Fixed
from fakecloud.server import ACCOUNT, TOKEN

from .conftest import NAME

SCRIPT = nodetools.FOLDER / "workflow.mjs"


class Explorer(httpx.AsyncBaseTransport):
    """Says to Miniflare what we say to Cloudflare, where the two want it otherwise."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self._http = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(f"/accounts/{ACCOUNT}")
        content = await request.aread()
        if request.method == "POST" and path.endswith("/instances"):
            body = json.loads(content)
            if "instance_id" in body:
                body["id"] = body.pop("instance_id")  # its own name for it
            content = json.dumps(body).encode()
        if request.method == "PATCH":
            body = json.loads(content)
            content = json.dumps({"action": body.pop("status"), **body}).encode()
        url = self._url.copy_with(path=f"/cdn-cgi/explorer/api{path}", query=request.url.query)
        kind = {"content-type": "application/json"} if content else {}
        return await self._http.handle_async_request(
            httpx.Request(request.method, url, content=content, headers=kind)
        )

    async def aclose(self) -> None:
        await self._http.aclose()


class Desk:
    def __init__(self, runs: CloudflareRuns) -> None:
        self.runs = runs

    async def start(self, params: Any, instance: str | None = None) -> str:
        start = StartRun("wf", "dep", "api", params=json.dumps(params).encode(), instance=instance)
        return (await self.runs.create(start)).run.instance

    async def until(self, instance: str, *wanted: RunStatus) -> RunView:
        stop = time.monotonic() + 20
        while (run := await self.runs.get("wf", instance)).status not in wanted:
            assert time.monotonic() < stop, f"still {run.status}"
            await asyncio.sleep(0.05)
        return run

    async def at(self, instance: str, step: str) -> None:
        """Return once the run has come to a step: it says that it is running while it waits."""
        stop = time.monotonic() + 20
        while step not in [one.name for one in await self.runs.history("wf", instance)]:
            assert time.monotonic() < stop
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("miniflare")
    process = subprocess.Popen(
        [nodetools.node(), SCRIPT, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=nodetools.environment(),
        cwd=nodetools.FOLDER,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:  # it ends when its input does
        yield json.loads(process.stdout.readline())["url"]
        process.stdin.close()


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    async with httpx.AsyncClient(transport=Explorer(url)) as http:
        place = Place(Client(http, TOKEN, url.rstrip("/")), ACCOUNT, "paid", "conn")
        yield Desk(CloudflareRuns(Fixed(place, NAME)))


async def test_a_run_completes_and_tells_its_steps(desk: Desk) -> None:
    id = await desk.start({"n": 4})
    run = await desk.until(id, RunStatus.complete)
    assert run.output == b"8"
    assert json.loads(run.params or b"") == {"n": 4}
    [step] = await desk.runs.history("wf", id)
    assert (step.name, step.count, step.type) == ("double", 1, StepType.do)
    assert (step.status, step.output, len(step.attempts)) == (StepStatus.complete, b"8", 1)
    told = [entry.type for entry in await desk.runs.event_log("wf", id)]
    assert (told[0], told[-1]) == (EntryType.run_created, EntryType.run_completed)


async def test_a_failed_run_says_why_and_how_often_it_tried(desk: Desk) -> None:
    id = await desk.start({"n": 1, "fail": True})
    run = await desk.until(id, RunStatus.errored)
    assert run.error is not None
    assert "no such order" in run.error.message
    failed = (await desk.runs.history("wf", id))[1]
    assert (failed.name, failed.status, len(failed.attempts)) == ("fail", StepStatus.errored, 2)
    assert all(attempt.error is not None for attempt in failed.attempts)


async def test_events_wake_who_waits_for_them(desk: Desk) -> None:
    id = await desk.start({"n": 2, "wait": True})
    await desk.at(id, "approval")
    waiting = (await desk.runs.history("wf", id))[-1]
    assert (waiting.type, waiting.status) == (StepType.wait, StepStatus.waiting)
    await desk.runs.send_event("wf", id, "approve", b'{"by":"Ada"}')
    run = await desk.until(id, RunStatus.complete)
    assert json.loads(run.output or b"") == [4, {"by": "Ada"}]


async def test_a_run_is_paused_and_goes_on(desk: Desk) -> None:
    id = await desk.start({"n": 2, "nap": True})
    await desk.at(id, "nap")
    await desk.runs.pause("wf", id)
    await desk.until(id, RunStatus.paused)
    await desk.runs.resume("wf", id)
    await desk.until(id, RunStatus.running, RunStatus.waiting)


async def test_a_run_is_terminated_and_restarted(desk: Desk) -> None:
    id = await desk.start({"n": 3, "wait": True})
    await desk.at(id, "approval")
    await desk.runs.terminate("wf", id)
    await desk.until(id, RunStatus.terminated)
    await desk.runs.restart("wf", id)
    await desk.until(id, RunStatus.running, RunStatus.waiting)
    await desk.at(id, "approval")
    await desk.runs.send_event("wf", id, "approve", b"1")
    run = await desk.until(id, RunStatus.complete)
    assert json.loads(run.output or b"") == [6, 1]


async def test_an_id_of_the_callers_own_is_one_run(desk: Desk) -> None:
    assert await desk.start({"n": 1}, "order-1") == "order-1"
    await desk.until("order-1", RunStatus.complete)
    # Miniflare says that it made this one, where Cloudflare answers `instance.already_exists`
    assert await desk.start({"n": 2}, "order-1") == "order-1"
    assert (await desk.runs.get("wf", "order-1")).output == b"2"


async def test_what_is_not_there_is_told_so(desk: Desk) -> None:
    with pytest.raises(RunNotFound):
        await desk.runs.get("wf", "nobody")


async def test_a_list_holds_all_that_were_started(desk: Desk) -> None:
    mine = {await desk.start({"n": n}) for n in range(3)}
    for id in mine:
        await desk.until(id, RunStatus.complete)
    page = await desk.runs.list(RunQuery(["wf"], limit=50))
    assert mine <= {run.instance for run in page.runs}
    assert {run.status for run in page.runs if run.instance in mine} == {RunStatus.complete}
