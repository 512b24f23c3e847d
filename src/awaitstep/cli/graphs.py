"""`awaitstep validate` and `compile`: graph files checked and compiled here, without a server.

A file from AwaitStep's TypeScript edition is adopted first, as an import does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from awaitstep.cli import graph_file
from awaitstep.cli.files import write_text
from awaitstep.cli.options import DEFAULT_DATA, Json, NodesOf
from awaitstep.cli.output import problem, show

File = Annotated[Path, typer.Argument(help="A graph or export file (JSON).")]


def validate(file: File, data: NodesOf = DEFAULT_DATA, json: Json = False) -> None:
    """Print every problem of a graph; exit 1 when one is an error."""
    from awaitstep.compiler import check_entry
    from awaitstep.ir import validate as check

    types = graph_file.node_types(data)
    read = graph_file.read(file, types)
    problems = check(read.graph, types)
    problems += [] if read.entry_code is None else check_entry(read.entry_code)
    found = [diagnostic.to_json() for diagnostic in problems]
    errors = sum(1 for diagnostic in found if diagnostic["severity"] == "error")
    show(
        {"valid": errors == 0, "diagnostics": found},
        json,
        lambda answer: "\n".join(map(problem, answer["diagnostics"])) or "no problems",
    )
    if errors:
        raise typer.Exit(1)


def compile_(
    file: File,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, not to stdout.")
    ] = None,
    data: NodesOf = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Print the Python module of a graph."""
    types = graph_file.node_types(data)
    read = graph_file.read(file, types)
    with graph_file.told(f"{file} can't be compiled."):
        source = graph_file.compiled(read.graph, read.entry_code, types).module.source
    if output is not None:
        write_text(output, source)
        show({"file": str(output)}, json, lambda made: f"written to {made['file']}")
        return
    show({"code": source}, json, lambda made: str(made["code"]).rstrip("\n"))
