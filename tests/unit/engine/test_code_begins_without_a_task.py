"""Eager code: what never waits needs no task of its own, and what does can't tell the difference."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from awaitstep.engine.eager import Eager

_who = contextvars.ContextVar("who", default="nobody")


class Bench:
    """Begins code, and keeps what became of it."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.log = []
        self.eager = Eager(self.loop, before=lambda: self.log.append("before"))
        self.tasks = {}

    def begin(self, name, code):
        def call(code):
            self.tasks[name] = self.eager.begin(code(), name)

        self.eager.soon(call, code)

    async def turns(self, count=4):
        for _ in range(count):
            await asyncio.sleep(0)


@pytest.fixture
async def bench():
    bench = Bench()
    yield bench
    bench.eager.close()


async def test_what_does_not_wait_is_over_without_a_task(bench):
    async def code():
        bench.log.append(asyncio.current_task().get_name())

    before = len(asyncio.all_tasks())
    for name in ("a", "b", "c"):
        bench.begin(name, code)
    assert bench.log == []  # not before the loop's next turn
    await bench.turns()
    assert bench.log == ["before", "a", "b", "c"]
    assert bench.tasks == {"a": None, "b": None, "c": None}
    assert len(asyncio.all_tasks()) == before + 1


async def test_what_waits_goes_on_in_the_task_it_began_in(bench):
    seen = []

    async def code():
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        async with asyncio.timeout(5):
            await asyncio.sleep(0.01)
        seen.append(asyncio.current_task())

    bench.begin("a", code)
    bench.begin("b", code)
    await bench.turns()
    tasks = bench.tasks["a"], bench.tasks["b"]
    await asyncio.gather(*tasks)
    assert tasks[0] is not tasks[1]
    assert sorted(map(id, seen)) == sorted([id(task) for task in tasks] * 3)
    assert [task.get_name() for task in tasks] == ["a", "b"]


async def test_each_has_the_context_of_who_began_it(bench):
    seen = []

    async def code():
        seen.append(_who.get())
        _who.set(f"{_who.get()}!")
        await asyncio.sleep(0)
        seen.append(_who.get())

    for who in ("one", "two"):
        contextvars.copy_context().run(lambda who=who: (_who.set(who), bench.begin(who, code)))
    await bench.turns(8)
    assert seen == ["one", "two", "one!", "two!"]
    assert _who.get() == "nobody"


async def test_a_time_limit_set_before_the_first_wait_holds(bench):
    ended = asyncio.Event()

    async def code():
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            ended.set()

    bench.begin("a", code)
    await asyncio.wait_for(ended.wait(), 5)


@pytest.mark.parametrize("turns", [1, 2, 3, 5])
async def test_it_can_be_cancelled_at_any_moment_and_clean_up(bench, turns):
    async def code():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            bench.log.append("cleaned up")

    bench.begin("a", code)
    await bench.turns(turns)
    task = bench.tasks["a"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.log == ["before", "cleaned up"]


async def test_what_ignores_a_cancel_goes_on(bench):
    async def code():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            bench.log.append("went on")

    bench.begin("a", code)
    await bench.turns()
    bench.tasks["a"].cancel()
    await asyncio.wait([bench.tasks["a"]])
    assert bench.log[-1] == "went on"


@pytest.mark.parametrize("how", ["callback", "cancel"])
async def test_a_task_that_something_is_left_on_is_given_to_nobody_else(bench, how):
    tasks = []

    async def leaves_something():
        task = asyncio.current_task()
        tasks.append(task)
        if how == "callback":
            task.add_done_callback(lambda _: bench.log.append("done"))
        else:
            task.cancel()

    async def code():
        tasks.append(asyncio.current_task())

    bench.begin("a", leaves_something)
    bench.begin("b", code)
    await bench.turns(6)
    assert tasks[0] is not tasks[1]
    assert tasks[0].done()
    assert ("done" in bench.log) is (how == "callback")


async def test_who_fails_to_begin_stops_nobody_else(bench):
    told = []
    bench.loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

    def fails(_):
        raise ZeroDivisionError

    async def code():
        bench.log.append("began")

    bench.eager.soon(fails, None)
    bench.begin("b", code)
    await bench.turns()
    assert [type(error) for error in told] == [ZeroDivisionError]
    assert bench.log == ["before", "began"]
