"""Random concurrent runs, unloaded at every wait: each replay sees what the run had seen live.

Arms share values: each step is given what an arm beside it left last, and records it. Were two
outcomes ever delivered in another order than they were committed, the recorded value and the one
at hand would differ.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from awaitstep.engine import coordinator, values
from awaitstep.engine.clock import ManualClock
from awaitstep.engine.eager import Eager
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.execution import Execution
from awaitstep.engine.inline import InlineEngine
from awaitstep.engine.loading import load, run_code
from awaitstep.engine.port import StartRun
from awaitstep.engine.recorded import recorded
from awaitstep.engine.states import ENDED, RunStatus
from awaitstep.engine.step import WorkflowStep
from awaitstep.engine.workers import Bundle

DEADLINE = 120.0  # for what hangs, not for what is slow
TYPES = ("red", "blue")
MODULE = """
import asyncio, json, os
from workers import WorkflowEntrypoint


class Replayed(WorkflowEntrypoint):
    async def run(self, event, step):
        life = os.urandom(6).hex()

        def note(*entry):
            line = json.dumps([event["instanceId"], life, entry]) + "\\n"
            file = os.open(self.env.TRACE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(file, line.encode())
            os.close(file)

        note("start")
        left = []  # by the arms, in turn

        def leave(*entry):
            note(*entry, left[-3:])
            left.append(entry[0])

        async def perform(node):
            kind, name, inner = node["kind"], node["name"], node.get("inner", [])
            if kind == "one after another":
                for child in inner:
                    await perform(child)
            elif kind == "gather":
                await asyncio.gather(*map(perform, inner))
            elif kind == "group":
                async with asyncio.TaskGroup() as group:
                    for child in inner:
                        group.create_task(perform(child))
            elif kind == "race":
                arms = [asyncio.ensure_future(perform(child)) for child in inner]
                await asyncio.wait(arms, return_when=asyncio.FIRST_COMPLETED)
                won = [index for index, arm in enumerate(arms) if arm.done()]
                for arm in arms:
                    arm.cancel()
                await asyncio.gather(*arms, return_exceptions=True)
                leave(name, won)
            elif kind == "sleep":
                await step.sleep(name, node["seconds"] * 1000)
                leave(name)
            elif kind == "wait":
                try:
                    answer = await step.wait_for_event(
                        name, node["type"], timeout=node["seconds"] * 1000
                    )
                    leave(name, answer.payload)
                except TimeoutError as error:
                    leave(name, str(error))
            else:
                given = left[-1:]
                retry = {"retries": {"limit": 1, "delay": "2 seconds"}}

                @step.do(name, config=retry)
                async def act(ctx):
                    for _ in range(node["turns"]):
                        await asyncio.sleep(0)
                    if node["fails"] and ctx["attempt"] == 1:
                        raise ValueError("once more")
                    note("did", name)
                    return given

                @step.do(name, config=retry)
                def act_in_thread(ctx):
                    if node["fails"] and ctx["attempt"] == 1:
                        raise ValueError("once more")
                    note("did", name)
                    return given

                got = await (act() if kind == "async step" else act_in_thread())
                assert got == given, (name, got, given)
                leave(name)

        await perform(event["payload"])
        note("end")
        return len(left)
"""


def a_program(chance: random.Random) -> dict[str, Any]:
    """A tree of arms. Names are its nodes' own, so that no arm's place shows in another's."""
    number = iter(range(1, 10_000))

    def leaf() -> dict[str, Any]:
        kind = chance.choice(["async step"] * 4 + ["step", "sleep", "sleep", "wait", "wait"])
        return {
            "kind": kind,
            "name": f"{kind} {next(number)}",
            "seconds": chance.choice([0, 1, 2, 2, 3, 7]) + (kind == "wait") * 4,
            "type": chance.choice(TYPES),
            "turns": chance.randrange(6),
            "fails": chance.random() < 0.15,
        }

    def node(depth: int) -> dict[str, Any]:
        if depth == 0 or chance.random() < 0.2:
            return leaf()
        kind = chance.choice(["one after another"] * 3 + ["gather", "gather", "group", "race"])
        inner = [node(depth - 1) for _ in range(chance.randint(2, 3))]
        return {"kind": kind, "name": f"{kind} {next(number)}", "inner": inner}

    inner = [node(3) for _ in range(chance.randint(2, 3))]
    return {"kind": "gather", "name": "all", "inner": inner}


class Stage:
    """An engine, its clock, and what the runs' code saw, life by life."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.clock = ManualClock()
        self.trace = folder / "tmp" / "trace"
        for path in (folder / "deployments", folder / "tmp"):
            path.mkdir()
        self.module = folder / "deployments" / "replayed.py"
        self.module.write_text(MODULE)
        self.engine: Any = None

    async def bundle(self, deployment: str) -> Bundle:
        variables = {"TRACE": str(self.trace)}
        return Bundle("dep", "wf", "replayed", self.module, "Replayed", variables=variables)

    async def open(self) -> None:
        if self.kind == "inline":
            self.engine = InlineEngine(self, clock=self.clock)
        else:
            self.engine = await Embedded.open(self.folder, self, clock=self.clock)
            async with asyncio.timeout(DEADLINE):
                while not self.engine.health().ready:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.01)

    async def play(self, programs: list[Any], chance: random.Random, every: int | None) -> None:
        """Start a run of each program and drive all to their end, at random."""
        await self.open()
        for n, program in enumerate(programs):
            params = values.encode(program)
            await self.engine.create(StartRun("wf", "dep", "api", params, f"run-{n}"))
        live = {f"run-{n}" for n in range(len(programs))}
        stop = time.monotonic() + DEADLINE
        turn = 0
        while live:
            assert time.monotonic() < stop, f"still live: {sorted(live)}"
            turn += 1
            self.clock.move(chance.choice([0.5, 1, 2]))
            for run in sorted(live):
                if chance.random() < 0.3:
                    await self._send(run, chance)
            for _ in range(chance.randrange(40)):
                await asyncio.sleep(0)
            if self.kind == "embedded":
                await asyncio.sleep(0.005)
            for run in sorted(live):
                view = await self.engine.get("wf", run)
                if view.status in ENDED:
                    assert view.status is RunStatus.complete, view.error
                    live.discard(run)
            if live and every is not None and turn % every == 0:
                await self.engine.close()
                await self.open()

    async def _send(self, run: str, chance: random.Random) -> None:
        view = await self.engine.get("wf", run)
        if view.status not in ENDED:
            payload = values.encode(chance.randrange(1_000))
            try:
                await self.engine.send_event("wf", run, chance.choice(TYPES), payload)
            except coordinator.RunState:
                pass  # it has ended meanwhile

    def lives(self) -> dict[str, list[list[Any]]]:
        """What each run's code saw, in each of its lives."""
        lives: dict[str, dict[str, list[Any]]] = {}
        for line in self.trace.read_text().splitlines():
            run, life, entry = json.loads(line)
            saw = lives.setdefault(run, {}).setdefault(life, [])
            if entry[0] != "did":
                saw.append(entry)
        return {run: list(of_run.values()) for run, of_run in lives.items()}

    def did(self) -> list[tuple[str, str]]:
        """Every step that ran to its end, with its run."""
        lines = map(json.loads, self.trace.read_text().splitlines())
        return [(run, entry[1]) for run, _, entry in lines if entry[0] == "did"]


def assert_every_life_sees_the_same(lives: list[list[Any]]) -> None:
    """A life ends anywhere, in the middle of a replay too; as far as it goes, it is the same."""
    longest: list[Any] = []
    for life in lives:
        both = min(len(life), len(longest))
        assert life[:both] == longest[:both]
        longest = max(life, longest, key=len)
    assert longest[-1] == ["end"]


@pytest.fixture(autouse=True)
def unload_at_every_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator, "KEEP_LOADED", float("-inf"))


