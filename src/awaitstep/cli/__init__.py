"""The command line. It talks to the server by REST; what a command needs is imported inside it,
so that `awaitstep --help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from awaitstep import __version__
from awaitstep.cli.eject import eject
from awaitstep.cli.failures import Failure
from awaitstep.cli.graphs import compile_, validate
from awaitstep.cli.keys import keys
from awaitstep.cli.login import login_link
from awaitstep.cli.machine import doctor
from awaitstep.cli.output import show_failure
from awaitstep.cli.runs import events, runs
from awaitstep.cli.script import run
from awaitstep.cli.serve import dev, serve
from awaitstep.cli.workflows import deploy, export, import_, trigger
from awaitstep.interpreter import start_quickly

app = typer.Typer(
    name="awaitstep",
    help="Draw workflows, deploy them, and run them so that they survive crashes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def awaitstep(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Draw workflows, deploy them, and run them so that they survive crashes."""


app.command()(dev)
app.command()(serve)
app.command()(run)
app.command()(validate)
app.command("compile")(compile_)
app.command()(deploy)
app.command()(trigger)
app.add_typer(runs, name="runs")
app.add_typer(events, name="events")
app.add_typer(keys, name="keys")
app.command("login-link")(login_link)
app.command("import")(import_)
app.command()(export)
app.command()(eject)
app.command()(doctor)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 failed, 2 wrong use."""
    start_quickly()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(given, prog_name="awaitstep")
    except Failure as failure:
        show_failure(failure, "--json" in given)
        sys.exit(failure.exit_code)
