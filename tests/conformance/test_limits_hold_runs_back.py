"""Limits of a workflow: how many runs are executed at once, how many begin in a period, who first."""

from __future__ import annotations

import asyncio

import pytest

from awaitstep.engine.embedded import Embedded, queries
from awaitstep.engine.port import Limits, Onto, Retention, RunQuery, StartRun
from awaitstep.engine.states import ENDED, RunStatus

FOREVER = Retention()
QUEUED, WAITING = RunStatus.queued, RunStatus.waiting
GATED = """
@step.do("work", config={"retries": {"limit": 0}})
async def work():
    mark(event["payload"]["name"])
    path = self.env.EFFECTS + ".open"
    while not os.path.exists(path):
        await asyncio.sleep(0.005)
await work()
return event["payload"]["name"]
"""


async def started(desk, name, priority=0):
    data = f'{{"name": "{name}"}}'.encode()
    start = StartRun("wf", "dep", "api", params=data, instance=name, priority=priority)
    await desk.engine.create(start)
    return name


def opened(desk):
    desk.effects.with_name("effects.open").write_text("")


async def test_so_many_are_executed_at_once_and_the_rest_is_queued(desk):
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(concurrency=2), FOREVER)
    names = [await started(desk, f"r{number}") for number in range(5)]
    await desk.seen(lambda: len(desk.marks()) == 2)
    states = [(await desk.view(name)).status for name in names]
    assert states.count(QUEUED) == 3
    page = await desk.engine.list(RunQuery(["wf"], status=[QUEUED]))
    assert [run.instance for run in page.runs] == ["r4", "r3", "r2"]
    opened(desk)
    for name in names:
        assert await desk.output(name) == name
    assert desk.marks() == names


async def test_a_higher_priority_goes_first_and_the_older_of_equals(desk):
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    await started(desk, "first")
    await desk.seen(lambda: desk.marks() == ["first"])
    for name, priority in (("low", -1), ("a", 0), ("b", 0), ("high", 5)):
        await started(desk, name, priority)
    opened(desk)
    await desk.seen(lambda: len(desk.marks()) == 5)
    assert desk.marks() == ["first", "high", "a", "b", "low"]
    assert (await desk.view("high")).priority == 5


async def test_a_run_that_waits_makes_room(desk):
    desk.deploy('return (await step.wait_for_event("gate", "go")).payload')
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    runs = [await desk.start({}, f"w{number}") for number in range(3)]
    for run in runs:
        await desk.has(run, "gate")
    for run in runs:
        await desk.engine.send_event("wf", run, "go", b"1")
        assert await desk.output(run) == 1


async def test_a_run_in_line_can_be_ended_or_paused(desk):
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    for name in ("first", "gone", "held", "last"):
        await started(desk, name)
    await desk.seen(lambda: desk.marks() == ["first"])
    await desk.engine.terminate("wf", "gone")
    await desk.engine.pause("wf", "held")
    opened(desk)
    assert await desk.output("last") == "last"
    assert (await desk.view("held")).status is RunStatus.paused
    await desk.engine.resume("wf", "held")
    assert await desk.output("held") == "held"
    assert sorted(desk.marks()) == ["first", "held", "last"]


async def test_lifting_a_limit_lets_everybody_in(desk):
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    for number in range(6):
        await started(desk, f"r{number}")
    await desk.seen(lambda: len(desk.marks()) == 1)
    desk.engine.limit("wf", Limits(concurrency=3), FOREVER)
    await desk.seen(lambda: len(desk.marks()) == 3)
    desk.engine.limit("wf", Limits(), FOREVER)
    await desk.seen(lambda: len(desk.marks()) == 6)


async def test_so_many_begin_in_a_period(desk):
    desk.deploy('mark(event["payload"]["name"])')
    desk.engine.limit("wf", Limits(starts=2, period=60), FOREVER)
    for number in range(5):
        await started(desk, f"r{number}")
    await desk.until("r1", *ENDED)
    assert (await desk.view("r2")).status is QUEUED
    desk.clock.move(61)
    await desk.until("r3", *ENDED)
    assert (await desk.view("r4")).status is QUEUED
    desk.clock.move(61)
    await desk.until("r4", *ENDED)
    assert sorted(desk.marks()) == [f"r{number}" for number in range(5)]
    assert desk.marks()[-1] == "r4"


