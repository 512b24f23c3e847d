"""Pause, resume, terminate and restart at awkward moments."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from awaitstep.engine.embedded.blame import Unit
from awaitstep.engine.errors import EngineError, RunState
from awaitstep.engine.port import Onto
from awaitstep.engine.states import ENDED, RunStatus, StepStatus
from awaitstep.engine.workers import WorkerRequest

WAITING, PAUSED = RunStatus.waiting, RunStatus.paused
LONG = """
@step.do("long")
async def long():
    mark("begun")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.002)
    return 1
@step.do("next")
async def then():
    mark("next")
    return 2
"""


def let_go(desk):
    desk.effects.with_suffix(".go").touch()


async def test_many_runs_paused_at_any_moment_stay_paused(desk):
    desk.deploy(
        """
@step.do("one")
async def one(): return 1
await one()
await step.sleep("nap", "1 hour")
mark("woke")
"""
    )
    runs = [await desk.start(instance=f"run-{n}") for n in range(20)]
    for n, run in enumerate(runs):
        for _ in range(n):
            await asyncio.sleep(0)
        await desk.engine.pause("wf", run)
    for run in runs:
        await desk.until(run, PAUSED)
    desk.clock.move(7200)
    await desk.reopen()
    desk.clock.move(7200)
    for run in runs:
        assert (await desk.view(run)).status is PAUSED
    assert desk.marks() == []
    for run in runs:
        await desk.engine.resume("wf", run)
        await desk.has(run, "nap")
        await desk.until(run, WAITING)
    desk.clock.move(3600)
    for run in runs:
        await desk.output(run)
    assert desk.marks() == ["woke"] * 20


async def test_a_pause_taken_back_at_once_is_none(desk):
    desk.deploy(LONG + "await long()\nreturn await then()")
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    for _ in range(5):
        await asyncio.gather(desk.engine.pause("wf", run), desk.engine.resume("wf", run))
    assert not (await desk.view(run)).pause_requested
    let_go(desk)
    assert await desk.output(run) == 2
    assert desk.marks() == ["begun", "next"]


async def test_a_requested_pause_survives_a_restart(embedded_desk):
    desk = embedded_desk
    desk.deploy(LONG + "await long()\nreturn await then()")
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    assert (await desk.engine.pause("wf", run)).pause_requested
    await desk.reopen()
    await desk.until(run, PAUSED)
    let_go(desk)
    await desk.engine.resume("wf", run)
    assert await desk.output(run) == 2
    assert desk.marks() == ["begun", "begun", "next"]  # the first never ended


async def test_arms_that_run_end_and_arms_that_wait_start_nothing(desk):
    desk.deploy(
        LONG
        + """
async def sleeper():
    await step.sleep("nap", "1 minute")
    await then()
await asyncio.gather(long(), sleeper())
"""
    )
    run = await desk.start()
    await desk.has(run, "nap")
    await desk.seen(lambda: desk.marks() == ["begun"])
    await desk.engine.pause("wf", run)
    desk.clock.move(120)  # the sleep ends while the attempt still runs
    let_go(desk)
    await desk.until(run, PAUSED)
    await desk.reopen()
    assert desk.marks() == ["begun"]
    assert (await desk.steps(run))["long"].status is StepStatus.complete
    await desk.engine.resume("wf", run)
    await desk.output(run)
    assert desk.marks() == ["begun", "next"]


async def test_a_failed_attempt_keeps_its_place_through_a_pause(desk):
    desk.deploy(
        """
@step.do("flaky", config={"retries": {"limit": 1, "delay": "1 hour"}})
async def flaky(ctx):
    mark(ctx["attempt"])
    if ctx["attempt"] == 1:
        raise ValueError("no")
