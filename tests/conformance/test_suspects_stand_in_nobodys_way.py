"""Who waits for the runner for suspects, and what is asked of them meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from awaitstep.engine.embedded.blame import Unit
from awaitstep.engine.port import Limits
from awaitstep.engine.states import RunStatus
from awaitstep.engine.workers import WorkerRequest

HELD = """
n = event["payload"]
@step.do("held")
async def held():
    mark(f"begun-{n}")
    while not os.path.exists(f"{self.env.EFFECTS}.go{n}"):
        await asyncio.sleep(0.005)
    return n
return await held()
"""
ARMS = """
n = event["payload"]
@step.do("quick")
async def quick():
    mark(f"quick-{n}")
    return n
@step.do("held")
async def held():
    mark(f"begun-{n}")
    while not os.path.exists(f"{self.env.EFFECTS}.go{n}"):
        await asyncio.sleep(0.005)
    return n
await asyncio.gather(quick(), held())
return n
"""
FETCHER = """

from workers import Response, WorkerEntrypoint
class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response(self.env.WORD if hasattr(self.env, "WORD") else "x")
"""


def suspect(desk, refs, times=2, *, fetch=False, load=False):
    """As if the runs with these numbers had been there at so many deaths."""
    units = [Unit("attempt", "dep", ref, 1) for ref in refs]
    if fetch:
        units.append(Unit("fetch", "dep"))
    if load:
        units.append(Unit("load", "dep"))
    units += [Unit("attempt", "other", 10_000_000, 1), Unit("attempt", "other", 10_000_001, 1)]
    for _ in range(times):
        desk.engine._blame.verdict(units, None, desk.clock.now())


def add_fetch(desk, name="dep"):
    module = desk.bundles[name].module
    module.write_text(module.read_text() + FETCHER)


def begun(desk):
    return [int(m.removeprefix("begun-")) for m in desk.marks() if m.startswith("begun-")]


def go(desk, n):
    desk.effects.with_suffix(f".go{n}").touch()


def get(desk):
    return asyncio.ensure_future(
        desk.engine.fetch("dep", WorkerRequest("GET", "http://dep.localhost/", []))
    )


async def soon(what, seconds=3.0):
    stop = asyncio.get_running_loop().time() + seconds
    while not what():
        if asyncio.get_running_loop().time() > stop:
            return False
        await asyncio.sleep(0.005)
    return True


async def test_a_request_that_gives_up_lets_suspects_go_on(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    add_fetch(desk)
    suspect(desk, range(1, 7), fetch=True)
    for n in range(1, 7):
        await desk.start(n)
    await desk.seen(lambda: len(begun(desk)) == 1)
    go(desk, 1)
    await desk.seen(lambda: len(begun(desk)) == 3)  # two at once
    group = desk.engine._fleet.group(None)
    assert group.at_once == 2
    asking = get(desk)
    await desk.seen(lambda: group.asking == 1)
    go(desk, 2)
    await desk.ended(await first(desk, 2))
    assert len(begun(desk)) == 3
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert group.asking == 0
    # three may be tried at once, one (the third) is
    went_on = await soon(lambda: len(begun(desk)) == 5)
    state = (group.at_once, len(group.suspects), len(group.alone.assignments))
    for n in range(1, 7):
        go(desk, n)
    assert went_on, state


async def first(desk, n):
    runs = (await desk.engine.list(_query())).runs
    return next(run.instance for run in runs if run.params == str(n).encode())


def _query():
    from awaitstep.engine.port import RunQuery

    return RunQuery(["wf"])


async def test_who_has_proven_itself_and_can_not_leave_lets_the_next_in(embedded_desk):
    desk = embedded_desk
    desk.deploy(ARMS)
    suspect(desk, range(1, 5))
    for n in range(1, 5):
        await desk.start(n)
    await desk.seen(lambda: len(begun(desk)) == 1)
    group = desk.engine._fleet.group(None)
    went_on = await soon(lambda: len(begun(desk)) > 1)
    state = (group.at_once, len(group.suspects), len(group.alone.assignments))
    for n in range(1, 5):
        go(desk, n)
    assert went_on, state


async def test_limits_made_while_suspects_wait_hold_for_them(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, range(1, 10))
    for n in range(1, 10):
        await desk.start(n)
    await desk.seen(lambda: len(begun(desk)) == 1)
    desk.engine.limit("wf", Limits(concurrency=1), desk.engine._retention.get("wf") or _none())
    go(desk, 1)
    await desk.seen(lambda: len(begun(desk)) >= 2)
    go(desk, 2)
    await asyncio.sleep(0.5)
    at_once = len(desk.engine._assigned)
    for n in range(1, 10):
        go(desk, n)
    assert at_once == 1


def _none():
    from awaitstep.engine.port import Retention

    return Retention()


async def test_a_request_that_waited_brings_no_old_variables(embedded_desk):
    desk = embedded_desk
    desk.deploy("return self.env.WORD")
    add_fetch(desk)
    new = desk.bundles["dep"]
    old = replace(new, variables={**new.variables, "WORD": "old"})
    new = replace(new, variables={**new.variables, "WORD": "new"})
    desk.bundles["dep"] = old
    assert await desk.output(await desk.start()) == "old"
    [slot] = desk.engine._fleet.slots
    slot.process.kill()
    await desk.seen(lambda: not any(s.ready for s in desk.engine._fleet.slots))
    answer = get(desk)
    for _ in range(3):
        await asyncio.sleep(0)
    desk.bundles["dep"] = new
    desk.engine.forget("dep")
    told = (await answer).body
    assert await desk.output(await desk.start()) == "new"
    assert told in (b"old", b"new")


async def test_a_binding_works_after_its_variables_changed(embedded_desk):
    desk = embedded_desk
    desk.deploy("""
