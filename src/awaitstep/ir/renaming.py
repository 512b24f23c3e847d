"""New ids for nodes whose ids break the rules, and every mention of the old ones rewritten.

Owns how a new id is chosen and where an id may be mentioned in a text. Knows no graph.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from awaitstep.ir.diagnostics import Report
from awaitstep.ir.names import LONGEST_NAME, id_problem
from awaitstep.ir.source import analyse

_LONGEST_WISH = 60
_REFERENCE = re.compile(r"(\{\{\s*)([\w-]+)(?=\s*\}\}|[.\[])")
_NAME = re.compile(
    r'"(?:[^"\\\n]|\\.)*"?|\'(?:[^\'\\\n]|\\.)*\'?|\{\{[^{}]*\}\}|(?<![\w.])([^\W\d]\w*)'
)


@dataclass(frozen=True, slots=True)
class Rename:
    """A node's id before and after; `name` is its display name."""

    old: str
    new: str
    name: str

    def to_json(self) -> dict[str, str]:
        return {"from": self.old, "to": self.new, "name": self.name}


@dataclass(slots=True)
class Renaming:
    """`ids` are all ids, old to new; most are the same.

    `variables` are those renamed ones that Python may have read as names: a reserved one means
    something else there.
    """

    ids: dict[str, str] = field(default_factory=dict)
    renames: list[Rename] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, nodes: Iterable[tuple[str, object, object]], taken: Collection[str]) -> Renaming:
        """For nodes as (id, display name, type). No new id is one of `taken`.

        Ids that stand there twice stay: nobody knows which one is meant.
        """
        nodes = list(nodes)
        counts = Counter(old for old, _, _ in nodes)
        used = {*taken, *counts}
        numbers: Counter[str] = Counter()
        self = cls({old: old for old in counts})
        for old, name, kind in nodes:
            problem = id_problem(old)
            if problem is None or counts[old] > 1 or not _can_be_told(old):
                continue
            display = name if isinstance(name, str) and name.strip() else old
            new = _free(_wish(display, kind), used, numbers)
            used.add(new)
            self.ids[old] = new
            told = display[:LONGEST_NAME].encode("utf-8", "replace").decode()
            self.renames.append(Rename(old, new, told))
            if old.isidentifier() and problem[0] == "id.invalid":
                self.variables[old] = new
        return self

    def in_text(self, text: str) -> str:
        """A text with `{{…}}` in it; an old id need not be a Python name."""
        if not self.renames or "{{" not in text:
            return text
        return _REFERENCE.sub(lambda found: found[1] + self.ids.get(found[2], found[2]), text)

    def in_condition(self, text: str) -> str:
        """A Python expression that reads nodes by their names."""
        if not self.variables:
            return text
        return _NAME.sub(lambda found: self.variables.get(found[1], found[0]), text)

    def in_code(self, code: str) -> str:
        """The same for statements."""
        source = analyse(code, Report(), "") if self.variables else None
        if source is None:
            return code
        nodes = [node for statement in source.body for node in ast.walk(statement)]
        own = {node.arg for node in nodes if isinstance(node, ast.arg)} | set(source.binds)
        read = set(self.variables) & set(source.reads) - own
        places = {
            (node.lineno, node.col_offset): node.id
            for node in nodes
            if isinstance(node, ast.Name) and node.id in read
        }
        lines = [line.encode() for line in source.text.split("\n")]
        for (number, column), name in sorted(places.items(), reverse=True):
            line, end = lines[number - 1], column + len(name.encode())
            if line[column:end] == name.encode():
                lines[number - 1] = line[:column] + self.variables[name].encode() + line[end:]
        return b"\n".join(lines).decode() if places else code


def _wish(display: str, kind: object) -> str:
    """What a node would like to be called: its display name, else its type."""
    name = _snake(display[:LONGEST_NAME])
    if name:
        return name
    name = _snake(kind[:LONGEST_NAME]) if isinstance(kind, str) else ""
    return name if name and id_problem(name) is None else "node"


def _snake(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
    name = re.sub(r"[^a-z0-9]+", "_", words).strip("_")[:_LONGEST_WISH].strip("_")
    return f"node_{name}" if name[:1].isdigit() else name


def _free(wish: str, taken: set[str], numbers: Counter[str]) -> str:
    """The name, or with the first number that makes it allowed and unique."""
    name = wish if numbers[wish] == 0 else ""
    while not name or name in taken or id_problem(name) is not None:
        numbers[wish] = max(2, numbers[wish] + 1)
        name = f"{wish}_{numbers[wish]}"
    return name


def _can_be_told(old: str) -> bool:
    """Whether an id may stand in the answer; validation refuses all others."""
    return len(old) <= LONGEST_NAME and not any("\ud800" <= c <= "\udfff" for c in old)
