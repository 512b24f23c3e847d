"""The parts of a module that are not frame: a user's code, a user's expressions, our marks.

In the frame's syntax tree each stands as a name that no text of the user contains. Printing puts
the text in its place; the re-check puts the tree in its place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from awaitstep.ir.names import LONGEST_ID
from awaitstep.ir.source import BUILTINS, IMPORTABLE

_RESERVED = {"event", "step", "env", "ctx", "self", "request", "error", "Default", "Any"}


class Names:
    """Hands out variable names that nothing in the module uses."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {*taken, *BUILTINS, *IMPORTABLE, *_RESERVED}
        self._counts: dict[str, int] = {}

    def fresh(self, wish: str) -> str:
        wish = wish[: LONGEST_ID + 20]
        # A wish may come thousands of times: what was taken once stays taken.
        count = self._counts.get(wish, 1)
        name = wish if count == 1 else f"{wish}_{count}"
        while name in self._taken:
            count += 1
            name = f"{wish}_{count}"
        self._counts[wish] = count
        self._taken.add(name)
        return name


@dataclass(frozen=True, slots=True)
class CodeRegion:
    """Statements as a person wrote them: text whose lines are moved, its own tree, and the names
    that it takes from outside."""

    text: str
    body: list[ast.stmt]
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ExpressionRegion:
    """A person's expression: `parts` are its text and the trees of its references."""

    parts: tuple[str | ast.expr, ...]
    tree: ast.expr


@dataclass(slots=True)
class Pieces:
    """All parts by their names in the frame."""

    prefix: str
    code: dict[str, CodeRegion] = field(default_factory=dict)
    expressions: dict[str, ExpressionRegion] = field(default_factory=dict)

    @property
    def blank(self) -> str:
        """The statement that is printed as an empty line."""
        return f"{self.prefix}blank"

    def _name(self) -> str:
        return f"{self.prefix}{len(self.code) + len(self.expressions)}_"

    def add_code(self, region: CodeRegion) -> list[ast.stmt]:
        name = self._name()
        self.code[name] = region
        return [ast.Expr(value=ast.Name(id=name, ctx=ast.Load()))]

    def add_expression(self, region: ExpressionRegion) -> ast.expr:
        name = self._name()
        self.expressions[name] = region
        return ast.Name(id=name, ctx=ast.Load())

    def read(self, name: str, body: Iterable[ast.stmt]) -> bool:
        """Whether statements read a name, in a user's code and expressions too."""
        for part in (part for statement in body for part in ast.walk(statement)):
            if not isinstance(part, ast.Name):
                continue
            if part.id == name or (part.id in self.code and name in self.code[part.id].reads):
                return True
            if part.id in self.expressions:
                tree = self.expressions[part.id].tree
                if any(isinstance(own, ast.Name) and own.id == name for own in ast.walk(tree)):
                    return True
        return False

    def empty_line(self) -> ast.stmt:
        return ast.Expr(value=ast.Name(id=self.blank, ctx=ast.Load()))


def unused_prefix(texts: Iterable[str]) -> str:
    """A beginning for names that occurs in none of the texts."""
    prefix = "_piece_"
    for text in texts:
        while prefix in text:
            prefix = f"_{prefix}"
    return prefix
