"""Plays runs on an engine whose clock is moved by hand: to the next moment at which anything is due.

Knows nothing of the compiler. Time moves only when all runs have come to rest.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import workers
from awaitstep.engine import values
from awaitstep.engine.clock import ManualClock
from awaitstep.engine.inline import InlineEngine
from awaitstep.engine.port import RunQuery, Runs, RunView, StartRun, StepView
from awaitstep.engine.states import ENDED, RunStatus, StepStatus
from awaitstep.engine.workers import Active, Bundle

from .interpreter import Interpreter
from .stand_ins import CALLED, CHILD, START, answer

DEADLINE = 60.0  # seconds; only a run that never moves again takes so long


@dataclass
class Part:
    """One run: its deployment, and what it is started with."""

    deployment: str
    payload: dict[str, Any]
    instance: str
    workflow: str = "wf"


class Bundles:
    """Deployments by id, from one folder; those that are called are there from the start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, Bundle] = {}
        for workflow, source in CALLED.items():
            class_name = "Child" if workflow == "wf_child" else None
            self.add(workflow, source, class_name, workflow=workflow)

    def add(
        self, deployment: str, source: str, class_name: str | None, workflow: str = "wf"
    ) -> None:
        file = self.folder / f"{deployment}.py"
        file.write_text(source)
        bindings = dict.fromkeys(re.findall(r"env\.(WORKFLOW_\w+)", source), "wf_child")
        functions = dict.fromkeys(re.findall(r"env\.(FUNCTION_\w+)", source), "wf_function")
        self._known[deployment] = Bundle(
            deployment, workflow, "w", file, class_name, bindings=bindings, functions=functions
        )

    async def active(self, workflow: str, caller: str) -> Active:
        return Active(workflow, "")

    async def bundle(self, deployment: str) -> Bundle:
        return self._known[deployment]


async def start(engine: Runs, parts: Sequence[Part]) -> None:
    for part in parts:
        params = values.encode(part.payload)
        await engine.create(StartRun("wf", part.deployment, "api", params, part.instance))


async def _at_once() -> None: ...


async def play(
    engine: Runs,
    clock: ManualClock,
    parts: Sequence[Part],
    pause: float = 0.0,
    flushed: Callable[[], Awaitable[None]] = _at_once,
) -> None:
    """Play until all have ended. `pause`: seconds between two looks at a run that is not at rest.

    `flushed` waits until what was seen is on disk: no time passes before, or else a run whose engine
    dies begins later what it had begun.
    """
    pending = list(parts)
    while pending:
        moments: list[float] = []
        events: list[tuple[float, Part, StepView]] = []
        before = await _children(engine)
        for part in list(pending):
            waiting = await _at_rest(engine, clock, part, pause)
            if waiting is None:
                pending.remove(part)
                continue
            moments += [step.due_at for step in waiting if step.due_at is not None]
            for step in waiting:
                if step.event_type is not None and not step.event_type.startswith("child-"):
                    arrives = part.payload[_asker(step.event_type)]
                    if arrives is not None:
                        events.append((step.started_at + arrives, part, step))
        for child in await _children(engine):
            waiting = await _at_rest(engine, clock, child, pause)
            moments += [step.due_at for step in waiting or () if step.due_at is not None]
        if await _children(engine) != before:
            continue  # one began or ended meanwhile: who was at rest may not be any more
        moments += [moment for moment, _, _ in events]
        if not moments:
            continue
        await flushed()
        clock.move(min(moments) - clock.now())
        for moment, part, step in events:
            if moment <= clock.now() and step.event_type is not None:
                sent = values.encode({"node": _asker(step.event_type)})
                await engine.send_event("wf", part.instance, step.event_type, sent)


async def _children(engine: Runs) -> list[Part]:
    """The live runs that other runs have started."""
    live = [RunStatus.queued, RunStatus.running, RunStatus.waiting]
    found = await engine.list(RunQuery(["wf_child"], status=live, limit=1_000))
    return [Part("wf_child", {}, run.instance, "wf_child") for run in found.runs]


def _asker(event_type: str) -> str:
    """The node that waits for events of this type."""
    return f"n{event_type.split('-')[0]}"


