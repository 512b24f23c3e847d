"""An engine on one hand-written module, and how much memory and file it takes."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from awaitstep.engine.clock import Clock
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.errors import EnvironmentMissing, NotDeployed
from awaitstep.engine.workers import Active, Bundle

HEAD = """
import asyncio
from workers import WorkflowEntrypoint


class W(WorkflowEntrypoint):
    async def run(self, event, step):
"""
# as the journal writes them
WAITING, COMPLETE = 2, 4


class _OneBundle:
    """Bundles of one deployment, whose code calls nobody and declares no packages."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    async def bundle(self, deployment: str) -> Bundle:
        return self._bundle

    async def active(self, workflow: str, caller: str) -> Active:
        raise NotDeployed(workflow)

    async def reached(self, workflow: str, caller: str) -> None:
        raise NotDeployed(workflow)

    async def restore(self, environment: Path) -> None:
        raise EnvironmentMissing("no packages are declared")


class Rig:
    """A data folder with one deployed workflow, `wf` deployed as `dep`."""

    def __init__(self, folder: Path, body: str) -> None:
        self.folder = folder
        self.module = folder / "deployments" / "worker.py"
        self.module.parent.mkdir(parents=True, exist_ok=True)
        self.module.write_text(HEAD + textwrap.indent(body.strip("\n") + "\n", " " * 8))

    async def open(self, clock: Clock | None = None) -> Embedded:
        bundle = Bundle("dep", "wf", "scale", self.module, "W")
        return await Embedded.open(self.folder, _OneBundle(bundle), clock=clock)

    @property
    def journal(self) -> Path:
        return self.folder / "journal.sqlite"

    def ask(self, question: str, *values: object) -> int:
        """One number out of the journal file, from outside."""
        with sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True) as db:
            (found,) = db.execute(question, values).fetchone()
        db.close()
        return int(found)

    async def until(self, question: str, wanted: int, *values: object) -> None:
        """Return once the number asked for is there."""
        while True:
            if self.ask(question, *values) >= wanted:
                return
            await asyncio.sleep(0.02)

    def file_size(self) -> int:
        """The journal after a checkpoint of what can be checkpointed."""
        db = sqlite3.connect(self.journal)
        db.execute("pragma wal_checkpoint(truncate)")
        db.close()
        return self.journal.stat().st_size


@asynccontextmanager
async def rig(body: str, folder: str | None) -> AsyncIterator[Rig]:
    """A rig on a new folder inside `folder` (the system's own place by default)."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        yield Rig(Path(name), body)


def memory_mb(process: int | str = "self") -> float:
    """Anonymous memory of a process, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0
