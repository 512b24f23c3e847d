"""Whoever watches hears of every change of a run, and can look at what changed."""

from __future__ import annotations

from awaitstep.engine.port import Limits, Retention, StartRun
from awaitstep.engine.states import RunStatus

BODY = """
@step.do("first", config={"retries": {"limit": 1, "delay": "1 hour"}})
async def first(ctx):
    if ctx["attempt"] == 1 and event["payload"] == "retry":
        raise ValueError("not yet")
    return 1

await first()
if event["payload"] == "wait":
    await step.wait_for_event("go", "go", timeout="1 day")
return 2
"""


class Ear:
    """Looks at each run as soon as it is told of it."""

    def __init__(self, desk):
        self.desk = desk
        self.told = []
        self.end = desk.engine.watch(lambda *key: self.told.append(key))

    async def sees(self, instance, *statuses):
        """Look whenever something is told, until the run is in one of these states."""
        seen = []

        async def look():
            told, self.told = self.told, []
            if ("wf", instance) in told:
                seen.extend(await self.desk.engine.views([("wf", instance)]))
            return bool(seen) and seen[-1].status in statuses

        while not await look():
            await self.desk.seen(lambda: bool(self.told))
        return seen[-1]


async def test_each_change_is_told_once_it_can_be_seen(desk):
    desk.deploy(BODY)
    ear = Ear(desk)
    await desk.start("fine", "fine")
    assert (await ear.sees("fine", RunStatus.complete)).output == b"2"
    await desk.start("retry", "retry")
    waiting = await ear.sees("retry", RunStatus.waiting)
    assert waiting.error.message == "not yet"
    assert waiting.next_attempt_at is not None
    await desk.start("wait", "wait")
    await ear.sees("wait", RunStatus.waiting)
    await desk.engine.pause("wf", "wait")
    await ear.sees("wait", RunStatus.paused)
    await desk.engine.resume("wf", "wait")
    await ear.sees("wait", RunStatus.waiting)
    await desk.engine.send_event("wf", "wait", "go", b"1")
    await ear.sees("wait", RunStatus.complete)
    await desk.engine.terminate("wf", "retry")
    await ear.sees("retry", RunStatus.terminated)
    await desk.engine.restart("wf", "fine")
    again = await ear.sees("fine", RunStatus.complete)
    assert again.epoch == 2
    ear.told.clear()
    await desk.engine.delete("wf", "fine")
    await desk.seen(lambda: ("wf", "fine") in ear.told)
    assert list(await desk.engine.views([("wf", "fine")])) == []


async def test_a_run_that_is_not_kept_any_longer_is_told_of(desk):
    desk.deploy(BODY)
    for name in ("old", "older"):
        await desk.output(await desk.start("fine", name))
    ear = Ear(desk)
    desk.engine.limit("wf", Limits(), Retention(completed=10))
    desk.clock.move(100)
    await desk.passes(lambda: {("wf", "old"), ("wf", "older")} <= set(ear.told))
    assert list(await desk.engine.views([("wf", "old"), ("wf", "older")])) == []


async def test_who_stopped_watching_hears_nothing_and_others_go_on(desk):
    desk.deploy(BODY)
    first, second = Ear(desk), Ear(desk)
    first.end()
    await desk.start("fine", "fine")
    await second.sees("fine", RunStatus.complete)
    first.end()
    assert first.told == []


async def test_runs_are_looked_at_together_wherever_they_are(desk):
    desk.deploy(BODY)
    made = await desk.start("fine")
    for instance in ("wait", "retry"):
        await desk.start(instance, instance)
    await desk.ended(made)
    for _ in range(2):
        for instance in ("wait", "retry"):
            await desk.until(instance, RunStatus.waiting)
        keys = [("wf", "wait"), ("wf", made), ("wf", "nobody"), ("wf2", made), ("wf", "retry")]
        found = {run.instance: run for run in await desk.engine.views(keys)}
        assert set(found) == {"wait", made, "retry"}
        for instance, run in found.items():
            assert run == await desk.view(instance)
        await desk.reopen()


async def test_the_newest_run_of_each_workflow_is_found(desk):
    desk.deploy(BODY)
    assert await desk.engine.newest(["wf", "wf2"]) == {}
    for workflow, instance in (("wf", "a"), ("wf2", "b"), ("wf", "c"), ("wf3", "d")):
        await desk.engine.create(StartRun(workflow, "dep", "api", instance=instance))
        desk.clock.move(1)
    for _ in range(2):
        newest = await desk.engine.newest(["wf", "wf2", "never"])
        assert {workflow: run.instance for workflow, run in newest.items()} == {
            "wf": "c",
            "wf2": "b",
        }
        await desk.reopen()
