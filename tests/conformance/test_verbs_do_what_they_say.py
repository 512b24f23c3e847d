"""Create, pause, resume, terminate, restart, delete, list."""

from __future__ import annotations

import asyncio

import pytest

from awaitstep.engine.errors import (
    InstanceTaken,
    InvalidInstanceId,
    RunNotFound,
    RunState,
    StepNotFound,
    ValueRefused,
    ValueTooLarge,
)
from awaitstep.engine.port import RunQuery, StartRun
from awaitstep.engine.states import RunStatus

WAITING, PAUSED = RunStatus.waiting, RunStatus.paused
NAP = """
await step.sleep("nap", "1 hour")
return "slept"
"""


async def test_an_id_is_one_run_for_ever(desk):
    desk.deploy(NAP)
    start = StartRun("wf", "dep", "api", params=b"1", instance="mine")
    first, second = await asyncio.gather(desk.engine.create(start), desk.engine.create(start))
    assert [first.existed, second.existed] == [False, True]
    with pytest.raises(InstanceTaken):
        await desk.start(2, instance="mine")
    await desk.reopen()
    assert (await desk.engine.create(start)).existed
    for bad in ("", "-x", "a/b", "x" * 101):
        with pytest.raises(InvalidInstanceId):
            await desk.start(instance=bad)
    with pytest.raises(ValueRefused):
        await desk.engine.create(StartRun("wf", "dep", "api", params=b"NaN"))
    with pytest.raises(ValueTooLarge):
        await desk.start("x" * 1024 * 1024)
    with pytest.raises(RunNotFound):
        await desk.view("nobody")


async def test_a_paused_sleep_keeps_its_rest_and_a_moment_does_not_move(desk):
    desk.deploy(NAP)
    desk.deploy(
        """
await step.sleep_until("then", event.timestamp + timedelta(hours=1))
return "slept"
""",
        "until",
    )
    nap, until = await desk.start(), await desk.start(name="until")
    for run in (nap, until):
        await desk.until(run, WAITING)
        assert (await desk.engine.pause("wf", run)).status is PAUSED
        with pytest.raises(RunState):
            await desk.engine.pause("wf", run)
    desk.clock.move(50 * 3600)
    await desk.reopen()
    for run in (nap, until):
        assert (await desk.view(run)).status is PAUSED
        await desk.engine.resume("wf", run)
    assert await desk.output(until) == "slept"
    await desk.until(nap, WAITING)
    desk.clock.move(3599)
    assert (await desk.view(nap)).status is WAITING
    desk.clock.move(1)
    assert await desk.output(nap) == "slept"
    with pytest.raises(RunState):
        await desk.engine.resume("wf", nap)


async def test_a_pause_lets_attempts_end_and_starts_nothing(desk):
    desk.deploy(
        """
@step.do("long")
async def long():
    mark("begun")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.005)
    return 1
@step.do("next")
async def then():
    mark("next")
await long()
await then()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    assert (await desk.engine.pause("wf", run)).pause_requested
    desk.effects.with_suffix(".go").touch()
    await desk.until(run, PAUSED)
    assert (await desk.steps(run))["long"].output == b"1"
    await desk.reopen()
    assert desk.marks() == ["begun"]
    await desk.engine.resume("wf", run)
    await desk.output(run)
    assert desk.marks() == ["begun", "next"]


async def test_an_event_in_time_counts_though_the_run_was_paused(desk):
    desk.deploy("return (await step.wait_for_event('w', 'go', timeout='1 hour')).payload")
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.engine.pause("wf", run)
    desk.clock.move(1800)
    await desk.engine.send_event("wf", run, "go", b"7")
    desk.clock.move(3600)
    await desk.reopen()
    await desk.engine.resume("wf", run)
    assert await desk.output(run) == 7


async def test_terminate_is_final(desk):
    desk.deploy(
        """
@step.do("long")
async def long():
    mark("begun")
    await asyncio.sleep(0.2)
    return 1
await long()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    assert (await desk.engine.terminate("wf", run)).status is RunStatus.terminated
    with pytest.raises(RunState):
        await desk.engine.terminate("wf", run)
    await desk.reopen()
    assert (await desk.view(run)).status is RunStatus.terminated
    await desk.engine.delete("wf", run)
    with pytest.raises(RunNotFound):
        await desk.view(run)


async def test_restart_begins_a_new_epoch_or_goes_on_from_a_step(desk):
    desk.deploy(
        """
@step.do("a")
async def a():
    mark("a")
    return 1
@step.do("b")
async def b():
    mark("b")
    return 2
x = await a()
got = await step.wait_for_event("w", "go")
y = await b()
return [x, got.payload, y]
"""
    )
    run = await desk.start({"k": 1})
    await desk.engine.send_event("wf", run, "go", b'"hi"')
    assert await desk.output(run) == [1, "hi", 2]
    again = await desk.engine.restart("wf", run, step="b")
    assert again.epoch == 2
    assert await desk.output(run) == [1, "hi", 2]
    assert desk.marks() == ["a", "b", "b"]
    await desk.engine.restart("wf", run)
    assert await desk.output(run) == [1, "hi", 2]
    assert desk.marks() == ["a", "b", "b", "a", "b"]
    assert (await desk.view(run)).epoch == 3
    with pytest.raises(StepNotFound, match="has not come to a step 'nobody'"):
        await desk.engine.restart("wf", run, step="nobody")


async def test_code_can_start_and_steer_other_runs(desk):
    desk.deploy("return (await step.wait_for_event('w', 'go')).payload", "child")
    desk.deploy(
        """
if event["payload"].get("child"):
    return (await step.wait_for_event('w', 'go')).payload
@step.do("start")
async def start():
    made = await self.env.WORKFLOW.create(id="child", params={"child": True})
    return made.id
@step.do("send")
async def send():
    child = await self.env.WORKFLOW.get("child")
    await child.send_event(type="go", payload=[1])
@step.do("again", config={"retries": {"limit": 0}})
async def again():
    await self.env.WORKFLOW.create(id="child", params={"child": True})
child = await start()
await send()
try:
    await again()
except Exception as error:
    return [child, str(error)]
"""
    )
    run = await desk.start({})
    output = await desk.output(run)
    assert output[0] == "child"
    assert output[1].startswith("(instance.already_exists)")
    assert await desk.output("child") == [1]


async def test_runs_are_listed_newest_first_by_pages(desk):
    desk.deploy("return event['payload']")
    runs = [await desk.start({"n": n}) for n in range(5)]
    for run in runs:
        await desk.output(run)
    page = await desk.engine.list(RunQuery(["wf"], limit=2))
    assert [run.instance for run in page.runs] == [runs[4], runs[3]]
    page = await desk.engine.list(RunQuery(["wf"], limit=3, cursor=page.next_cursor))
    assert [run.instance for run in page.runs] == [runs[2], runs[1], runs[0]]
    assert page.next_cursor is None
    errored = await desk.engine.list(RunQuery(["wf"], status=[RunStatus.errored]))
    assert errored.runs == []
    assert await desk.engine.live("wf") == 0
    assert (await desk.engine.list(RunQuery(["other"]))).runs == []
