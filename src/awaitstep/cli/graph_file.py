"""Graph and export files: read, and adopted where they come from AwaitStep's TypeScript edition.

What had to be changed is told on stderr. Whether the graph is valid is for others to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from awaitstep.cli.options import read_json
from awaitstep.cli.output import adoption, say

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


def read(path: Path) -> GraphFile:
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
    graph, entry = adopted(graph, entry if isinstance(entry, str) else None)
    return GraphFile(given, graph, entry, name if isinstance(name, str) and name else None)


def adopted(graph: Any, entry_code: str | None) -> tuple[Any, str | None]:
    """Both in our rules; what had to be changed is told."""
    from awaitstep.ir import adopt, adopt_entry
    from awaitstep.nodes import registry

    made = adopt(graph, registry())
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
