"""Reading a template: imports and one function, which is called like the node type.

Owns what may stand in the file. It is parsed and compiled, never executed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from awaitstep.ir import Helper, Report
from awaitstep.ir.diagnostics import shown
from awaitstep.ir.source import (
    BUILTINS,
    IMPORTABLE,
    Source,
    analyse,
    impurity,
    normalized,
    own_nodes,
    parsed,
)
from awaitstep.nodes.custom.offered import OFFERED

IDEMPOTENCY_KEY = "idempotency_key"
REQUIRED = object()
"""In place of a default: the parameter has none."""
Imports = dict[str, tuple[str, str | None]]
Say = Callable[[str, str], None]

_OWNED = "_piece_"
_ONLY_IN_RUN = frozenset({"ctx", "env", "event", "self", "step"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Template:
    """`parameters` are the function's, with their defaults; `imports` what its module imports, by
    the name that stands for it; `impure` says that it cannot be replayed."""

    helper: Helper
    parameters: dict[str, Any]
    is_async: bool
    imports: Imports
    impure: bool


def read_template(text: str, function: str, packages: Collection[str], say: Say) -> Template | None:
    """The template of the type `function`; every problem goes to `say`, then the answer is None.

    `packages` are the modules that it may import besides the standard library and `workers`.
    """
    text = normalized(text)
    try:
        body = parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        say(_line(line), f"This is not Python: {getattr(error, 'msg', error)}.")
        return None
    sound = True

    def note(place: ast.AST | int, message: str) -> None:
        nonlocal sound
        sound = False
        say(_line(place if isinstance(place, int) else getattr(place, "lineno", 1)), message)

    if _OWNED in text:
        note(1, f"Names with `{_OWNED}` in them are the compiler's.")
    _check_imports(body, packages, note)
    imports = _module_imports(body, packages, note)
    definition = _definition(body, function, note)
    if definition is None:
        return None
    source = "\n".join(text.split("\n")[definition.lineno - 1 : definition.end_lineno])
    _check_function(definition, note)
    parameters = _parameters(definition, note)
    code = _source(source, definition.lineno - 1, note)
    if code is None or not sound:
        return None
    _check_names(code, definition, imports, note)
    if not sound:
        return None
    named = [IMPORTABLE[name] for name in code.reads if name in IMPORTABLE]
    helper = Helper(
        function,
        f"{source}\n",
        tuple(sorted({*imports.values(), *named}, key=lambda pair: (pair[0], pair[1] or ""))),
        tuple(helper for name, helper in OFFERED.items() if name in code.reads),
    )
    is_async = isinstance(definition, ast.AsyncFunctionDef)
    impure = is_async or impurity(definition.body) is not None
    return Template(helper, parameters, is_async, imports, impure)


Note = Callable[[ast.AST | int, str], None]


def _line(number: int) -> str:
    return f"line {number}"


def _definition(body: list[ast.stmt], function: str, note: Note) -> _Function | None:
    found: _Function | None = None
    for position, statement in enumerate(body):
        if isinstance(statement, ast.Import | ast.ImportFrom) or (
            position == 0 and _is_text(statement)
        ):
            continue
        if not isinstance(statement, _Function) or statement.name != function or found is not None:
            note(
                statement,
                f"Besides imports, a template holds one function, called `{function}`.",
            )
            continue
        found = statement
    if found is None:
        note(1, f"There is no function `{function}` here.")
    return found


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _check_imports(body: list[ast.stmt], packages: Collection[str], note: Note) -> None:
    for statement in _walk(body):
        if isinstance(statement, ast.ImportFrom):
            modules = ["" if statement.level else statement.module or ""]
            if any(alias.name == "*" for alias in statement.names):
                note(statement, "Name what is imported, instead of `*`.")
        elif isinstance(statement, ast.Import):
            modules = [alias.name for alias in statement.names]
        else:
            continue
        for module in modules:
            top = module.split(".")[0]
            known = top in sys.stdlib_module_names or top == "workers" or top in packages
            if not known or top == "__future__":
                note(
                    statement,
                    f"`{shown(module or '.')}` cannot be imported: a template has the standard library, "
                    "`workers` and the packages of its node.json.",
                )


def _module_imports(body: list[ast.stmt], packages: Collection[str], note: Note) -> Imports:
    """What the module of a workflow imports for the template, under which names."""
    imports: Imports = {}
    for statement in body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        source = statement.module or "" if isinstance(statement, ast.ImportFrom) else None
        for alias in statement.names:
            top = (source or alias.name).split(".")[0]
            if alias.asname is not None:
                note(statement, f"`{alias.name}` keeps its name: `as` cannot be used here.")
            if top in packages:
                note(
                    statement,
                    f"Import `{top}` inside the function, so that a module loads without it.",
                )
            name = alias.name if source is not None else top
            origin = (source, alias.name) if source is not None else (alias.name, None)
            owned = IMPORTABLE.get(name, origin)
            if owned != origin or name in ("Default", *BUILTINS):
                note(statement, f"`{name}` means something else in the modules of workflows.")
            imports[name] = origin
    return imports


def _check_function(definition: _Function, note: Note) -> None:
    if definition.decorator_list:
        note(definition, "The function has no decorators.")
    for node in _walk(definition.body):
        if isinstance(node, ast.Global):
            note(node, "There is nothing global that a template could assign to.")
    for node in own_nodes(definition.body):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            note(node, "A template returns one value; it cannot yield.")


def _parameters(definition: _Function, note: Note) -> dict[str, Any]:
    arguments = definition.args
    if arguments.posonlyargs or arguments.vararg or arguments.kwarg:
        note(definition, "Its parameters are given by name: no `*args`, `**kwargs` or `/`.")
    plain: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults))
    defaults = [*plain, *arguments.defaults, *arguments.kw_defaults]
    parameters: dict[str, Any] = {}
    for argument, default in zip([*arguments.args, *arguments.kwonlyargs], defaults, strict=False):
        parameters[argument.arg] = REQUIRED
        if default is not None:
            try:
                parameters[argument.arg] = ast.literal_eval(default)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                note(default, f"The default of `{argument.arg}` is not a plain value.")
    return parameters


def _source(text: str, above: int, note: Note) -> Source | None:
    report = Report()
    source = analyse(text, report, "")
    for problem in report.problems:
        note(above + (problem.line or 1), problem.message)
    return source


def _check_names(code: Source, definition: _Function, imports: Imports, note: Note) -> None:
    above = definition.lineno - 1
    for name, line in code.reads.items():
        if name in _ONLY_IN_RUN:
            note(above + line, f"`{name}` is not there: what a template needs is a parameter.")
        elif not any(name in known for known in (BUILTINS, IMPORTABLE, imports, OFFERED)):
            note(above + line, f"Nothing here is called `{name}`.")
    named = (node for node in _walk(definition.body) if isinstance(node, ast.Name))
    for node in named:
        if node.id == definition.name:
            note(node, f"`{node.id}` cannot use its own name: nest a function instead.")
            break


def _walk(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)
