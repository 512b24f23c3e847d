"""Load of two shapes: one thing at a time, and many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

Work = Callable[[], Awaitable[None]]


def percentile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)]


async def one_at_a_time(work: Work, seconds: float) -> dict[str, float]:
    """`{p50_ms, p99_ms}` after a short warm-up."""
    for _ in range(50):
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
