"""Buffered events, waiters in line, and waits that are given up."""

from __future__ import annotations

import pytest

from awaitstep.engine.errors import (
    InvalidEventType,
    RunNotFound,
    ValueRefused,
    ValueTooLarge,
)
from awaitstep.engine.states import RunStatus, StepStatus

WAITING = RunStatus.waiting


async def send(desk, run, *payloads, type="go"):
    for payload in payloads:
        await desk.engine.send_event("wf", run, type, payload)


async def test_each_type_has_a_line_of_its_own(desk):
    desk.deploy(
        """
await step.sleep("first", "1 hour")
got = []
for n, kind in enumerate(["b", "a", "a", "b", "a"]):
    got.append([kind, (await step.wait_for_event(f"w{n}", kind)).payload])
return got
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    for n in range(3):
        await send(desk, run, b"%d" % n, type="a")
        await send(desk, run, b"%d" % (10 + n), type="b")
        await desk.reopen()
    desk.clock.move(3600)
    assert await desk.output(run) == [["b", 10], ["a", 0], ["a", 1], ["b", 11], ["a", 2]]


async def test_waiters_are_served_in_the_order_they_asked(desk):
    desk.deploy(
        """
order = []
async def waiter(name):
    order.append([name, (await step.wait_for_event(name, "go")).payload])
await asyncio.gather(*(waiter(f"w{n}") for n in range(4)))
return order
"""
    )
    run = await desk.start()
    await desk.has(run, "w3")
    await desk.until(run, WAITING)
    await send(desk, run, b"0", b"1")
    await desk.reopen()
    await send(desk, run, b"2")
    await desk.reopen()
    await send(desk, run, b"3")
    assert await desk.output(run) == [[f"w{n}", n] for n in range(4)]


async def test_a_burst_of_events_is_taken_whole(desk):
    desk.deploy(
        """
got = []
for n in range(30):
    got.append((await step.wait_for_event("next", "go")).payload)
return got
"""
    )
    run = await desk.start()
    await send(desk, run, *(b"%d" % n for n in range(30)))
    assert await desk.output(run) == list(range(30))


RACE = """
wait = asyncio.ensure_future(step.wait_for_event("loser", "go", timeout="1 day"))
nap = asyncio.ensure_future(step.sleep("winner", "1 hour"))
await asyncio.wait([wait, nap], return_when=asyncio.FIRST_COMPLETED)
wait.cancel()
await asyncio.wait([wait])
mark("raced")
await step.sleep("between", "1 hour")
event = await step.wait_for_event("later", "go", timeout="1 day")
await step.sleep("after", "1 hour")
return [wait.cancelled(), event.payload]
"""


async def test_the_loser_takes_no_event_now_or_after_a_restart(desk):
    desk.deploy(RACE)
    run = await desk.start()
    await desk.until(run, WAITING)
    desk.clock.move(3600)
    await desk.has(run, "between")
    await desk.until(run, WAITING)
    await desk.reopen()
    await send(desk, run, b'"first"', b'"second"')
    await desk.reopen()
    desk.clock.move(3600)
    await desk.has(run, "after")
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(3600)
    assert await desk.output(run) == [True, "first"]
    steps = await desk.steps(run)
    assert (steps["loser"].status, steps["loser"].output) == (StepStatus.cancelled, None)
    assert steps["later"].status is StepStatus.complete


async def test_an_event_that_wins_the_race_is_the_winner_on_replay_too(desk):
    desk.deploy(
        """
wait = asyncio.ensure_future(step.wait_for_event("wait", "go", timeout="1 day"))
nap = asyncio.ensure_future(step.sleep("nap", "1 hour"))
done, rest = await asyncio.wait([wait, nap], return_when=asyncio.FIRST_COMPLETED)
for task in rest:
    task.cancel()
won = [task is wait for task in done]
await step.sleep("after", "2 hours")
return [won, wait.result().payload]
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    await send(desk, run, b"5")
    await desk.has(run, "after")
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(7200)
    assert await desk.output(run) == [[True], 5]
    assert (await desk.steps(run))["nap"].status is StepStatus.cancelled


async def test_a_step_that_loses_a_race_is_dropped(desk):
    desk.deploy(
        """
@step.do("long")
async def long():
    mark("begun")
    await asyncio.Event().wait()
@step.do("short")
async def short():
    while not os.path.exists(self.env.EFFECTS):
        await asyncio.sleep(0.001)
    return "short"
arms = [asyncio.ensure_future(long()), asyncio.ensure_future(short())]
done, rest = await asyncio.wait(arms, return_when=asyncio.FIRST_COMPLETED)
for task in rest:
    task.cancel()
await asyncio.wait(rest)
await step.sleep("night", "8 hours")
return [task.result() for task in done]
"""
    )
    run = await desk.start()
    await desk.has(run, "night")
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(8 * 3600)
    assert await desk.output(run) == ["short"]
    assert desk.marks() == ["begun"]
    assert (await desk.steps(run))["long"].status is StepStatus.cancelled


async def test_a_deadline_survives_a_restart_and_an_event_before_it_counts(desk):
    desk.deploy(
        """
async def wait(name):
    try:
        return (await step.wait_for_event(name, name, timeout="1 hour")).payload
    except TimeoutError:
        return "too late"
return await asyncio.gather(wait("a"), wait("b"))
"""
    )
    run = await desk.start()
    await desk.has(run, "b")
    await desk.until(run, WAITING)
    desk.clock.move(1800)
    await desk.reopen()
    await send(desk, run, b"1", type="a")
    desk.clock.move(1799)
    await desk.reopen()
    await desk.until(run, WAITING)
    desk.clock.move(1)
    assert await desk.output(run) == [1, "too late"]


async def test_what_is_no_event_is_refused_and_nothing_is_kept(desk):
    desk.deploy("return (await step.wait_for_event('w', 'go')).payload")
    run = await desk.start()
    for type in ("", "x" * 101, "a\nb", "\x00", "\ud800"):
        with pytest.raises(InvalidEventType):
            await send(desk, run, b"1", type=type)
    for payload in (b"", b"{", b"NaN", b'"\\ud800"', b"\xef\xbb\xbf1", b"[" * 100_000):
        with pytest.raises(ValueRefused):
            await send(desk, run, payload)
    with pytest.raises(ValueTooLarge):
        await send(desk, run, b'"' + b"x" * 1024 * 1024 + b'"')
    with pytest.raises(RunNotFound):
        await send(desk, "nobody", b"1")
    await send(desk, run, b'"\\ud83d\\ude00"')
    assert await desk.output(run) == "😀"


async def test_code_cannot_wait_for_what_nobody_can_send(desk):
    for n, type in enumerate(("''", "'x' * 101", r"'\ud800'", r"'a\nb'", "5", "None")):
        desk.deploy(f"await step.wait_for_event('w', {type})", f"dep{n}")
        assert (await desk.error(await desk.start(name=f"dep{n}"))).name == "ValueError"
    desk.deploy("return 1")
    assert await desk.output(await desk.start()) == 1


async def test_names_and_types_may_be_any_printable_text(desk):
    desk.deploy(
        """
names = ['"quoted"', "it's", "{braces}", "ünïcödé 😀", "ص", "${x}", "`", "x" * 256, "-- drop"]
for name in names:
    @step.do(name)
    async def act(): return 1
    await act()
    await step.wait_for_event(name, name[:100])
return len(names)
"""
    )
    run = await desk.start()
    names = ['"quoted"', "it's", "{braces}", "ünïcödé 😀", "ص", "${x}", "`", "x" * 256, "-- drop"]
    for name in names:
        await send(desk, run, b"1", type=name[:100])
    assert await desk.output(run) == len(names)
    assert [s.name for s in await desk.engine.history("wf", run)] == [
        name for name in names for _ in range(2)
    ]