async def test_a_restart_is_a_start_wherever_the_run_was(desk):
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(starts=1, period=60), FOREVER)
    await started(desk, "run")
    await desk.seen(lambda: desk.marks() == ["run"])
    for _ in range(3):  # while it is executed, and while it stands in line
        await desk.engine.restart("wf", "run")
        assert (await desk.view("run")).status is QUEUED
    opened(desk)
    desk.clock.move(61)
    assert await desk.output("run") == "run"
    assert desk.marks() == ["run", "run"]


async def test_a_restarted_run_stands_in_line_by_priority_and_age(desk):
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    for name, priority in (("a", 0), ("b", 0), ("c", 1)):
        await started(desk, name, priority)
    await desk.seen(lambda: desk.marks() == ["a"])
    await desk.engine.restart("wf", "a")
    opened(desk)
    for name in ("a", "b", "c"):
        assert await desk.output(name) == name
    assert desk.marks() == ["a", "c", "a", "b"]


async def test_other_workflows_are_not_held_back(desk):
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    await started(desk, "one")
    await started(desk, "two")
    await desk.seen(lambda: len(desk.marks()) == 1)
    start = StartRun("other", "dep", "api", params=b'{"name": "free"}', instance="free")
    await desk.engine.create(start)
    await desk.seen(lambda: "free" in desk.marks())


async def test_a_restart_goes_on_with_another_deployment_from_a_step(desk):
    desk.deploy(
        """
@step.do("kept")
async def kept():
    mark("kept")
    return 20
value = await kept()
@step.do("wrong", config={"retries": {"limit": 0}})
async def wrong():
    raise ValueError("a fault")
return value + await wrong()
"""
    )
    fixed = desk.deploy(
        """
@step.do("kept")
async def kept():
    mark("kept again")
value = await kept()
@step.do("wrong")
async def wrong():
    return 1
return value + await wrong()
""",
        "fixed",
    )
    run = await desk.start({})
    assert (await desk.error(run)).message == "a fault"
    view = await desk.engine.restart("wf", run, step="wrong", onto=Onto(fixed, "v2"))
    assert (view.deployment, view.version) == ("fixed", "v2")
    assert await desk.output(run) == 21
    assert desk.marks() == ["kept"]
    await desk.reopen()
    assert (await desk.view(run)).deployment == "fixed"


async def test_the_line_survives_a_restart_of_the_server(embedded_desk):
    desk = embedded_desk
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    for number in range(4):
        await started(desk, f"r{number}", priority=number)
    await desk.seen(lambda: len(desk.marks()) == 1)
    await desk.reopen()
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    opened(desk)
    for number in range(4):
        assert await desk.output(f"r{number}") == f"r{number}"


async def test_nothing_left_over_goes_on_before_its_limits_are_known(embedded_desk):
    desk = embedded_desk
    desk.deploy(GATED)
    desk.deploy("await step.sleep('nap', '1 minute')\n" + GATED, "asleep")
    desk.deploy("return 1", "free")
    for name in ("a0", "a1"):
        await desk.start({"name": name}, name, "asleep")
        await desk.until(name, WAITING)
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    for name in ("q0", "q1"):
        await started(desk, name)
    await desk.seen(lambda: desk.marks() == ["q0"])
    await desk.engine.close()
    desk.clock.move(61)  # those asleep are due
    desk.engine = await Embedded.open(desk.folder, desk, clock=desk.clock, hold=True)
    await desk.seen(lambda: desk.engine.health().ready)
    desk.clock.move(10)  # whatever the timer was set to
    desk.engine.limit("wf", Limits(concurrency=1), Retention(most=100))
    desk.clock.move(10)
    for number in range(5):  # long enough for others to begin, if they could
        await desk.engine.create(StartRun("other", "free", "api", instance=f"f{number}"))
        assert (await desk.engine.wait("other", f"f{number}", 30)).status in ENDED
    found = {run.instance: run.status for run in (await desk.engine.list(RunQuery(["wf"]))).runs}
    assert (found["a0"], found["a1"], found["q1"]) == (WAITING, WAITING, QUEUED)
    assert desk.marks() == ["q0"]

    await desk.engine.go_on()
    desk.clock.move(1)
    await desk.seen(lambda: len(desk.marks()) == 2)
    for name in found:
        await desk.until(name, QUEUED, RunStatus.running)
    assert len(desk.marks()) == 2
    opened(desk)
    for name in found:
        assert await desk.output(name) == name
    assert len(desk.marks()) == 5


