"""A rollback meets other verbs, another rollback, the end of the run and attempts that linger: what
was begun to be undone is undone, each step to its end and none of them twice over."""

from __future__ import annotations

import asyncio

import pytest

from awaitstep.engine.errors import RunState
from awaitstep.engine.port import EntryType, Limits, Retention
from awaitstep.engine.states import ENDED, RunStatus, StepStatus

COMPLETE, CANCELLED = StepStatus.complete, StepStatus.cancelled
# Three steps; undoing the last of them takes as long as the file `go` is not there.
TRIP = """
async def undo(output, error, ctx):
    name = ctx["step"]["name"]
    mark(f"undo-{name}-{output}-{type(error).__name__}")
    while name == "car" and not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.002)
    mark(f"undone-{name}")
@step.do("flight", rollback=undo)
async def flight():
    mark("flight")
    return "LH1"
@step.do("hotel", rollback=undo)
async def hotel():
    mark("hotel")
    return "Ritz"
@step.do("car", rollback=undo)
async def car():
    mark("car")
    return "Fiat"

await flight()
await hotel()
await car()
"""
FAILS = TRIP + "raise LookupError('lost')"
SLEEPS = TRIP + "await step.sleep('nap', '1 day')"
BEGUN = ["flight", "hotel", "car"]


def undone(error: str) -> list[str]:
    """What is done to undo the trip."""
    steps = (("car", "Fiat"), ("hotel", "Ritz"), ("flight", "LH1"))
    return [m for s, output in steps for m in (f"undo-{s}-{output}-{error}", f"undone-{s}")]


def let_go(desk):
    desk.effects.with_suffix(".go").touch()


async def being_undone(desk, body, error):
    """A run of `body` that is in the middle of undoing its last step."""
    desk.deploy(body)
    run = await desk.start()
    if error == "RunTerminated":
        await desk.has(run, "nap")
        await desk.engine.terminate("wf", run, rollback=True)
    await desk.seen(lambda: f"undo-car-Fiat-{error}" in desk.marks())
    await desk.has(run, "car · rollback")  # its server may hear of it after it marked
    return run


WAYS = pytest.mark.parametrize(
    ("body", "error", "status"),
    [(FAILS, "LookupError", RunStatus.errored), (SLEEPS, "RunTerminated", RunStatus.terminated)],
    ids=["fails", "terminated"],
)


# --- a second terminate -------------------------------------------------------------------------


@WAYS
async def test_terminating_with_a_rollback_what_is_being_undone_changes_nothing(
    desk, body, error, status
):
    run = await being_undone(desk, body, error)
    before = await desk.view(run)
    assert before.rolling_back
    assert (await desk.engine.terminate("wf", run, rollback=True)).rolling_back
    assert (await desk.engine.terminate("wf", run, rollback=True)).status is before.status
    let_go(desk)
    view = await desk.ended(run)
    assert (view.status, view.rolling_back) == (status, False)
    assert desk.marks() == BEGUN + undone(error)


@WAYS
async def test_terminating_without_one_ends_what_is_being_undone_at_once(desk, body, error, status):
    run = await being_undone(desk, body, error)
    view = await desk.engine.terminate("wf", run)
    assert (view.status, view.rolling_back) == (RunStatus.terminated, False)
    await desk.reopen()
    steps = await desk.steps(run)
    assert steps["car · rollback"].status is CANCELLED
    assert "hotel · rollback" not in steps
    assert desk.marks()[3:] == [f"undo-car-Fiat-{error}"]


# --- pause and resume ---------------------------------------------------------------------------


@WAYS
async def test_a_pause_while_undoing_holds_it_up_and_loses_nothing(desk, body, error, status):
    run = await being_undone(desk, body, error)
    await desk.engine.pause("wf", run)
    let_go(desk)
    await desk.until(run, RunStatus.paused)
    await desk.reopen()
    assert desk.marks() == BEGUN + undone(error)[:2]
    await desk.engine.resume("wf", run)
    assert (await desk.ended(run)).status is status
    assert desk.marks() == BEGUN + undone(error)


@WAYS
@pytest.mark.parametrize("when", ["requested", "paused"])
async def test_terminating_with_a_rollback_what_was_paused_while_undoing_goes_on(
    desk, body, error, status, when
):
    run = await being_undone(desk, body, error)
    assert (await desk.engine.pause("wf", run)).pause_requested
    if when == "paused":
        let_go(desk)
        await desk.until(run, RunStatus.paused)
    view = await desk.engine.terminate("wf", run, rollback=True)
    assert (view.pause_requested, view.rolling_back) == (False, True)
    let_go(desk)
    assert (await desk.ended(run)).status is status
    assert desk.marks() == BEGUN + undone(error)


