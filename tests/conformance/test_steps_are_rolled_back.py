"""Rollback handlers run when a run fails or is told to roll back: last step first, each at least
once and to its end, whatever happens to the server."""

from __future__ import annotations

import pytest

from awaitstep.engine.errors import RunState
from awaitstep.engine.port import EntryType
from awaitstep.engine.states import RunStatus, StepStatus

COMPLETE, ERRORED = StepStatus.complete, StepStatus.errored
BOOKINGS = """
def undo(output, error, ctx):
    mark(f"undo-{ctx['step']['name']}-{output}-{type(error).__name__}")

@step.do("flight", rollback=undo)
async def flight():
    mark("flight")
    return "LH1"
@step.do("hotel", rollback=undo)
async def hotel():
    mark("hotel")
    return "Ritz"
@step.do("mail")
async def mail():
    mark("mail")
@step.do("card", config={"retries": {"limit": 0, "delay": 1}}, rollback=undo)
async def card():
    raise ValueError("declined")

await flight()
await hotel()
await mail()
"""


async def test_a_run_that_fails_is_undone_last_step_first(desk):
    desk.deploy(BOOKINGS + "await card()")
    run = await desk.start()
    view = await desk.ended(run)
    assert (view.status, view.error.name, view.error.step) == (
        RunStatus.errored, "ValueError", "card"
    )  # fmt: skip
    assert desk.marks() == [
        "flight",
        "hotel",
        "mail",
        "undo-card-None-ValueError",
        "undo-hotel-Ritz-ValueError",
        "undo-flight-LH1-ValueError",
    ]
    steps = await desk.steps(run)
    assert list(steps) == [
        "flight",
        "hotel",
        "mail",
        "card",
        "card · rollback",
        "hotel · rollback",
        "flight · rollback",
    ]
    assert {step.status for name, step in steps.items() if "rollback" in name} == {COMPLETE}


async def test_nothing_is_undone_of_a_run_that_completes_or_catches(desk):
    desk.deploy(BOOKINGS + "try:\n    await card()\nexcept ValueError:\n    pass\nreturn 1")
    run = await desk.start()
    assert await desk.output(run) == 1
    assert desk.marks() == ["flight", "hotel", "mail"]


async def test_a_handler_is_tried_again_and_one_that_fails_stops_no_other(desk):
    desk.deploy(
        """
async def twice(ctx):
    mark("tried")
    with open(self.env.EFFECTS) as effects:
        marks = effects.readlines()
    if len(marks) < 3:
        raise RuntimeError("not now")
def never():
    raise NonRetryableError("no")
@step.do("first", rollback=twice, rollback_config={"retries": {"limit": 1, "delay": "1 hour"}})
async def first():
    mark("first")
@step.do("second", rollback=never)
async def second():
    pass
await first()
await second()
raise LookupError("lost")
"""
    )
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    assert desk.marks() == ["first", "tried"]
    assert (await desk.steps(run))["second · rollback"].status is ERRORED
    await desk.reopen()
    desk.clock.move(3600)
    view = await desk.ended(run)
    assert (view.status, view.error.name) == (RunStatus.errored, "LookupError")
    assert desk.marks() == ["first", "tried", "tried"]
    assert (await desk.steps(run))["first · rollback"].status is COMPLETE


async def test_terminating_with_a_rollback_undoes_a_sleeping_run(desk):
    desk.deploy(BOOKINGS + "await step.sleep('nap', '1 day')\nmark('never')")
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.reopen()
    assert (await desk.engine.terminate("wf", run, rollback=True)).status is not RunStatus.errored
    view = await desk.ended(run)
    assert (view.status, view.error) == (RunStatus.terminated, None)
    assert desk.marks()[3:] == [
        "undo-hotel-Ritz-RunTerminated",
        "undo-flight-LH1-RunTerminated",
    ]
    steps = await desk.steps(run)
    assert steps["nap"].status is StepStatus.cancelled
    assert list(steps)[-2:] == ["hotel · rollback", "flight · rollback"]
    told = [entry.type for entry in await desk.engine.event_log("wf", run)]
    assert told.count(EntryType.run_rolling_back) == 1
    assert told[-1] is EntryType.run_terminated
    with pytest.raises(RunState):
        await desk.engine.terminate("wf", run, rollback=True)


