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


SIGNATURES = {
    "nothing": "def undo(): mark('undo')",
    "by position": "def undo(output, error): mark(f'undo-{output}-{error}')",
    "positional only": "def undo(output, /, error): mark(f'undo-{output}-{error}')",
    "keywords only": "def undo(*, output, error, ctx): mark(f'undo-{output}-{error}')",
    "mixed": "def undo(error, *, output): mark(f'undo-{output}-{error}')",
    "any keywords": "def undo(**given): mark('undo-{output}-{error}'.format(**given))",
    "the rest": "async def undo(output, **rest): mark(f\"undo-{output}-{rest['error']}\")",
    "a default of its own": "def undo(output, error, at='x'): mark(f'undo-{output}-{error}' + at[:0])",
    "a default for what is offered": "def undo(error, output=7): mark(f'undo-{output}-{error}')",
    "a partial": """
import functools
async def cancel(where, output, *, error): mark(f'undo-{output}-{error}')
undo = functools.partial(cancel, 'x')""",
    "a method": """
class Desk:
    async def cancel(self, *, error, output): mark(f'undo-{output}-{error}')
undo = Desk().cancel""",
    "an object": """
class Cancel:
    async def __call__(self, *, error, output): mark(f'undo-{output}-{error}')
undo = Cancel()""",
    "a lambda": "undo = lambda *, output, error: mark(f'undo-{output}-{error}')",
    "one that answers a coroutine": """
async def later(text): mark(text)
def undo(output, error): return later(f'undo-{output}-{error}')""",
}


@pytest.mark.parametrize("kind", SIGNATURES)
async def test_handlers_may_take_what_they_need_in_any_way(desk, kind):
    desk.deploy(
        SIGNATURES[kind]
        + """
@step.do("one", rollback=undo)
async def one(): return "LH1"
await one()
raise LookupError("lost")
"""
    )
    run = await desk.start()
    await desk.ended(run)
    assert desk.marks() == ["undo" if kind == "nothing" else "undo-LH1-lost"]
    step = (await desk.steps(run))["one · rollback"]
    assert (step.status, step.error) == (COMPLETE, None)


async def test_a_handler_knows_the_step_it_undoes_and_which_try_of_itself_this_is(desk):
    desk.deploy(
        """
def undo(*, ctx):
    mark(str(ctx["attempt"]))
    if ctx["attempt"] == 1:
        raise RuntimeError("not now")
    mark(f"{ctx['step']['name']}-{ctx['step']['count']}-{ctx['config']['retries']['limit']}")
@step.do("one", config={"retries": {"limit": 9}}, rollback=undo,
         rollback_config={"retries": {"limit": 2, "delay": "1 hour"}})
async def one(): pass
await one()
raise LookupError("lost")
"""
    )
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.reopen()
    desk.clock.move(3600)
    await desk.ended(run)
    assert desk.marks() == ["1", "2", "one-1-9"]


async def test_what_cannot_undo_is_refused_where_it_is_declared(desk):
    desk.deploy(
        """
refused = []
def keywords(*, result): pass
def given(output, /, result): pass
for rollback in (7, "x", lambda result: None, keywords, given, lambda output, *rest: None,
                 dict.fromkeys, type):
    try:
        step.do("x", rollback=rollback)
    except TypeError as error:
        refused.append(str(error))
try:
    step.do("x", rollback_config={"retries": {"limit": 1}})
except TypeError as error:
    refused.append(str(error))
return refused
"""
    )
    offered = "a rollback is offered output, error and ctx, by name."
    assert await desk.output(await desk.start()) == [
        "A rollback is a function.",
        "A rollback is a function.",
        f"Received unexpected parameter result: {offered}",
        f"Received unexpected parameter result: {offered}",
        f"Received unexpected parameter result: {offered}",
        f"Received unexpected parameter rest: {offered}",
        f"Received unexpected parameter iterable: {offered}",
        "Of type it can't be said what it takes: wrap it in a function.",
        "rollback_config is the config of a rollback, and there is none.",
    ]
