"""The wall clock is set forward and back by a day while runs sleep, wait, and stand in line."""

from __future__ import annotations

import time

import pytest

from awaitstep.engine import coordinator
from awaitstep.engine.clock import SystemClock
from awaitstep.engine.port import Limits, Retention, StartRun
from awaitstep.engine.states import RunStatus

DAY = 86_400.0
NAP = 0.05


class WallClock(SystemClock):
    """Timers count real seconds, whatever somebody sets the clock to."""

    def __init__(self) -> None:
        super().__init__()
        self.set_by = 0.0

    def now(self) -> float:
        return time.time() + self.set_by


@pytest.fixture
async def wall(desk, monkeypatch):
    """The desk with a clock on the wall, looked at more often than usual."""
    monkeypatch.setattr(coordinator, "LONGEST_NAP", NAP)
    await desk.engine.close()
    desk.engine, desk.clock = None, WallClock()
    await desk.open()
    return desk


SLEEPS = """
@step.do("before")
async def before():
    mark(event["instanceId"] + "-before")
await before()
await step.sleep("nap", event["payload"])
@step.do("after", config={"retries": {"limit": 2, "delay": "1 second", "backoff": "constant"}})
async def after(ctx):
    mark(event["instanceId"] + "-after")
    if ctx["attempt"] == 1:
        raise ValueError("not yet")
await after()
return "done"
"""


@pytest.mark.parametrize("unloaded", [False, True])
async def test_a_day_forward_ends_what_is_due_by_then_and_nothing_else(wall, unloaded):
    wall.deploy(SLEEPS)
    for instance, nap in (("hours", "20 hours"), ("days", "2 days")):
        await wall.start(nap, instance)
        await wall.has(instance, "nap")
        await wall.until(instance, RunStatus.waiting)
    if unloaded:
        await wall.reopen()
    wall.clock.set_by += DAY
    assert await wall.output("hours") == "done"
    assert (await wall.view("days")).status is RunStatus.waiting
    wall.clock.set_by += DAY
    assert await wall.output("days") == "done"
    assert sorted(wall.marks()) == sorted(
        f"{instance}-{what}"
        for instance in ("hours", "days")
        for what in ("before", "after", "after")
    )


async def test_a_day_back_fires_nothing_twice_and_stops_nobody(wall):
    wall.deploy(SLEEPS)
    await wall.start("20 hours", "early")
    await wall.start("2 days", "late")
    for instance in ("early", "late"):
        await wall.has(instance, "nap")
    wall.clock.set_by += DAY
    assert await wall.output("early") == "done"
    wall.clock.set_by -= DAY
    # who starts, sleeps and retries now is not held up by what the clock said before
    await wall.start("0.1 seconds", "now")
    assert await wall.output("now") == "done"
    await wall.reopen()
    await wall.start("0.1 seconds", "then")
    assert await wall.output("then") == "done"  # the clock has been looked at meanwhile
    assert (await wall.view("late")).status is RunStatus.waiting
    assert (await wall.view("early")).status is RunStatus.complete
    wall.clock.set_by += 2 * DAY
    assert await wall.output("late") == "done"
    assert {mark: wall.marks().count(mark) for mark in wall.marks()} == {
        f"{instance}-{what}": times
        for instance in ("early", "late", "now", "then")
        for what, times in (("before", 1), ("after", 2))
    }


async def test_a_wait_times_out_once_and_an_event_is_taken_once(wall):
    wall.deploy(
        """
try:
    first = (await step.wait_for_event("one", "go", timeout="20 hours")).payload
except Exception as error:
    first = type(error).__name__
return [first, (await step.wait_for_event("two", "go", timeout="3 days")).payload]
"""
    )
    run = await wall.start()
    await wall.has(run, "one")
    wall.clock.set_by -= DAY
    await wall.engine.send_event("wf", run, "go", b'"event"')
    await wall.has(run, "two")
    other = await wall.start()
    await wall.has(other, "one")
    wall.clock.set_by += DAY
    await wall.has(other, "two")
    wall.clock.set_by -= DAY
    for instance, first in ((run, "event"), (other, "TimeoutError")):
        await wall.engine.send_event("wf", instance, "go", b'"last"')
        assert await wall.output(instance) == [first, "last"]


@pytest.mark.parametrize("jump", [DAY, -DAY])
async def test_lines_and_retention_outlive_it(wall, jump):
    wall.engine.limit("wf", Limits(concurrency=1, starts=2, period=3600), Retention())
    wall.deploy("return 1")
    for n in range(2):
        await wall.output(await wall.start(instance=f"run-{n}"))
    starts = [StartRun("wf", "dep", "api", instance=f"later-{n}") for n in range(2)]
    await wall.engine.create_batch(starts)
    wall.clock.set_by += jump
    # the period is over, or began in a time that has not come: the door is open either way
    for n in range(2):
        assert await wall.output(f"later-{n}") == 1
    wall.engine.limit("wf", Limits(), Retention(completed=30 * DAY))
    assert (await wall.view("run-0")).status is RunStatus.complete