async def test_terminating_with_a_rollback_waits_for_what_is_being_done(desk):
    desk.deploy(
        """
def undo(output):
    mark(f"undo-{output}")
@step.do("long", rollback=undo)
async def long():
    mark("begun")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.005)
    return "done"
@step.do("next")
async def then():
    mark("next")
await long()
await then()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    view = await desk.engine.terminate("wf", run, rollback=True)
    assert view.status is RunStatus.running
    again = await desk.engine.terminate("wf", run, rollback=True)
    assert again.status is RunStatus.running
    desk.effects.with_suffix(".go").touch()
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == ["begun", "undo-done"]


async def test_a_paused_run_can_be_rolled_back(desk):
    desk.deploy(BOOKINGS + "await step.sleep('nap', '1 day')")
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.engine.pause("wf", run)
    await desk.engine.terminate("wf", run, rollback=True)
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert [mark.split("-")[1] for mark in desk.marks()[3:]] == ["hotel", "flight"]


async def test_a_rollback_goes_on_after_a_restart_of_the_server(desk):
    desk.deploy(
        """
async def slow(ctx):
    mark(f"undo-{ctx['step']['name']}")
    with open(self.env.EFFECTS) as effects:
        marks = effects.readlines()
    if ctx["step"]["name"] == "two" and len(marks) == 1:
        raise RuntimeError("once more")
@step.do("one", rollback=slow)
async def one(): pass
@step.do("two", rollback=slow, rollback_config={"retries": {"limit": 3, "delay": "1 hour"}})
async def two(): pass
@step.do("three", rollback=slow)
async def three():
    await asyncio.sleep(0)
await asyncio.gather(one(), two(), step.sleep("nap", "9 days"))
"""
    )
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.engine.terminate("wf", run, rollback=True)
    await desk.seen(lambda: desk.marks() == ["undo-two"])
    await desk.until(run, RunStatus.waiting)
    await desk.reopen()
    desk.clock.move(3600)
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == ["undo-two", "undo-two", "undo-one"]


async def test_code_that_was_left_starts_nothing_more(desk):
    desk.deploy(
        """
def undo(): mark("undo")
@step.do("done", rollback=undo)
async def done(): pass
@step.do("tidy")
async def tidy(): mark("tidy")
async def beside():
    try:
        await step.sleep("nap", "1 day")
    finally:
        await tidy()
await done()
other = asyncio.create_task(beside())
try:
    await step.sleep("other nap", "1 day")
finally:
    await tidy()
"""
    )
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.engine.terminate("wf", run, rollback=True)
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == ["undo"]
    assert "tidy" not in await desk.steps(run)


async def test_a_restart_after_a_rollback_is_a_run_like_any_other(desk):
    desk.deploy(BOOKINGS + "await step.sleep('nap', '1 hour')\nreturn 'fine'")
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.engine.terminate("wf", run, rollback=True)
    await desk.ended(run)
    await desk.engine.restart("wf", run, step="mail")
    await desk.until(run, RunStatus.waiting)
    desk.clock.move(3600)
    assert await desk.output(run) == "fine"


async def test_what_cannot_undo_is_refused_where_it_is_declared(desk):
    desk.deploy(
        """
refused = []
for rollback in (7, lambda result: None):
    try:
        step.do("x", rollback=rollback)
    except TypeError as error:
        refused.append(str(error))
return refused
"""
    )
    run = await desk.start()
    assert await desk.output(run) == [
        "A rollback is a function.",
        "Received unexpected parameter result",
    ]