if event["payload"] == "child":
    return 1
@step.do("held")
async def held():
    mark("begun")
    while not os.path.exists(f"{self.env.EFFECTS}.go"):
        await asyncio.sleep(0.005)
    made = await self.env.WORKFLOW.create(id="child", params="child")
    return "made"
return await held()
""")
    run = await desk.start("parent")
    await desk.seen(lambda: desk.marks() == ["begun"])
    desk.engine.forget("dep")
    desk.effects.with_suffix(".go").touch()
    await desk.seen(lambda: True)
    for _ in range(400):
        steps = await desk.steps(run)
        ended = [a for a in steps["held"].attempts if a.ended_at]
        if ended or (await desk.view(run)).status is RunStatus.complete:
            break
        await asyncio.sleep(0.005)
    assert not [a.error for a in ended if a.error]
    assert await desk.output(run) == "made"


async def test_a_suspect_that_is_paused_leaves_nothing_to_others(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, [1])
    run = await desk.start(1)
    await desk.seen(lambda: begun(desk) == [1])
    await desk.engine.pause("wf", run)
    go(desk, 1)
    await desk.until(run, RunStatus.paused)
    await asyncio.sleep(0.1)
    group = desk.engine._fleet.group(None)
    assert not group.suspects
    assert not group.alone.assignments
    assert group.at_once == 1


@pytest.mark.parametrize("how", ["terminate", "delete"])
async def test_nothing_is_remembered_of_suspects_that_are_gone(embedded_desk, how):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, range(1, 4))
    runs = [await desk.start(n) for n in range(1, 4)]
    await desk.seen(lambda: begun(desk) == [1])
    for run in runs:
        await desk.engine.terminate("wf", run)
        if how == "delete":
            await desk.engine.delete("wf", run)
    assert not set(desk.engine._blame._seen) & {1, 2, 3}


async def test_a_suspect_stands_in_line_once(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    suspect(desk, range(1, 3))
    runs = [await desk.start(n) for n in range(1, 3)]
    await desk.seen(lambda: begun(desk) == [1])
    for _ in range(50):
        await desk.engine.pause("wf", runs[1])
        await desk.engine.resume("wf", runs[1])
    length, wanted = (
        len(desk.engine._fleet.group(None).suspects),
        desk.engine._fleet.figures().wanted,
    )
    go(desk, 1)
    go(desk, 2)
    for run in runs:
        await desk.ended(run)
    assert (length, wanted) == (1, 1)


async def test_others_go_on_once_their_module_is_loaded(embedded_desk):
    desk = embedded_desk
    desk.deploy(HELD)
    module = desk.bundles["dep"].module
    module.write_text("import time\ntime.sleep(0.3)\n" + module.read_text())
    suspect(desk, [], load=True)
    for n in range(1, 4):
        await desk.start(n)
    await desk.seen(lambda: len(begun(desk)) >= 1)
    await desk.seen(lambda: not desk.engine._blame.suspects_load("dep"))
    went_on = await soon(lambda: len(begun(desk)) == 3)
    for n in range(1, 4):
        go(desk, n)
    assert went_on


async def test_a_run_whose_code_goes_on_is_not_thought_to_stand_still(embedded_desk):
    desk = embedded_desk
    desk.deploy("""
@step.do("quick")
async def quick():
    mark("quick")
    return 1
@step.do("held")
async def held():
    mark("begun-1")
    while not os.path.exists(f"{self.env.EFFECTS}.go1"):
        await asyncio.sleep(0.005)
    return 1
await asyncio.gather(quick(), held())
await step.wait_for_event("gate", "gate", timeout="1 hour")
return 1
""")
    add_fetch(desk)
    suspect(desk, [1], fetch=True)
    run = await desk.start(1)
    await desk.seen(lambda: begun(desk) == [1])
    [known] = desk.engine._runs.values()
    told, slot = [], desk.engine._fleet.group(None).alone
    send = slot.send
    slot.send = lambda m: (told.append(type(m).__name__), send(m))[1]
    asking = get(desk)
    await desk.seen(lambda: known.frozen)
    await asyncio.gather(desk.engine.pause("wf", run), desk.engine.resume("wf", run), gone(asking))
    await asyncio.sleep(0.2)
    print(told)
    state = (known.frozen, known.freezes, known.pause_requested)
    assert told == ["Freeze", "Freeze", "Thaw"], told
    go(desk, 1)
    await desk.engine.send_event("wf", run, "gate", b"1")
    await desk.ended(run)
    assert not state[0], state


async def gone(asking):
    asking.cancel()


async def test_what_is_read_of_one_deployment_waits_for_no_other(embedded_desk):
    desk = embedded_desk
    desk.deploy("return 1")
    read = desk.bundle
    asked = []

    async def slow(deployment):
        asked.append(deployment)
        await asyncio.sleep(0.01)
        return await read(deployment)

    desk.bundle = slow
    run = await desk.start()
    for _ in range(200):
        desk.engine.forget("another")
        await asyncio.sleep(0.005)
    assert len(asked) == 1
    assert await desk.output(run) == 1
