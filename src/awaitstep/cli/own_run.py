"""One durable run of a hand-written workers module in a journal of its own."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from awaitstep.cli import logs
from awaitstep.cli.endings import ERROR_FIELDS, answer
from awaitstep.cli.failures import Failure
from awaitstep.cli.folders import usable
from awaitstep.cli.module import Asked
from awaitstep.cli.output import say
from awaitstep.cli.progress import Progress
from awaitstep.engine.errors import EngineError
from awaitstep.engine.port import Runs, RunView
from awaitstep.engine.states import ENDED
from awaitstep.engine.values import decode
from awaitstep.engine.workers import Bundle
from awaitstep.interpreter import tune
from awaitstep.triggers import manual
from awaitstep.triggers.target import Target
from awaitstep.wiring import SetupRefused, open_script

_POLL_SECONDS = 0.2
_WORKFLOW = "wf_script"
# the name in `env` that starts the workflow, as in generated modules
_BINDING = "WORKFLOW"


def run_to_end(asked: Asked, data: Path | None) -> dict[str, Any]:
    """How the run ended, in JSON. `data` None means that its journal is forgotten.

    Raises Failure with one sentence.
    """
    logs.beside_an_answer()
    tune()
    with _folder(data) as folder:
        return _answer(uvloop.run(_run(asked, folder)))


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is None:
        with tempfile.TemporaryDirectory(prefix="awaitstep-run-") as name:
            yield Path(name)
        return
    os.umask(0o077)
    yield usable(data)


async def _run(asked: Asked, folder: Path) -> RunView:
    script = asked.script

    def bundle(module: Path) -> Bundle:
        return Bundle(
            deployment=script.deployment,
            workflow=_WORKFLOW,
            workflow_name=script.name,
            module=module,
            class_name=script.class_name,
            variables=asked.variables,
            bindings={_BINDING: _WORKFLOW},
        )

    try:
        opened = open_script(folder, script.source, bundle, packages=script.packages, tell=say)
        async with opened as runs:
            target = Target(_WORKFLOW, script.deployment, version="")
            created = await runs.create(manual.start(target, asked.params, asked.instance))
            return await _watch(runs, created.run.instance)
    except (EngineError, SetupRefused) as error:
        raise Failure(str(error), getattr(error, "code", "setup.refused")) from None


async def _watch(runs: Runs, instance: str) -> RunView:
    progress = Progress(instance)
    while True:
        run = await runs.wait(_WORKFLOW, instance, _POLL_SECONDS)
        for step in await runs.history(_WORKFLOW, instance):
            for attempt in step.attempts:
                lines = [line.text for line in attempt.log]
                progress.printed(step.name, step.count, attempt.number, lines)
                if (error := attempt.error) is not None:
                    what = (error.name, error.message, error.line)
                    progress.failed(step.name, step.count, attempt.number, *what)
        if run.status in ENDED:
            return run
        progress.status(run.status)


def _answer(run: RunView) -> dict[str, Any]:
    error = run.error
    return answer(
        {
            "instanceId": run.instance,
            "status": str(run.status),
            "output": None if run.output is None else decode(run.output),
            "error": error and {name: getattr(error, name) for name in ERROR_FIELDS},
        }
    )
