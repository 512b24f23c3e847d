"""Who waits for the runner for suspects goes on as soon as it may, whatever is asked meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from awaitstep.engine.embedded.blame import Unit
from awaitstep.engine.port import Limits, Retention
from conformance.suspects import (
    ARMS,
    HELD,
    answer_requests,
    ask,
    begun,
    give_up,
    let_go,
    suspect,
)

BAD = """
@step.do("bad", config={"retries": {"limit": 0, "delay": 0}})
async def bad():
    os._exit(3)
await bad()
"""
# The second step is given up as it times out, but does not go until told.
STUBBORN = """
@step.do("quick")
async def quick():
    return 1
@step.do("held", config={"timeout": "1 second", "retries": {"limit": 3, "delay": 0}})
async def held(ctx):
    mark(f"attempt-{ctx['attempt']}")
    while ctx["attempt"] == 1 and not os.path.exists(f"{self.env.EFFECTS}.go1"):
        try:
            await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            mark("stubborn")
    return 2
return await asyncio.gather(quick(), held())
"""


async def start(desk, runs):
    return [await desk.start(n) for n in runs]


def group_of(desk):
    return desk.engine._fleet.group(None)


async def test_a_request_that_gives_up_lets_them_go_on(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    answer_requests(desk)
    suspect(desk, range(1, 7), fetch=True)
    runs = await start(desk, range(1, 7))
    await desk.seen(lambda: begun(desk) == [1])
    let_go(desk, 1)
    await desk.seen(lambda: begun(desk) == [1, 2, 3])
    asking = ask(desk)
    await desk.seen(lambda: group_of(desk).asking == 1)
    let_go(desk, 2)
    await desk.ended(runs[1])
    assert len(begun(desk)) == 3  # it goes before them
    await give_up(asking)
    await desk.seen(lambda: len(begun(desk)) == 5)
    let_go(desk, *range(1, 7))
    for run in runs:
        await desk.output(run)


async def test_who_was_to_make_room_for_it_tries_again(embedded_desk):
    desk = embedded_desk
    desk.deploy(STUBBORN)
    answer_requests(desk)
    suspect(desk, range(1, 2), fetch=True)
    run = await desk.start()
    await desk.seen(lambda: "stubborn" in desk.marks())
    [known] = desk.engine._runs.values()
    await desk.seen(lambda: any(operation.released for operation in known.inflight.values()))
    asking = ask(desk)
    await desk.seen(lambda: known.freezes > 0)
    await give_up(asking)
    let_go(desk, 1)
    assert await desk.output(run) == [1, 2]
    assert "attempt-2" in desk.marks()


async def test_who_may_stay_is_not_thought_to_stand_still(embedded_desk):
    desk = embedded_desk
    desk.deploy(ARMS)
    answer_requests(desk)
    suspect(desk, range(1, 2), fetch=True)
    run = await desk.start(1)
    await desk.seen(lambda: begun(desk) == [1])
    [known] = desk.engine._runs.values()
    asking = ask(desk)
    await desk.seen(lambda: known.frozen)
    pause, resume = desk.engine.pause("wf", run), desk.engine.resume("wf", run)
    await asyncio.gather(pause, resume, give_up(asking))
    await desk.seen(lambda: not known.freezes)
    assert not known.frozen
    let_go(desk, 1)
    await desk.output(run)


async def test_who_has_proven_itself_and_can_not_leave_lets_the_next_in(embedded_desk):
    desk = embedded_desk
    desk.deploy(ARMS)
    suspect(desk, range(1, 5))
    runs = await start(desk, range(1, 5))
    await desk.seen(lambda: sorted(begun(desk)) == [1, 2, 3, 4])
    let_go(desk, *range(1, 5))
    for run in runs:
        await desk.output(run)


async def test_limits_that_come_while_they_wait_hold_for_them(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, range(1, 6))
    runs = await start(desk, range(1, 6))
    await desk.seen(lambda: begun(desk) == [1])
    desk.engine.limit("wf", Limits(concurrency=1), Retention())
    for n, run in enumerate(runs, 1):
        await desk.seen(lambda n=n: begun(desk) == list(range(1, n + 1)))
        assert len(desk.engine._assigned) == 1
        let_go(desk, n)
        await desk.output(run)


async def test_others_go_on_once_their_module_is_loaded(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, range(0), load=True)
    runs = await start(desk, range(1, 4))
    await desk.seen(lambda: sorted(begun(desk)) == [1, 2, 3])
    let_go(desk, 1, 2, 3)
    for run in runs:
        await desk.output(run)


async def test_the_culprit_once_found_clears_those_with_packages_too(embedded_desk):
    desk = embedded_desk
    site = desk.folder / "environments" / "one" / "site"
    site.mkdir(parents=True)
    desk.deploy(HELD)
    desk.bundles["dep"] = replace(desk.bundles["dep"], environment=site)
    desk.deploy(BAD, name="bad")
    units = [Unit("attempt", "dep", run, 1) for run in (1, 2, 3)] + [Unit("attempt", "bad", 4, 1)]
    for _ in range(2):
        desk.engine._blame.verdict(units, None, desk.clock.now())
    runs = await start(desk, range(1, 4))
    await desk.seen(lambda: begun(desk) == [1])
    assert (await desk.ended(await desk.start(name="bad"))).error.code == "runner.died"
    await desk.seen(lambda: sorted(begun(desk)) == [1, 2, 3])
    let_go(desk, 1, 2, 3)
    for run in runs:
        await desk.output(run)


async def test_each_stands_in_line_once(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, range(1, 3))
    runs = await start(desk, range(1, 3))
    await desk.seen(lambda: begun(desk) == [1])
    for _ in range(5):
        await desk.engine.pause("wf", runs[1])
        await desk.engine.resume("wf", runs[1])
    assert desk.engine._fleet.figures().wanted == 1
    let_go(desk, 1, 2)
    for run in runs:
        await desk.output(run)


async def test_one_that_is_paused_as_it_proves_itself_leaves_nothing_to_others(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, range(1, 2))
    run = await desk.start(1)
    await desk.seen(lambda: begun(desk) == [1])
    await desk.engine.pause("wf", run)
    let_go(desk, 1)
    await desk.seen(lambda: not desk.engine._assigned)
    group = group_of(desk)
    assert (len(group.suspects), group.at_once) == (0, 1)


@pytest.mark.parametrize("rollback", [False, True])
async def test_nothing_is_remembered_of_those_that_are_terminated(embedded_desk, rollback):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, range(1, 4))
    runs = await start(desk, range(1, 4))
    await desk.seen(lambda: begun(desk) == [1])
    for run in runs[1:]:
        await desk.engine.terminate("wf", run, rollback=rollback)
    let_go(desk, 1)
    for run in runs:
        await desk.ended(run)
    assert not any(desk.engine._blame.suspects(run) for run in (1, 2, 3))


async def test_they_go_on_when_the_server_stopped_meanwhile(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, range(1, 8))
    runs = await start(desk, range(1, 8))
    await desk.seen(lambda: begun(desk) == [1])
    let_go(desk, 1)
    await desk.seen(lambda: begun(desk) == [1, 2, 3])
    await desk.reopen()
    let_go(desk, *range(1, 8))
    for run in runs:
        await desk.output(run)
