"""Graph and export files: read, checked and compiled with the node types of a data folder.

Files from AwaitStep's TypeScript edition are adopted; what had to be changed is told on stderr.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awaitstep.cli.failures import Failure
from awaitstep.cli.files import read_json
from awaitstep.cli.output import adoption, say

if TYPE_CHECKING:
    from awaitstep.compiler import CompiledModule
    from awaitstep.ir import Graph, Registry

_ENTRY = ("entryCode", "triggerCode")


@dataclass(frozen=True, slots=True)
class GraphFile:
    """`given` is the JSON as it stands there, `graph` and `entry_code` are in our rules.

    `name` is the workflow's, None where the file names none.
    """

    given: Any
    graph: Any
    entry_code: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Compiled:
    """`graph` is None for a module that stands in the place of a drawing."""

    module: CompiledModule
    graph: Graph | None
    packages: tuple[str, ...]


def is_one(what: str) -> bool:
    """Whether a file is meant, not the id or name of a workflow."""
    path = Path(what)
    return path.suffix == ".json" or path.is_file()


def node_types(data: Path) -> Registry:
    """Those that come along and the custom ones of a data folder; what is wrong there is told."""
    from awaitstep.nodes import registry_of

    types, problems = registry_of(data)
    for problem in problems:
        say(f"a custom node type is left out: {problem}")
    return types


def read(path: Path, types: Registry) -> GraphFile:
    """Raises Failure when there is no JSON."""
    given = read_json(path)
    graph, entry, name = given, None, None
    if isinstance(given, dict):
        entry = given.get("entryCode", given.get("triggerCode"))
        if "ir" in given and "nodes" not in given:
            graph, name = given["ir"], given.get("name")
        else:
            graph = {key: given[key] for key in given if key not in _ENTRY}
            metadata = given.get("metadata")
            name = metadata.get("name") if isinstance(metadata, dict) else None
    graph, entry = adopted(graph, entry if isinstance(entry, str) else None, types)
    return GraphFile(given, graph, entry, name if isinstance(name, str) and name else None)


def adopted(graph: Any, entry_code: str | None, types: Registry) -> tuple[Any, str | None]:
    """Both in our rules; what had to be changed is told."""
    from awaitstep.ir import adopt, adopt_entry

    made = adopt(graph, types)
    needs_porting = list(made.needs_porting)
    if entry_code is not None:
        entry_code, foreign = adopt_entry(entry_code)
        needs_porting += ["entryCode"] * foreign
    told = {
        "renames": [rename.to_json() for rename in made.renames],
        "notes": [note.to_json() for note in made.notes],
        "needsPorting": needs_porting,
    }
    for line in adoption(told):
        say(line)
    return made.graph, entry_code


def compiled(graph: Any, entry_code: str | None, types: Registry) -> Compiled:
    """The module of a graph in our rules. Raises InvalidGraph."""
    from awaitstep.compiler import CompiledModule, compile_graph
    from awaitstep.ir import is_handwritten, parse, read_handwritten
    from awaitstep.nodes import packages_of

    if is_handwritten(graph):
        written = read_handwritten(graph)
        module = CompiledModule(written.source, written.class_name, {}, {})
        return Compiled(module, None, tuple(written.packages))
    drawn = parse(graph, types)
    module = compile_graph(drawn, types, entry_code=entry_code)
    return Compiled(module, drawn, tuple(packages_of(drawn, types)))


@contextmanager
def told(sentence: str) -> Iterator[None]:
    """Has an invalid graph told as this sentence and every problem."""
    from awaitstep.ir import InvalidGraph

    try:
        yield
    except InvalidGraph as invalid:
        details = [diagnostic.to_json() for diagnostic in invalid.diagnostics]
        raise Failure(sentence, "graph.invalid", details) from None
