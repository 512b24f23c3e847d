"""The pool for `def` steps: bounded, abortable, and never confusing one call with the next."""

import asyncio
import contextvars
import gc
import os
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from awaitstep.runner.threads import AttemptAborted, Job, StepThreads

WAIT = 20.0


class Timers:
    """Time that moves when told to: `call_later` and `now` of a pool under test."""

    def __init__(self) -> None:
        self.time = 0.0
        self._due: list[tuple[float, Timer]] = []

    def now(self) -> float:
        return self.time

    def call_later(
        self, delay: float, callback: Callable[..., object], /, *args: object
    ) -> "Timer":
        timer = Timer(callback, args)
        self._due.append((self.time + delay, timer))
        return timer

    def advance(self, seconds: float) -> None:
        end = self.time + seconds
        while due := [entry for entry in self._due if entry[0] <= end and not entry[1].cancelled]:
            entry = min(due, key=lambda entry: entry[0])
            self._due.remove(entry)
            self.time = entry[0]
            entry[1].fire()
        self.time = end


class Timer:
    def __init__(self, callback: Callable[..., object], args: tuple[object, ...]) -> None:
        self._callback = callback
        self._args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def fire(self) -> None:
        self._callback(*self._args)


class Pools:
    """Makes pools and lets their threads end after the test."""

    def __init__(self) -> None:
        self.survivors: list[str] = []
        self.timers = Timers()
        self._made: list[StepThreads] = []

    def make(
        self, limit: int = 4, *, code: Path | None = None, real_time: bool = False
    ) -> StepThreads:
        pool = StepThreads(
            limit,
            on_survivor=self.survivors.append,
            code=code,
            call_later=None if real_time else self.timers.call_later,
            now=None if real_time else self.timers.now,
        )
        self._made.append(pool)
        return pool

    def close(self) -> None:
        for pool in self._made:
            pool.close()


@pytest.fixture
async def pools() -> AsyncIterator[Pools]:
    pools = Pools()
    yield pools
    pools.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110 - other threads set what is waited for
            await asyncio.sleep(0)


async def test_the_value_comes_back(pools: Pools) -> None:
    pool = pools.make()
    assert await pool.run(lambda a, b: a + b, 2, 3) == 5
    assert await pool.run(threading.get_ident) != threading.get_ident()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
async def test_what_the_function_raises_comes_back(pools: Pools, error: BaseException) -> None:
    def fails() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await pools.make().run(fails)
    assert caught.value is error
    frames = [entry.name for entry in caught.traceback]
    assert frames[-1] == "fails"
    assert "_serve" not in frames


async def test_a_functions_own_cancelled_error_does_not_look_like_cancellation(
    pools: Pools,
) -> None:
    def fails() -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="CancelledError"):
        await pools.make().run(fails)


async def test_stop_iteration_becomes_a_runtime_error_as_in_a_coroutine(pools: Pools) -> None:
    with pytest.raises(RuntimeError):
        await pools.make().run(next, iter(()))


class Big:
    pass


async def test_nothing_keeps_values_and_errors_alive(pools: Pools) -> None:
    pool = pools.make()
    made: list[weakref.ref[Big]] = []

    def make() -> Big:
        big = Big()
        made.append(weakref.ref(big))
        return big

    def fail() -> None:
        raise ValueError(make())

    async def call() -> None:
        await pool.run(make)
        try:
            await pool.run(fail)
        except ValueError:
            pass

    gc.collect()
    gc.disable()
    try:
        await call()
        # The thread lets go of it only just after it has handed over the outcome.
        await until(lambda: [ref() for ref in made] == [None, None])
    finally:
        gc.enable()


async def test_the_function_sees_the_callers_context_variables(pools: Pools) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    variable.set("caller")

    def peek() -> str:
        seen = variable.get()
        variable.set("thread")
        return seen

    assert await pools.make(1).run(peek) == "caller"
    assert variable.get() == "caller"
    variable.set("later")
    assert await pools.make(1).run(peek) == "later"


