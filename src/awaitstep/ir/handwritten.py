"""A workflow written by hand: a module in the place of a drawing.

Owns its shape, `{kind, metadata, module, className?}`, and what can be wrong with it. The module
is read, never executed.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, TypeAdapter

from awaitstep.ir.diagnostics import InvalidGraph, Report, shown
from awaitstep.ir.graph import Metadata, Strict
from awaitstep.ir.raw import check_json
from awaitstep.ir.shape import read_model
from awaitstep.requirements import declared_in


class _Shape(Strict):
    kind: Literal["workflow"] = "workflow"
    metadata: Metadata
    module: str
    class_name: str | None = Field(default=None, max_length=256)


_SHAPE = TypeAdapter(_Shape)


@dataclass(frozen=True, slots=True)
class Handwritten:
    """A module that can be deployed; `class_name` is its workflow's class, `packages` are the
    requirements in its script header."""

    metadata: Metadata
    source: str
    class_name: str
    packages: tuple[str, ...] = ()


def is_handwritten(data: object) -> bool:
    """Whether a graph is a module; everything else is read as a drawing."""
    return isinstance(data, Mapping) and "module" in data


def read_handwritten(data: object) -> Handwritten:
    """The module of a graph that `is_handwritten`.

    Raises:
        InvalidGraph: it has errors.
    """
    report = Report()
    found = examine(data, report)
    if found is None:
        raise InvalidGraph(report.problems)
    return found


def examine(data: object, report: Report) -> Handwritten | None:
    """Report everything wrong with it; None when there is something."""
    unsound = check_json(data, report)
    if unsound is None or report.failed:
        return None
    shape = read_model(_SHAPE, data, "", report)
    if shape is None or report.failed:
        return None
    tree = _tree(shape.module, report)
    if tree is None:
        return None
    name = _chosen(workflow_classes(tree), shape.class_name, report)
    packages = _packages(shape.module, report)
    if name is None or packages is None:
        return None
    if not _answers(tree):
        report.add(
            "module.no_handler",
            "There is no class Default with a fetch handler: the Worker URL answers nothing.",
            "module",
            hint="Runs can be started by API, command line and dashboard.",
        )
    return Handwritten(shape.metadata, shape.module, name, packages)


def workflow_classes(tree: ast.Module) -> list[str]:
    """The classes of a module that extend WorkflowEntrypoint, in order."""
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(map(_is_workflow, node.bases))
    ]


def _is_workflow(base: ast.expr) -> bool:
    return _is(base, "WorkflowEntrypoint")


def _is(base: ast.expr, name: str) -> bool:
    return name == (base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", None))


def _answers(tree: ast.Module) -> bool:
    """Whether the module may have what answers its URL; one whose Default comes from elsewhere or is
    derived from another class may."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name="Default", bases=[base], body=body) if _is(
                base, "WorkerEntrypoint"
            ):
                if any("fetch" in _named(one) for one in body):
                    return True
            case ast.ClassDef(name="Default") | ast.Name(id="Default", ctx=ast.Store()):
                return True
            case ast.alias(name=name, asname=given) if (given or name) in ("Default", "*"):
                return True
    return False


def _named(node: ast.stmt) -> set[str]:
    """What a statement of a class gives a name, as far as it can be told."""
    match node:
        case ast.AsyncFunctionDef(name=name) | ast.FunctionDef(name=name):
            return {name}
        case _:
            return {
                inner.id
                for inner in ast.walk(node)
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
            }


def _tree(source: str, report: Report) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            compile(source, "worker.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, column = getattr(error, "lineno", None), getattr(error, "offset", None)
        message = f"Python cannot read the module: {getattr(error, 'msg', error)}."
        report.add("code.syntax", message, "module", line=line, column=column)
        return None
    return tree


def _packages(source: str, report: Report) -> tuple[str, ...] | None:
    try:
        return declared_in(source)
    except ValueError as error:
        report.add("module.packages", str(error), "module")
        return None


def _chosen(found: list[str], wished: str | None, report: Report) -> str | None:
    if wished is not None and wished not in found:
        report.add(
            "module.class_unknown", f"There is no workflow class `{shown(wished)}`.", "className"
        )
        return None
    if wished is not None or len(found) == 1:
        return wished or found[0]
    if found:
        named = ", ".join(f"`{shown(name)}`" for name in found)
        report.add("module.class_ambiguous", f"There are several workflow classes: {named}.", "module", hint="Name one in `className`.")  # fmt: skip
    else:
        report.add("module.class_missing", "No class extends WorkflowEntrypoint.", "module")
    return None
