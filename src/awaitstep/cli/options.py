"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from awaitstep.cli.failures import WrongUse
from awaitstep.cli.files import read_text
from awaitstep.engine.states import RunStatus

Data = Annotated[
    Path, typer.Option("--data", envvar="AWAITSTEP_DATA", help="Folder the server keeps all in.")
]
NodesOf = Annotated[
    Path,
    typer.Option(
        "--data", envvar="AWAITSTEP_DATA", help="The data folder whose custom node types count too."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="AWAITSTEP_URL", help="The server; else from --data."),
]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="AWAITSTEP_API_KEY", help="API key; else from --data."),
]
Workflow = Annotated[str, typer.Argument(help="A workflow's id, or its exact name.")]
Instance = Annotated[str, typer.Argument(help="A run's instanceId or id.")]

DEFAULT_DATA = Path(".awaitstep")
STATES = ", ".join(RunStatus)


def known(what: str, given: Iterable[str], there_are: Iterable[str]) -> None:
    """Raises WrongUse for the first of `given` that is none of those there are."""
    for one in given:
        if one not in (all := list(there_are)):
            raise WrongUse(f"{one!r} is no {what}; there are {', '.join(all)}.")


def known_states(given: Iterable[str] | None) -> None:
    """Raises WrongUse for the first that is no state of a run."""
    known("state", given or (), RunStatus)


def known_triggers(given: Iterable[str] | None) -> None:
    """Raises WrongUse for the first that starts no runs."""
    from awaitstep.engine.port import Trigger

    known("trigger", given or (), get_args(Trigger))


def json_value(text: str | None, option: str) -> Any:
    """The value of an option that takes JSON, @FILE, or - for stdin. Raises WrongUse."""
    if text is None:
        return None
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        text = read_text(Path(text[1:]))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongUse(f"{option} is not JSON: {error}.") from None
