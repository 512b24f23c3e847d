"""A step takes memory, or starts processes, without end: it is told why it failed, others go on."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .house import House

linux = pytest.mark.skipif(sys.platform != "linux", reason="this limit is held on Linux only")
MEMORY = 1 << 30  # of address space: Python and 32 stacks fit in

NEIGHBOUR = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do()
        async def before():
            mark("before")
            return 1

        @step.do()
        async def long():
            await hold("long", "go")
            return 2

        return [await before(), await long()]
"""
STEP = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do(config=ONCE)
        {kind} bad():
            mark("bad")
            if marks("bad") > 1 and {once}:
                return "fine"
            {body}
        return await bad()
"""
GREEDY = {
    "in a thread": ("def", "kept = []\n            while True: kept.append(bytearray(10_000))"),
    "all at once": ("def", "return bytearray(8 << 30)"),
    "doubling": ("def", "text = 'x'\n            while True: text += text"),
    "between others": (
        "async def",
        "kept = []\n            while True:\n"
        "                kept.append(bytearray(100_000))\n"
        "                await asyncio.sleep(0)",
    ),
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Its code may take long for a turn of the loop: that is another test's business."""
    house = House(tmp_path)
    house.effects.touch()
    await house.open(memory_bytes=MEMORY, stall_after=30.0)
    yield house
    await house.engine.close()


async def beside(house: House, source: str) -> tuple[str, str]:
    """A neighbour at work, and the run with the bad step."""
    house.deploy("neighbour", NEIGHBOUR)
    neighbour = await house.start("neighbour")
    await house.marked("long")
    house.deploy("bad", source)
    return neighbour, await house.start("bad")


async def unharmed(house: House, neighbour: str) -> None:
    house.release("go")
    assert await house.output("neighbour", neighbour) == [1, 2]
    assert house.marks().count("before") == 1
    for step in await house.engine.history("neighbour", neighbour):
        assert [attempt.error for attempt in step.attempts] == [None]


@linux
@pytest.mark.parametrize("how", GREEDY)
async def test_a_step_that_takes_memory_without_end_is_told_so(house: House, how: str) -> None:
    kind, body = GREEDY[how]
    neighbour, instance = await beside(house, STEP.format(kind=kind, body=body, once="True"))
    assert await house.output("bad", instance) == "fine"
    first, second = (await house.step("bad", instance, "bad")).attempts
    assert second.error is None
    assert first.error is not None
    assert "out of memory" in first.error.message
    assert first.error.name in ("MemoryError", "RunnerDied")
    await unharmed(house, neighbour)


@linux
async def test_it_fails_when_it_never_stops(house: House) -> None:
    kind, body = GREEDY["doubling"]
    neighbour, instance = await beside(house, STEP.format(kind=kind, body=body, once="False"))
    run = await house.ended("bad", instance)
    assert run.error is not None
    assert (run.error.name, run.error.message) == ("MemoryError", "out of memory")
    await unharmed(house, neighbour)


FORKS = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do(config=ONCE)
        {kind} bad():
            mark("bad")
            parent = os.getpid()
            for _ in range(5):
                if os.fork() == 0:
                    mark("child")
            if os.getpid() != parent:
                {child}
            return "parent"
        return await bad()
"""


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("child", ["os._exit(0)", "return 'child'", "time.sleep(1000)"])
@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_children_that_a_step_forks_say_nothing_for_it(
    house: House, kind: str, child: str
) -> None:
    neighbour, instance = await beside(house, FORKS.format(kind=kind, child=child))
    assert await house.output("bad", instance) == "parent"
    assert [attempt.error for attempt in (await house.step("bad", instance, "bad")).attempts] == [
        None
    ]
    assert house.marks().count("bad") == 1
    await unharmed(house, neighbour)


@linux
@pytest.mark.skipif(os.getuid() == 0, reason="the system holds root to no number of processes")
async def test_a_step_that_forks_without_end_is_stopped(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.effects.touch()
    await house.open(processes=_processes() + 100)
    source = STEP.format(
        kind="def",
        once="True",
        body="while True:\n                if os.fork() == 0: time.sleep(1000)",
    )
    neighbour, instance = await beside(house, source)
    assert await house.output("bad", instance) == "fine"
    first, _ = (await house.step("bad", instance, "bad")).attempts
    assert first.error is not None
    assert first.error.name == "BlockingIOError"
    await unharmed(house, neighbour)
    await house.engine.close()


def _processes() -> int:
    """How many processes and threads our user has."""
    own = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.stat().st_uid == os.getuid():
                own += len(list((entry / "task").iterdir()))
        except OSError:  # it has ended
            continue
    return own
