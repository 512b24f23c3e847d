"""Runners and servers are killed under load; every run that was acknowledged completes.

What happened is read from a file the steps append to and from the journal's rows, never asked of
the product. Just before each kill the outcomes in the journal are noted: they are what the engine
has acknowledged, so those steps must never begin again and their rows never change.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from awaitstep.engine.states import StepKind

WORKER = """
import asyncio, json, os
from workers import WorkflowEntrypoint


class W(WorkflowEntrypoint):
    async def run(self, event, step):
        path, n = self.env.EFFECTS, event["payload"]["n"]

        def mark(step, what):
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            line = json.dumps([event["instanceId"], step, what, os.getpid()]) + "\\n"
            os.write(fd, line.encode())
            os.close(fd)

        @step.do("first")
        async def first():
            mark("first", "begin")
            await asyncio.sleep(0.5)
            mark("first", "end")

        @step.do("second")
        def second():
            import time
            mark("second", "begin")
            time.sleep(0.05)
            mark("second", "end")

        async def arm(i):
            @step.do(f"arm {i}")
            async def work():
                mark(f"arm {i}", "begin")
                await asyncio.sleep(0.2)
                mark(f"arm {i}", "end")
            await work()
            await step.sleep(f"nap {i}", f"{1 + (n + i) % 3} seconds")

        await first()
        got = await step.wait_for_event("gate", "go")
        await asyncio.gather(arm(0), arm(1))
        await second()
        return [n, got.payload]
"""

SERVER = """
import asyncio, json, sys
from pathlib import Path
import structlog
import uvloop
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.port import StartRun
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
AT_ONCE = 50  # runs before the first kill
WAITING = 25  # runs whose event is not sent yet
LEAST_OPEN = 20
LATE = 5  # of the runs between two kills: they are in their first step at the second
KINDS = {"attempts", "sleeps", "waits"}
STEPS = ("first", "second", "arm 0", "arm 1")
Step = tuple[str, str]  # instance and name


