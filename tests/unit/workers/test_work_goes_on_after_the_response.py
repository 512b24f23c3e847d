from __future__ import annotations

import asyncio

import pytest

import workers
from workers import Context
from workers.bindings import Env
from workers.context import running


async def test_drain_waits_for_all_also_for_what_is_added_meanwhile() -> None:
    context = Context()
    done: list[str] = []

    async def second() -> None:
        done.append("second")

    async def first() -> None:
        await asyncio.sleep(0)
        done.append("first")
        context.waitUntil(second())

    context.wait_until(first())
    assert await context.drain() == []
    assert done == ["first", "second"]
    assert await context.drain() == []


async def test_drain_returns_what_failed() -> None:
    async def fail() -> None:
        raise ValueError("late")

    context = Context()
    context.wait_until(fail())
    cancelled = asyncio.ensure_future(asyncio.sleep(3600))
    context.wait_until(cancelled)
    cancelled.cancel()
    assert [str(error) for error in await context.drain()] == ["late"]


async def test_cancelling_drain_cancels_the_work() -> None:
    context = Context()
    started = asyncio.Event()
    work = asyncio.ensure_future(started.wait())
    context.wait_until(work)
    draining = asyncio.create_task(context.drain())
    await asyncio.sleep(0)
    draining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await draining
    with pytest.raises(asyncio.CancelledError):
        await work


def test_pass_through_does_nothing() -> None:
    Context().pass_through_on_exception()
    Context().passThroughOnException()


async def test_module_level_env_and_wait_until_mean_the_worker_that_runs() -> None:
    done: list[str] = []

    async def handle(name: str) -> str:
        context = Context()
        with running(Env({"NAME": name}), context):
            await asyncio.sleep(0)

            async def later() -> None:
                done.append(workers.env.NAME)

            workers.wait_until(later())
            seen = await asyncio.to_thread(lambda: workers.env["NAME"])
        await context.drain()
        return str(seen)

    assert await asyncio.gather(handle("a"), handle("b")) == ["a", "b"]
    assert sorted(done) == ["a", "b"]


def test_outside_a_worker_they_say_so() -> None:
    with pytest.raises(RuntimeError, match="env"):
        workers.env.NAME  # noqa: B018
    with pytest.raises(RuntimeError, match="wait_until"):
        workers.waitUntil(asyncio.sleep)  # type: ignore[arg-type]
    assert repr(workers.env) == "Env()"
    with running(Env({"NAME": "a"}), Context()):
        assert ("NAME" in workers.env, list(workers.env)) == (True, ["NAME"])
        assert repr(workers.env) == "Env(NAME)"
        with pytest.raises(AttributeError, match="'OTHER'"):
            workers.env.OTHER  # noqa: B018
