"""What the `Runs` port promises of runs that another system executes, as far as its capabilities
say: the same on an engine of ours and on Cloudflare."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.errors import (
    EngineUnavailable,
    InstanceTaken,
    InvalidEventType,
    InvalidInstanceId,
    NotDeployed,
    NotOffered,
    RunNotFound,
    RunState,
    ValueTooLarge,
)
from awaitstep.engine.port import EntryType, RunQuery, Runs, RunView, StartRun
from awaitstep.engine.states import RunStatus, StepStatus, StepType
from awaitstep.providers.cloudflare.client import Client
from awaitstep.providers.cloudflare.places import Place
from awaitstep.providers.cloudflare.runs import CloudflareRuns
from fakecloud.instances import Instances
from fakecloud.places import Fixed
from fakecloud.server import ACCOUNT, TOKEN, Cloudflare, serving

SOURCE = """
from workers import WorkflowEntrypoint


class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("double")
        async def double():
            return event["payload"]["n"] * 2

        @step.do("fail", config={"retries": {"limit": 0, "delay": 0}})
        async def fail():
            raise ValueError("no such order")

        doubled = await double()
        if event["payload"].get("fail"):
            await fail()
        if event["payload"].get("wait"):
            approved = await step.wait_for_event("approval", "approve", timeout="1 hour")
            return [doubled, approved["payload"]]
        return doubled
