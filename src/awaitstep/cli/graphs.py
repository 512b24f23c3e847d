"""`awaitstep validate` and `compile`: graph files checked and compiled here, without a server.

A file from AwaitStep's TypeScript edition is adopted first, as an import does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from awaitstep.cli.failures import Failure
from awaitstep.cli.options import Json, read_json
from awaitstep.cli.output import adoption, problem, say, show

File = Annotated[Path, typer.Argument(help="A graph or export file (JSON).")]


def validate(file: File, json: Json = False) -> None:
    """Print every problem of a graph; exit 1 when one is an error."""
    from awaitstep.compiler import check_entry
    from awaitstep.ir import validate as check
    from awaitstep.nodes import registry

    graph, entry = _adopted(file)
    problems = check(graph, registry()) + ([] if entry is None else check_entry(entry))
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
    graph, entry = _adopted(file)
    try:
        if is_handwritten(graph):
            source = read_handwritten(graph).source
        else:
            source = compile_graph(parse(graph, types), types, entry_code=entry).source
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


def _adopted(file: Path) -> tuple[Any, str | None]:
    """The graph and the entry code of a file; what had to be changed is told on stderr."""
    from awaitstep.ir import adopt, adopt_entry
    from awaitstep.nodes import registry

    graph, entry = read_json(file), None
    if isinstance(graph, dict):
        entry = graph.get("entryCode", graph.get("triggerCode"))
        if "ir" in graph and "nodes" not in graph:
            graph = graph["ir"]
        else:
            graph = {key: graph[key] for key in graph if key not in ("entryCode", "triggerCode")}
    made = adopt(graph, registry())
    needs_porting = list(made.needs_porting)
    if isinstance(entry, str):
        entry, foreign = adopt_entry(entry)
        needs_porting += ["entryCode"] * foreign
    told = {
        "renames": [rename.to_json() for rename in made.renames],
        "notes": [note.to_json() for note in made.notes],
        "needsPorting": needs_porting,
    }
    for line in adoption(told):
        say(line)
    return made.graph, entry if isinstance(entry, str) else None
