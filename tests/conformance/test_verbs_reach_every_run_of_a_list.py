"""What is done to many runs goes from page to page of a list that it changes: each run is met once,
each verb holds, and the list shows what became of it, from memory as from disk."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from awaitstep.engine.errors import RunNotFound, RunState
from awaitstep.engine.port import EntryType, Limits, Onto, Retention, RunQuery, StartRun
from awaitstep.engine.states import RunStatus, StepStatus

MANY = 23
WAITS = """
def undo(output):
    mark(f"undo-{event['instanceId']}")
@step.do("one", rollback=undo)
async def one(): return 1
await one()
await step.wait_for_event("gate", "go", timeout="300 days")
"""


async def all_waiting(desk: Any, count: int = MANY) -> list[str]:
    desk.deploy(WAITS)
    starts = [StartRun("wf", "dep", "api", instance=f"r{n:02}") for n in range(count)]
    created = await desk.engine.create_batch(starts)
    names = [answer.run.instance for answer in created]
    for name in names:
        await desk.has(name, "gate")
        await desk.until(name, RunStatus.waiting)
    return names


async def each(desk: Any, query: RunQuery) -> list[Any]:
    """What a list says, page after page."""
    seen = []
    while True:
        page = await desk.engine.list(query)
        seen += page.runs
        if page.next_cursor is None:
            return seen
        query = RunQuery(query.workflows, query.status, cursor=page.next_cursor, limit=query.limit)


async def changed(desk: Any, verb: str, *status: RunStatus, **options: Any) -> Counter[str]:
    """The runs that a verb was used on, page by page, and how often each."""
    met: Counter[str] = Counter()
    query = RunQuery(["wf"], list(status) or None, limit=5)
    while True:
        page = await desk.engine.list(query)
        met.update(run.instance for run in page.runs)
        asked = (getattr(desk.engine, verb)("wf", run.instance, **options) for run in page.runs)
        await asyncio.gather(*asked)
        if page.next_cursor is None:
            return met
        query = RunQuery(["wf"], query.status, cursor=page.next_cursor, limit=5)


@pytest.mark.parametrize("on_disk", [False, True])
async def test_each_run_is_met_once_by_each_verb(desk, on_disk):
    names = await all_waiting(desk)
    once = Counter(names)
    for verb, before, after, options in (
        ("pause", RunStatus.waiting, RunStatus.paused, {}),
        ("resume", RunStatus.paused, RunStatus.waiting, {}),
        ("terminate", RunStatus.waiting, RunStatus.terminated, {"rollback": True}),
        ("restart", RunStatus.terminated, RunStatus.waiting, {}),
        ("terminate", RunStatus.waiting, RunStatus.terminated, {}),
    ):
        if on_disk:
            await desk.reopen()
        assert await changed(desk, verb, before, **options) == once
        for name in names:
            await desk.until(name, after)
        shown = await each(desk, RunQuery(["wf"], [after], limit=7))
        assert [run.instance for run in shown] == names[::-1]
    assert Counter(desk.marks()) == Counter(f"undo-{name}" for name in names)
    assert await changed(desk, "delete") == once
    assert await each(desk, RunQuery(["wf"])) == []
    assert await desk.engine.live("wf") == 0
    with pytest.raises(RunNotFound):
        await desk.view(names[0])


async def test_a_list_shows_who_is_rolled_back(desk):
    desk.deploy(
        """
def undo(): raise ValueError("not now")
@step.do("one", rollback=undo, rollback_config={"retries": {"limit": 1, "delay": "1 hour"}})
async def one(): return 1
await one()
if event["payload"]: raise LookupError("lost")
await step.sleep("nap", "1 day")
"""
    )
    failed, stopped, plain = [await desk.start(number, f"r{number}") for number in (1, 0, None)]
    await desk.has(stopped, "nap")
    await desk.has(plain, "nap")
    await desk.engine.terminate("wf", stopped, rollback=True)
    for run in (failed, stopped):
        await desk.tried(run, "one · rollback", 1)
    for run in (failed, stopped, plain):
        await desk.until(run, RunStatus.waiting)
    await desk.reopen()
    found = {run.instance: run for run in (await desk.engine.list(RunQuery(["wf"]))).runs}
    found |= {run.instance: run for run in await desk.engine.views([("wf", stopped)])}
    assert {name: run.rolling_back for name, run in found.items()} == {
        failed: True, stopped: True, plain: False
    }  # fmt: skip
    assert found[failed].error.message == "not now"
    newest = (await desk.engine.newest(["wf"]))["wf"]
    assert (newest.instance, newest.rolling_back) == (plain, False)
    await desk.engine.terminate("wf", plain)
    await desk.engine.delete("wf", plain)
    newest = (await desk.engine.newest(["wf"]))["wf"]
    assert (newest.instance, newest.rolling_back) == (stopped, True)
    desk.clock.move(3600)
    for run in (failed, stopped):
        assert not (await desk.ended(run)).rolling_back


async def test_a_handler_that_is_repaired_undoes_what_it_could_not(desk):
    body = """
def undo(ctx):
    FAULT
    mark(f"undo-{ctx['step']['name']}-{ctx['epoch']}")
once = {"retries": {"limit": 0, "delay": 1}}
@step.do("one", rollback=undo, rollback_config=once)
async def one(): return 1
@step.do("two", rollback=undo, rollback_config=once)
async def two(): return 2
await one()
await two()
raise LookupError("lost")
"""
    fault = "if ctx['step']['name'] == 'two': raise ValueError('a fault')"
    desk.deploy(body.replace("FAULT", fault))
    run = await desk.start()
    await desk.ended(run)
    assert (await desk.steps(run))["two · rollback"].status is StepStatus.errored
    desk.deploy(body.replace("FAULT", "pass"), "fixed")
    await desk.reopen()
    await desk.engine.restart("wf", run, step="two · rollback", onto=Onto("fixed", "v2"))
    view = await desk.ended(run)
    assert (view.status, view.error.message, view.deployment) == (
        RunStatus.errored, "lost", "fixed"
    )  # fmt: skip
    assert desk.marks() == ["undo-one-1", "undo-two-2", "undo-one-2"]
    types = [entry.type for entry in await desk.engine.event_log("wf", run)]
    assert types.count(EntryType.run_restarted) == 1
    assert types.count(EntryType.run_rolling_back) == 1
    assert types.count(EntryType.run_errored) == 2


async def test_who_is_rolled_back_is_not_forgotten_before_it_has_ended(desk):
    desk.deploy(
        """
def undo(ctx):
    if ctx["attempt"] == 1: raise ValueError("not now")
@step.do("one", rollback=undo, rollback_config={"retries": {"limit": 1, "delay": "30 days"}})
async def one(): return 1
await one()
raise LookupError("lost")
"""
    )
    desk.engine.limit("wf", Limits(), Retention(completed=60, failed=60, most=0))
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    for _ in range(5):
        desk.clock.move(3600)
        await desk.engine._flushed()
    assert (await desk.view(run)).rolling_back
    with pytest.raises(RunState):
        await desk.engine.delete("wf", run)
    desk.clock.move(30 * 86_400)

    async def gone() -> bool:
        try:
            await desk.view(run)
        except RunNotFound:
            return True
        return False

    async with asyncio.timeout(30):
        while not await gone():
            desk.clock.move(30)
            await asyncio.sleep(0.01)
