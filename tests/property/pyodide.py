"""Plays emitted modules on Pyodide with Cloudflare's SDK, and the same on the inline engine."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from awaitstep.engine import values
from awaitstep.engine.states import StepStatus
from awaitstep.engine.step import WorkflowStep
from awaitstep.nodes.sub_workflow import RESULT
from awaitstep.providers.cloudflare import files
from nodetools import FOLDER, environment, node

from .playing import Played, plain
from .stand_ins import CHILD, START


class Pyodide:
    """One process; each job is answered before the next is read."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def play(self, source: str, class_name: str, payload: Any, **more: Any) -> dict[str, Any]:
        """What the run asked of its steps, and what it came to."""
        job = {
            "source": source,
            "className": class_name,
            "payload": payload,
            "start": int(START * 1000),
            "instance": "r0",
            "workflows": re.findall(r"env\.(WORKFLOW_\w+)", source),
            "functions": re.findall(r"env\.(FUNCTION_\w+)", source),
            "variables": {},
            **more,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "Pyodide has ended"
        answer: dict[str, Any] = json.loads(line)
        assert "bug" not in answer, (answer["bug"], source)
        return answer


@contextmanager
def pyodide() -> Iterator[Pyodide]:
    """Skips the test where there is none."""
    process = subprocess.Popen(
        [node(), str(FOLDER / "play.mjs"), str(files.SDK)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        yield Pyodide(process)
    finally:
        process.kill()
        process.communicate()


class Configs:
    """What the steps of runs on an engine of ours are configured with, by name."""

    def __init__(self) -> None:
        self.noted: dict[str, Any] = {}

    def do(self) -> Any:
        """Stands in the place of `WorkflowStep.do`, and notes what that is asked."""
        real = WorkflowStep.do

        def do(step: WorkflowStep, name: str, **options: Any) -> Any:
            self.noted[name] = options.get("config")
            return real(step, name, **options)

        return do


def there(answer: dict[str, Any]) -> dict[str, Any]:
    """A run on Pyodide as it is compared: outcome, and steps in the order they began.

    What lost a race goes on there, as Cloudflare gives nothing up: how that ends says nothing.
    """
    return {
        "output": _alike(plain(answer.get("output"))),
        "error": _alike((answer.get("error") or {}).get("message")),
        "steps": [
            (
                one["type"],
                one["name"],
                one["status"],
                one["began"] / 1000 - START,
                None if one.get("ended") is None else one["ended"] / 1000 - START,
                _alike(plain(_value(one))),
            )
            for one in _told_of_ends(answer["steps"])
        ],
    }


def again(answer: dict[str, Any]) -> list[Any]:
    """Output and error of the same run, replayed from its beginning when all of it was over."""
    replayed = there({**answer["again"], "steps": []})
    return [replayed["output"], replayed["error"]]


def asks_for_an_end(name: str) -> bool:
    """Whether a step of that name asks how a run of another workflow is."""
    return re.sub(r" \[.*\]$", "", name).endswith(RESULT)


def _told_of_ends(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sleeps and questions after the end of another workflow's run, as the one wait for the event
    that tells of it here."""
    told: list[dict[str, Any]] = []
    waits: dict[str, dict[str, Any]] = {}
    for one in steps:
        if not asks_for_an_end(one["name"]):
            told.append(one)
            continue
        if one["name"] not in waits:
            waits[one["name"]] = {**one, "type": "wait", "status": "waiting", "ended": None}
            told.append(waits[one["name"]])
        if one["type"] == "do" and one.get("value") is not None:
            moment = datetime.fromtimestamp(one["ended"] / 1000, UTC).isoformat()
            value = {"payload": one["value"], "type": f"child-{CHILD}", "timestamp": moment}
            ended = {"status": one["status"], "ended": one["ended"], "value": value}
            waits.pop(one["name"]).update(ended)
    return told


def here(played: Played) -> list[dict[str, Any]]:
    """The same of runs on the inline engine."""
    return [
        {
            "output": _alike(plain(None if run.output is None else values.decode(run.output))),
            "error": None if run.error is None else _alike(run.error.message),
            "steps": [
                (
                    step.type,
                    step.name,
                    step.status,
                    step.started_at - START,
                    None if step.ended_at is None else step.ended_at - START,
                    None if step.output is None else _alike(plain(values.decode(step.output))),
                )
                for step in history
            ],
        }
        for run, history in played
    ]


def _alike(value: Any) -> Any:
    """The same on both sides, but for how an error and a date are told: the SDK puts the class of an
    error before its message, knows no step of it, and has dates of JavaScript's."""
    if isinstance(value, dict):
        return {name: _alike(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_alike(one) for one in value]
    if not isinstance(value, str):
        return value
    told = re.fullmatch(r"PythonError: Traceback .*\n\S+?: (.*?)\n?", value, re.DOTALL)
    if told is not None:
        return told[1]
    text = re.sub(r"\b(ValueError|WorkflowTimeoutError): ", "", value)
    text = re.sub(r"'step': ('[^']*'|None)", "'step'", text)
    text = re.sub(r"datetime\.datetime\(.*", "", text)
    text = re.sub(r"(\d)\.000Z$", r"\1+00:00", text)
    # what a random step saw is cut short after 80
    return text[:30] if len(value) == 80 or "'message'" in value else text


def _value(one: dict[str, Any]) -> Any:
    return one.get("value") if one["status"] == "complete" else None


def differences(
    there: dict[str, Any], here: dict[str, Any], arms: Collection[Collection[str]] = ()
) -> str:
    """Empty when both are equal; where steps were given up here, only that they were asked for.

    `arms` are the names of steps that began one after the other.
    """
    found = [
        f"{part}: there {there[part]!r}, here {here[part]!r}"
        for part in ("output", "error")
        if there[part] != here[part]
    ]
    left = list(there["steps"])
    for step in here["steps"]:
        given_up = step[2] == StepStatus.cancelled
        same = next(
            (other for other in left
             if other == step or (given_up and other[:2] == step[:2])), None
        )  # fmt: skip
        if same is None:
            found.append(f"here alone: {step!r}")
        else:
            left.remove(same)
    for names in arms:
        orders = [[step[1] for step in run["steps"] if step[1] in names] for run in (there, here)]
        if orders[0] != orders[1]:
            found.append(f"another order: there {orders[0]!r}, here {orders[1]!r}")
    found += [f"there alone: {step!r}" for step in left]
    return "\n".join(found)