"""


class Desk:
    def __init__(self, runs: Runs, clock: ManualClock, cloudflare: Cloudflare | None) -> None:
        self.runs = runs
        self.clock = clock
        self.cloudflare = cloudflare
        self.deployment = "v1" if cloudflare is None else "dep"

    async def start(self, params: Any, instance: str | None = None) -> str:
        data = json.dumps(params, separators=(",", ":")).encode()
        start = StartRun("wf", self.deployment, "api", params=data, instance=instance)
        return (await self.runs.create(start)).run.instance

    async def until(self, instance: str, *wanted: RunStatus) -> RunView:
        run = await self.runs.get("wf", instance)
        stop = time.monotonic() + 20
        while run.status not in wanted:
            assert time.monotonic() < stop, f"still {run.status}"
            await asyncio.sleep(0.005)
            run = await self.runs.get("wf", instance)
        return run


@pytest.fixture(params=["inline", "cloudflare"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    clock = ManualClock()
    instances = Instances(tmp_path, clock)
    instances.put("wf", "v1", SOURCE, "W", {}, {})
    async with (
        serving(instances) as cloudflare,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        if request.param == "inline":
            yield Desk(instances.engine, clock, None)
            return
        cloudflare.workflows["wf"] = {"id": "1", "name": "wf", "script_name": "wf"}

        async def pause(seconds: float) -> None:
            """Waiting is not what is tested."""

        client = Client(http, TOKEN, cloudflare.address, pause)
        runs = CloudflareRuns(
            Fixed(Place(client, ACCOUNT, "paid", "conn"), "wf", {"v1": ("dep", "ver")})
        )
        yield Desk(runs, clock, cloudflare)


async def test_a_run_completes_and_tells_its_steps(desk: Desk) -> None:
    id = await desk.start({"n": 4})
    run = await desk.runs.wait("wf", id, 20)
    assert (run.status, run.output, run.trigger) == (RunStatus.complete, b"8", "api")
    assert json.loads(run.params or b"") == {"n": 4}
    assert run.generated_id
    assert run.deployment == desk.deployment
    [step] = await desk.runs.history("wf", id)
    assert (step.name, step.count, step.type) == ("double", 1, StepType.do)
    assert (step.status, step.output, len(step.attempts)) == (StepStatus.complete, b"8", 1)
    told = [entry.type for entry in await desk.runs.event_log("wf", id)]
    assert told[0] == EntryType.run_created
    assert told[-1] == EntryType.run_completed
    assert EntryType.step_completed in told


async def test_a_failed_run_says_why(desk: Desk) -> None:
    id = await desk.start({"n": 1, "fail": True})
    run = await desk.until(id, RunStatus.errored)
    assert run.error is not None
    assert (run.error.name, run.error.message) == ("ValueError", "no such order")
    failed = (await desk.runs.history("wf", id))[1]
    assert failed.status is StepStatus.errored
    assert failed.error is not None
    assert failed.error.message == "no such order"


async def test_events_wake_who_waits_for_them(desk: Desk) -> None:
    id = await desk.start({"n": 1, "wait": True})
    await desk.until(id, RunStatus.waiting)
    await desk.runs.send_event("wf", id, "approve", b'"yes"')
    run = await desk.runs.wait("wf", id, 20)
    assert json.loads(run.output or b"") == [2, "yes"]
    wait = (await desk.runs.history("wf", id))[1]
    assert (wait.name, wait.type, wait.event_type) == ("approval", StepType.wait, "approve")
    with pytest.raises(InvalidEventType):
        await desk.runs.send_event("wf", id, "", b"1")


async def test_verbs_move_a_run_and_refuse_where_they_do_not_fit(desk: Desk) -> None:
    id = await desk.start({"n": 1, "wait": True}, "mine")
    await desk.until(id, RunStatus.waiting)
    assert (await desk.runs.pause("wf", id)).status is RunStatus.paused
    assert (await desk.runs.resume("wf", id)).status is not RunStatus.paused
    await desk.until(id, RunStatus.waiting)
    assert (await desk.runs.terminate("wf", id)).status is RunStatus.terminated
    for verb in (desk.runs.pause, desk.runs.resume, desk.runs.terminate):
        with pytest.raises(RunState):
            await verb("wf", id)
    with pytest.raises(RunState):
        await desk.runs.send_event("wf", id, "approve", b"1")
    await desk.runs.restart("wf", id)
    await desk.until(id, RunStatus.waiting)
    await desk.runs.restart("wf", id, step="approval")
    assert (await desk.until(id, RunStatus.waiting)).generated_id is False


async def test_an_id_belongs_to_one_request(desk: Desk) -> None:
    id = await desk.start({"n": 1}, "mine")
    await desk.runs.wait("wf", id, 20)
    again = StartRun("wf", desk.deployment, "api", params=b'{"n":1}', instance="mine")
    assert (await desk.runs.create(again)).existed
    with pytest.raises(InstanceTaken):
        await desk.start({"n": 2}, "mine")
    with pytest.raises(InvalidInstanceId):
        await desk.start({"n": 2}, "-no")
    with pytest.raises(ValueTooLarge):
        await desk.start({"n": "x" * 1024 * 1024})
    made = await desk.runs.create_batch(
        [again, StartRun("wf", desk.deployment, "api", instance="")]
    )
    assert [type(one).__name__ for one in made] == ["Created", "InvalidInstanceId"]


async def test_what_is_not_there_is_told_so(desk: Desk) -> None:
    for call in (desk.runs.get, desk.runs.history, desk.runs.pause, desk.runs.event_log):
        with pytest.raises(RunNotFound):
            await call("wf", "nobody")
        with pytest.raises(RunNotFound):
            await call("another", "nobody")
    assert await desk.runs.views([("wf", "nobody")]) == []
    assert (await desk.runs.list(RunQuery(["another"]))).runs == []


async def test_lists_are_paged_newest_first(desk: Desk) -> None:
    ids = []
    for number in range(7):
        desk.clock.move(1)
        ids.append(await desk.start({"n": number}))
    for id in ids:
        await desk.runs.wait("wf", id, 20)
    found: list[str] = []
    cursor = None
    while True:
        page = await desk.runs.list(RunQuery(["wf"], limit=3, cursor=cursor))
        found += [run.instance for run in page.runs]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == ids[::-1]
    assert (await desk.runs.newest(["wf", "another"]))["wf"].instance == ids[-1]
    waiting = await desk.start({"n": 1, "wait": True})
    await desk.until(waiting, RunStatus.waiting)
    assert await desk.runs.live("wf") == 1
    listed = await desk.runs.list(RunQuery(["wf"], status=[RunStatus.waiting]))
    assert [run.instance for run in listed.runs] == [waiting]
    some = await desk.runs.list(RunQuery(["wf"], text=ids[2]))
    assert [run.instance for run in some.runs] == [ids[2]]


async def test_who_watches_is_told_of_what_is_done_here(desk: Desk) -> None:
    told: list[tuple[str, str]] = []
    stop = desk.runs.watch(lambda workflow, instance: told.append((workflow, instance)))
    id = await desk.start({"n": 1})
    await desk.runs.wait("wf", id, 20)
    assert ("wf", id) in told
    stop()
    count = len(told)
    await desk.start({"n": 1})
    assert len(told) == count


async def test_what_is_not_offered_is_said(desk: Desk) -> None:
    id = await desk.start({"n": 1})
    await desk.runs.wait("wf", id, 20)
    if desk.runs.capabilities.delete:
        await desk.runs.delete("wf", id)
        with pytest.raises(RunNotFound):
            await desk.runs.get("wf", id)
    else:
        with pytest.raises(NotOffered):
            await desk.runs.delete("wf", id)


async def test_an_engine_that_is_away_is_told_so(desk: Desk) -> None:
    if desk.cloudflare is None:
        assert desk.runs.capabilities.logs
        return
    id = await desk.start({"n": 1})
    # nothing was read of it so far, nor of any other by list
    await desk.cloudflare.instances.create("wf", "elsewhere", {"params": {"n": 1}})
    desk.cloudflare.fail("GET", "/instances/elsewhere", 503, times=4)
    with pytest.raises(EngineUnavailable):
        await desk.runs.get("wf", "elsewhere")
    desk.cloudflare.permissions.clear()
    with pytest.raises(EngineUnavailable, match="10000"):
        await desk.runs.pause("wf", id)
    with pytest.raises(NotDeployed):
        await desk.runs.create(StartRun("another", "dep", "api"))