async def _at_rest(
    engine: Runs, clock: ManualClock, part: Part, pause: float
) -> list[StepView] | None:
    """What the run waits for once it does nothing but wait; None when it has ended."""
    stop = time.monotonic() + DEADLINE
    while True:
        run = await engine.get(part.workflow, part.instance)
        if run.status in ENDED:
            return None
        if run.status is RunStatus.waiting:
            history = await engine.history(part.workflow, part.instance)
            waiting = [step for step in history if step.status is StepStatus.waiting]
            if all(step.due_at is None or step.due_at > clock.now() for step in waiting):
                return waiting
        assert time.monotonic() < stop, f"{part.instance} is still {run.status}"
        clock.move(0)  # what is due by now
        await asyncio.sleep(pause)


def meant(graph: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    """What is to be seen of a run. Raises Undecided."""
    told = Interpreter(graph, payload)
    lines: dict[str, list[Any]] = {}
    for line in told.lines:
        ended = line.ended - START if line.ended is not None else None
        entry = (line.type, line.name, line.began - START, line.status, ended, plain(line.value))
        lines.setdefault(repr(line.strand), []).append(entry)
    return {"output": plain(told.output), "error": told.error, "lines": lines}


def seen(run: RunView, history: Sequence[StepView], told: dict[str, Any]) -> dict[str, Any]:
    """The same of what was done. A line stands in the strand in which its name is expected."""
    home = {entry[1]: strand for strand, entries in told["lines"].items() for entry in entries}
    lines: dict[str, list[Any]] = {}
    for step in history:
        cancelled = step.status is StepStatus.cancelled
        ended = None if cancelled or step.ended_at is None else step.ended_at - START
        value = None if step.output is None else plain(values.decode(step.output))
        entry = (step.type, step.name, step.started_at - START, step.status, ended, value)
        lines.setdefault(home.get(step.name, "unexpected"), []).append(entry)
    error = run.error and {
        "name": run.error.name, "message": run.error.message, "step": run.error.step
    }  # fmt: skip
    output = None if run.output is None else values.decode(run.output)
    return {"output": plain(output), "error": error, "lines": lines}


def difference(seen: dict[str, Any], told: dict[str, Any]) -> str:
    """What was seen and not meant, and the other way round; empty when they are equal."""
    found = [
        f"{part}: seen {seen[part]!r}, meant {told[part]!r}"
        for part in ("output", "error")
        if seen[part] != told[part]
    ]
    for strand in {**told["lines"], **seen["lines"]}:
        was, should = seen["lines"].get(strand, []), told["lines"].get(strand, [])
        found += [f"seen in {strand}: {line!r}" for line in was if line not in should]
        found += [f"meant in {strand}: {line!r}" for line in should if line not in was]
        if sorted(map(repr, was)) == sorted(map(repr, should)) and was != should:
            found.append(f"another order in {strand}: {was!r}, meant {should!r}")
    return "\n".join(found)


def plain(value: Any) -> Any:
    text = json.dumps(value, default=datetime.isoformat)
    # any id of a child, though it be cut short, is as good as another
    return json.loads(re.sub(r"[0-9a-f]{9,32}", lambda found: CHILD[: len(found[0])], text))


async def fetch(url: str) -> workers.Response:
    """Stands in for the network."""
    body, headers, status = answer(url)
    return workers.Response(body, status=status, headers=headers)


Played = list[tuple[RunView, Sequence[StepView]]]


def play_inline(
    source: str, class_name: str, payloads: Sequence[dict[str, Any]], folder: Path
) -> tuple[Played, int]:
    """The runs of one module for these payloads, all at once, each with its history; and how often
    their code was started, the first time or to go on."""

    async def together() -> tuple[Played, int]:
        bundles = Bundles(folder)
        bundles.add("dep", source, class_name)
        clock = ManualClock(START)
        engine = InlineEngine(bundles, clock=clock)
        parts = [Part("dep", payload, f"r{n}") for n, payload in enumerate(payloads)]
        await start(engine, parts)
        await play(engine, clock, parts)
        found = [
            (await engine.get("wf", part.instance), await engine.history("wf", part.instance))
            for part in parts
        ]
        await engine.close()
        return found, engine._last_assignment

    return asyncio.run(together())
