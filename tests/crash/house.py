"""A real engine with real runner processes, hand-written deployments and a file of side effects."""

from __future__ import annotations

import asyncio
import json
import os
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from awaitstep.engine.embedded import Embedded
from awaitstep.engine.errors import EnvironmentMissing
from awaitstep.engine.port import RunView, StartRun, StepView
from awaitstep.engine.states import ENDED, RunStatus
from awaitstep.engine.workers import Bundle, WorkerRequest, WorkerResponse

WAIT = 60.0
HEAD = """\
import asyncio, ctypes, os, sys, time
from workers import Response, WorkerEntrypoint, WorkflowEntrypoint

ONCE = {"retries": {"limit": 1, "delay": 100, "backoff": "constant"}}

def mark(text):
    fd = os.open(EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, f"{text}\\n".encode())
    os.close(fd)

def marks(text):
    with open(EFFECTS) as effects:
        return effects.read().split("\\n").count(text)

async def hold(text, release):
    '''An attempt that lasts until the test lets it go.'''
    mark(text)
    while not os.path.exists(os.path.join(os.path.dirname(EFFECTS), release)):
        await asyncio.sleep(0.01)
    mark(text + " done")

"""


class House:
    """Use as a context manager. Deployments named here are workflows of the same name."""

    def __init__(self, folder: Path, runners: int = 1) -> None:
        self.folder = folder
        self.count = runners
        self.temporary = folder / "tmp"
        self.effects = self.temporary / "effects"
        self.bundles: dict[str, Bundle] = {}
        # what installs the packages of an environment that is not there
        self.install: Callable[[Path], Awaitable[None]] | None = None
        self.engine: Embedded
        self.temporary.mkdir(parents=True)

    async def __aenter__(self) -> House:
        self.effects.touch()
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.engine.close()

    async def open(self, **options: Any) -> None:
        defaults = {"runners": self.count, "stall_after": 1.0}
        self.engine = await Embedded.open(self.folder, self, **defaults | options)

    async def bundle(self, deployment: str) -> Bundle:
        return self.bundles[deployment]

    async def restore(self, environment: Path) -> None:
        if self.install is None:
            raise EnvironmentMissing("there is no network")
        await self.install(environment)

    def environment(self, name: str, **modules: str) -> Path:
        """A folder of packages, each of one file."""
        site = self.folder / "environments" / name / "site"
        site.mkdir(parents=True)
        for module, source in modules.items():
            (site / f"{module}.py").write_text(source)
        return site

    def deploy(self, name: str, source: str, environment: Path | None = None) -> Path:
        """Store a module as the server does: under a name of its content, in a folder of its own."""
        file = self.folder / "deployments" / f"files-{name}" / "worker.py"
        file.parent.mkdir(parents=True)
        file.write_text(f"EFFECTS = {str(self.effects)!r}\n{HEAD}{textwrap.dedent(source)}")
        self.bundles[name] = Bundle(name, name, name, file, None, environment=environment)
        return file

    def line(self, name: str, text: str) -> int:
        """The number of the line of a deployed module that holds `text`."""
        lines = self.bundles[name].module.read_text().split("\n")
        [number] = [number for number, line in enumerate(lines, 1) if text in line]
        return number

    async def start(self, name: str, params: Any = None) -> str:
        data = None if params is None else json.dumps(params).encode()
        created = await self.engine.create(StartRun(name, name, "api", params=data))
        return created.run.instance

    async def fetch(self, name: str, path: str = "/") -> WorkerResponse:
        request = WorkerRequest("GET", f"http://{name}.localhost{path}", [])
        return await asyncio.wait_for(self.engine.fetch(name, request), WAIT)

    async def view(self, name: str, instance: str) -> RunView:
        return await self.engine.get(name, instance)

    async def ended(self, name: str, instance: str) -> RunView:
        run = await self.engine.wait(name, instance, WAIT)
        assert run.status in ENDED, f"still {run.status}: {run.error}"
        return run

    async def output(self, name: str, instance: str) -> Any:
        run = await self.ended(name, instance)
        assert run.error is None, run.error
        return json.loads(run.output or b"null")

    async def step(self, name: str, instance: str, step: str) -> StepView:
        steps = {step.name: step for step in await self.engine.history(name, instance)}
        return steps[step]

    async def failed(self, name: str, instance: str, step: str) -> None:
        """Return once the step's first attempt has failed."""

        async def met() -> bool:
            return (await self.step(name, instance, step)).attempts[0].error is not None

        await self.until(met, f"no attempt of {step!r} failed")

    async def reached(self, name: str, instance: str, status: RunStatus) -> None:
        async def met() -> bool:
            return (await self.view(name, instance)).status is status

        await self.until(met, f"never {status}")

    def marks(self) -> list[str]:
        return self.effects.read_text().splitlines()

    async def marked(self, text: str, count: int = 1) -> None:
        async def met() -> bool:
            return self.marks().count(text) >= count

        await self.until(met, f"no {text!r}")

    def release(self, name: str) -> None:
        """Let the attempts go that hold for `name`."""
        (self.temporary / name).touch()

    def runners(self) -> list[int]:
        """Process ids of those that are ready."""
        return [slot.process.pid for slot in self.engine._fleet.slots if slot.ready]

    async def ready(self) -> int:
        """The process id of the runner, once there is one."""

        async def met() -> bool:
            return bool(self.runners())

        await self.until(met, "no runner")
        return self.runners()[0]

    async def until(self, met: Callable[[], Awaitable[bool]], what: str) -> None:
        stop = time.monotonic() + WAIT
        while not await met():
            assert time.monotonic() < stop, what
            await asyncio.sleep(0.005)


def alive(pid: int) -> bool:
    """Whether a process of this number still executes."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    return stat.rpartition(")")[2].split()[0] != "Z"
