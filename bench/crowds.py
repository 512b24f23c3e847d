"""Many runs: asleep at one time, due at one moment, and left over when the server is killed."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

import httpx

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.port import StartRun
from bench.engine import ASYNC_STEP, graph
from bench.product import MANY_SLEEPERS, Product, sleeper
from bench.product import WAITING as ASLEEP
from bench.rig import COMPLETE, memory_mb, rig

BATCH = 1_000
SLEEP = 'await step.sleep("nap", "30 days")'
NAP = """
await step.sleep("nap", "1 hour")

@step.do("after")
async def after():
    return 1

return await after()
"""
COUNT = "select count(*) from runs where status = ?"
PARKED = "select count(*) from runs where due is not null"


async def sleeping(count: int, folder: str | None) -> dict[str, float]:
    """`count` runs asleep for a month, made by `create_batch` of the engine."""
    async with rig(SLEEP, folder) as house:
        engine = await house.open()
        start = StartRun("wf", "dep", "api")
        await engine.create_batch([start] * BATCH)  # warm
        await house.until(PARKED, BATCH)
        size, idle = house.file_size(), memory_mb()
        peak, begun, cpu = idle, time.perf_counter(), sum(os.times()[:2])
        batches = []
        for _ in range(count // BATCH):
            used = sum(os.times()[:2])
            await engine.create_batch([start] * BATCH)
            batches.append(sum(os.times()[:2]) - used)
            peak = max(peak, memory_mb())
        made = time.perf_counter() - begun
        tenth = max(len(batches) // 10, 1)
        first, last = sum(batches[:tenth]), sum(batches[-tenth:])
        await house.until(PARKED, count + BATCH)
        took = time.perf_counter() - begun
        figures = {
            "runs": count,
            "created_per_s": count / made,
            "asleep_per_s": count / took,
            "last_tenth_cpu_ratio": last / first,
            "server_cpu_us_each": (sum(os.times()[:2]) - cpu) * 1e6 / count,
            "mb_more": memory_mb() - idle,
            "mb_more_at_most": peak - idle,
            "bytes_each": (house.file_size() - size) / count,
        }
        await engine.close()
    return figures


async def due(count: int, folder: str | None) -> dict[str, float]:
    """`count` runs that sleep until the same moment; each then does one step and ends."""
    async with rig(NAP, folder) as house:
        clock = ManualClock(time.time())
        engine = await house.open(clock)
        for _ in range(count // BATCH):
            await engine.create_batch([StartRun("wf", "dep", "api")] * BATCH)
        await house.until(PARKED, count)
        begun = time.perf_counter()
        clock.move(3601)
        await house.until(COUNT, count, COMPLETE)
        took = time.perf_counter() - begun
        await engine.close()
    return {"runs": count, "seconds": took}


def product(count: int, folder: str | None) -> dict[str, float]:
    """`count` sleeping runs made by a worker's `env.WORKFLOW.create_batch`; then kill -9, first of
    the runner, then of the server: seconds until a new run has ended."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        os.chmod(name, 0o700)
        house = Product(Path(name) / "data")
        try:
            _, url = house.deploy(sleeper(), MANY_SLEEPERS)
            workflow, _ = house.deploy(graph(ASYNC_STEP))
            house.trigger(workflow)
            size, idle, begun = house.file_size(), house.memory_mb(), time.perf_counter()
            with httpx.Client(timeout=60) as client:
                for _ in range(count // 100):
                    client.post(url).raise_for_status()
            house.until(ASLEEP, count)
            figures = {
                "runs": count,
                "asleep_per_s": count / (time.perf_counter() - begun),
                "mb_more": house.memory_mb() - idle,
                "bytes_each": (house.file_size() - size) / count,
            }
            begun = time.perf_counter()
            _kill_runner(house.process.pid)
            house.trigger(workflow)
            figures["runner_killed_s"] = time.perf_counter() - begun
            house.kill()
            house.start()
            house.trigger(workflow)
            figures["server_killed_s"] = time.perf_counter() - house.begun
        finally:
            house.kill()
    return figures


def _kill_runner(server: int) -> None:
    """kill -9 of the server's child that executes runs."""
    for child in Path(f"/proc/{server}/task/{server}/children").read_text().split():
        if b"awaitstep.runner" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
            return
    raise SystemExit("the server has no runner")