@pytest.mark.parametrize("watched", [False, True])
async def test_a_paused_run_is_rolled_back_whoever_looks_at_it(desk, watched):
    desk.deploy(TRIP + "await step.sleep('nap', '1 day')")
    let_go(desk)
    run = await desk.start()
    await desk.has(run, "nap")
    waiting = asyncio.create_task(desk.engine.wait("wf", run, 30.0)) if watched else None
    await asyncio.sleep(0)
    await desk.engine.pause("wf", run)
    await desk.until(run, RunStatus.paused)
    view = await desk.engine.terminate("wf", run, rollback=True)
    assert view.status is not RunStatus.paused
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == BEGUN + undone("RunTerminated")
    if waiting is not None:
        assert (await waiting).status is RunStatus.terminated


async def test_a_pause_that_is_only_requested_gives_way_to_a_rollback(desk):
    desk.deploy(
        """
def undo(output): mark(f"undo-{output}")
@step.do("long", rollback=undo)
async def long():
    mark("begun")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.002)
    return "done"
@step.do("next", rollback=undo)
async def then(): mark("next")
await long()
await then()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    assert (await desk.engine.pause("wf", run)).pause_requested
    view = await desk.engine.terminate("wf", run, rollback=True)
    assert not view.pause_requested
    let_go(desk)
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == ["begun", "undo-done"]


# --- restart ------------------------------------------------------------------------------------


@WAYS
@pytest.mark.parametrize("over", [False, True])
async def test_a_restart_of_what_is_or_was_undone_is_a_new_run(desk, body, error, status, over):
    run = await being_undone(desk, body, error)
    if over:
        let_go(desk)
        await desk.ended(run)
    before = desk.marks()
    view = await desk.engine.restart("wf", run)
    assert not view.rolling_back
    let_go(desk)
    if error == "RunTerminated":
        await desk.has(run, "nap")
        assert desk.marks()[len(before) :] == BEGUN
        assert not (await desk.view(run)).rolling_back
    else:
        assert (await desk.ended(run)).status is status
        assert desk.marks()[len(before) :] == BEGUN + undone(error)


@WAYS
@pytest.mark.parametrize("over", [False, True])
async def test_a_restart_from_a_step_forgets_the_rollback(desk, body, error, status, over):
    run = await being_undone(desk, body, error)
    if over:
        let_go(desk)
        await desk.ended(run)
    before = len(desk.marks())
    await desk.engine.restart("wf", run, step="hotel")
    let_go(desk)
    if error == "RunTerminated":
        await desk.has(run, "nap")
        assert desk.marks()[before:] == ["hotel", "car"]
        await desk.engine.terminate("wf", run, rollback=True)
    assert (await desk.ended(run)).status is status
    assert desk.marks()[before:] == ["hotel", "car", *undone(error)]


@WAYS
async def test_a_restart_from_a_handler_undoes_from_there_on(desk, body, error, status):
    run = await being_undone(desk, body, error)
    let_go(desk)
    await desk.ended(run)
    before = len(desk.marks())
    view = await desk.engine.restart("wf", run, step="hotel · rollback")
    assert view.rolling_back
    ended = await desk.ended(run)
    assert (ended.status, ended.error and ended.error.name) == (
        status,
        "LookupError" if status is RunStatus.errored else None,
    )
    assert desk.marks()[before:] == undone(error)[2:]
    await desk.reopen()
    assert (await desk.steps(run))["hotel · rollback"].status is COMPLETE


async def test_a_restart_from_a_step_called_stop_finds_that_step(desk):
    desk.deploy(
        """
@step.do("first")
async def first(): mark("first")
@step.do("stop")
async def stop(): mark("stop")
await first()
await stop()
await step.sleep("nap", "1 day")
"""
    )
    run = await desk.start()
    await desk.has(run, "nap")
    await desk.engine.terminate("wf", run, rollback=True)
    await desk.ended(run)
    await desk.reopen()
    await desk.engine.restart("wf", run, step="stop")
    await desk.has(run, "nap")
    assert desk.marks() == ["first", "stop", "stop"]


async def test_what_a_restart_has_kept_is_undone_of_a_run_still_in_line(desk):
    desk.deploy(SLEEPS)
    let_go(desk)
    desk.engine.limit("wf", Limits(concurrency=1), Retention())
    desk.deploy(
        """
@step.do("in the way")
async def busy():
    while not os.path.exists(self.env.EFFECTS + ".free"):
        await asyncio.sleep(0.002)
await busy()
""",
        "other",
    )
    run = await desk.start()
    await desk.has(run, "nap")
    await desk.until(run, RunStatus.waiting)
    other = await desk.start(name="other")
    await desk.until(other, RunStatus.running)
    await desk.engine.restart("wf", run, step="car")
    assert (await desk.view(run)).status is RunStatus.queued
    await desk.engine.terminate("wf", run, rollback=True)
    desk.effects.with_suffix(".free").touch()
    assert (await desk.ended(run)).status is RunStatus.terminated
    # nobody knows whether the last one has begun again
    again = ["undo-car-None-RunTerminated", "undone-car"]
    assert desk.marks() == BEGUN + again + undone("RunTerminated")[2:]


# --- the end of the run -------------------------------------------------------------------------


async def test_code_that_would_have_ended_is_undone_all_the_same(desk):
    """The last outcome is there and the code has not seen it when the stop comes."""
    desk.deploy(TRIP)
    let_go(desk)
    desk.deploy(
        """
def undo(output): mark(f"undo-{output}")
@step.do("long", rollback=undo)
async def long():
    mark("begun")
    while not os.path.exists(self.env.EFFECTS + ".long"):
        await asyncio.sleep(0.002)
    return "done"
return await long()
""",
        "long",
    )
    run = await desk.start(name="long")
    await desk.seen(lambda: desk.marks() == ["begun"])
    await desk.engine.pause("wf", run)
    desk.effects.with_suffix(".long").touch()
    await desk.until(run, RunStatus.paused)
    await desk.engine.terminate("wf", run, rollback=True)
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == ["begun", "undo-done"]


@pytest.mark.parametrize("body", [TRIP, FAILS], ids=["completes", "fails"])
async def test_a_rollback_at_any_moment_undoes_all_or_comes_too_late(desk, body):
    desk.deploy(body.replace("mark(", "mark(event['instanceId'] + '/' + "))
    let_go(desk)
    runs = [f"r{n}" for n in range(60)]

    async def one(n, run):
        await desk.start(instance=run)
        for _ in range(2 * n):
            await asyncio.sleep(0)
        try:
            await desk.engine.terminate("wf", run, rollback=True)
        except RunState:
            return False
        return True

    stopped = await asyncio.gather(*(one(n, run) for n, run in enumerate(runs)))
    for run, in_time in zip(runs, stopped, strict=True):
        view = await desk.ended(run)
        marks = [mark.split("/")[1] for mark in desk.marks() if mark.startswith(f"{run}/")]
        begun = [mark for mark in marks if mark in BEGUN]
        missing = [step for step in begun if f"undone-{step}" not in marks]
        if view.status is RunStatus.complete:
            assert not in_time
            assert begun == BEGUN == missing
        else:
            assert missing == []
            if view.status is RunStatus.errored:
                assert (body, view.error.name) == (FAILS, "LookupError")
            else:
                assert in_time


async def test_nothing_starts_once_the_stop_is_on_its_way(desk):
    """An outcome and the stop reach the code together: it hears the one, and may do nothing more."""
    desk.deploy(
        """
def undo(output, ctx): mark(f"undo-{ctx['step']['name']}-{output}")
@step.do("long", rollback=undo)
async def long():
    mark("begun")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.002)
    return "done"
