"""Which ids a node may have: an id is a variable of the generated module."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Mapping, Sequence

from awaitstep.ir.source import BUILTINS

LONGEST_ID = 100
LONGEST_NAME = 256

_USED_BY_MODULES = frozenset(
    [
        "event",
        "step",
        "env",
        "ctx",
        "self",
        "request",
        "error",
        "fetch",
        "Response",
        "Default",
        "WorkflowEntrypoint",
        "WorkerEntrypoint",
        "asyncio",
        "json",
        "datetime",
    ]
)


def id_problem(identifier: str) -> tuple[str, str] | None:
    """The code and message of what is wrong with an id, or None."""
    if len(identifier) > LONGEST_ID:
        return "id.invalid", f"An id has at most {LONGEST_ID} characters."
    if not identifier.isidentifier() or identifier.startswith("_"):
        return "id.invalid", "An id is a Python name that does not begin with `_`."
    if unicodedata.normalize("NFKC", identifier) != identifier:
        return "id.invalid", "Python would read this id as a different name."
    if keyword.iskeyword(identifier):
        return "id.reserved", "This is a keyword of Python."
    if identifier in BUILTINS:
        return "id.reserved", "This is the name of something built into Python."
    if identifier in _USED_BY_MODULES:
        return "id.reserved", "Generated code uses this name itself."
    return None


def step_names(
    steps: list[tuple[str, str]], further: Mapping[str, Sequence[str]], room: int = 0
) -> dict[str, str]:
    """The name in the history of each (node id, display name): unique, ≤ 256, printable.

    `further` are what a node adds to its name for more steps of its own: nobody else has these names.
    `room` characters are left for what is added to it while the run goes on.

    Names that are shared take ` (node_id)` behind them, so that the order of nodes decides nothing.
    """
    longest = max(LONGEST_NAME - room, LONGEST_ID + len(" ()"))
    names = {
        node_id: _clean(name)[:longest] if name.strip() else node_id for node_id, name in steps
    }
    plain = set(names)
    while True:
        counts: dict[str, int] = {}
        for node_id, own in names.items():
            for name in (own, *(own + suffix for suffix in further.get(node_id, ()))):
                counts[name] = counts.get(name, 0) + 1
        shared = [node_id for node_id in plain if counts[names[node_id]] > 1]
        if not shared:
            return names
        for node_id in shared:
            suffix = f" ({node_id})"
            names[node_id] = names[node_id][: longest - len(suffix)] + suffix
            plain.discard(node_id)


def _clean(name: str) -> str:
    """Control characters and lone surrogates cannot be in a step's name."""
    bad = ("Cc", "Cs")
    return "".join("\ufffd" if unicodedata.category(c) in bad else c for c in name)