async def test_no_more_than_the_limit_run_at_once(pools: Pools) -> None:
    pool = pools.make(3)
    lock = threading.Lock()
    running = most = 0
    gate = threading.Event()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(WAIT)
        with lock:
            running -= 1

    calls = [asyncio.create_task(pool.run(work)) for _ in range(12)]
    await until(lambda: running == 3)
    gate.set()
    await asyncio.gather(*calls)
    assert most == 3


async def test_many_short_calls_all_come_back(pools: Pools) -> None:
    pool = pools.make(8)
    assert await asyncio.gather(*[pool.run(abs, -n) for n in range(2000)]) == list(range(2000))


async def test_waiting_for_a_slot_is_not_part_of_the_timeout(pools: Pools) -> None:
    pool = pools.make(1)
    gate = threading.Event()
    started: list[str] = []
    first = asyncio.create_task(pool.run(gate.wait, WAIT, on_start=lambda _: started.append("1")))
    second = asyncio.create_task(
        pool.run(lambda: "done", timeout=1.0, on_start=lambda _: started.append("2"))
    )
    await until(lambda: started)
    pools.timers.advance(100)
    assert started == ["1"]
    gate.set()
    assert await second == "done"
    assert await first
    assert started == ["1", "2"]


async def test_a_cancelled_waiter_gives_up_its_turn(pools: Pools) -> None:
    pool = pools.make(1)
    gate = threading.Event()
    first = asyncio.create_task(pool.run(gate.wait, WAIT))
    waiter = asyncio.create_task(pool.run(lambda: "never"))
    last = asyncio.create_task(pool.run(lambda: "last"))
    await asyncio.sleep(0)
    waiter.cancel()
    gate.set()
    assert await first
    assert await last == "last"
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_a_failing_on_start_costs_no_slot(pools: Pools) -> None:
    pool = pools.make(1)

    def refuse(_: Job) -> None:
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            await pool.run(int, on_start=refuse)
    assert await pool.run(lambda: 1) == 1


async def test_a_timeout_reaches_the_caller_at_once_and_the_thread_soon(pools: Pools) -> None:
    pool = pools.make(1)
    jobs: list[Job] = []
    seen: list[type[BaseException]] = []
    inside = threading.Event()

    def spin() -> None:
        try:
            inside.set()
            while True:
                pass
        except BaseException as error:
            seen.append(type(error))
            raise

    call = asyncio.create_task(pool.run(spin, timeout=30.0, on_start=jobs.append))
    await until(inside.is_set)
    pools.timers.advance(29)
    assert not call.done()
    pools.timers.advance(1)
    with pytest.raises(TimeoutError, match="30 s"):
        await call
    await asyncio.wait_for(jobs[0].gone(), WAIT)
    assert not jobs[0].alive
    assert seen == [AttemptAborted]
    assert await pool.run(lambda: "next") == "next"


async def test_the_timeouts_of_several_calls_fall_due_one_by_one(pools: Pools) -> None:
    pool = pools.make(4)
    gate = threading.Event()
    calls = {
        after: asyncio.create_task(pool.run(gate.wait, WAIT, timeout=after))
        for after in (40.0, 10.0, 30.0)
    }
    await asyncio.sleep(0)
    for after in (10.0, 30.0, 40.0):
        pools.timers.advance(after - pools.timers.time)
        with pytest.raises(TimeoutError):
            await calls[after]
        assert [call.done() for at, call in calls.items() if at > after] == [
            False for at in calls if at > after
        ]
    gate.set()


async def test_the_loops_own_clock_serves_without_any_given(pools: Pools) -> None:
    with pytest.raises(TimeoutError):
        await pools.make(real_time=True).run(_spin, timeout=0.01)


async def test_cancelling_the_caller_stops_the_thread(pools: Pools) -> None:
    pool = pools.make(1)
    jobs: list[Job] = []
    inside = threading.Event()

    def spin() -> None:
        inside.set()
        _spin()

    call = asyncio.create_task(pool.run(spin, on_start=jobs.append))
    await until(inside.is_set)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(jobs[0].gone(), WAIT)


