"""How a node type writes itself as Python: the vocabulary, not the implementation.

The compiler implements `Writer`; node types speak only to it, so they know no compiler.
Expressions and statements are syntax trees: text of a user enters them only as constants, or
through `code`, as a region that is proven to hold the user's own tree.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from awaitstep.ir.graph import Kind


@dataclass(frozen=True, slots=True)
class Helper:
    """A small function that generated modules carry when a node needs it.

    `source` is formatted Python that defines `name`; `imports` are (module, name) pairs, the
    name None for the module itself; `uses` are helpers it calls.
    """

    name: str
    source: str
    imports: tuple[tuple[str, str | None], ...] = ()
    uses: tuple[Helper, ...] = ()


class Writer(Protocol):
    """Writes one node."""

    @property
    def durable(self) -> bool:
        """Whether the node belongs to a run; in a function there are no steps."""

    @property
    def step_name(self) -> ast.expr:
        """The node's name in the run's history."""

    def named(self, suffix: str) -> ast.expr:
        """The same with a suffix, for a further step of the node."""

    def constant(self, value: Any) -> ast.expr:
        """JSON data as a literal, with no expressions in it."""

    def value(self, field: Any) -> ast.expr:
        """A field in which `{{…}}` may stand: one expression alone keeps its value's type."""

    def text(self, field: str) -> ast.expr:
        """The same, but always text."""

    def expression(self, text: str) -> ast.expr:
        """A Python expression of the user's, its references put in."""

    def binding(self, kind: Kind, workflow: str) -> ast.expr:
        """What stands in `env` for another workflow, or for a function."""

    def imported(self, module: str, name: str | None = None) -> ast.expr:
        """A name of the standard library or of `workers`, imported once."""

    def helper(self, helper: Helper) -> ast.expr:
        """The function of a helper."""

    def local(self, wish: str) -> str:
        """A variable name for inside the node's function, that hides nothing."""

    def code(self, source: str) -> list[ast.stmt]:
        """A user's statements, kept as they were written."""

    def function(
        self,
        body: list[ast.stmt],
        *,
        source: str | None = None,
        step: ast.expr | None = None,
        blocking: bool = False,
        context: bool = False,
        then: Callable[[ast.expr], ast.expr] | None = None,
    ) -> list[ast.stmt]:
        """Define the node's function around `body` and bind the node's id to its result, or to
        what `then` makes of that.

        `source` is the user's code inside it, if any: it decides between `def` and `async def`,
        and whether the function takes `ctx`. Without it, `blocking` asks for `def` and `context`
        for `ctx`. `step` is the decorator that makes it a durable step.
        """

    def rollback(self, source: str) -> tuple[ast.expr, list[ast.stmt]]:
        """A function that undoes the node's step, and its definition. It takes what the user's
        code reads of `output`, `error` and `ctx`."""

    def bind(self, value: ast.expr) -> ast.stmt:
        """`id = value`."""
