"""After deaths of a runner that could have been anyone's doing: how fast the innocent are found."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter

from awaitstep.engine.states import RunStatus
from conformance.suspects import HELD

BREAKER = """
n = event["payload"]
@step.do("held", config={"retries": {"limit": 0, "delay": 0}})
async def held():
    mark(f"begun-{n}")
    while not os.path.exists(f"{self.env.EFFECTS}.go"):
        await asyncio.sleep(0.005)
    if n == 6:
        await asyncio.sleep(0.05)
        os._exit(1)
    await asyncio.sleep(0.2)
    return n
return await held()
"""
RUNS = 12


def begun(desk):
    return Counter(int(mark.removeprefix("begun-")) for mark in desk.marks())


def again(desk, times):
    """The runs whose step has begun so often."""
    return {n for n, count in begun(desk).items() if count >= times}


def kill(desk, *, alone):
    [slot] = [slot for slot in desk.engine._fleet.slots if slot.alone is alone]
    os.kill(slot.process.pid, signal.SIGKILL)


async def killed_twice(desk, source):
    """Runs whose steps were under way in two deaths of their runner, by nobody's fault."""
    desk.deploy(source)
    runs = [await desk.start(n) for n in range(RUNS)]
    for times in (1, 2):
        await desk.seen(lambda times=times: again(desk, times) == set(range(RUNS)))
        kill(desk, alone=False)
    return runs


async def test_more_suspects_are_tried_at_once_as_they_prove_themselves(embedded_desk):
    desk = embedded_desk
    runs = await killed_twice(desk, HELD)

    def let_go(several):
        for n in several:
            desk.effects.with_suffix(f".go{n}").touch()

    proven = set()
    for width in (1, 2, 4):
        await desk.seen(lambda w=width, p=proven: len(again(desk, 3) - p) == w)
        await asyncio.sleep(0.2)
        tried = again(desk, 3) - proven
        assert len(tried) == width
        if width < 4:
            let_go(tried)
            proven |= tried
    # nobody's fault again: who was there is tried without company from now on
    assert len(proven) == 3
    kill(desk, alone=True)
    left = set(range(RUNS)) - again(desk, 3)
    assert len(left) == RUNS - 7
    let_go(left)
    while not proven >= set(range(RUNS)) - left:
        await desk.seen(lambda p=proven: bool(again(desk, 4) - p))
        await asyncio.sleep(0.2)
        one = again(desk, 4) - proven
        assert len(one) == 1
        let_go(one)
        proven |= one
    assert [json.loads((await desk.ended(run)).output) for run in runs] == list(range(RUNS))
    assert all(begun(desk)[n] == 4 for n in tried)
    assert desk.engine._fleet.group(None).at_once == 1  # for the suspects of other deaths
    assert all(begun(desk)[n] == 3 for n in set(range(RUNS)) - tried)


async def test_the_culprit_among_suspects_is_found_and_pays_alone(embedded_desk):
    desk = embedded_desk
    runs = await killed_twice(desk, BREAKER)
    desk.effects.with_suffix(".go").touch()
    ends = [await desk.ended(run) for run in runs]
    assert [n for n, end in enumerate(ends) if end.status is RunStatus.errored] == [6]
    assert ends[6].error.code == "runner.died"
    assert desk.engine.crashed("dep") is None
