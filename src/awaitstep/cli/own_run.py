"""One durable run of a hand-written workers module, watched until it ends."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from awaitstep.cli.failures import Failure, WrongUse
from awaitstep.cli.options import read_text
from awaitstep.cli.output import say
from awaitstep.engine.errors import EngineError, ValueRefused
from awaitstep.engine.port import RunError, Runs, RunView, StepView
from awaitstep.engine.states import ENDED
from awaitstep.engine.values import decode, encode
from awaitstep.engine.workers import Bundle
from awaitstep.triggers import manual
from awaitstep.triggers.target import Target
from awaitstep.wiring import SetupRefused, open_script

_POLL_SECONDS = 0.2
_WORKFLOW = "wf_script"
# the name in `env` that starts the workflow, as in generated modules
_BINDING = "WORKFLOW"


@dataclass(frozen=True, slots=True)
class Script:
    """A module that can be run. `source` is what the journal's deployment is made of."""

    path: Path
    source: str
    class_name: str

    @property
    def deployment(self) -> str:
        """The same code is the same deployment, so an interrupted run finds its own."""
        return "dep_" + hashlib.sha256(self.source.encode()).hexdigest()[:21]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to run. `params` is in journal form, `instance` None for an id of its own."""

    script: Script
    params: bytes | None
    instance: str | None
    variables: dict[str, str] = field(default_factory=dict)


def load(path: Path, class_name: str | None = None) -> Script:
    """Read a module without running it. Raises Failure with one sentence."""
    source = read_text(path)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path}, line {line}" if line else str(path)
        raise Failure(f"{where}: {getattr(error, 'msg', error)}.", "module.invalid") from None
    found = [
        node.name for node in tree.body if isinstance(node, ast.ClassDef) and _is_workflow(node)
    ]
    if class_name is not None:
        if class_name not in found:
            raise Failure(f"{path} has no workflow class {class_name}.", "module.no_workflow")
        return Script(path, source, class_name)
    if not found:
        raise Failure(f"{path} has no class that extends WorkflowEntrypoint.", "module.no_workflow")
    if len(found) > 1:
        names = ", ".join(found)
        raise WrongUse(f"{path} has several workflow classes; choose one with --class: {names}.")
    return Script(path, source, found[0])


def _is_workflow(node: ast.ClassDef) -> bool:
    for base in node.bases:
        name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", None)
        if name == "WorkflowEntrypoint":
            return True
    return False


def run_to_end(asked: Asked, data: Path | None) -> dict[str, Any]:
    """How the run ended, in JSON. `data` None means that its journal is forgotten.

    Raises Failure with one sentence.
    """
    with _folder(data) as folder:
        return _answer(uvloop.run(_run(asked, folder)))


def journal_form(value: Any) -> bytes:
    """The value as a run's params. Raises WrongUse."""
    try:
        return encode(value)
    except ValueRefused as error:
        raise WrongUse(f"--params can't be used: {error}") from None


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is None:
        with tempfile.TemporaryDirectory(prefix="awaitstep-run-") as name:
            yield Path(name)
        return
    os.umask(0o077)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{data} can't be made: {error.strerror}.", "data.unusable") from None
    yield data


async def _run(asked: Asked, folder: Path) -> RunView:
    script = asked.script

    def bundle(module: Path) -> Bundle:
        return Bundle(
            deployment=script.deployment,
            workflow=_WORKFLOW,
            workflow_name=script.path.stem,
            module=module,
            class_name=script.class_name,
            variables=asked.variables,
            bindings={_BINDING: _WORKFLOW},
        )

    try:
        async with open_script(folder, script.source, bundle) as runs:
            target = Target(_WORKFLOW, script.deployment, version="")
            created = await runs.create(manual.start(target, asked.params, asked.instance))
            return await _watch(runs, created.run.instance)
    except (EngineError, SetupRefused) as error:
        raise Failure(str(error), getattr(error, "code", "setup.refused")) from None


async def _watch(runs: Runs, instance: str) -> RunView:
    told: set[tuple[str, int, int]] = set()
    waiting = False
    while True:
        run = await runs.wait(_WORKFLOW, instance, _POLL_SECONDS)
        ended = run.status in ENDED
        for line in _news(await runs.history(_WORKFLOW, instance), told):
            say(line)
        if ended:
            return run
        if run.status == "waiting" and not waiting:
            waiting = True
            say(f"run {instance} is waiting")


def _news(steps: Sequence[StepView], told: set[tuple[str, int, int]]) -> Iterator[str]:
    """Failed attempts that were not told yet."""
    for step in steps:
        for number, attempt in enumerate(step.attempts, start=1):
            key = (step.name, step.count, number)
            if attempt.error is not None and key not in told:
                told.add(key)
                yield f"step {step.name!r}, attempt {number} failed: {_error(attempt.error)}"


def _error(error: RunError) -> str:
    line = f" (line {error.line})" if error.line else ""
    return f"{error.name}: {error.message}{line}"


def _answer(run: RunView) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "instanceId": run.instance,
        "status": str(run.status),
        "output": None if run.output is None else decode(run.output),
        "error": None,
    }
    if run.error is not None:
        error = run.error
        answer["error"] = {
            "name": error.name,
            "message": error.message,
            "step": error.step,
            "line": error.line,
        }
    return answer
