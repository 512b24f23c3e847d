"""What of a module is otherwise on Cloudflare than here, told before it goes there. Pure.

The table that people read is in docs/explanation/cloudflare.md; a test holds both together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from awaitstep.providers.port import Difference

# Modules of the standard library that Pyodide has no system for.
_NO_SYSTEM: Final = frozenset({"multiprocessing", "socket", "subprocess", "threading"})

ROLLBACK: Final = Difference(
    "error",
    "cloudflare.rollback",
    "Steps with a rollback can't run on Cloudflare: its Python SDK knows none.",
)
NO_SYSTEM: Final = Difference(
    "error",
    "cloudflare.no_system",
    "Cloudflare's Python has no threads, processes and sockets: {names} won't work there.",
)
SIZE: Final = Difference(
    "error",
    "cloudflare.size",
    "The module takes {size} bytes compressed; on the {plan} plan Cloudflare takes at most {room}.",
)
SCHEDULES: Final = Difference(
    "error",
    "cloudflare.schedules",
    "It starts on a schedule, for which Cloudflare wants a paid plan.",
)
BLOCKING: Final = Difference(
    "warning",
    "cloudflare.blocking",
    "Steps without `async` block everything else of their run on Cloudflare: {names}.",
)
UNPINNED: Final = Difference(
    "warning",
    "cloudflare.unpinned",
    "Cloudflare pins no code: runs that are under way may go on with the new code.",
)
SENSITIVE: Final = Difference(
    "warning",
    "cloudflare.sensitive",
    "Outputs marked sensitive are shown as [REDACTED] in the steps of runs on Cloudflare.",
)
CHILDREN: Final = Difference(
    "warning",
    "cloudflare.children",
    "On Cloudflare a run that waits for another one asks for its end, ever more seldom: it learns of it"
    " up to a tenth of its time later, and terminating it does not end the other one: {names}.",
)
ERRORS: Final = Difference(
    "warning",
    "cloudflare.errors",
    "Of the errors that steps raise, only ValueError, TypeError and NonRetryableError keep their"
    " name on Cloudflare, and none says which step it came from.",
)
RACES: Final = Difference(
    "warning",
    "cloudflare.races",
    "Arms that lose a race go on to the end of their step on Cloudflare.",
)
DATES: Final = Difference(
    "warning",
    "cloudflare.dates",
    "Dates of events have no time zone on Cloudflare; they are UTC.",
)
ALL: Final = (
    ROLLBACK, NO_SYSTEM, SIZE, SCHEDULES, BLOCKING, UNPINNED, SENSITIVE, CHILDREN, ERRORS, RACES, DATES,
)  # fmt: skip


def differences_of(source: str, *, live: bool) -> Sequence[Difference]:
    """Errors first. `live` says that an earlier deploy may have runs under way.

    A module that is no Python has none: that is found out elsewhere.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    found = []
    if any(_keyword(call, "rollback") for call in _step_calls(tree)):
        found.append(ROLLBACK)
    if names := sorted(_imported(tree) & _NO_SYSTEM):
        found.append(_naming(NO_SYSTEM, names))
    if names := sorted(_blocking(tree)):
        found.append(_naming(BLOCKING, names))
    if live:
        found.append(UNPINNED)
    if any(_is_sensitive(call) for call in _step_calls(tree)):
        found.append(SENSITIVE)
    if names := sorted(_awaited_children(tree)):
        found.append(_naming(CHILDREN, names))
    # functions that modules are given where they need them (compiler/containers.py)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    helpers = {node.name for node in tree.body if isinstance(node, functions)}
    if "failure" in helpers:
        found.append(ERRORS)
    if "race" in helpers:
        found.append(RACES)
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    if any(_is_a_date(node) for own in classes for node in ast.walk(own)):
        found.append(DATES)
    return found


def _awaited_children(tree: ast.AST) -> Iterator[str]:
    """Names of the waits for another workflow's run (`child_output(step, name, …)`)."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "child_output"
            and len(node.args) > 1
        ):
            name = node.args[1]
            yield str(name.value) if isinstance(name, ast.Constant) else "a step"


def _is_a_date(node: ast.AST) -> bool:
    """Whether it reads the moment of an event: `event.timestamp`, or by its key."""
    if isinstance(node, ast.Attribute):
        return node.attr == "timestamp"
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value == "timestamp"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lookup":
        return any(isinstance(arg, ast.Constant) and arg.value == "timestamp" for arg in node.args)
    return False


def _naming(difference: Difference, names: Sequence[str]) -> Difference:
    told = difference.message.format(names=", ".join(names))
    return Difference(difference.severity, difference.code, told)


def _is_do(node: ast.AST) -> bool:
    """Whether it is `step.do(…)`, whatever the step is called."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "do"
        and isinstance(node.func.value, ast.Name)
    )


def _step_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_do(node):
            yield node


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _is_sensitive(call: ast.Call) -> bool:
    config = _keyword(call, "config")
    if not isinstance(config, ast.Dict):
        return False
    return any(isinstance(key, ast.Constant) and key.value == "sensitive" for key in config.keys)


def _imported(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _blocking(tree: ast.AST) -> Iterator[str]:
    """Names of steps that are plain functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(map(_is_do, node.decorator_list)):
            yield node.name