async def test_a_thread_that_swallows_the_order_gets_another(pools: Pools) -> None:
    pool = pools.make(1)
    jobs: list[Job] = []
    swallowed = threading.Semaphore(0)

    def stubborn() -> None:
        for _ in range(2):
            try:
                swallowed.release()
                _spin()
            except AttemptAborted:
                pass
        swallowed.release()
        _spin()

    call = asyncio.create_task(pool.run(stubborn, timeout=1.0, on_start=jobs.append))
    for _ in range(3):
        await until(lambda: swallowed.acquire(blocking=False))
        pools.timers.advance(1.0)
    with pytest.raises(TimeoutError):
        await call
    await asyncio.wait_for(jobs[0].gone(), WAIT)
    assert pools.survivors == []


async def test_a_survivor_is_reported_once_and_keeps_its_slot(pools: Pools, tmp_path: Path) -> None:
    source = tmp_path / "worker.py"
    source.write_text(
        "def hang(entered, gate, seconds):\n    entered.set()\n    gate.wait(seconds)\n"
    )
    names: dict[str, Callable[..., object]] = {}
    exec(compile(source.read_text(), str(source), "exec"), names)
    pool = pools.make(1, code=tmp_path)
    jobs: list[Job] = []
    entered, gate = threading.Event(), threading.Event()

    call = asyncio.create_task(
        pool.run(names["hang"], entered, gate, WAIT, timeout=1.0, on_start=jobs.append)
    )
    await until(entered.is_set)
    pools.timers.advance(1.0)
    with pytest.raises(TimeoutError):
        await call
    pools.timers.advance(4.9)
    assert pools.survivors == []
    pools.timers.advance(0.2)
    assert pools.survivors == ["worker.py line 3 in hang"]
    pools.timers.advance(100)
    assert len(pools.survivors) == 1

    waiting = asyncio.create_task(pool.run(lambda: "after"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert jobs[0].alive
    assert not waiting.done()
    gate.set()
    await asyncio.wait_for(jobs[0].gone(), WAIT)
    assert await waiting == "after"


async def test_gone_may_be_awaited_by_several_and_cancelled_by_one(pools: Pools) -> None:
    pool = pools.make(1)
    jobs: list[Job] = []
    gate = threading.Event()
    call = asyncio.create_task(pool.run(gate.wait, WAIT, on_start=jobs.append))
    await until(lambda: jobs)
    impatient, patient = (asyncio.create_task(jobs[0].gone()) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    gate.set()
    await call
    await asyncio.wait_for(patient, WAIT)
    await jobs[0].gone()


async def test_an_order_never_reaches_the_next_call(pools: Pools) -> None:
    """Timeouts and endings are made to coincide: innocent calls must never see the exception."""
    pool = pools.make(4, real_time=True)
    innocent_errors: list[BaseException] = []

    def brief(seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    async def doomed(n: int) -> None:
        try:
            await pool.run(brief, 0.0005 * (n % 5), timeout=0.001)
        except TimeoutError:
            pass

    async def innocent() -> None:
        try:
            assert await pool.run(sum, range(200)) == 19900
        except BaseException as error:
            innocent_errors.append(error)
            raise

    for n in range(150):
        await asyncio.gather(doomed(n), innocent(), doomed(n + 1), innocent())
    assert innocent_errors == []
    assert await asyncio.gather(*[pool.run(abs, -n) for n in range(100)]) == list(range(100))


async def test_a_closed_loop_troubles_no_thread() -> None:
    entered, gate, left = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        try:
            entered.set()
            gate.wait(WAIT)
        finally:
            left.set()

    async def leave() -> None:
        pool = StepThreads(1, on_survivor=print)
        task = asyncio.create_task(pool.run(work))
        await until(entered.is_set)
        task.cancel()
        pool.close()

    thread = threading.Thread(target=asyncio.run, args=(leave(),))
    thread.start()
    thread.join(WAIT)
    gate.set()
    assert left.wait(WAIT)


def _spin() -> None:
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        os.getpid()