@pytest.mark.parametrize("most", [0, 2])
async def test_ended_runs_are_forgotten_by_age_and_by_number(desk, most):
    desk.deploy('if event["payload"]: raise ValueError("no")')
    for number in range(4):
        await desk.start(None, f"old{number}")
        await desk.until(f"old{number}", *ENDED)
    await desk.start({"fail": 1}, "failed")
    await desk.until("failed", *ENDED)
    desk.clock.move(1_000)
    await desk.start(None, "young")
    await desk.until("young", *ENDED)
    kept = Retention(most=most) if most else Retention(completed=500, failed=5_000)
    desk.engine.limit("wf", Limits(), kept)
    expected = {"young", "failed"}

    async def remaining():
        return {run.instance for run in (await desk.engine.list(RunQuery(["wf"]))).runs}

    async with asyncio.timeout(30):
        while await remaining() != expected:
            desk.clock.move(30)
            await asyncio.sleep(0.01)


@pytest.mark.interpreted
async def test_a_run_in_line_that_cannot_be_read_for_a_moment_begins_all_the_same(embedded_desk):
    desk = embedded_desk
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(concurrency=1), FOREVER)
    for name in ("first", "second"):
        await started(desk, name)
    await desk.seen(lambda: desk.marks() == ["first"] and len(desk.engine._runs) == 1)
    left = desk.unreadable(queries.load)
    opened(desk)
    await desk.passes(lambda: "second" in desk.marks())
    assert not left
    assert await desk.output("second") == "second"


async def test_a_period_that_is_over_does_not_open_a_full_house(desk):
    desk.deploy(GATED)
    desk.engine.limit("wf", Limits(concurrency=1, starts=5, period=60), FOREVER)
    for name in ("first", "second"):
        await started(desk, name)
    await desk.seen(lambda: desk.marks() == ["first"])
    desk.clock.move(61)
    assert (await desk.view("second")).status is QUEUED
    opened(desk)
    assert await desk.output("second") == "second"


async def test_who_has_begun_is_not_held_up_by_the_number_of_starts(desk):
    desk.engine.limit("wf", Limits(starts=1, period=3600), Retention())
    desk.deploy('await step.sleep("nap", "1 minute")\nreturn event["instanceId"]')
    await desk.start(instance="begun")
    await desk.until("begun", RunStatus.waiting)
    starts = [StartRun("wf", "dep", "api", instance=f"in-line-{n}", priority=9) for n in range(2)]
    await desk.engine.create_batch(starts)
    desk.clock.move(61)
    assert await desk.output("begun") == "begun"
    for start in starts:
        assert (await desk.view(start.instance)).status is RunStatus.queued


async def test_who_is_looked_at_first_does_not_go_first_after_a_restart(embedded_desk):
    desk = embedded_desk
    desk.deploy(GATED)
    one_at_a_time = Limits(concurrency=1)
    desk.engine.limit("wf", one_at_a_time, FOREVER)
    await started(desk, "first")
    await desk.seen(lambda: desk.marks() == ["first"])
    for name, priority in (("low", -1), ("next", 0), ("high", 5)):
        await started(desk, name, priority)
    await desk.engine.close()
    desk.effects.unlink()
    desk.engine = await Embedded.open(desk.folder, desk, clock=desk.clock, hold=True)
    desk.engine.limit("wf", one_at_a_time, FOREVER)
    await desk.engine.go_on()
    for name in ("low", "next", "high", "first"):
        await desk.view(name)
    opened(desk)
    for name in ("low", "next", "high", "first"):
        assert await desk.output(name) == name
    # that the first had begun is written with its first outcome
    assert desk.marks() == ["high", "first", "next", "low"]


async def test_a_server_that_restarts_keeps_the_order_of_the_line(embedded_desk):
    desk = embedded_desk
    desk.deploy('mark(event["instanceId"])')
    limits = Limits(starts=1, period=3600)
    desk.engine.limit("wf", limits, Retention())
    await desk.output(await desk.start(instance="first"))
    for name, priority in (("later", 0), ("soon", 1), ("next", 2)):
        start = StartRun("wf", "dep", "api", instance=name, priority=priority)
        await desk.engine.create(start)
    await desk.engine.close()
    desk.engine = await Embedded.open(desk.folder, desk, clock=desk.clock, hold=True)
    desk.engine.limit("wf", limits, Retention())
    await desk.engine.go_on()
    for name in ("next", "soon", "later"):
        await desk.output(name)
        desk.clock.move(3601)
    assert desk.marks() == ["first", "next", "soon", "later"]