class Server:
    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "ready" in self._line()

    def _line(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def ask(self, **order: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self._line()
        assert "failed" not in answer, answer
        return answer

    def runners(self) -> set[int]:
        """The process ids of the runners, once there is one; a second one tries out suspects."""
        until(lambda: bool(self.ask(do="runners")["runners"]))
        return set(self.ask(do="runners")["runners"])

    def kill(self) -> None:
        """The server alone: its runner is left behind."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@dataclass(frozen=True)
class Mark:
    """One line that a step appended."""

    instance: str
    step: str
    what: str
    pid: int


class Scene:
    """What can be seen from outside the product."""

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "journal.sqlite"
        self.effects = folder / "tmp" / "effects"

    def marks(self) -> list[Mark]:
        if not self.effects.exists():
            return []
        lines = [json.loads(line) for line in self.effects.read_text().splitlines()]
        return [Mark(*line) for line in lines]

    def begun(self) -> Counter[Step]:
        return Counter((m.instance, m.step) for m in self.marks() if m.what == "begin")

    def rows(self, question: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.journal)) as db:
            return db.execute(question).fetchall()

    def outcomes(self) -> dict[Step, tuple[Any, ...]]:
        """Every outcome the journal holds, sleeps and waits too, by step."""
        rows = self.rows(
            "select instance, name, seq, operations.status, value, attempts from operations"
            " join runs on ref = run where seq > 0"
        )
        return {(instance, name): tuple(rest) for instance, name, *rest in rows}

    def once_all_kinds_are_open(self, least: int) -> Counter[str]:
        """What is open, as soon as that is so much, and something of each kind."""
        found: Counter[str] = Counter()

        def met() -> bool:
            nonlocal found
            found = self.open()
            return found.total() >= least and len(+found) == len(KINDS)

        until(met)
        return found

    def open(self) -> Counter[str]:
        """Sleeps and waits without an outcome, and attempts that began and did not end."""
        kinds = self.rows("select kind from operations where seq = 0")
        named = {StepKind.sleep: "sleeps", StepKind.wait: "waits"}
        found = Counter(named[StepKind(kind)] for (kind,) in kinds if StepKind(kind) in named)
        latest = {(m.instance, m.step): m.what for m in self.marks()}
        found["attempts"] = sum(what == "begin" for what in latest.values())
        return found


def until(met: Callable[[], bool], seconds: float = 120.0) -> None:
    stop = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < stop, "it did not happen in time"
        time.sleep(0.02)


def owners_in_turn(marks: list[Mark]) -> bool:
    """Whether no process did anything for a run after another one had taken it over."""
    past: dict[str, set[int]] = {}
    current: dict[str, int] = {}
    for mark in marks:
        owner = current.setdefault(mark.instance, mark.pid)
        if mark.pid == owner:
            continue
        past.setdefault(mark.instance, set()).add(owner)
        if mark.pid in past[mark.instance]:
            return False
        current[mark.instance] = mark.pid
    return True


def test_kill_9_of_runners_and_servers_loses_no_run(
    tmp_path: Path, figures: Callable[[str], None]
) -> None:
    (tmp_path / "deployments").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "deployments" / "worker.py").write_text(WORKER)
    scene = Scene(tmp_path)
    server = Server(tmp_path)
    created = sent = 0
    open_at_kills: list[Counter[str]] = []
    acknowledged: dict[Step, tuple[Any, ...]] = {}
    begun_by_then: Counter[Step] = Counter()
    kills = [*(["runner"] * 2 + ["server"]) * SERVER_KILLS]
    assert Counter(kills) == {"runner": RUNNER_KILLS, "server": SERVER_KILLS}
    for number, what in enumerate(kills):
        known = len(acknowledged)
        last = AT_ONCE + (RUNS - AT_ONCE) * number // (len(kills) - 1)
        while created < last - LATE:
            server.ask(do="create", n=created)
            created += 1
        while sent < created - WAITING:
            server.ask(do="event", n=sent)
            sent += 1
        until(lambda known=known: len(scene.outcomes()) >= known + 20)
        while created < last:
            server.ask(do="create", n=created)
            created += 1
        scene.once_all_kinds_are_open(LEAST_OPEN)
        for step, outcome in scene.outcomes().items():
            assert acknowledged.setdefault(step, outcome) == outcome
        # what has begun since the kill before counts too, so the latest number is noted only for
        # steps that were not acknowledged then
        now_begun = scene.begun()
        for step in acknowledged:
            begun_by_then.setdefault(step, now_begun[step])
        open_at_kills.append(scene.once_all_kinds_are_open(LEAST_OPEN))
        if what == "runner":
            killed = server.runners()
            for runner in killed:
                os.kill(runner, signal.SIGKILL)
            until(lambda server=server, killed=killed: not server.runners() & killed)
        else:
            server.kill()
            server = Server(tmp_path)
    while sent < created:
        server.ask(do="event", n=sent)
        sent += 1
    until(lambda: server.ask(do="all", count=RUNS)["all"] == {"complete": RUNS})
    server.kill()

    marks, begun_at_last, outcomes = scene.marks(), scene.begun(), scene.outcomes()
    again = begun_at_last.total() - len(begun_at_last)
    figures(
        f"crash test: {RUNS} runs, {RUNNER_KILLS} runner and {SERVER_KILLS} server kills; open at "
        f"each kill: {', '.join(str(found.total()) for found in open_at_kills)} (at the first: "
        f"{dict(open_at_kills[0])}); outcomes acknowledged before a kill {len(acknowledged)}, "
        f"attempts cut short and begun again {again}, runs lost 0"
    )
    for found in open_at_kills:
        assert found.total() >= LEAST_OPEN
        assert set(+found) == KINDS
    assert set(begun_at_last) == {(f"r{n}", step) for n in range(RUNS) for step in STEPS}
    # a finished step never runs again, and its outcome stays what it was
    assert {step: begun_at_last[step] for step in begun_by_then} == dict(begun_by_then)
    assert {step: outcomes[step] for step in acknowledged} == acknowledged
    # a kill cuts short one attempt of a step at most
    assert max(begun_at_last.values()) <= 1 + len(kills)
    # two owners never exist, though the runner of a killed server is left to itself
    assert owners_in_turn(marks)
    assert len({mark.pid for mark in marks}) > len(kills) // 2
