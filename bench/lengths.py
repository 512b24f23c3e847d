"""Long runs: many steps in one, and many sleeps under a clock that is moved."""

from __future__ import annotations

import asyncio
import time

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.port import StartRun
from awaitstep.engine.states import RunStatus
from bench.rig import memory_mb, rig

STEPS = """
@step.do("work")
async def work():
    return 1

for _ in range(event["payload"]):
    await work()
await step.wait_for_event("gate", "go", timeout="30 days")
"""
SLEEPS = """
for n in range(event["payload"]):
    await step.sleep("nap", "1 hour")
"""
SHORT = 1_000


async def steps(count: int, folder: str | None) -> dict[str, float]:
    """A run of `count` steps, beside one of a thousand; then it is read back and replayed."""
    async with rig(STEPS, folder) as house:
        engine = await house.open()
        await _until_gate(engine, "first", 10)  # loads the module
        short = await _until_gate(engine, "short", SHORT)
        idle = memory_mb()
        long = await _until_gate(engine, "long", count)
        memory = memory_mb() - idle
        await engine.close()
        engine = await house.open()
        begun = time.perf_counter()
        await engine.send_event("wf", "long", "go", b"1")
        run = await engine.wait("wf", "long", 60)
        woken = time.perf_counter() - begun
        _check(run.status)
        await engine.close()
    return {
        "steps": count,
        "seconds": long,
        "step_cost_ratio": (long / count) / (short / SHORT),
        "mb_more": memory,
        "replay_s": woken,
        "replay_us_each": woken * 1e6 / count,
    }


async def _until_gate(engine: Embedded, instance: str, count: int) -> float:
    """Seconds that `count` steps take."""
    begun = time.perf_counter()
    await engine.create(StartRun("wf", "dep", "api", b"%d" % count, instance))
    while True:
        if (await engine.get("wf", instance)).status is RunStatus.waiting:
            return time.perf_counter() - begun
        await asyncio.sleep(0.01)


async def sleeps(count: int, folder: str | None) -> dict[str, float]:
    """A loop of `count` sleeps of an hour; each time it waits, the clock is moved on."""
    async with rig(SLEEPS, folder) as house:
        clock = ManualClock(time.time())
        engine = await house.open(clock)
        created = await engine.create(StartRun("wf", "dep", "api", b"%d" % count))
        instance = created.run.instance
        begun = time.perf_counter()
        while (run := await engine.get("wf", instance)).status is not RunStatus.complete:
            if run.status is RunStatus.waiting:
                clock.move(3601)
            await asyncio.sleep(0.001)  # asking without rest would take the journal's turn
        took = time.perf_counter() - begun
        await engine.close()
    return {"sleeps": count, "seconds": took}


def _check(status: RunStatus) -> None:
    if status is not RunStatus.complete:
        raise SystemExit(f"a run ended {status}")
