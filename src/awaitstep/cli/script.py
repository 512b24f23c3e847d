"""`awaitstep run FILE.py`: one durable run of a hand-written workers module.

The server of the data folder runs it, when there is one that answers. Else the run has a journal
of its own, in --data when given; there the same command with the same --id goes on with a run
that was interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from awaitstep.cli.endings import plain
from awaitstep.cli.failures import WrongUse
from awaitstep.cli.options import DEFAULT_DATA, Json, json_value
from awaitstep.cli.output import show


def run(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A module with a WorkflowEntrypoint class.")],
    params: Annotated[
        str | None, typer.Option("--params", help="JSON, @FILE, or - for stdin.")
    ] = None,
    class_name: Annotated[
        str | None, typer.Option("--class", help="Which class, when there are several.")
    ] = None,
    instance: Annotated[str | None, typer.Option("--id", help="The run's instanceId.")] = None,
    variables: Annotated[
        list[str] | None,
        typer.Option("--env", help="A variable as NAME=VALUE, without a server; repeatable."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            envvar="AWAITSTEP_DATA",
            help="The server of this folder, else a folder for the journal.",
        ),
    ] = None,
    own_journal: Annotated[
        bool, typer.Option("--own-journal", help="Without a server, though there is one.")
    ] = False,
    json: Json = False,
) -> None:
    """Run a Python workflow durably, and print its output."""
    from awaitstep.cli import own_run, server_run
    from awaitstep.cli.module import Asked, journal_form, load
    from awaitstep.cli.rest import Rest

    value = json_value(params, "--params")
    asked = Asked(
        script=load(file, class_name),
        params=None if params is None else journal_form(value),
        instance=instance,
        variables=_variables(variables),
    )
    server = None
    if own_journal or asked.variables:
        # the folder that the environment names is a server's, and its journal not to be shared
        source = context.get_parameter_source("data")
        data = None if source is not None and source.name == "ENVIRONMENT" else data
    else:
        server = Rest.of_folder(data or DEFAULT_DATA, "/health")
    if server is None:
        answer = own_run.run_to_end(asked, data)
    else:
        with server:
            answer = server_run.run_to_end(asked, server)
    show(answer, json, plain)
    if answer["status"] != "complete":
        raise typer.Exit(1)


def _variables(given: list[str] | None) -> dict[str, str]:
    pairs = [item.partition("=") for item in given or []]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise WrongUse("--env takes NAME=VALUE.")
    return {name: value for name, _, value in pairs}