@pytest.fixture
async def new_stage(tmp_path: Path) -> AsyncIterator[Callable[[str], Stage]]:
    stages: list[Stage] = []

    def make(kind: str) -> Stage:
        stages.append(Stage(kind, tmp_path))
        return stages[-1]

    yield make
    for stage in stages:
        await stage.engine.close()


@pytest.mark.parametrize("seed", range(10))
async def test_every_replay_sees_what_was_seen_live(seed, new_stage):
    chance = random.Random(seed)
    programs = [a_program(chance) for _ in range(24)]
    stage = new_stage("inline")
    await stage.play(programs, chance, None)
    seen = stage.lives()
    assert len(seen) == len(programs)
    assert sum(map(len, seen.values())) > 2 * len(programs)  # they were unloaded, again and again
    for lives in seen.values():
        assert_every_life_sees_the_same(lives)
    did = stage.did()
    assert len(did) == len(set(did))
    for n, program in enumerate(programs):
        await replay(stage, f"run-{n}", program)
    for run, lives in stage.lives().items():
        assert lives[-1] == seen[run][-1]
    assert stage.did() == did


@pytest.mark.parametrize("seed", range(2))
async def test_every_replay_sees_what_was_seen_before_a_restart(seed, new_stage):
    chance = random.Random(1_000 + seed)
    stage = new_stage("embedded")
    await stage.play([a_program(chance) for _ in range(20)], chance, every=12)
    for lives in stage.lives().values():
        assert_every_life_sees_the_same(lives)


class Listener:
    """An engine that is told nothing but the end: everything is recorded."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.over = asyncio.Event()

    def __getattr__(self, what: str) -> Callable[..., None]:
        return lambda *_: self.said.append(what)

    def ended(self, output: bytes | None, failure: Any, seen: int | None) -> None:
        assert failure is None, failure
        self.over.set()


async def replay(stage: Stage, instance: str, program: Any) -> None:
    """Execute an ended run once more, from the records alone."""
    run = stage.engine._all["wf", instance]
    bundle = await stage.bundle("dep")
    loaded = load(
        bundle.module,
        name="replayed",
        class_name=bundle.class_name,
        workflow_name="replayed",
        variables=bundle.variables,
        bindings=[],
        functions=[],
        backend=None,
    )
    engine = Listener()
    execution = Execution(
        engine,
        label=instance,
        recorded=recorded(run),
        clock=stage.clock,
        threads=None,
        loop=asyncio.get_running_loop(),
        eager=Eager(asyncio.get_running_loop()),
    )
    step = WorkflowStep(execution)
    params = values.encode(program)
    execution.start(
        lambda: run_code(loaded, instance=instance, created=0.0, params=params, step=step)
    )
    async with asyncio.timeout(DEADLINE):
        await engine.over.wait()
    assert set(engine.said) <= {"blocked"}
