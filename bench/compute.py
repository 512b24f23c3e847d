"""Steps that compute, with one runner and with two: what a second process adds.

Run as a process of its own; prints JSON: `runs_per_s_1` and `runs_per_s_2` with that many runners,
`two_runners` and `two_processes`, how many times as much two do as one, of runners and of bare
processes with the same loop: what the machine's cores gave at that moment. And CPU time
per run with two runners: `server_cpu_ms_per_run`, `runner_cpu_ms_per_run`, beside `work_cpu_ms_per_run`,
that of the three loops alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import uvloop

from awaitstep.engine.embedded import Embedded
from awaitstep.engine.port import StartRun
from awaitstep.engine.states import RunStatus
from awaitstep.interpreter import tune
from bench.engine import Shelf, graph
from bench.load import at_once
from bench.processes import children_cpu_ms, cpu_ms

LOOP = "total = 0\nfor number in range(100_000):\n    total += number * number\n"
STEPS = 3  # in a run
AT_ONCE = 32
# Executed bare: prints how often the loop was done, and the CPU time it took.
BARE = f"""
import sys, time
def loop():
    {LOOP.replace(chr(10), chr(10) + "    ")}
    return total
stop, count = time.perf_counter() + float(sys.argv[1]), 0
while time.perf_counter() < stop:
    loop()
    count += 1
print(count, time.process_time())
"""


def bare(processes: int, seconds: float) -> tuple[float, float]:
    """(loops per second of all of them, ms of CPU time per loop)."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", BARE, str(seconds)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    said = [process.communicate()[0].split() for process in started]
    count = sum(int(loops) for loops, _ in said)
    return count / seconds, sum(float(cpu) for _, cpu in said) * 1000 / count


async def measure(runners: int, seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        shelf = Shelf(Path(name))
        shelf.put("dep", graph(f"{LOOP}return total"))
        engine = await Embedded.open(Path(name), shelf, runners=runners)
        runs = 0

        async def execute() -> None:
            nonlocal runs
            created = await engine.create(StartRun("wf", "dep", "api"))
            ended = await engine.wait("wf", created.run.instance, 60)
            if ended.status is not RunStatus.complete:
                raise SystemExit(f"a run ended {ended.status}: {ended.error}")
            runs += 1

        await at_once(execute, AT_ONCE, 1.0)  # until every runner is there
        pid, runs = os.getpid(), 0
        server, inside = cpu_ms(pid), children_cpu_ms(pid)
        per_s = await at_once(execute, AT_ONCE, seconds)
        figures = {
            "runs_per_s": per_s,
            "server_cpu_ms_per_run": (cpu_ms(pid) - server) / runs,
            "runner_cpu_ms_per_run": (children_cpu_ms(pid) - inside) / runs,
        }
        await engine.close()
    return figures


def main() -> None:
    seconds = float(sys.argv[1])
    tune()
    one_bare, loop_cpu = bare(1, seconds / 3)
    two_bare, _ = bare(2, seconds / 3)
    one = uvloop.run(measure(1, seconds))
    two = uvloop.run(measure(2, seconds))
    figures = {
        "runs_per_s_1": one["runs_per_s"],
        "runs_per_s_2": two.pop("runs_per_s"),
        "two_runners": 0.0,
        "two_processes": two_bare / one_bare,
        **two,
        "work_cpu_ms_per_run": loop_cpu * STEPS,
    }
    figures["two_runners"] = figures["runs_per_s_2"] / figures["runs_per_s_1"]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
