"""After deaths and refused rows every run comes to its end, and is executed once at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
from collections import Counter

import pytest

from awaitstep.engine.errors import EngineError
from awaitstep.engine.port import Parent, StartRun
from awaitstep.engine.states import ENDED, RunStatus
from conformance.suspects import answer_requests, ask, begun, give_up, let_go

FAMILY = """
if event["payload"] != 1:
    await step.wait_for_event("gate", "gate", timeout="1 hour")
    return
@step.do("held")
async def held():
    mark("begun-1")
    while not os.path.exists(f"{self.env.EFFECTS}.go1"):
        await asyncio.sleep(0.005)
return await held()
"""
# Tells when a step of it is executed twice at once.
WATCHED = """
import fcntl
n = event["payload"]
async def work(name):
    fd = os.open(f"{self.env.EFFECTS}.lock-{n}-{name}", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        mark(f"twice-{n}-{name}")
    try:
        await asyncio.sleep(0.05 + (n % 5) * 0.03)
    finally:
        os.close(fd)
    return name
@step.do("a")
async def a():
    return await work("a")
@step.do("b")
async def b():
    return await work("b")
@step.do("c")
async def c():
    return await work("c")
got = await asyncio.gather(a(), b())
if n % 3 == 0:
    await step.sleep("nap", "2 seconds")
if n % 4 == 0:
    await step.wait_for_event("gate", "gate", timeout="1 hour")
return [*got, await c()]
"""
RUNS = 60
SECONDS = 6.0


@pytest.mark.interpreted
@pytest.mark.parametrize("late", [0.0, 0.2])
async def test_a_child_whose_row_was_refused_is_not_executed_once_more(embedded_desk, late):
    desk = embedded_desk
    desk.deploy(FAMILY)
    engine = desk.engine
    await desk.start(instance="parent")
    await desk.until("parent", RunStatus.waiting)
    parent = await engine._open("wf", "parent")
    engine._held[parent.ref] += 1
    kin = Parent("wf", "parent", 1)
    await engine.create(StartRun("wf", "dep", "api", params=b"1", instance="child", parent=kin))
    engine._let_go(parent.ref)
    await desk.seen(lambda: begun(desk) == [1])
    await desk.seen(lambda: ("wf", "parent") not in engine._index)
    with contextlib.closing(sqlite3.connect(desk.folder / "journal.sqlite")) as db:
        db.execute(
            "create trigger refuse before insert on operations when new.run ="
            " (select ref from runs where instance = 'child')"
            " begin select raise(abort, 'refused'); end"
        )
        db.commit()
    given, give, bring = [], engine._give, engine._bring_parent

    def counted(run):
        given.append(run.instance)
        return give(run)

    async def slow(run):
        await asyncio.sleep(late)
        return await bring(run)

    engine._give, engine._bring_parent = counted, slow
    let_go(desk, 1)
    assert (await desk.ended("child")).error.code == "journal.refused"
    assert not given


async def test_nothing_is_lost_whatever_is_asked_while_runners_die(embedded_desk, figures):
    desk, chance = embedded_desk, random.Random(1)
    desk.deploy(WATCHED)
    answer_requests(desk)
    runs = [await desk.start(n) for n in range(RUNS)]
    kills = Counter()
    asked, doing = [], []
    stop = asyncio.get_running_loop().time() + SECONDS
    while asyncio.get_running_loop().time() < stop:
        await asyncio.sleep(chance.random() * 0.06)
        desk.clock.move(chance.random())
        what = chance.random()
        if what < 0.25:
            kill(desk, chance, kills)
        elif what < 0.3:
            asked.append(ask(desk))
        elif what < 0.35 and asked:
            await give_up(asked.pop())
        else:
            verb = chance.choice(["pause", "resume", "pause", "resume", "restart", "send_event"])
            doing += [
                asyncio.ensure_future(steer(desk, verb, run)) for run in chance.sample(runs, 3)
            ]
    await asyncio.gather(*map(give_up, asked), *doing)
    ends = [await brought_to_its_end(desk, run) for run in runs]
    assert {end.status for end in ends} == {RunStatus.complete}, ends
    assert not [mark for mark in desk.marks() if mark.startswith("twice")]
    group = desk.engine._fleet.group(None)
    await desk.seen(lambda: not desk.engine._assigned)
    assert (len(group.suspects), group.at_once) == (0, 1)
    assert kills[False]
    assert kills[True]
    figures(f"steered while runners died: {RUNS} runs, {sum(kills.values())} deaths, 0 lost")


def kill(desk, chance, kills):
    """A runner, the one for suspects first; never while one attempt is alone there, for then it
    would be charged."""

    def attempts(slot):
        there = [desk.engine._assigned[assignment] for assignment in slot.assignments]
        return sum(not o.released for run in there for o in run.inflight.values())

    slots = [slot for slot in desk.engine._fleet.slots if slot.ready and attempts(slot) > 2]
    if slots:
        slot = next((slot for slot in slots if slot.alone), None) or chance.choice(slots)
        kills[slot.alone] += 1
        os.kill(slot.process.pid, signal.SIGKILL)


async def steer(desk, verb, run):
    options = ("gate", b"1") if verb == "send_event" else ()
    with contextlib.suppress(EngineError):  # it has ended, or is paused already
        await getattr(desk.engine, verb)("wf", run, *options)


async def brought_to_its_end(desk, run):
    for _ in range(1_000):
        view = await desk.view(run)
        if view.status in ENDED:
            break
        await steer(desk, "resume", run)
        if view.status is RunStatus.waiting:
            await steer(desk, "send_event", run)
        desk.clock.move(1)
        await asyncio.sleep(0.02)
    return view
