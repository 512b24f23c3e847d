"""Load of two shapes: one thing at a time, and many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

Work = Callable[[], Awaitable[None]]


def percentile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)]


async def one_at_a_time(work: Work, seconds: float, warm: int = 50) -> dict[str, float]:
    """`{p50_ms, p99_ms}` after a short warm-up."""
    for _ in range(warm):
        await work()
    took = []
    stop = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < stop:
        await work()
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    return {"p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99)}


async def at_once(work: Work, count: int, seconds: float) -> float:
    """How often per second `work` is done when `count` of it are always under way."""
    done = 0
    begun = time.perf_counter()
    stop = begun + seconds

    async def again() -> None:
        nonlocal done
        while time.perf_counter() < stop:
            await work()
            done += 1

    await asyncio.gather(*(again() for _ in range(count)))
    return done / (time.perf_counter() - begun)


async def batch(work: Work, count: int, seconds: float) -> float:
    """How often per second `work` is done when it is begun `count` times at once.

    For work so slow that each caller does it once. What is not done after `seconds` is given up
    and not counted.
    """
    begun = time.perf_counter()
    tasks = [asyncio.ensure_future(work()) for _ in range(count)]
    done, given_up = await asyncio.wait(tasks, timeout=seconds)
    took = time.perf_counter() - begun
    for task in done:
        task.result()
    for task in given_up:
        task.cancel()
    return len(done) / took
