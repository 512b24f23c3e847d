"""The proof that a module's text says what was meant, before it leaves the compiler.

The text is parsed and compared with the frame: each region of a user must hold the tree of the
user's text parsed alone, and everything else must equal the frame. On the way, the lines of every
node are noted. Never recursive: a user's expressions may be deep.
"""

from __future__ import annotations

import ast
import re
import warnings

from awaitstep.compiler.errors import CompilerError, TooDeep
from awaitstep.compiler.pieces import Pieces

# As CPython says it: of indentation, and of blocks inside one function.
_TOO_DEEP = re.compile("too many (levels of indentation|statically nested blocks)")


def recheck(source: str, frame: ast.Module, pieces: Pieces) -> dict[str, tuple[int, int]]:
    """The first and last line of every node. Ranges may nest; the innermost tells the node.

    Raises:
        CompilerError: the text does not say what the frame says.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ast.parse(source)
            compile(source, "worker.py", "exec", dont_inherit=True)
            return _compare(found, frame, pieces)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, SyntaxError) and _TOO_DEEP.match(error.msg or ""):
            raise TooDeep(f"the module cannot be read: {error}") from error
        raise CompilerError(f"the module cannot be read: {error}") from error


def _compare(found: ast.Module, frame: ast.Module, pieces: Pieces) -> dict[str, tuple[int, int]]:
    lines: dict[str, tuple[int, int]] = {}
    pending: list[tuple[object, object]] = [(found, frame)]
    while pending:
        is_, meant = pending.pop()
        if isinstance(meant, ast.Name) and meant.id in pieces.expressions:
            meant = pieces.expressions[meant.id].tree
        if isinstance(meant, list):
            meant = _with_regions(meant, pieces)
            if not isinstance(is_, list) or len(is_) != len(meant):
                raise CompilerError(f"a part is missing or new {_place(is_)}")
            pending += zip(is_, meant, strict=True)
        elif isinstance(meant, ast.AST):
            if type(is_) is not type(meant):
                raise CompilerError(f"a part changed its kind {_place(is_)}")
            assert isinstance(is_, ast.AST)
            _note(is_, meant, lines)
            pending += [
                (_field(is_, name), _field(meant, name))
                for name in meant._fields
                if name not in ("kind", "type_comment")
            ]
        elif not _same(is_, meant):
            raise CompilerError(f"a value of type {type(meant).__name__} changed")
    return lines


def _same(one: object, two: object) -> bool:
    # Integers may be too long to print; floats tell 0.0 from -0.0 only in print.
    exact = not isinstance(one, float | complex) or repr(one) == repr(two)
    return type(one) is type(two) and one == two and exact


def _field(node: ast.AST, name: str) -> object:
    # Python 3.12 added fields that older trees do not have; empty and absent are the same.
    value = getattr(node, name, None)
    return None if value == [] else value


def _with_regions(meant: list[object], pieces: Pieces) -> list[object]:
    whole: list[object] = []
    for part in meant:
        match part:
            case ast.Expr(value=ast.Name(id=name)) if name == pieces.blank:
                pass
            case ast.Expr(value=ast.Name(id=name)) if name in pieces.code:
                whole += pieces.code[name].body
            case _:
                whole.append(part)
    return whole


def _note(is_: ast.AST, meant: ast.AST, lines: dict[str, tuple[int, int]]) -> None:
    node_id = getattr(meant, "node_id", None)
    if node_id is None or not isinstance(is_, ast.stmt):
        return
    first = min([is_.lineno, *(part.lineno for part in getattr(is_, "decorator_list", []))])
    last = is_.end_lineno or is_.lineno
    known = lines.get(node_id, (first, last))
    lines[node_id] = (min(first, known[0]), max(last, known[1]))


def _place(node: object) -> str:
    if isinstance(node, list) and node:
        node = node[0]
    line = getattr(node, "lineno", None)
    return "in the module" if line is None else f"at line {line}"