await flaky()
"""
    )
    run = await desk.start()
    await desk.has(run, "flaky")
    await desk.until(run, WAITING)
    await desk.engine.pause("wf", run)
    desk.clock.move(3600)
    await desk.reopen()
    assert desk.marks() == ["1"]
    await desk.engine.resume("wf", run)  # its moment has passed
    await desk.output(run)
    assert desk.marks() == ["1", "2"]


async def test_terminating_drops_what_comes_late(desk):
    desk.deploy(LONG + "await long()\nawait then()")
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    await desk.engine.terminate("wf", run)
    let_go(desk)
    desk.deploy("return 1", "neighbour")
    assert await desk.output(await desk.start(name="neighbour")) == 1
    await desk.reopen()
    long = (await desk.steps(run)).get("long")
    assert long is None or (long.status, long.output) == (StepStatus.cancelled, None)
    assert desk.marks() == ["begun"]
    view = await desk.view(run)
    assert (view.status, view.output, view.error) == (RunStatus.terminated, None, None)
    assert view.ended_at is not None


@pytest.mark.parametrize("state", ["queued", "running", "waiting", "paused"])
async def test_every_live_state_can_be_terminated_and_restarted(desk, state):
    desk.deploy(LONG + "await step.sleep('nap', '1 hour')\nawait long()\nreturn await then()")
    run = await desk.start()
    if state != "queued":
        await desk.has(run, "nap")
        await desk.until(run, WAITING)
    if state == "running":
        desk.clock.move(3600)
        await desk.seen(lambda: desk.marks() == ["begun"])
    elif state == "paused":
        await desk.engine.pause("wf", run)
    begun = len(desk.marks())
    assert (await desk.engine.restart("wf", run)).epoch == 2
    await desk.engine.terminate("wf", run)
    assert (await desk.engine.restart("wf", run)).epoch == 3
    await desk.reopen()
    await desk.has(run, "nap")
    await desk.until(run, WAITING)
    let_go(desk)
    desk.clock.move(3600)
    assert await desk.output(run) == 2
    assert desk.marks()[begun:] == ["begun", "next"]


VERBS = ("pause", "resume", "terminate", "restart")
REFUSED = {
    RunStatus.waiting: {"resume"},
    RunStatus.paused: {"pause"},
    RunStatus.complete: {"pause", "resume", "terminate"},
    RunStatus.errored: {"pause", "resume", "terminate"},
    RunStatus.terminated: {"pause", "resume", "terminate"},
}


async def test_a_verb_that_does_not_fit_changes_nothing(desk):
    desk.deploy(
        """
if event["payload"] == "errored":
    raise ValueError("no")
if event["payload"] != "complete":
    await step.sleep("nap", "1 hour")
"""
    )
    for state in REFUSED:
        await refuses(desk, state)


async def refuses(desk, state):
    run = await desk.start(str(state))
    await desk.until(run, WAITING, *ENDED)
    if state is PAUSED:
        await desk.engine.pause("wf", run)
    elif state is RunStatus.terminated:
        await desk.engine.terminate("wf", run)
    before = await desk.view(run)
    assert before.status is state
    for verb in VERBS:
        if verb in REFUSED[state]:
            with pytest.raises(RunState) as refused:
                await getattr(desk.engine, verb)("wf", run)
            assert refused.value.code == "run.state"
            assert await desk.view(run) == before
    if state not in ENDED:
        with pytest.raises(RunState):
            await desk.engine.delete("wf", run)
    assert await desk.view(run) == before


async def test_verbs_at_the_same_time_leave_one_whole_state(desk):
    desk.deploy(
        """
@step.do("one")
async def one(): return 1
await one()
await step.sleep("nap", "1 hour")
return await one()
"""
    )
    run = await desk.start()
    for _ in range(8):
        calls = [getattr(desk.engine, verb)("wf", run) for verb in VERBS]
        for answer in await asyncio.gather(*calls, return_exceptions=True):
            assert not isinstance(answer, Exception) or isinstance(answer, EngineError)
        await asyncio.sleep(0)
    await desk.reopen()
    with contextlib.suppress(RunState):
        await desk.engine.terminate("wf", run)
    await desk.engine.restart("wf", run)
    await desk.has(run, "nap")
    await desk.until(run, WAITING)
    desk.clock.move(3600)
    assert await desk.output(run) == 1
    counts = [(seen.name, seen.count) for seen in await desk.engine.history("wf", run)]
    assert counts == [("one", 1), ("nap", 1), ("one", 2)]


async def test_a_restart_from_a_step_gives_events_back_in_their_order(desk):
    desk.deploy(
        """
first = await step.wait_for_event("w", "go")
@step.do("middle")
async def middle():
    mark("middle")
    return 1
await middle()
rest = [(await step.wait_for_event("w", "go")).payload for _ in range(2)]
return [first.payload, *rest]
"""
    )
    run = await desk.start()
    for payload in (b"1", b"2", b"3"):
        await desk.engine.send_event("wf", run, "go", payload)
    assert await desk.output(run) == [1, 2, 3]
    await desk.engine.restart("wf", run, step="middle")
    await desk.reopen()
    assert await desk.output(run) == [1, 2, 3]
    await desk.engine.restart("wf", run, step="w", count=3)
    assert await desk.output(run) == [1, 2, 3]
    await desk.engine.restart("wf", run, step="w", count=1)
    await desk.reopen()
    assert await desk.output(run) == [1, 2, 3]
    assert desk.marks() == ["middle"] * 3
    assert (await desk.view(run)).epoch == 4


async def test_a_restart_from_a_step_keeps_what_had_ended_beside_it(desk):
    desk.deploy(
        """
