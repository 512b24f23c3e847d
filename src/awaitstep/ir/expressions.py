"""Expressions: `{{node_id.path.to[0].value}}` in texts and in conditions.

Owns their grammar. Says what a text refers to; does not know whether that exists.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from awaitstep.ir.diagnostics import Diagnostic, Report, shown
from awaitstep.ir.source import Source, analyse, normalized, parsed

_ROOT = re.compile(r"\{\{\s*([^\W\d]\w*)")
_SEGMENT = re.compile(r"""\.([^\W\d][\w-]*)|\[(\d{1,9})\]|\["([^"\\\n]*)"\]|\['([^'\\\n]*)'\]""")
_END = re.compile(r"\s*\}\}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A value named by its root and a path into it; `text` is how it was written."""

    root: str
    path: tuple[str | int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """Text in which references stand."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> list[Reference]:
        return [part for part in self.parts if isinstance(part, Reference)]

    @property
    def exact(self) -> Reference | None:
        """The reference when the text is nothing else, so that it keeps its value's type."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Reference):
            return self.parts[0]
        return None


class ExpressionError(ValueError):
    """A `{{` that begins no expression; `offset` says where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """Split text into its literal parts and its references.

    Raises:
        ExpressionError: a `{{` that begins no expression.
    """
    parts: list[str | Reference] = []
    done = 0
    while (start := text.find("{{", done)) >= 0:
        reference, end = _reference(text, start)
        if start > done:
            parts.append(text[done:start])
        parts.append(reference)
        done = end
    if done < len(text):
        parts.append(text[done:])
    return Template(tuple(parts))


def _reference(text: str, start: int) -> tuple[Reference, int]:
    root = _ROOT.match(text, start)
    if root is None:
        raise ExpressionError(f"`{shown(text[start : start + 20])}` names no node.", start)
    path: list[str | int] = []
    position = root.end()
    while segment := _SEGMENT.match(text, position):
        name, index, double, single = segment.groups()
        path.append(int(index) if index is not None else name or double or single or "")
        position = segment.end()
    end = _END.match(text, position)
    if end is None:
        seen = shown(text[start : position + 10])
        raise ExpressionError(f"`{seen}` is not an expression such as {{{{a.b[0]}}}}.", start)
    written = text[start + 2 : end.end() - 2].strip()
    return Reference(root[1], tuple(path), written), end.end()


def checked_template(text: str, report: Report, path: str) -> Template | None:
    """The same, with the mistake said in `report`."""
    try:
        return parse_template(text)
    except ExpressionError as error:
        before = text[: error.offset]
        report.add(
            "expression.syntax",
            str(error),
            path,
            line=before.count("\n") + 1,
            column=error.offset - (before.rfind("\n") + 1) + 1,
            hint="Write {{node_id.path}}; text cannot hold two opening braces for themselves.",
        )
        return None


@dataclass(frozen=True, slots=True)
class Condition:
    """A Python expression; `references` stand in `tree` and `parts` as names of their own."""

    parts: tuple[str | Reference, ...]
    tree: ast.expr
    references: dict[str, Reference]
    source: Source


def parse_condition(text: str, report: Report, path: str) -> Condition | None:
    """Read a condition. Says what is wrong with it in `report`; None when it cannot be used."""
    template = checked_template(normalized(text).strip(), report, path)
    if template is None:
        return None
    prefix = "_reference_"
    while prefix in text:
        prefix += "_"
    references: dict[str, Reference] = {}
    python = ""
    for part in template.parts:
        if isinstance(part, Reference):
            name = f"{prefix}{len(references)}"
            references[name] = part
            python += name
        else:
            python += part
    # In brackets an expression may go on over several lines and end in a comment.
    found = Report()
    source = analyse(f"({python}\n)", found, path)
    report.problems += [
        _as_written(problem, references, report.about_id()) for problem in found.problems
    ]
    if source is None:
        return None
    tree = _single_expression(source.text)
    if tree is None or not _is_whole(python):
        report.add("code.syntax", "A condition is one Python expression.", path)
        return None
    refused = _refused(tree, report, path)
    if _hidden(tree, references, report, path) or refused:
        return None
    return Condition(template.parts, tree, references, source)


def _is_whole(python: str) -> bool:
    """Whether it is an expression by itself: `1) + (2` is one only in our brackets, and a comment
    is nothing in them. An empty text is nobody's mistake here."""
    last = python.rpartition("\n")[2]
    if last.endswith("\\") and "#" not in last:
        return False
    try:
        (statement,) = ast.parse(f"[{python}\n]").body
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return False
    listed = statement.value if isinstance(statement, ast.Expr) else None
    filled = isinstance(listed, ast.ListComp) or (isinstance(listed, ast.List) and listed.elts)
    return bool(filled) or not python.strip()


def _as_written(
    problem: Diagnostic, references: dict[str, Reference], node_id: str | None
) -> Diagnostic:
    """A problem of the bracketed text, told about the text that the person wrote."""
    message, column = problem.message, problem.column
    for name, reference in references.items():
        message = message.replace(name, f"{{{{{shown(reference.text)}}}}}")
    if problem.line == 1 and column is not None:
        column = max(1, column - 1)
    return replace(problem, message=message, column=column, node_id=node_id)


def _single_expression(text: str) -> ast.expr | None:
    """A tree of its own, which the compiler may change."""
    match parsed(text):
        case [ast.Expr(value=tree)]:
            return tree
        case _:
            return None


def _refused(tree: ast.expr, report: Report, path: str) -> bool:
    found = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Await) or (isinstance(node, ast.comprehension) and node.is_async):
            found = True
            report.add("code.await", "A condition cannot await.", path, hint="Use a step.")
        elif isinstance(node, ast.NamedExpr):
            found = True
            report.add("code.walrus", "A condition cannot assign with `:=`.", path)
    return found


def _hidden(tree: ast.expr, references: dict[str, Reference], report: Report, path: str) -> bool:
    """References that would not be read as values: inside quotes, or where Python wants a name."""
    visible = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    for string in ast.walk(tree):
        if isinstance(string, ast.JoinedStr):
            visible -= {node.id for node in ast.walk(string) if isinstance(node, ast.Name)}
    hidden = [reference for name, reference in references.items() if name not in visible]
    for reference in hidden:
        report.add(
            "expression.in_string",
            f"{{{{{shown(reference.text)}}}}} is not read as a value here.",
            path,
            hint="Take the quotes away: {{…}} stands for the value itself.",
        )
    return bool(hidden)