@step.do("next")
async def then(): mark("next")
await long()
await then()
await step.sleep("nap", "1 day")
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    await desk.engine.pause("wf", run)
    let_go(desk)
    await desk.until(run, RunStatus.paused)
    await desk.engine.terminate("wf", run, rollback=True)
    await desk.ended(run)
    assert desk.marks() == ["begun", "undo-long-done"]


# --- attempts that linger, and arms -------------------------------------------------------------

LINGERS = {
    "thread": """
def stubborn():
    mark("begun")
    while True:
        try:  # around the test, too: a thread is told to stop wherever it is just then
            while not os.path.exists(self.env.EFFECTS + ".go"):
                time.sleep(0.002)
            break
        except BaseException:
            pass
    mark("late")
""",
    "task": """
async def stubborn():
    mark("begun")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        try:
            await asyncio.sleep(0.002)
        except asyncio.CancelledError:
            pass
    mark("late")
""",
}


@pytest.mark.parametrize("kind", LINGERS)
async def test_nothing_is_undone_beside_an_attempt_that_outlives_its_timeout(desk, kind):
    desk.deploy(
        "import time\n"
        + LINGERS[kind]
        + """
def undo(): mark("undo")
once = {"retries": {"limit": 0, "delay": 1}, "timeout": 50}
await step.do("stubborn", config=once, rollback=undo)(stubborn)()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    await _timed_out(desk, run)
    await _settled(desk)
    assert desk.marks() == ["begun"]
    let_go(desk)
    assert (await desk.ended(run)).error.name == "TimeoutError"
    assert desk.marks() == ["begun", "late", "undo"]


@pytest.mark.parametrize("kind", LINGERS)
async def test_a_stop_waits_for_an_attempt_that_outlives_its_timeout(desk, kind):
    desk.deploy(
        "import time\n"
        + LINGERS[kind]
        + """
def undo(): mark("undo")
often = {"retries": {"limit": 5, "delay": "1 hour"}, "timeout": 50}
await step.do("stubborn", config=often, rollback=undo)(stubborn)()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    await _timed_out(desk, run)
    await desk.engine.terminate("wf", run, rollback=True)
    await _settled(desk)
    assert desk.marks() == ["begun"]
    let_go(desk)
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == ["begun", "late", "undo"]
    assert (await desk.steps(run))["stubborn"].status is CANCELLED


async def _timed_out(desk, run):
    """The first attempt has: by the clock of tests, or in its own process by that of the system."""
    if desk.kind == "inline":
        desk.clock.move(1)
    await desk.tried(run, "stubborn", 1)


async def _settled(desk):
    """Another run comes and goes: had anything been about to happen, it would have."""
    desk.deploy("@step.do('pass')\nasync def by(): pass\nawait by()\nreturn 1", "passing")
    for _ in range(20):
        assert await desk.output(await desk.start(name="passing")) == 1


async def test_an_arm_at_work_when_another_fails_may_end_and_is_undone_with_its_output(desk):
    desk.deploy(
        """
def undo(output, ctx): mark(f"undo-{ctx['step']['name']}-{output}")
@step.do("slow", rollback=undo)
async def slow():
    mark("begun")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.002)
    mark("slow")
    return "done"
@step.do("fails", rollback=undo)
async def fails():
    while not os.path.exists(self.env.EFFECTS): await asyncio.sleep(0.002)
    raise NonRetryableError("no")
@step.do("after", rollback=undo)
async def after(): mark("after")
async def arm():
    await slow()
    await after()
await asyncio.gather(arm(), fails())
"""
    )
    run = await desk.start()
    await desk.has(run, "fails")
    await desk.tried(run, "fails", 1)
    await _settled(desk)
    assert desk.marks() == ["begun"]
    let_go(desk)
    view = await desk.ended(run)
    assert (view.status, view.error.message) == (RunStatus.errored, "no")
    assert desk.marks() == ["begun", "slow", "undo-fails-None", "undo-slow-done"]


# --- which handler undid what -------------------------------------------------------------------


async def test_a_handler_is_recorded_under_the_use_of_the_step_it_undoes(desk):
    desk.deploy(
        """
def undo(output, ctx):
    mark(f"undo-{ctx['step']['count']}-{output}")
    if ctx["step"]["count"] == 2 and ctx["attempt"] == 1:
        raise RuntimeError("not now")
for room in range(3):
    @step.do("room", rollback=undo, rollback_config={"retries": {"limit": 1, "delay": "1 hour"}})
    async def book(): return room
    await book()
raise LookupError("lost")
"""
    )
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.reopen()
    desk.clock.move(3600)
    await desk.ended(run)
    assert desk.marks() == ["undo-3-2", "undo-2-1", "undo-2-1", "undo-1-0"]
    steps = await desk.engine.history("wf", run)
    handlers = [(step.count, len(step.attempts)) for step in steps if step.name != "room"]
    assert handlers == [(3, 1), (2, 2), (1, 1)]


async def test_long_names_that_begin_alike_are_undone_each(desk):
    desk.deploy(
        """
def undo(output): mark(f"undo-{output}")
for n in range(2):
    @step.do("x" * 255 + str(n), rollback=undo)
    async def one(): return n
    await one()
raise LookupError("lost")
"""
    )
    await desk.ended(await desk.start())
    assert desk.marks() == ["undo-1", "undo-0"]


async def test_a_step_may_not_be_called_like_a_handler(desk):
    desk.deploy(
        """
@step.do("room · rollback")
async def room(): mark("no")
try:
    await room()
except ValueError as error:
    return str(error)
"""
    )
    assert await desk.output(await desk.start()) == (
        "A step's name may not end in ' · rollback': that is how its undoing is called."
    )
    assert desk.marks() == []


async def test_the_event_log_tells_that_a_failed_run_is_rolled_back_and_why(desk):
    desk.deploy(FAILS)
    let_go(desk)
    run = await desk.start()
    await desk.ended(run)
    log = await desk.engine.event_log("wf", run)
    (entry,) = [entry for entry in log if entry.type is EntryType.run_rolling_back]
    assert (entry.error.name, entry.error.message) == ("LookupError", "lost")
    place = log.index(entry)
    assert {e.step for e in log[place:] if e.step} == {f"{step} · rollback" for step in BEGUN}
    assert log[-1].type is EntryType.run_errored


async def test_an_output_that_cannot_be_kept_fails_the_run_and_undoes_it(desk):
    desk.deploy(TRIP + "return {1, 2}")
    let_go(desk)
    view = await desk.ended(await desk.start())
    assert view.status is RunStatus.errored
    assert [mark for mark in desk.marks() if mark.startswith("undone")] == [
        "undone-car", "undone-hotel", "undone-flight"
    ]  # fmt: skip


async def test_a_run_that_never_began_is_terminated_at_once(desk):
    desk.deploy(SLEEPS)
    desk.engine.limit("wf", Limits(concurrency=1), Retention())
    first = await desk.start()
    await desk.seen(lambda: desk.marks()[:1] == ["flight"])
    view = await desk.engine.terminate("wf", await desk.start(), rollback=True)
    assert view.status is RunStatus.terminated or view.status not in ENDED
    let_go(desk)
    await desk.has(first, "nap")


# --- limits -------------------------------------------------------------------------------------


async def test_a_run_that_is_undone_keeps_its_place_and_makes_room_at_its_end(desk):
    desk.engine.limit("wf", Limits(concurrency=1), Retention())
    run = await being_undone(desk, FAILS, "LookupError")
    desk.deploy("mark('other')", "other")
    other = await desk.start(name="other")
    assert (await desk.view(other)).status is RunStatus.queued
    let_go(desk)
    await desk.ended(run)
    await desk.ended(other)
    assert desk.marks() == [*BEGUN, *undone("LookupError"), "other"]


async def test_a_run_that_waits_is_undone_when_there_is_room(desk):
    desk.deploy(SLEEPS)
    let_go(desk)
    desk.engine.limit("wf", Limits(concurrency=1), Retention())
    run = await desk.start()
    await desk.has(run, "nap")
    await desk.until(run, RunStatus.waiting)
    desk.deploy(
        """
@step.do("in the way")
async def busy():
    mark("busy")
    while not os.path.exists(self.env.EFFECTS + ".free"):
        await asyncio.sleep(0.002)
    mark("free")
await busy()
""",
        "other",
    )
    other = await desk.start(name="other")
    third = await desk.start(name="other")
    await desk.seen(lambda: "busy" in desk.marks())
    view = await desk.engine.terminate("wf", run, rollback=True)
    assert (view.status, view.rolling_back) == (RunStatus.queued, True)
    assert (await desk.engine.terminate("wf", third, rollback=True)).status is RunStatus.terminated
    desk.effects.with_suffix(".free").touch()
    await desk.ended(other)
    assert (await desk.ended(run)).status is RunStatus.terminated
    assert desk.marks() == [*BEGUN, "busy", "free", *undone("RunTerminated")]


async def test_a_handler_between_attempts_makes_room(desk):
    desk.engine.limit("wf", Limits(concurrency=1), Retention())
    desk.deploy(
        """
def undo(ctx):
    mark(f"undo-{ctx['attempt']}")
    if ctx["attempt"] == 1: raise ValueError("not now")
@step.do("one", rollback=undo, rollback_config={"retries": {"limit": 1, "delay": "1 hour"}})
async def one(): pass
await one()
raise LookupError("lost")
"""
    )
    desk.deploy("mark('other')", "other")
    run = await desk.start()
    view = await desk.until(run, RunStatus.waiting)
    assert (view.rolling_back, view.error.message) == (True, "not now")
    await desk.ended(await desk.start(name="other"))
    desk.clock.move(3600)
    assert (await desk.ended(run)).error.message == "lost"
    assert desk.marks() == ["undo-1", "other", "undo-2"]
