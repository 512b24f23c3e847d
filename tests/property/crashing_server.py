"""A server that is killed at a commit: plays runs on the embedded engine until they have ended.

Run as a process of its own with a folder that holds `runs.json`; its clock is moved by hand and goes
on from `now` in the folder. Dies by SIGKILL around the given commit, before or after it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.embedded.journal import Journal, Write
from awaitstep.engine.port import RunView, StepView
from awaitstep.interpreter import tune

from .playing import Bundles, Part, play, start
from .stand_ins import START


class KeptClock(ManualClock):
    """Its time outlives the process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        super().__init__(float(file.read_text()) if file.exists() else START)

    def move(self, seconds: float) -> None:
        if seconds:
            # written before anybody is told: no journal is ahead of it
            draft = self._file.with_suffix(".new")
            draft.write_text(repr(self.now() + seconds))
            draft.replace(self._file)
        super().move(seconds)


def die_around(commit: int) -> None:
    """Of an even number: after that commit, before anybody hears of it; else before it."""
    commits = 0
    together = Journal._commit_together

    def counted(self: Journal, batch: Sequence[Write]) -> None:
        nonlocal commits
        commits += 1
        if commits == commit and commit % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        together(self, batch)
        if commits == commit:
            os.kill(os.getpid(), signal.SIGKILL)

    Journal._commit_together = counted  # type: ignore[method-assign]


async def serve(folder: Path) -> None:
    told: dict[str, Any] = json.loads((folder / "runs.json").read_text())
    bundles = Bundles(folder / "deployments")
    for deployment, (source, class_name) in told["modules"].items():
        bundles.add(deployment, source, class_name)
    parts = [Part(*part) for part in told["parts"]]
    clock = KeptClock(folder / "now")
    engine = await Embedded.open(folder, bundles, clock=clock)
    await start(engine, parts)
    await play(engine, clock, parts, pause=0.002, flushed=engine._flushed)
    ends: dict[str, tuple[RunView, list[StepView]]] = {}
    for part in parts:
        run = await engine.get("wf", part.instance)
        ends[part.instance] = run, list(await engine.history("wf", part.instance))
    await engine.close()
    (folder / "ends").write_bytes(msgspec.msgpack.encode(ends))


if __name__ == "__main__":
    die_around(int(sys.argv[2]))
    tune()
    asyncio.run(serve(Path(sys.argv[1])))
