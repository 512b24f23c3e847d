"""`awaitstep run FILE.py`: one durable run of a hand-written workers module.

The run has a journal of its own, in --data when given. There the same command with the same --id
goes on with a run that was interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from awaitstep.cli.failures import WrongUse
from awaitstep.cli.options import Json, json_value
from awaitstep.cli.output import show


def run(
    file: Annotated[Path, typer.Argument(help="A module with a WorkflowEntrypoint class.")],
    params: Annotated[
        str | None, typer.Option("--params", help="JSON, @FILE, or - for stdin.")
    ] = None,
    class_name: Annotated[
        str | None, typer.Option("--class", help="Which class, when there are several.")
    ] = None,
    instance: Annotated[str | None, typer.Option("--id", help="The run's instanceId.")] = None,
    variables: Annotated[
        list[str] | None, typer.Option("--env", help="NAME=VALUE for self.env; repeatable.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Keep the journal in this folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Run a Python workflow durably, and print its output."""
    from awaitstep.cli.own_run import Asked, journal_form, load, run_to_end

    value = json_value(params, "--params")
    asked = Asked(
        script=load(file, class_name),
        params=None if params is None else journal_form(value),
        instance=instance,
        variables=_variables(variables),
    )
    answer = run_to_end(asked, data)
    show(answer, json, _plain)
    if answer["status"] != "complete":
        raise typer.Exit(1)


def _variables(given: list[str] | None) -> dict[str, str]:
    pairs = [item.partition("=") for item in given or []]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise WrongUse("--env takes NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def _plain(answer: dict[str, Any]) -> str:
    import json

    if answer["error"] is not None:
        error = answer["error"]
        step = f" in step {error['step']!r}" if error["step"] else ""
        line = f" (line {error['line']})" if error["line"] else ""
        return f"run {answer['status']}: {error['name']}: {error['message']}{step}{line}"
    if answer["status"] != "complete":
        return f"run {answer['status']}"
    return json.dumps(answer["output"], ensure_ascii=False, indent=2)
