"""Runners and servers are killed under load; every run that was acknowledged completes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

WORKER = """
import asyncio, os
from workers import WorkflowEntrypoint


class W(WorkflowEntrypoint):
    async def run(self, event, step):
        path, n = self.env.EFFECTS, event["payload"]["n"]

        def mark(text):
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(fd, f"{n} {text} {os.getpid()}\\n".encode())
            os.close(fd)

        @step.do("first")
        async def first():
            mark("first begin")
            await asyncio.sleep(0.3)
            mark("first end")

        @step.do("second")
        def second():
            import time
            mark("second begin")
            time.sleep(0.05)
            mark("second end")

        async def arm(i):
            @step.do(f"arm {i}")
            async def work():
                mark(f"arm{i} begin")
                await asyncio.sleep(0.2)
                mark(f"arm{i} end")
            await work()
            await step.sleep(f"nap {i}", f"{1 + (n + i) % 3} seconds")

        await first()
        got = await step.wait_for_event("gate", "go")
        await asyncio.gather(arm(0), arm(1))
        await second()
        mark("done end")
        return [n, got.payload]
"""

SERVER = """
import asyncio, json, sys
from pathlib import Path
import structlog
import uvloop
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.port import RunQuery, StartRun
from awaitstep.engine.states import RunStatus
from awaitstep.engine.workers import Bundle

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
folder = Path(sys.argv[1])
bundle = Bundle("dep", "wf", "w", folder / "deployments" / "worker.py", "W",
                variables={"EFFECTS": str(folder / "tmp" / "effects")})

class One:
    async def bundle(self, deployment):
        return bundle

async def main():
    engine = await Embedded.open(folder, One())
    loop = asyncio.get_running_loop()
    def say(**value):
        print(json.dumps(value), flush=True)
    def runners():
        return [slot.process.pid for slot in engine._fleet.slots]
    async def one(line):
        order = json.loads(line)
        try:
            match order["do"]:
                case "create":
                    params = json.dumps({"n": order["n"]}).encode()
                    start = StartRun("wf", "dep", "api", params=params, instance=f"r{order['n']}")
                    await engine.create(start)
                    say(created=order["n"])
                case "event":
                    await engine.send_event("wf", f"r{order['n']}", "go", b"1")
                    say(sent=order["n"])
                case "runners":
                    say(runners=runners())
                case "open":
                    found = 0
                    for status in (RunStatus.running, RunStatus.waiting, RunStatus.queued):
                        page = await engine.list(RunQuery(["wf"], status=[status], limit=100))
                        found += len(page.runs)
                    say(open=found)
                case "all":
                    states = {}
                    for n in range(order["count"]):
                        run = await engine.get("wf", f"r{n}")
                        states[run.status.value] = states.get(run.status.value, 0) + 1
                    say(all=states)
        except Exception as error:
            say(failed=repr(error), order=order)
    say(ready=True)
    while True:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line:
            return
        await one(line)

uvloop.run(main())
"""

RUNS, RUNNER_KILLS, SERVER_KILLS = 200, 10, 5


class Server:
    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "ready" in self._line()

    def _line(self) -> dict:
        return json.loads(self.process.stdout.readline())

    def ask(self, **order) -> dict:
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self._line()
        assert "failed" not in answer, answer
        return answer

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(met, seconds: float = 60.0) -> None:
    stop = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < stop, "it did not happen in time"
        time.sleep(0.02)


def wait_for_a_runner(server: Server) -> None:
    until(lambda: bool(server.ask(do="runners")["runners"]))


def test_kill_9_of_runners_and_servers_loses_no_run(tmp_path, capsys):
    (tmp_path / "deployments").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "deployments" / "worker.py").write_text(WORKER)
    effects = tmp_path / "tmp" / "effects"
    server = Server(tmp_path)
    wait_for_a_runner(server)
    created = sent = 0
    in_flight: list[int] = []
    kills = [*(["runner"] * 2 + ["server"]) * SERVER_KILLS]
    assert Counter(kills) == {"runner": RUNNER_KILLS, "server": SERVER_KILLS}
    for number, what in enumerate(kills, 1):
        while created < RUNS * number // len(kills):
            server.ask(do="create", n=created)
            created += 1
        while sent < created - 25:
            server.ask(do="event", n=sent)
            sent += 1
        begun = effects.read_text().count("begin") if effects.exists() else 0
        until(lambda begun=begun: effects.exists() and effects.read_text().count("begin") > begun)
        wait_for_a_runner(server)
        in_flight.append(server.ask(do="open")["open"])
        runners = server.ask(do="runners")["runners"]
        assert runners
        if what == "runner":
            os.kill(runners[0], signal.SIGKILL)
            until(lambda pid=runners[0]: not alive(pid))
        else:
            server.kill()
            until(lambda pids=runners: not any(map(alive, pids)))
            server = Server(tmp_path)
            wait_for_a_runner(server)
    while sent < created:
        server.ask(do="event", n=sent)
        sent += 1
    last = server
    until(lambda: last.ask(do="all", count=RUNS)["all"] == {"complete": RUNS}, 90)
    server.kill()

    lines = [line.split() for line in effects.read_text().splitlines()]
    ended = Counter((n, step) for n, step, what, _ in lines if what == "end" and step != "done")
    begun = Counter((n, step) for n, step, what, _ in lines if what == "begin")
    repeated = sum(count - 1 for count in begun.values())
    with capsys.disabled():
        print(
            f"\ncrash test: {RUNS} runs, {RUNNER_KILLS} runner and {SERVER_KILLS} server kills, "
            f"open at each kill {in_flight}, attempts begun again {repeated}, lost 0"
        )
    assert min(in_flight) >= 10
    assert set(ended) == {
        (str(n), step) for n in range(RUNS) for step in ("first", "second", "arm0", "arm1")
    }
    # a finished step never runs again: only an attempt a kill cut short, or whose result was not
    # yet durable, may begin once more per kill
    assert max(begun.values()) <= 1 + len(kills)
