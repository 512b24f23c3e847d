"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from awaitstep.cli.failures import Failure, WrongUse

Data = Annotated[
    Path, typer.Option("--data", envvar="AWAITSTEP_DATA", help="Folder the server keeps all in.")
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


def read_text(path: Path) -> str:
    """A file's text. Raises Failure with one sentence."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Failure(f"There is no file {path}.", "file.missing") from None
    except IsADirectoryError:
        raise Failure(f"{path} is a folder, not a file.", "file.missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} can't be read: {error}.", "file.unreadable") from None


def read_json(path: Path) -> Any:
    """A JSON file's value. Raises Failure with one sentence."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise Failure(f"{path} is not JSON: {error}.", "file.not_json") from None
