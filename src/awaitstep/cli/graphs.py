"""`awaitstep validate` and `compile`: graph files checked and compiled here, without a server.

A file from AwaitStep's TypeScript edition is adopted first, as an import does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from awaitstep.cli import graph_file
from awaitstep.cli.failures import Failure
from awaitstep.cli.options import Json
from awaitstep.cli.output import problem, show

File = Annotated[Path, typer.Argument(help="A graph or export file (JSON).")]


def validate(file: File, json: Json = False) -> None:
    """Print every problem of a graph; exit 1 when one is an error."""
    from awaitstep.compiler import check_entry
    from awaitstep.ir import validate as check
    from awaitstep.nodes import registry

    read = graph_file.read(file)
    problems = check(read.graph, registry())
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
    json: Json = False,
) -> None:
    """Print the Python module of a graph."""
    from awaitstep.compiler import compile_graph
    from awaitstep.ir import InvalidGraph, is_handwritten, parse, read_handwritten
    from awaitstep.nodes import registry

    types = registry()
    read = graph_file.read(file)
    try:
        if is_handwritten(read.graph):
            source = read_handwritten(read.graph).source
        else:
            graph = parse(read.graph, types)
            source = compile_graph(graph, types, entry_code=read.entry_code).source
    except InvalidGraph as invalid:
        details = [diagnostic.to_json() for diagnostic in invalid.diagnostics]
        raise Failure(f"{file} can't be compiled.", "graph.invalid", details) from None
    if output is not None:
        try:
            output.write_text(source, encoding="utf-8")
        except OSError as error:
            raise Failure(f"{output} can't be written: {error.strerror}.") from None
        show({"file": str(output)}, json, lambda made: f"written to {made['file']}")
        return
    show({"code": source}, json, lambda made: str(made["code"]).rstrip("\n"))
