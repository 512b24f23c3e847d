"""Anything a person may ask, in any order, while time passes and the server dies: both engines do
what a model of a page does. `engine_model.py` is that model.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.errors import EngineError, RunNotFound
from awaitstep.engine.inline import InlineEngine
from awaitstep.engine.port import Limits, Onto, Retention, RunView, StartRun
from awaitstep.engine.workers import Bundle

from .engine_model import CHILDREN, ENDED, HANDLER, RETRY, Model, ModelRun, Program

T = TypeVar("T")
DEADLINE = 30.0
EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "400"))
KEPT = 100_000.5  # seconds
DEPLOYMENTS = ("one", "two")
WORKER = """
import hashlib, json, os
from workers import WorkflowEntrypoint
from workers.workflows import NonRetryableError


class W(WorkflowEntrypoint):
    async def run(self, event, step):
        results = []
        for at, (kind, seconds) in enumerate(event["payload"]["program"]):
            name = f"s{at}"

            def mark(ctx, name):
                line = json.dumps([event["instanceId"], ctx["epoch"], name, ctx["attempt"]])
                fd = os.open(self.env.EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                os.write(fd, f"{line}\\n".encode())
                os.close(fd)

            async def undo(*, ctx, fails=seconds):
                name = ctx["step"]["name"]
                mark(ctx, name + "HANDLER")
                if fails and ctx["attempt"] == 1:
                    raise ValueError("not yet")

            async def start(ctx):
                mark(ctx, name)
                run = (event["workflowName"], event["instanceId"], event["timestamp"])
                parts = (*run, ctx["epoch"], name, 1)
                id = hashlib.sha256("\\n".join(map(str, parts)).encode()).hexdigest()[:32]
                try:
                    params = {"program": CHILDREN[int(seconds)]}
                    await self.env.WORKFLOW.create(id=id, params=params)
                except Exception as error:
                    if "already_exists" not in str(error):
                        raise
                return id

            async def act(ctx):
                mark(ctx, name)
                if kind == "hopeless":
                    raise NonRetryableError("no")
                if kind == "flaky" and ctx["attempt"] == 1:
                    raise ValueError("not yet")
                return [self.env.DEPLOYMENT, at]

            if kind == "sleep":
                results.append(await step.sleep(name, int(seconds * 1000)))
            elif kind == "wait":
                try:
                    got = await step.wait_for_event(name, "go", timeout=int(seconds * 1000))
                except TimeoutError:
                    results.append("late")
                else:
                    results.append(got.payload)
            elif kind == "child":
                id = await step.do(name)(start)()
                got = await step.wait_for_event(name + "r", "child-" + id, timeout="300 days")
                results.append(got.payload["status"])
            else:
                patient = {"retries": {"limit": 3, "delay": RETRY, "backoff": "constant"}}
                undone = {"rollback": undo, "rollback_config": patient} if kind == "undo" else {}
                results.append(await step.do(name, config=patient, **undone)(act)())
        return results
"""
WORKER = (
    WORKER.replace("RETRY", str(int(RETRY * 1000)))
    .replace("CHILDREN", json.dumps(CHILDREN))
    .replace("HANDLER", HANDLER)
)

# No sum of these is a moment at which something is due: that would leave open what comes first.
MOVES = (1.0, 11.0, 61.0, 3601.0, 90_000.0)
operations: st.SearchStrategy[tuple[str, float]] = st.one_of(
    st.sampled_from([("do", 0.0), ("flaky", 0.0), ("do", 0.0)]),
    st.tuples(st.just("sleep"), st.sampled_from([5.5, 60.5, 7200.5])),
    st.tuples(st.just("wait"), st.sampled_from([60.5, 86_400.5])),
    st.just(("hopeless", 0.0)),
    st.sampled_from([("undo", 0.0), ("undo", 1.0)]),
    st.tuples(st.just("child"), st.sampled_from([0.0, 1.0, 2.0])),
)
# With what is seldom found by chance: families that take their time to be undone.
FAMILIES: list[Program] = [
    (("undo", 1.0), ("child", 2.0), ("undo", 0.0)),
    (("undo", 0.0), ("child", 1.0), ("undo", 1.0), ("hopeless", 0.0)),
    (("child", 2.0), ("undo", 1.0), ("wait", 86_400.5)),
]
programs = st.lists(operations, max_size=4).map(tuple) | st.sampled_from(FAMILIES)
somebody = st.integers(0, 11)


class Bench:
    """One engine at a time, on one clock, in folders that crashes leave behind."""

    def __init__(self, kind: str, root: Path) -> None:
        self.kind = kind
        self.root = root
        self.clock = ManualClock()
        self.engine: Any = None
        self.lives = 0
        self.folder = root
        self._past: list[Any] = []

    async def bundle(self, deployment: str) -> Bundle:
        effects = str(self.folder / "tmp" / "effects")
        variables = {"EFFECTS": effects, "DEPLOYMENT": deployment}
        module = self.folder / "deployments" / "worker.py"
        bindings = {"WORKFLOW": "wf"}
        return Bundle(
            deployment, "wf", "bench", module, "W", variables=variables, bindings=bindings
        )

    def new_folder(self) -> None:
        self.lives += 1
        self.folder = self.root / f"life-{self.lives}"
        for name in ("deployments", "tmp"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "deployments" / "worker.py").write_text(WORKER)

    async def open(self, limits: Limits, retention: Retention) -> None:
        if self.kind == "inline":
            self.engine = InlineEngine(self, clock=self.clock)
        else:
            self.engine = await Embedded.open(self.folder, self, clock=self.clock, hold=True)
        self.engine.limit("wf", limits, retention)
        if self.kind != "inline":
            await self.engine.go_on()

    async def crash(self) -> None:
        """Go on with what is on disk at this moment; what the old server still does is in vain."""
        old = self.folder
        self._past += self._marks()
        self.new_folder()
        # the index first: it must not know more than the log that is copied
        for suffix in ("-shm", "", "-wal"):
            file = f"journal.sqlite{suffix}"
            shutil.copyfile(old / file, self.folder / file)
        await self.engine.close()

    def _marks(self) -> list[Any]:
        effects = self.folder / "tmp" / "effects"
        if not effects.exists():
            return []
        return [tuple(json.loads(line)) for line in effects.read_text().splitlines()]

    def begun(self) -> Counter[Any]:
        """How often each attempt of each step began: instance, epoch, step, attempt."""
        return Counter([*self._past, *self._marks()])


class Engines(RuleBasedStateMachine):
    """Each rule asks the engine and the model for the same, once both are quiet."""

    kind = "inline"

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.root = Path(tempfile.mkdtemp(prefix="awaitstep-model-"))
        self.bench = Bench(self.kind, self.root)
        self.bench.new_folder()
        self.model = Model(self.bench.clock.now())
        self.finished: dict[tuple[str, int, str], dict[int, int]] = {}
        self.names = 0
        self.wait_for(self.open())

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, 2 * DEADLINE))

    async def open(self) -> None:
        model = self.model
        limits = Limits(model.concurrency, model.starts, model.period)
        await self.bench.open(limits, self.retention())

    def retention(self) -> Retention:
        return Retention(self.model.kept, self.model.kept)

    def one(self, which: int) -> str:
        """Somebody, or nobody's name."""
        names = [*self.model.runs, "nobody"]
        return names[which % len(names)]

    def ask(
        self, instance: str, asked: Callable[[], Coroutine[Any, Any, Any]], meant: Callable[[], Any]
    ) -> Any:
        """Ask both; both answer, or both refuse for the same reason."""
        self.wait_for(self.quiet())
        known = self.model.runs.get(instance)
        forgotten = known is not None and self.model.may_be_gone(known)
        refused: EngineError | None = None
        found: EngineError | None = None
        value = None
        try:
            value = meant()
        except EngineError as error:
            refused = error
        try:
            self.wait_for(asked())
        except EngineError as error:
            found = error
        if forgotten and isinstance(found, RunNotFound):
            self.model.runs.pop(instance, None)
        else:
            assert type(found) is type(refused), (instance, found, refused)
        return value

    # --- rules --------------------------------------------------------------------------------

    def possible(self, program: Program) -> Program:
        """Which of two children is the first in line is not said: that counts where starts do."""
        if self.model.starts is None:
            return program
        return tuple(("do", 0.0) if op[0] == "child" else op for op in program)

    @rule(program=programs, deployment=st.sampled_from(DEPLOYMENTS), priority=st.integers(0, 2))
    def create(self, program: Program, deployment: str, priority: int) -> None:
        self.names += 1
        self._create(f"r{self.names}", self.possible(program), deployment, priority)

    @rule(which=somebody, program=programs, same=st.booleans())
    def create_again(self, which: int, program: Program, same: bool) -> None:
        instance = self.one(which)
        known = self.model.runs.get(instance)
        if known is None or not instance.startswith("r"):
            return  # what a child is given is written in its parent's own way
        program = self.possible(program)
        if not self.model.may_be_gone(known):
            self._create(instance, known.program if same else program, known.deployment, 1)

    def _create(self, instance: str, program: Program, deployment: str, priority: int) -> None:
        start = started(instance, program, deployment, priority)
        existed = self.ask(
            instance,
            lambda: self.bench.engine.create(start),
            lambda: self.model.create(instance, program, deployment, priority),
        )
        if existed is False:
            self.forget(instance)

    @rule(several=st.lists(st.tuples(programs, st.integers(0, 2)), max_size=4), twice=st.booleans())
    def batch(self, several: list[tuple[Program, int]], twice: bool) -> None:
        self.wait_for(self.quiet())
        if self.model.starts and self.model.concurrency:
            # who of them begins depends on who has ended by then: the first or the most urgent
            several = [(program, 0) for program, _ in several]
        starts = []
        several = [(self.possible(program), priority) for program, priority in several]
        for program, priority in several:
            self.names += 1
            starts.append(started(f"r{self.names}", program, "one", priority))
        answers = self.wait_for(self.bench.engine.create_batch(starts))
        assert [answer.existed for answer in answers] == [False] * len(starts)
        for start, (program, priority) in zip(starts, several, strict=True):
            assert start.instance is not None
            assert not self.model.create(start.instance, program, "one", priority)
        if twice:
            answers = self.wait_for(self.bench.engine.create_batch(starts))
            assert [answer.existed for answer in answers] == [True] * len(starts)

    @rule(which=somebody, payload=st.integers(0, 99))
    def send(self, which: int, payload: int) -> None:
        instance, data = self.one(which), json.dumps(payload).encode()
        self.ask(
            instance,
            lambda: self.bench.engine.send_event("wf", instance, "go", data),
            lambda: self.model.send(instance, payload),
        )

    @rule(which=somebody, verb=st.sampled_from(["pause", "resume", "terminate", "delete"]))
    def steer(self, which: int, verb: str) -> None:
        instance = self.one(which)
        self.ask(
            instance,
            lambda: getattr(self.bench.engine, verb)("wf", instance),
            lambda: getattr(self.model, verb)(instance),
        )

    @rule(which=somebody)
    def roll_back(self, which: int) -> None:
        instance = self.one(which)
        self.ask(
            instance,
            lambda: self.bench.engine.terminate("wf", instance, rollback=True),
            lambda: self.model.roll_back(instance),
        )

    @rule(which=somebody, at=st.integers(0, 3), onto=st.none() | st.sampled_from(DEPLOYMENTS))
    def restart_from_a_handler(self, which: int, at: int, onto: str | None) -> None:
        instance = self.one(which)
        step = f"s{at}{HANDLER}"
        self.ask(
            instance,
            lambda: self.bench.engine.restart(
                "wf", instance, step=step, onto=None if onto is None else Onto(onto, "")
            ),
            lambda: self.model.restart_undoing(instance, at, onto),
        )

    @rule(
        which=somebody,
        at=st.none() | st.integers(0, 4),
        onto=st.none() | st.sampled_from(DEPLOYMENTS),
    )
    def restart(self, which: int, at: int | None, onto: str | None) -> None:
        instance = self.one(which)
        step = None if at is None else f"s{at}"
        self.ask(
            instance,
            lambda: self.bench.engine.restart(
                "wf", instance, step=step, onto=None if onto is None else Onto(onto, "")
            ),
            lambda: self.model.restart(instance, at, onto),
        )

    @rule(concurrency=st.none() | st.integers(1, 2), starts=st.none() | st.integers(1, 2))
    def limit(self, concurrency: int | None, starts: int | None) -> None:
        self.wait_for(self.quiet())
        if any(kind == "child" for run in self.model.runs.values() for kind, _ in run.program):
            starts = None  # see `possible`
        self.model.limit(concurrency, starts)
        self.wait_for(self._limit())

    @rule(on=st.booleans())
    def retain(self, on: bool) -> None:
        self.wait_for(self.quiet())
        self.model.kept = KEPT if on else None
        self.wait_for(self._limit())

    async def _limit(self) -> None:
        model = self.model
        limits = Limits(model.concurrency, model.starts, model.period)
        self.bench.engine.limit("wf", limits, self.retention())

    @rule(seconds=st.sampled_from(MOVES))
    def time_passes(self, seconds: float) -> None:
        self.wait_for(self.quiet())
        self.model.move(seconds)
        self.wait_for(self._move(seconds))

    async def _move(self, seconds: float) -> None:
        self.bench.clock.move(seconds)

    @precondition(lambda self: self.kind != "inline")
    @rule()
    def reopen(self) -> None:
        """With an order to end; whatever is under way."""
        if self.model.starts is not None:
            self.wait_for(self.quiet())  # what is counted depends on who has begun
        self.wait_for(self.bench.engine.close())
        self.model.reopen()
        self.wait_for(self.open())

    @precondition(lambda self: self.kind != "inline")
    @rule()
    def crash(self) -> None:
        if self.model.starts is not None:
            self.wait_for(self.quiet())
        self.wait_for(self.bench.crash())
        self.model.reopen()
        self.wait_for(self.open())

    def teardown(self) -> None:
        try:
            self.wait_for(self.quiet())
        finally:
            self.wait_for(self.bench.engine.close())
            self.loop.close()
            shutil.rmtree(self.root)

    # --- looking ------------------------------------------------------------------------------

    def forget(self, instance: str) -> None:
        """Another run has the name now."""
        self.finished = {key: seen for key, seen in self.finished.items() if key[0] != instance}

    async def quiet(self) -> None:
        """Return once every run is as the model says, and nothing finished was done again."""
        stop = time.monotonic() + DEADLINE
        for run in list(self.model.runs.values()):
            while (differs := await self.differs(run)) is not None:
                assert time.monotonic() < stop, (run, differs)
                self.bench.clock.move(0)  # it rings only when it is moved
                await asyncio.sleep(0.001)
        await self.bench.engine._flushed()
        assert await self.bench.engine.live("wf") == sum(
            run.status not in ENDED for run in self.model.runs.values()
        )
        begun: dict[tuple[str, int, str], dict[int, int]] = {}
        for (instance, epoch, step, attempt), count in self.bench.begun().items():
            begun.setdefault((instance, epoch, step), {})[attempt] = count
        for key, seen in self.finished.items():
            assert begun[key] == seen, (key, begun[key], seen)
        for run in self.model.runs.values():
            names = [f"s{at}" for at in range(run.at)] + [f"s{at}{HANDLER}" for at in run.undone]
            for name in names:
                key = (run.instance, run.epoch, name)
                if key in begun:
                    self.finished.setdefault(key, begun[key])

    async def differs(self, run: ModelRun) -> Any:
        """What of the engine's run is not as it should be, None when all is."""
        engine = self.bench.engine
        try:
            view: RunView = await engine.get("wf", run.instance)
            steps = {step.name: step for step in await engine.history("wf", run.instance)}
        except RunNotFound:
            if self.model.may_be_gone(run):
                del self.model.runs[run.instance]
                return None
            return "it is gone"
        if (str(view.status), view.epoch, view.deployment) != (
            run.status,
            run.epoch,
            run.deployment,
        ):
            return view
        if view.rolling_back != (run.why is not None and run.status not in ENDED):
            return view
        if run.status == "complete" and json.loads(view.output or b"null") != run.results:
            return view
        if run.status == "waiting":
            name, due, failed = run.waits_at
            step = steps.get(name)
            if step is None or due not in (None, step.due_at, view.next_attempt_at):
                return steps
            if sum(attempt.ended_at is not None for attempt in step.attempts) != failed:
                return steps
        return None if len(steps) == run.recorded or run.status == "paused" else steps


class Inline(Engines):
    kind = "inline"


class OnDisk(Engines):
    kind = "embedded"


def started(instance: str, program: Program, deployment: str, priority: int) -> StartRun:
    params = json.dumps({"program": program}).encode()
    return StartRun("wf", deployment, "api", params, instance, priority=priority)


def agrees(machine: type[Engines], examples: int, steps: int, *, again: bool) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=again,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_in_memory() -> None:
    agrees(Inline, 100, 30, again=True)


def test_on_disk_through_crashes() -> None:
    agrees(OnDisk, 12, 30, again=True)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("machine", [Inline, OnDisk])
def test_a_soak_of_asking(machine: type[Engines]) -> None:
    agrees(machine, EXAMPLES, 50, again=False)
