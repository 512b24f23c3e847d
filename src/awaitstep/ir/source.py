"""A user's Python: read it, check it, and say which names it needs from outside.

Owns what may stand in step code, in entry code and in conditions. Code is compiled in the form
in which it will be wrapped, never run. Knows no node type and writes no module.
"""

from __future__ import annotations

import ast
import builtins
import io
import symtable
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from awaitstep.ir.diagnostics import Diagnostic, Report

# What the parser and compiler of CPython raise for text that they cannot take.
_REFUSALS = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
_INDENT = "    "
# Validation and compiling read the same texts; longer ones are rare and not worth the memory.
_KEPT = 10_000

# Names that generated modules import when a user's code reads them.
IMPORTABLE: dict[str, tuple[str, str | None]] = {
    "NonRetryableError": ("workers.workflows", "NonRetryableError"),
    "FormData": ("workers", "FormData"),
    "Headers": ("workers", "Headers"),
    "Request": ("workers", "Request"),
    "Response": ("workers", "Response"),
    "asyncio": ("asyncio", None),
    "datetime": ("datetime", "datetime"),
    "fetch": ("workers", "fetch"),
    "json": ("json", None),
}
BUILTINS = frozenset(dir(builtins)) - {"_"}

_IMPURE_MODULES = frozenset({"random", "secrets", "time", "uuid"})
_IMPURE_CALLS = frozenset({"now", "utcnow", "today", "urandom", "getrandom"})
_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Source:
    """Code that compiles in its wrapped form.

    `reads` are the names it takes from outside with the line of their first use, `subscripted`
    those of them that it looks into at once, `binds` the names it makes its own.
    """

    text: str
    body: list[ast.stmt]
    is_async: bool
    reads: dict[str, int]
    subscripted: frozenset[str]
    binds: dict[str, int]


def normalized(text: str) -> str:
    """Lines end at `\\n` only, and nothing trails: what CPython's parser reads anyway."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n \t")


def indented(text: str, prefix: str) -> str:
    """Move code to the right by its tokens: nothing inside a string moves.

    Raises:
        SyntaxError: the text has no tokens that end.
    """
    inside = _lines_inside_strings(text)
    moved = (
        line if number in inside else _moved(line, prefix)
        for number, line in enumerate(text.split("\n"), 1)
    )
    return "\n".join(moved)


def _moved(line: str, prefix: str) -> str:
    if not line.strip():
        return ""
    # Behind a form feed Python counts the indentation anew.
    start = line.rfind("\f", 0, len(line) - len(line.lstrip(" \t\f"))) + 1
    return line[:start] + prefix + line[start:]


def _lines_inside_strings(text: str) -> set[int]:
    inside: set[int] = set()
    if "\n" not in text:
        return inside
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="\n").readline):
            kind = tokenize.tok_name[token.type]
            # From 3.12 on an f-string is several tokens, and they may nest.
            if kind in ("FSTRING_START", "TSTRING_START"):
                opened.append(token.start[0])
            elif kind in ("FSTRING_END", "TSTRING_END"):
                inside.update(range(opened.pop() + 1, token.end[0] + 1))
            elif kind == "STRING":
                inside.update(range(token.start[0] + 1, token.end[0] + 1))
    except (tokenize.TokenError, IndentationError) as error:
        raise SyntaxError(str(error)) from error
    return inside


def analyse(text: str, report: Report, path: str) -> Source | None:
    """Read statements. Says what is wrong with them in `report`; None when they cannot be used.

    The answer is shared between callers: its trees must not be changed.
    """
    read = _read if len(text) <= _KEPT else _read.__wrapped__
    source, problems = read(text)
    report.problems += [
        replace(problem, path=path, node_id=report.about_id()) for problem in problems
    ]
    return source


def parsed(text: str) -> list[ast.stmt]:
    """The statements of code. What Python would merely warn about is not said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text).body


def forget() -> None:
    """Read everything anew, as a process does that just began."""
    _read.cache_clear()


@lru_cache(maxsize=512)
def _read(text: str) -> tuple[Source | None, tuple[Diagnostic, ...]]:
    report = Report()
    return _analyse(normalized(text), report, ""), tuple(report.problems)


def _analyse(text: str, report: Report, path: str) -> Source | None:
    if not _characters_allowed(text, report, path):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = parsed(text)
            is_async = needs_async(body)
            wrapped = f"{'async ' * is_async}def code():\n{indented(text, _INDENT)}"
            wrapped += f"\n{_INDENT}pass\n"
            scope = symtable.symtable(wrapped, "<code>", "exec").get_children()[0]
            refused = _refused(body, scope, report, path)
            if not refused:
                compile(wrapped, "<code>", "exec", dont_inherit=True)
    except _REFUSALS as error:
        _report_syntax(error, report, path, header=1 if _is_wrapped(text) else 0)
        return None
    if refused:
        return None
    outside = {name for table in _tables(scope) for name in _read_from_outside(table)}
    nodes = list(_walk(body))
    return Source(
        text,
        body,
        is_async,
        _first_uses(nodes, outside),
        _subscripted(nodes, outside),
        _bindings(nodes, scope),
    )


