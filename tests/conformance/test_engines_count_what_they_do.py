"""An engine's figures say what happened to its runs, and what it holds now."""

from __future__ import annotations

import json
import os
import signal

from awaitstep.engine.figures import COMMIT_BOUNDS
from awaitstep.engine.port import Limits, Retention
from awaitstep.engine.states import RunStatus

FLAKY = """
@step.do("flaky", config={"retries": {"limit": 1, "delay": 0}})
async def flaky(ctx):
    if ctx["attempt"] <= event.payload["failures"]:
        raise ValueError("not yet")
@step.do("sure")
async def sure(): pass
await flaky()
await sure()
"""


def counted(tally):
    return {name: getattr(tally, name) for name in tally.__slots__ if getattr(tally, name)}


async def until_ended(desk, run):
    await desk.tried(run, "flaky", 1)
    desk.clock.move(1)
    return await desk.until(run, RunStatus.complete, RunStatus.errored)


async def test_runs_steps_and_attempts_are_counted_once(desk):
    desk.deploy(FLAKY)
    for failures in (0, 1, 2):
        await until_ended(desk, await desk.start({"failures": failures}))
    assert counted((await desk.engine.figures()).workflows["wf"]) == {
        "started": 3,
        "complete": 2,
        "errored": 1,
        "attempts_succeeded": 4,
        "attempts_failed": 3,
        "steps_errored": 1,
    }


async def test_verbs_and_repeated_starts_are_counted_as_what_they_are(desk):
    desk.deploy('await step.wait_for_event("gate", "go")')
    for _ in range(2):
        await desk.start(instance="mine")
    await desk.until("mine", RunStatus.waiting)
    await desk.engine.terminate("wf", "mine")
    await desk.engine.restart("wf", "mine")
    await desk.engine.send_event("wf", "mine", "go", b"1")
    await desk.output("mine")
    figures = await desk.engine.figures()
    assert counted(figures.workflows["wf"]) == {
        "started": 1,
        "terminated": 1,
        "restarted": 1,
        "complete": 1,
    }
    assert not figures.live.get("wf")


async def test_what_is_held_now_is_told(desk):
    desk.deploy(
        """
@step.do("hold")
async def hold():
    mark("holding")
    await asyncio.sleep(1000)
await hold()
"""
    )
    desk.engine.limit("wf", Limits(concurrency=1), Retention())
    for _ in range(3):
        await desk.start()
    await desk.seen(lambda: desk.marks() == ["holding"])
    figures = await desk.engine.figures()
    assert dict(figures.live) == {"wf": 3}
    assert dict(figures.in_line) == {"wf": 2}
    assert figures.executing == 1


async def test_a_parked_run_is_live_and_not_loaded(embedded_desk):
    desk = embedded_desk
    desk.deploy('await step.sleep("nap", "1 hour")')
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.seen(lambda: not desk.engine._runs)
    figures = await desk.engine.figures()
    assert (figures.live, figures.loaded, figures.executing) == ({"wf": 1}, 0, 0)


async def test_the_journal_counts_its_commits_by_how_long_they_took(embedded_desk):
    desk = embedded_desk
    desk.deploy("return 1")
    await desk.output(await desk.start())
    journal = (await desk.engine.figures()).journal
    assert sum(journal.classes) == journal.fsyncs > 0
    assert len(journal.classes) == len(COMMIT_BOUNDS) + 1
    assert journal.seconds > 0
    assert journal.rows >= 2
    assert journal.available


async def test_a_runner_that_died_is_counted(embedded_desk):
    desk = embedded_desk
    desk.deploy(
        """
@step.do("pid")
async def pid(): return os.getpid()
return await pid()
"""
    )
    first = await desk.output(await desk.start())
    os.kill(first, signal.SIGKILL)
    second = await desk.output(await desk.start())
    assert second != first
    runners = (await desk.engine.figures()).runners
    assert runners.restarts == {"died": 1}
    assert runners.ready >= 1


async def test_counting_live_runs_looks_at_no_ended_one(embedded_desk):
    plan = await embedded_desk.engine.journal.read(
        lambda db: db.execute(
            "explain query plan select workflow, count(*) from runs"
            " indexed by runs_by_kind where status < 4 group by workflow"
        ).fetchall()
    )
    assert "runs_by_kind" in json.dumps(plan)
