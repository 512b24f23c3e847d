"""Sleeps, events, unloading and replay."""

from __future__ import annotations

import pytest

from awaitstep.engine.errors import RunState
from awaitstep.engine.states import RunStatus, StepStatus

WAITING = RunStatus.waiting


async def test_finished_steps_never_run_again(desk):
    desk.deploy(
        """
@step.do("one")
async def one():
    mark("one")
    return 1
@step.do("two")
def two():
    mark("two")
    return 2
a = await one()
await step.sleep("night", "8 hours")
b = await two()
await step.sleep_until("later", event.timestamp + timedelta(hours=20))
return [a, b]
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(8 * 3600)
    await desk.seen(lambda: desk.marks() == ["one", "two"])
    await desk.until(run, WAITING)
    desk.clock.move(11 * 3600)
    assert (await desk.until(run, WAITING)).output is None
    desk.clock.move(3600)
    assert await desk.output(run) == [1, 2]
    assert desk.marks() == ["one", "two"]


async def test_sleeps_that_end_one_after_the_other_all_end_on_time(desk):
    desk.deploy(
        """
async def arm(seconds):
    await step.sleep(f"nap {seconds}", f"{seconds} seconds")
    mark(f"woke-{seconds}")
await asyncio.gather(arm(14), arm(15))
"""
    )
    run = await desk.start()
    await desk.has(run, "nap 15")
    await desk.until(run, WAITING)
    desk.clock.move(14)
    await desk.seen(lambda: desk.marks() == ["woke-14"])
    await desk.until(run, WAITING)
    desk.clock.move(1)
    assert await desk.output(run) is None


@pytest.mark.interpreted
async def test_a_sleep_begun_while_others_are_woken_ends_on_time(embedded_desk, monkeypatch):
    """The run leaves memory between two looks at what is due, its row reaches the disk late."""
    desk = embedded_desk
    desk.deploy(
        """
for n in range(2):
    await step.sleep("nap", "1 hour")
return "awake"
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.seen(lambda: not desk.engine._runs)
    engine, journal = desk.engine, desk.engine.journal
    write, read, flushed = journal.write, journal.read, engine._flushed
    late, opened = [], False

    def write_late(rows, done, **given):
        asleep = any(known.status is WAITING for known in engine._runs.values())
        if not opened and (late or asleep):
            late.append(lambda: write(rows, done, **given))
        else:
            write(rows, done, **given)

    def write_now():
        nonlocal opened
        opened = opened or bool(late)
        while late:
            late.pop(0)()

    async def read_first(question):
        answer = await read(question)
        write_now()
        return answer

    async def flush():
        write_now()
        await flushed()

    async def until_asleep_again():
        await desk.seen(lambda: late or opened)

    monkeypatch.setattr(journal, "write", write_late)
    monkeypatch.setattr(journal, "read", read_first)
    monkeypatch.setattr(engine, "_flushed", flush)
    monkeypatch.setattr(engine, "_room", until_asleep_again)
    desk.clock.move(3600)
    await desk.seen(lambda: opened and not engine._waking and not engine._runs)
    desk.clock.move(3600)
    assert await desk.output(run) == "awake"


ENDINGS = {
    "finally": """
try:
    await step.sleep("nap", "1 hour")
finally:
    await act()
return "after"
""",
    "finally: return": """
async def inner():
    try:
        await step.sleep("nap", "1 hour")
    finally:
        return "early"
await inner()
await act()
return "after"
""",
    "except BaseException": """
try:
    await step.sleep("nap", "1 hour")
except BaseException:
    await act()
    return "early"
await act()
return "after"
""",
    "asyncio.timeout": """
try:
    async with asyncio.timeout(7200):
        await step.sleep("nap", "1 hour")
except TimeoutError:
    return "early"
await act()
return "after"
""",
    "TaskGroup": """
async def nap():
    await step.sleep("nap", "1 hour")
try:
    async with asyncio.TaskGroup() as group:
        group.create_task(nap())
        group.create_task(step.sleep("other", "30 minutes"))
except* ValueError:
    await act()
await act()
return "after"
""",
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_unloading_is_nothing_the_code_can_act_on(desk, ending):
    desk.deploy(
        """
@step.do("act")
async def act():
    mark("act")
"""
        + ENDINGS[ending]
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.reopen()
    assert desk.marks() == []
    assert (await desk.view(run)).status is WAITING
    desk.clock.move(3600)
    assert await desk.output(run) == "after"
    assert desk.marks() == ["act"]


async def test_arms_go_on_beside_one_that_sleeps(desk):
    desk.deploy(
        """
async def arm():
    for n in range(3):
        @step.do(f"slow {n}")
        async def slow():
            await asyncio.sleep(0.02)
            mark(n)
            return n
        await slow()
async def nap():
    await step.sleep("hour", "1 hour")
    mark("woke")
await asyncio.gather(arm(), nap())
return "done"
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["0", "1", "2"])
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(3600)
    assert await desk.output(run) == "done"
    assert [mark for mark in desk.marks() if mark != "woke"] == ["0", "1", "2"]


async def test_events_are_kept_in_order_and_served_in_order(desk):
    desk.deploy(
        """
await step.sleep("first", "1 hour")
one = await step.wait_for_event("w", "go")
two, three = await asyncio.gather(
    step.wait_for_event("a", "go", timeout="1 day"), step.wait_for_event("b", "go"))
return [one.payload, two.payload, three.payload, one.type, one.timestamp.tzinfo is not None]
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.engine.send_event("wf", run, "other", b"0")
    await desk.engine.send_event("wf", run, "go", b"1")
    await desk.reopen()
    desk.clock.move(3600)
    await desk.has(run, "b")
    await desk.engine.send_event("wf", run, "go", b"2")
    await desk.reopen()
    await desk.engine.send_event("wf", run, "go", b"3")
    assert await desk.output(run) == [1, 2, 3, "go", True]
    with pytest.raises(RunState):
        await desk.engine.send_event("wf", run, "go", b"4")


async def test_a_wait_times_out_as_timeouterror(desk):
    desk.deploy(
        """
try:
    await step.wait_for_event("w", "go", timeout="1 hour")
except TimeoutError as error:
    return str(error)
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(3600)
    assert await desk.output(run) == "Execution timed out after 3600000ms"


async def test_the_loser_of_a_race_leaves_the_queue(desk):
    desk.deploy(
        """
wait = asyncio.ensure_future(step.wait_for_event("loser", "go"))
nap = asyncio.ensure_future(step.sleep("winner", "1 hour"))
done, rest = await asyncio.wait([wait, nap], return_when=asyncio.FIRST_COMPLETED)
for task in rest:
    task.cancel()
later = await step.wait_for_event("later", "go")
return [nap in done, later.payload]
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    desk.clock.move(3600)
    await desk.has(run, "later")
    await desk.reopen()
    await desk.engine.send_event("wf", run, "go", b'"news"')
    assert await desk.output(run) == [True, "news"]
    assert (await desk.steps(run))["loser"].status is StepStatus.cancelled


async def test_a_clock_that_goes_back_fires_nothing_twice(desk):
    desk.deploy(
        """
await step.sleep("nap", "1 hour")
@step.do("act")
async def act():
    mark("act")
await act()
await step.sleep("nap", "1 hour")
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    desk.clock.move(3600)
    await desk.seen(lambda: desk.marks() == ["act"])
    await desk.until(run, WAITING)
    desk.clock.move(-7200)
    await desk.reopen()
    desk.clock.move(7200)
    assert (await desk.view(run)).status is WAITING
    desk.clock.move(3600)
    await desk.output(run)
    assert desk.marks() == ["act"]


async def test_another_path_on_replay_is_told_by_both_names(desk):
    if desk.kind == "inline":
        pytest.skip("its modules stay loaded")
    body = """
@step.do("{name}")
async def act(): return 1
await act()
await step.sleep("nap", "1 hour")
"""
    desk.deploy(body.format(name="before"))
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.engine.close()
    desk.deploy(body.format(name="after"))
    await desk.open()
    desk.clock.move(3600)
    error = await desk.error(run)
    assert error.code == "run.nondeterministic"
    assert "'before'" in error.message
    assert "'after'" in error.message


async def test_arms_interleave_on_replay_as_they_did(desk):
    desk.deploy(
        """
import random
order = []
async def arm(i):
    for n in range(4):
        @step.do(f"{i}.{n}")
        async def tick():
            await asyncio.sleep(random.random() / 200)
            return n
        order.append([i, await tick()])
await asyncio.gather(*(arm(i) for i in range(5)))
seen = list(order)
@step.do("seen")
async def keep(): return seen
kept = await keep()
await step.sleep("nap", "1 hour")
return [kept == order, len(order)]
"""
    )
    runs = [await desk.start() for _ in range(10)]
    for run in runs:
        await desk.until(run, WAITING)
        await desk.has(run, "nap")
    await desk.reopen()
    desk.clock.move(3600)
    for run in runs:
        assert await desk.output(run) == [True, 20]
