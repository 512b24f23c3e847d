"""A run that is rolled back has its children undo themselves first: the last begun, the first undone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from awaitstep.engine.errors import RunNotFound
from awaitstep.engine.states import ENDED, RunStatus, StepStatus

from .test_children_answer_to_their_parents import child_of

# A child books a room and waits; undoing that takes as long as the file `go` is not there.
START = """
import hashlib
given = event["payload"]
async def undo(output, error, ctx):
    name = ctx["step"]["name"]
    mark(f"undo-{name}-{type(error).__name__}")
    while name == "room" and not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.002)
    mark(f"undone-{name}")
if "child" in given:
    @step.do("room", rollback=undo)
    async def room():
        mark("room")
        return "R1"
    await room()
    if given.get("code") == "done":
        return "booked"
    if given.get("code") != "nest":
        return (await step.wait_for_event("gate", "go")).payload
async def child(name, **params):
    @step.do(name, config={"retries": {"limit": 1, "delay": 0}}, rollback=undo)
    async def start(ctx):
        at = ctx["step"]
        run = (event["workflowName"], event["instanceId"], event["timestamp"], ctx["epoch"])
        parts = (*run, at["name"], at["count"])
        id = hashlib.sha256("\\n".join(map(str, parts)).encode()).hexdigest()[:32]
        try:
            await self.env.WORKFLOW.create(id=id, params={"child": name, **params})
        except Exception as error:
            if "already_exists" not in str(error):
                raise
        return id
    return await start()
async def result(id):
    return dict((await step.wait_for_event("result of " + id, "child-" + id)).payload)
@step.do("flight", rollback=undo)
async def flight(): mark("flight")
"""
PARENT = START + 'await flight()\nreturn await result(await child("hotel"))'
BEGUN = ["flight", "room"]
UNDONE = [f"{what}-room{error}" for what, error in (("undo", "-RunTerminated"), ("undone", ""))]
ALL = [*UNDONE, "undo-hotel-{0}", "undone-hotel", "undo-flight-{0}", "undone-flight"]


def undone(error: str) -> list[str]:
    return [mark.format(error) for mark in ALL]


def let_go(desk: Any) -> None:
    desk.effects.with_suffix(".go").touch()


async def in_its_room(desk: Any, body: str) -> tuple[str, str]:
    """A run of `body` whose child waits in its room: both."""
    desk.deploy(body)
    run = await desk.start({})
    child = await child_of(desk, run, "hotel")
    await desk.has(run, "result of " + child)
    await desk.has(child, "gate")
    return run, child


@pytest.mark.parametrize("on_disk", [False, True])
async def test_a_child_is_undone_before_what_its_parent_did(desk, on_disk):
    run, child = await in_its_room(desk, PARENT)
    let_go(desk)
    if on_disk:
        await desk.until(run, RunStatus.waiting)
        await desk.reopen()
    view = await desk.engine.terminate("wf", run, rollback=True)
    assert view.rolling_back
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert (await desk.view(child)).status is RunStatus.terminated
    assert desk.marks() == BEGUN + undone("RunTerminated")


async def test_a_parent_waits_on_disk_for_a_child_that_takes_its_time(desk):
    run, child = await in_its_room(desk, PARENT)
    await desk.engine.terminate("wf", run, rollback=True)
    await desk.seen(lambda: desk.marks()[2:] == UNDONE[:1])
    view = await desk.until(run, RunStatus.waiting)
    assert view.rolling_back
    assert (await desk.view(child)).rolling_back
    await desk.reopen()
    let_go(desk)
    assert (await desk.ended(run)).status is RunStatus.terminated
    after = desk.marks()[2:]
    assert after[-5:] == undone("RunTerminated")[1:]
    assert set(after[:-5]) == set(UNDONE[:1])


async def test_a_parent_that_fails_has_its_children_undone_too(desk):
    run, child = await in_its_room(
        desk,
        START
        + """
async def fails():
    await step.wait_for_event("fail", "fail")
    raise LookupError("lost")
