"""`awaitstep validate` and `compile`: graph files checked and compiled here, without a server.

Only what a connection makes of a graph is asked of the server that has it.

A file from AwaitStep's TypeScript edition is adopted first, as an import does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awaitstep.cli import graph_file
from awaitstep.cli.files import write_text
from awaitstep.cli.options import DEFAULT_DATA, Json, Key, NodesOf, Url
from awaitstep.cli.output import problem, show

if TYPE_CHECKING:
    from awaitstep.cli.graph_file import GraphFile
    from awaitstep.ir import Registry

File = Annotated[Path, typer.Argument(help="A graph or export file (JSON).")]


def validate(
    file: File,
    connection: Annotated[
        str | None,
        typer.Option("--connection", help="A connection's id: also tell what is otherwise there."),
    ] = None,
    data: NodesOf = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Print every problem of a graph; exit 1 when one is an error."""
    read = graph_file.read(file, types := graph_file.node_types(data))
    if connection is None:
        report = _report(read, types)
    else:
        from awaitstep.cli.rest import Rest

        body = {"ir": read.graph, "entryCode": read.entry_code, "connectionId": connection}
        with Rest.find(data, url, key) as rest:
            report = rest.post("/validate", body)
    show(
        report,
        json,
        lambda answer: "\n".join(map(problem, answer["diagnostics"])) or "no problems",
    )
    if not report["valid"]:
        raise typer.Exit(1)


def _report(read: GraphFile, types: Registry) -> dict[str, Any]:
    """As the API tells it."""
    from awaitstep.compiler import check_entry
    from awaitstep.ir import validate as check

    problems = check(read.graph, types)
    problems += [] if read.entry_code is None else check_entry(read.entry_code)
    found = [diagnostic.to_json() for diagnostic in problems]
    return {"valid": all(one["severity"] != "error" for one in found), "diagnostics": found}


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