async def arm(name):
    @step.do(f"{name} 1")
    async def one():
        mark(f"{name}1")
    @step.do(f"{name} 2")
    async def two():
        mark(f"{name}2")
    await one()
    await step.wait_for_event(f"{name} gate", name)
    await two()
await asyncio.gather(arm("a"), arm("b"))
"""
    )
    run = await desk.start()
    await desk.has(run, "b gate")
    await desk.engine.send_event("wf", run, "a", b"1")
    await desk.seen(lambda: "a2" in desk.marks())
    await desk.until(run, WAITING)
    await desk.engine.send_event("wf", run, "b", b"1")
    await desk.output(run)
    await desk.engine.restart("wf", run, step="b 2")
    await desk.output(run)
    assert sorted(desk.marks()) == ["a1", "a2", "b1", "b2", "b2"]


async def test_a_run_paused_while_its_deployment_is_read_is_executed_once(embedded_desk):
    desk = embedded_desk
    desk.deploy("return 1")
    await desk.output(await desk.start())  # a runner is there
    desk.deploy(LONG + "await long()\nreturn await then()", "slow")
    read, reads = desk.bundle, []

    async def bundle(deployment):
        reads.append(asyncio.Event())
        await reads[-1].wait()
        return await read(deployment)

    desk.bundle = bundle
    run = await desk.start(name="slow")
    await desk.seen(lambda: bool(reads))
    await desk.engine.pause("wf", run)
    await desk.engine.resume("wf", run)
    while reads:
        reads.pop().set()  # were there several, the newest first
        await desk.seen(lambda: desk.marks() == ["begun"])
    for _ in range(5):
        assert (await desk.view(run)).status is RunStatus.running
    let_go(desk)
    assert await desk.output(run) == 2
    assert desk.marks() == ["begun", "next"]


async def test_a_deployment_is_read_once_for_all_its_runs(embedded_desk):
    desk = embedded_desk
    desk.deploy("return 1")
    read, reads, go_on = desk.bundle, [], asyncio.Event()

    async def bundle(deployment):
        reads.append(deployment)
        await go_on.wait()
        return await read(deployment)

    desk.bundle = bundle
    runs = [await desk.start() for _ in range(20)]
    go_on.set()
    for run in runs:
        assert await desk.output(run) == 1
    assert reads == ["dep"]


async def test_a_run_moved_while_its_deployment_is_missed_goes_on(embedded_desk):
    desk = embedded_desk
    desk.deploy("return 1")
    read, is_read, go_on = desk.bundle, asyncio.Event(), asyncio.Event()

    async def bundle(deployment):
        if deployment == "gone":
            is_read.set()
            await go_on.wait()
        return await read(deployment)

    desk.bundle = bundle
    run = await desk.start(name="gone")
    waiting = asyncio.ensure_future(desk.engine.wait("wf", run, 60))  # it stays in memory
    await is_read.wait()
    await desk.engine.restart("wf", run, onto=Onto("dep", ""))
    go_on.set()
    assert (await waiting).error is None


@pytest.mark.interpreted
async def test_a_run_that_was_to_make_room_goes_on_when_nobody_wants_it(embedded_desk, monkeypatch):
    desk = embedded_desk
    desk.deploy("return 1")
    await desk.output(await desk.start())
    desk.deploy(LONG + "await long()\nreturn await then()", "suspect")
    engine, blame = desk.engine, desk.engine._blame
    body, handler = Unit("body", "suspect", engine._last_ref + 1), Unit("fetch", "suspect")
    for unit in (body, handler):  # as if seen in two deaths: both go to the runner for suspects
        blame._note(unit, 2, desk.clock.now())
    run = await desk.start(name="suspect")
    await desk.seen(lambda: desk.marks() == ["begun"])
    blame.clear(body)  # as if a step of it had gone well
    heard = []
    frozen = engine.frozen
    monkeypatch.setattr(engine, "frozen", lambda which: (frozen(which), heard.append(which)))
    asking = asyncio.ensure_future(engine.fetch("suspect", WorkerRequest("GET", "/", [], b"")))
    [slot] = [slot for slot in engine._fleet.slots if slot.alone]
    await asyncio.sleep(0)
    assert slot.group.asking
    asking.cancel()
    await desk.seen(lambda: bool(heard))
    let_go(desk)
    assert await desk.output(run) == 2
    assert desk.marks() == ["begun", "next"]
