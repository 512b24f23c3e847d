"""A person's mistakes, as values.

Owns the shape of one problem and the list being collected. Knows nothing of what is checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from awaitstep.ir.codes import CODES, Severity

_SHOWN = 80


def shown(text: object) -> str:
    """A user's text as it may stand inside a message: short, and always encodable."""
    words = str(text)[: _SHOWN + 1].encode("utf-8", "replace").decode("utf-8")
    words = "".join(c if c.isprintable() else "\ufffd" for c in words)
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem in a graph or in entry code.

    `path` is a field as `data.branches[0].condition`: inside the node when `node_id` is given,
    else inside the graph. `line` and `column` count from 1 inside that field's text.
    """

    code: str
    severity: Severity
    message: str
    node_id: str | None = None
    path: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str | None = None

    def to_json(self) -> dict[str, str | int]:
        """The camelCase form of API and CLI, without what is not known."""
        fields: dict[str, str | int | None] = {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "nodeId": self.node_id,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "hint": self.hint,
        }
        return {name: value for name, value in fields.items() if value is not None}


class InvalidGraph(ValueError):
    """The graph or its entry code has errors; `diagnostics` holds every problem found."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = list(diagnostics)
        errors = [problem for problem in self.diagnostics if problem.severity == "error"]
        first = f": {errors[0].message}" if errors else ""
        super().__init__(f"the graph has {len(errors)} error{'s' * (len(errors) != 1)}{first}")


@dataclass(slots=True)
class Report:
    """Collects problems about one node's fields, or about the graph when `node_id` is None."""

    problems: list[Diagnostic] = field(default_factory=list)
    node_id: str | None = None

    def about(self, node_id: str) -> Report:
        """The same list, for another node."""
        return Report(self.problems, node_id)

    def add(
        self,
        code: str,
        message: str,
        path: str | None = None,
        *,
        line: int | None = None,
        column: int | None = None,
        hint: str | None = None,
    ) -> None:
        self.problems.append(
            Diagnostic(code, CODES[code], message, self.about_id(), path, line, column, hint)
        )

    def about_id(self) -> str | None:
        """The node that problems are about, as it may be shown."""
        return None if self.node_id is None else shown(self.node_id)

    @property
    def failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)
