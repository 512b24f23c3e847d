"""Several runners: each run goes to the one with the least to do, and a death stays where it was."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from awaitstep.engine.states import RunStatus

from .house import House, alive

# Two steps that say where they run; the second lasts until the test lets it go.
HELD = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        name = event.payload

        @step.do(config=ONCE)
        async def first():
            mark(f"{name} first")
            return os.getpid()

        @step.do(config=ONCE)
        async def held():
            mark(f"{name} held in {os.getpid()}")
            await hold(f"{name} held", name)
            return os.getpid()

        return [await first(), await held()]
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """With two runners, both ready."""
    async with House(tmp_path, runners=2) as house:
        house.deploy("held", HELD)

        async def both() -> bool:
            return len(house.runners()) == 2

        await house.until(both, "no two runners")
        yield house


async def held(house: House, name: str) -> tuple[str, int]:
    """Start a run, and answer it with the runner that holds it, once it does."""
    instance = await house.start("held", name)
    await house.marked(f"{name} held")
    return instance, place(house, name)


def place(house: House, name: str) -> int:
    """The process id of the runner that began the run's second step last."""
    [*_, last] = [mark for mark in house.marks() if mark.startswith(f"{name} held in ")]
    return int(last.rpartition(" ")[2])


async def released(house: House, name: str, instance: str) -> list[int]:
    """Let the run go; where its steps ran."""
    house.release(name)
    output: list[int] = await house.output("held", instance)
    return output


async def test_a_run_goes_to_the_runner_with_the_least_to_do(house: House) -> None:
    runs = {name: await held(house, name) for name in "abcd"}
    places = [pid for _, pid in runs.values()]
    assert sorted(places) == sorted(house.runners() * 2)

    one, other = house.runners()
    for name, (instance, pid) in runs.items():
        if pid == one:
            assert await released(house, name, instance) == [one, one]
    assert [(await held(house, name))[1] for name in "ef"] == [one, one]
    assert sorted(place(house, name) for name in runs) == sorted([one, other] * 2)


async def test_one_runners_death_touches_only_its_runs(house: House) -> None:
    runs = {name: await held(house, name) for name in "abcd"}
    dead, lives = house.runners()
    os.kill(dead, signal.SIGKILL)
    there = {name for name, (_, pid) in runs.items() if pid == dead}
    for name in there:
        await house.marked(f"{name} held", 2)
    assert not alive(dead)

    for name, (instance, pid) in runs.items():
        assert (await house.view("held", instance)).status is RunStatus.running
        first, second = await released(house, name, instance)
        assert first == pid
        # what was finished is not done again, what was not is done by a runner that lives
        assert house.marks().count(f"{name} first") == 1
        assert (second == lives) if name not in there else (second != dead)
        assert house.marks().count(f"{name} held") == (2 if name in there else 1)
        for step in await house.engine.history("held", instance):
            assert (step.status, len(step.attempts)) == ("complete", 1), (name, step)
            assert step.attempts[0].error is None


async def test_a_runner_that_died_is_replaced_and_gets_work_again(house: House) -> None:
    dead, lives = house.runners()
    os.kill(dead, signal.SIGKILL)

    async def replaced() -> bool:
        return len(house.runners()) == 2 and dead not in house.runners()

    await house.until(replaced, "the dead runner was not replaced")
    places = {(await held(house, name))[1] for name in "ab"}
    assert places == set(house.runners())
    assert lives in places
