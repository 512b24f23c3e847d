"""One suite for every engine: in memory, and with its journal and runner processes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.errors import DeploymentMissing, JournalUnavailable
from awaitstep.engine.inline import InlineEngine
from awaitstep.engine.port import RunView, StartRun
from awaitstep.engine.states import ENDED, RunStatus
from awaitstep.engine.workers import Bundle

DEADLINE = 30.0
HEAD = """
import asyncio, os
from datetime import datetime, timedelta, timezone
from workers import WorkflowEntrypoint
from workers.workflows import NonRetryableError, StepError


class Mark:
    def __init__(self, path):
        self.path = path

    def __call__(self, text):
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, f"{text}\\n".encode())
        os.close(fd)


class W(WorkflowEntrypoint):
    async def run(self, event, step):
        mark = Mark(self.env.EFFECTS)
"""


class Desk:
    """An engine with a clock that tests move and an append-only file of side effects."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.clock = ManualClock()
        self.effects = folder / "tmp" / "effects"
        self.bundles: dict[str, Bundle] = {}
        self.engine: Any = None
        for path in (folder / "tmp", folder / "deployments"):
            path.mkdir()

    async def bundle(self, deployment: str) -> Bundle:
        try:
            return self.bundles[deployment]
        except KeyError:
            raise DeploymentMissing(deployment) from None

    async def open(self) -> None:
        if self.kind == "inline":
            self.engine = self.engine or InlineEngine(self, clock=self.clock)
        else:
            self.engine = await Embedded.open(self.folder, self, clock=self.clock)

    async def reopen(self) -> None:
        """A restart of the server, where there is anything to come back to."""
        if self.kind == "embedded":
            await self.engine.close()
            await self.open()

    def deploy(self, body: str, name: str = "dep") -> str:
        """Deploy a workflow whose `run` is `body`."""
        lines = "".join(f"        {line}\n" for line in body.strip("\n").split("\n"))
        module = self.folder / "deployments" / f"{name}.py"
        module.write_text(HEAD + lines)
        self.bundles[name] = Bundle(
            name,
            "wf",
            "desk",
            module,
            "W",
            variables={"EFFECTS": str(self.effects)},
            bindings={"WORKFLOW": "wf"},
        )
        return name

    async def start(
        self, params: Any = None, instance: str | None = None, name: str = "dep"
    ) -> str:
        data = None if params is None else json.dumps(params).encode()
        created = await self.engine.create(
            StartRun("wf", name, "api", params=data, instance=instance)
        )
        return str(created.run.instance)

    async def view(self, instance: str) -> RunView:
        seen: RunView = await self.engine.get("wf", instance)
        return seen

    async def until(self, instance: str, *wanted: RunStatus) -> RunView:
        """The run, once it is in one of these states."""
        run = await self.view(instance)
        stop = time.monotonic() + DEADLINE
        while run.status not in wanted:
            assert time.monotonic() < stop, f"still {run.status}: {run.error}"
            await asyncio.sleep(0.005)
            run = await self.view(instance)
        return run

    async def ended(self, instance: str) -> RunView:
        """The run, once it has ended in whatever way."""
        return await self.until(instance, *ENDED)

    async def seen(self, what: Callable[[], bool]) -> None:
        """Return once `what` is true."""
        stop = time.monotonic() + DEADLINE
        while not what():
            assert time.monotonic() < stop, self.marks()
            await asyncio.sleep(0.005)

    async def passes(self, what: Callable[[], bool]) -> None:
        """Let time pass until `what` is true, without a look at any run."""
        stop = time.monotonic() + DEADLINE
        while not what():
            assert time.monotonic() < stop, self.marks()
            self.clock.move(1)
            await asyncio.sleep(0.005)

    def unreadable(self, question: Any) -> list[Any]:
        """Let the next read that asks the journal this fail; what is left of that."""
        journal, left = self.engine.journal, [question]
        read = journal.read

        async def failing(asked: Any) -> Any:
            if left and getattr(asked, "func", asked) is question:
                left.clear()
                raise JournalUnavailable("disk I/O error")
            return await read(asked)

        journal.read = failing
        return left

    async def output(self, instance: str) -> Any:
        run = await self.until(instance, RunStatus.complete, RunStatus.errored)
        assert run.error is None, run.error
        return json.loads(run.output or b"null")

    async def has(self, instance: str, step: str) -> None:
        """Return once the run has asked for the step."""
        stop = time.monotonic() + DEADLINE
        while step not in await self.steps(instance):
            assert time.monotonic() < stop, f"no step {step!r}"
            await asyncio.sleep(0.005)

    async def tried(self, instance: str, step: str, attempts: int) -> None:
        """Return once so many attempts of the step have ended."""
        stop = time.monotonic() + DEADLINE
        while True:
            seen = (await self.steps(instance)).get(step)
            if seen is not None and sum(a.ended_at is not None for a in seen.attempts) >= attempts:
                return
            assert time.monotonic() < stop, f"{step!r}: {seen}"
            await asyncio.sleep(0.005)

    async def error(self, instance: str) -> Any:
        run = await self.until(instance, RunStatus.complete, RunStatus.errored)
        assert run.error is not None, run.output
        return run.error

    async def steps(self, instance: str) -> dict[str, Any]:
        return {step.name: step for step in await self.engine.history("wf", instance)}

    def marks(self) -> list[str]:
        return self.effects.read_text().split() if self.effects.exists() else []


@pytest.fixture(params=["inline", "embedded"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(request.param, tmp_path)
    await desk.open()
    yield desk
    await desk.engine.close()


@pytest.fixture
async def embedded_desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """For what only a journal or a runner process can do."""
    desk = Desk("embedded", tmp_path)
    await desk.open()
    yield desk
    await desk.engine.close()