def _is_wrapped(text: str) -> bool:
    """Whether an error came from the wrapped form: the text alone is fine."""
    try:
        parsed(text)
    except _REFUSALS:
        return False
    return True


def _characters_allowed(text: str, report: Report, path: str) -> bool:
    for number, line in enumerate(text.split("\n"), 1):
        for column, character in enumerate(line, 1):
            if character == "\0" or "\ud800" <= character <= "\udfff":
                report.add(
                    "code.character",
                    f"Code cannot hold the character U+{ord(character):04X}.",
                    path,
                    line=number,
                    column=column,
                )
                return False
    return True


def _report_syntax(error: BaseException, report: Report, path: str, *, header: int) -> None:
    line = column = None
    message = "The code is nested too deeply."
    if isinstance(error, SyntaxError):
        message = f"{error.msg[:1].upper()}{error.msg[1:]}."
        if error.lineno is not None:
            line = max(1, error.lineno - header)
        if error.offset is not None:
            column = max(1, error.offset - header * len(_INDENT))
    elif isinstance(error, ValueError):
        message = f"The code cannot be read: {error}."
    report.add("code.syntax", message, path, line=line, column=column)


def needs_async(body: list[ast.stmt]) -> bool:
    """Whether code waits in its own scope: `await`, `async for`, `async with`, or async in a comprehension."""
    return any(
        isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
        or (isinstance(node, ast.comprehension) and bool(node.is_async))
        for node in own_nodes(body)
    )


def own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Every node of the code's own scope: not what stands inside functions and lambdas."""
    pending: list[ast.AST] = list(reversed(body))
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, _OWN_SCOPE):
            # Decorators, defaults and annotations are evaluated outside of the function.
            arguments = node.args
            outer: list[ast.AST | None] = [*arguments.defaults, *arguments.kw_defaults]
            if not isinstance(node, ast.Lambda):
                outer += node.decorator_list
            pending += [part for part in reversed(outer) if part is not None]
        else:
            pending += reversed(list(ast.iter_child_nodes(node)))


def _refused(body: list[ast.stmt], scope: symtable.SymbolTable, report: Report, path: str) -> bool:
    """What compiles elsewhere but must not stand in a step, a condition or a handler."""
    found = False
    for node in own_nodes(body):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            found = True
            report.add(
                "code.yield",
                "Code of a node cannot yield.",
                path,
                line=node.lineno,
                column=node.col_offset + 1,
                hint="Return a list instead.",
            )
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found = True
            word = "global" if isinstance(node, ast.Global) else "nonlocal"
            report.add(
                "code.scope",
                f"`{word}` would reach outside of this node.",
                path,
                line=node.lineno,
                column=node.col_offset + 1,
                hint="Return the value, and read it in later nodes by this node's id.",
            )
    return found


def _tables(scope: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    pending = [scope]
    while pending:
        table = pending.pop()
        yield table
        pending += table.get_children()


def _read_from_outside(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_global() and (symbol.is_referenced() or symbol.is_assigned()):
            yield symbol.get_name()


def _first_uses(nodes: Iterable[ast.AST], names: set[str]) -> dict[str, int]:
    lines: dict[str, int] = {}
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in names:
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return dict(sorted(lines.items(), key=lambda use: (use[1], use[0])))


def _subscripted(nodes: Iterable[ast.AST], names: set[str]) -> frozenset[str]:
    return frozenset(
        node.value.id
        for node in nodes
        if isinstance(node, ast.Subscript | ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
    )


def _bindings(nodes: Iterable[ast.AST], scope: symtable.SymbolTable) -> dict[str, int]:
    names = {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_local()}
    lines: dict[str, int] = {}
    for node in nodes:
        for name in _bound_names(node):
            if name in names:
                lines.setdefault(name, getattr(node, "lineno", 1))
    return lines


def _bound_names(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return [name]
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(alias.asname or alias.name).split(".")[0] for alias in names]
        case _:
            return []


def _walk(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)


def impurity(body: list[ast.stmt]) -> ast.expr | None:
    """The first use of a clock, of chance or of the network in code that is run on every replay."""
    for node in _walk(body):
        if isinstance(node, ast.Name) and node.id in (*_IMPURE_MODULES, "fetch"):
            return node
        if isinstance(node, ast.Attribute) and node.attr in _IMPURE_CALLS:
            return node
        if isinstance(node, ast.Await):
            return node
    return None


def braces(body: list[ast.stmt]) -> ast.expr | None:
    """The first `{{…}}` in code: a set inside a set, which can only fail."""
    for node in _walk(body):
        if isinstance(node, ast.Set) and len(node.elts) == 1:
            inner = node.elts[0]
            if isinstance(inner, ast.Set | ast.Dict):
                return node
    return None