await flight()
await asyncio.gather(result(await child("hotel")), fails())
""",
    )
    let_go(desk)
    await desk.engine.send_event("wf", run, "fail", b"1")
    assert (await desk.ended(run)).error.name == "LookupError"
    assert (await desk.view(child)).status is RunStatus.terminated
    assert desk.marks() == BEGUN + undone("LookupError")


async def test_children_of_children_are_undone_first(desk):
    desk.deploy(
        PARENT.replace('await child("hotel")', 'await child("hotel", code="nest")').replace(
            "await flight()\n",
            'await flight()\nif "child" in given: return await result(await child("inner"))\n',
        )
    )
    let_go(desk)
    run = await desk.start({})
    middle = await child_of(desk, run, "hotel")
    await desk.has(run, "result of " + middle)
    inner = await child_of(desk, middle, "inner")
    await desk.has(middle, "result of " + inner)
    await desk.has(inner, "gate")
    await desk.engine.terminate("wf", run, rollback=True)
    await desk.ended(run)
    assert {(await desk.view(id)).status for id in (middle, inner)} == {RunStatus.terminated}
    order = [mark[5:-14] for mark in desk.marks() if mark.startswith("undo-")]
    assert order == ["room", "inner", "flight", "room", "hotel", "flight"]


async def test_terminating_without_a_rollback_ends_the_children_at_once_too(desk):
    run, child = await in_its_room(desk, PARENT)
    await desk.engine.terminate("wf", run, rollback=True)
    await desk.seen(lambda: desk.marks()[2:] == UNDONE[:1])
    await desk.engine.terminate("wf", run)
    for id in (run, child):
        assert (await desk.view(id)).status is RunStatus.terminated
    assert (await desk.steps(child))["room · rollback"].status is StepStatus.cancelled
    assert desk.marks()[2:] == UNDONE[:1]


async def test_a_child_that_has_ended_is_undone_by_the_handler_of_its_step_alone(desk):
    desk.deploy(
        START
        + """
await flight()
await result(await child("hotel", code="done"))
await step.sleep("nap", "1 day")
"""
    )
    run = await desk.start({})
    await desk.has(run, "nap")
    child = await child_of(desk, run, "hotel")
    await desk.engine.terminate("wf", run, rollback=True)
    await desk.ended(run)
    assert (await desk.view(child)).status is RunStatus.complete
    assert desk.marks() == BEGUN + undone("RunTerminated")[2:]


async def test_no_child_begins_once_its_parent_is_rolled_back(desk):
    desk.deploy(
        START.replace("        try:\n", "        mark('ask')\n        await hold()\n        try:\n")
        + """
async def hold():
    while not os.path.exists(self.env.EFFECTS + ".begin"):
        await asyncio.sleep(0.002)
await flight()
return await result(await child("hotel"))
"""
    )
    run = await desk.start({})
    await desk.seen(lambda: "ask" in desk.marks())
    await desk.engine.terminate("wf", run, rollback=True)
    desk.effects.with_suffix(".begin").touch()
    assert (await desk.ended(run)).status is RunStatus.terminated
    with pytest.raises(RunNotFound):
        await desk.view(await child_of(desk, run, "hotel"))
    assert desk.marks() == ["flight", "ask", *undone("RunTerminated")[2:]]


async def test_a_handler_may_start_a_run_and_nobody_waits_for_it(desk):
    desk.deploy(
        """
if event["payload"]:
    mark("told")
    return
async def undo():
    await self.env.WORKFLOW.create(id="told", params=1)
@step.do("one", rollback=undo)
async def one(): pass
await one()
raise LookupError("lost")
"""
    )
    run = await desk.start(0)
    assert (await desk.ended(run)).status is RunStatus.errored
    assert (await desk.steps(run))["one · rollback"].status is StepStatus.complete
    assert (await desk.ended("told")).status is RunStatus.complete


async def test_a_paused_child_is_undone_and_so_is_one_on_a_second_asking(desk):
    run, child = await in_its_room(desk, PARENT)
    let_go(desk)
    await desk.engine.pause("wf", child)
    await desk.until(child, RunStatus.paused)
    await desk.engine.terminate("wf", run, rollback=True)
    await desk.ended(run)
    assert desk.marks() == BEGUN + undone("RunTerminated")


@pytest.mark.interpreted
async def test_children_hear_of_it_from_the_next_server_if_not_from_this_one(
    embedded_desk, monkeypatch
):
    desk = embedded_desk
    run, child = await in_its_room(desk, PARENT)
    let_go(desk)

    async def died(parent: Any, *, rollback: bool = False) -> None:
        """The server ends between the write and this."""

    monkeypatch.setattr(desk.engine, "_end_children", died)
    await desk.engine.terminate("wf", run, rollback=True)
    assert (await desk.view(child)).status not in ENDED
    await desk.reopen()
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == BEGUN + undone("RunTerminated")


@pytest.mark.interpreted
@pytest.mark.parametrize("rollback", [False, True])
async def test_children_are_told_once_the_disk_has_room_again(embedded_desk, monkeypatch, rollback):
    desk = embedded_desk
    run, child = await in_its_room(desk, PARENT)
    let_go(desk)
    known, journal = desk.engine._children, desk.engine.journal

    async def full_by_then(parent: int) -> Any:
        found = await known(parent)
        journal.unavailable = "no space left"
        asyncio.get_running_loop().call_later(0.1, setattr, journal, "unavailable", None)
        return found

    monkeypatch.setattr(desk.engine, "_children", full_by_then)
    await desk.engine.terminate("wf", run, rollback=rollback)
    monkeypatch.undo()
    assert (await desk.ended(child)).status is RunStatus.terminated
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == BEGUN + (undone("RunTerminated") if rollback else [])
