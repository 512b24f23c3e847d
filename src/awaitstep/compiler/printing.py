"""From the frame's syntax tree to text.

Owns how literals are spelled, the formatter, and putting a user's code in its place. Literals are
spelled here, and not by `ast.unparse`, because its spelling changes with the Python version.
"""

from __future__ import annotations

import ast
import re
import subprocess
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from ruff import find_ruff_bin  # type: ignore[import-untyped]

from awaitstep.compiler.errors import CompilerError
from awaitstep.compiler.pieces import Pieces
from awaitstep.ir.source import indented

LINE_LENGTH = 100
# What needs no brackets wherever it stands.
_CLOSED = (ast.Name, ast.Call, ast.Subscript, ast.Attribute, ast.Dict, ast.List, ast.ListComp)
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def print_module(frame: ast.Module, pieces: Pieces) -> str:
    """The module's text.

    Raises:
        CompilerError: the formatter refuses the frame.
    """
    printed = _Printer(pieces).text(frame)
    lines = ("" if line.strip() == pieces.blank else line for line in printed.split("\n"))
    return _with_code(_formatted("\n".join(lines) + "\n"), pieces)


def literal(value: str, quote: str = '"') -> str:
    """A string literal, the same on every Python: letters stay, what is invisible is escaped."""
    return quote + "".join(_spelled(character, quote) for character in value) + quote


@lru_cache(maxsize=4096)
def _spelled(character: str, quote: str) -> str:
    if character == quote:
        return f"\\{quote}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    if " " <= character <= "~":
        return character
    code = ord(character)
    # The table of Unicode 3.2 is the only one that never changes; emoji came later.
    known = unicodedata.ucd_3_2_0.category(character)[0] in "LMNPS"
    if known or 0x1F300 <= code <= 0x1FAFF:
        return character
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class _Printer:
    """Prints a tree in which texts and expressions of the user are names, then puts them in."""

    def __init__(self, pieces: Pieces, quote: str = '"') -> None:
        self._pieces = pieces
        self._quote = quote
        self._texts: list[str] = []
        self._names = re.compile(re.escape(pieces.prefix) + r"(\d+)_|" + self._own(r"(\d+)"))

    def _own(self, number: object) -> str:
        return f"{self._pieces.prefix}text_{number}_"

    def text(self, tree: ast.AST) -> str:
        named = _Named(self._put, self._f_string, self._quote).visit(tree)
        return self._names.sub(self._replacement, ast.unparse(named))

    def _put(self, text: str) -> ast.expr:
        self._texts.append(text)
        return ast.Name(id=self._own(len(self._texts) - 1), ctx=ast.Load())

    def _replacement(self, match: re.Match[str]) -> str:
        if match[2] is not None:
            return self._texts[int(match[2])]
        region = self._pieces.expressions.get(match[0])
        if region is None:
            return match[0]
        parts = "".join(
            part if isinstance(part, str) else self._operand(part) for part in region.parts
        )
        # With a line of its own behind: it may hold line ends and a last comment.
        if "\n" in parts or "#" in parts:
            return f"({parts}\n)"
        return parts if _stands_alone(region.tree, match) else f"({parts})"

    def _operand(self, tree: ast.expr) -> str:
        printed = _Printer(self._pieces, self._quote).text(tree)
        return f"({printed})" if isinstance(tree, ast.IfExp) else printed

    def _f_string(self, tree: ast.JoinedStr) -> str:
        inner = _Printer(self._pieces, "'")
        parts = []
        for value in tree.values:
            if isinstance(value, ast.FormattedValue):
                parts.append(f"{{{inner.text(value.value)}}}")
            elif isinstance(value, ast.Constant):
                spelled = literal(str(value.value))[1:-1]
                parts.append(spelled.replace("{", "{{").replace("}", "}}"))
        return f'f"{"".join(parts)}"'


def _stands_alone(tree: ast.expr, place: re.Match[str]) -> bool:
    """Whether an expression needs no brackets here: it has some, or is an argument."""
    if isinstance(tree, _CLOSED):
        return True
    before = place.string[max(0, place.start() - 2) : place.start()].rstrip()
    after = place.string[place.end() : place.end() + 1]
    is_argument = before.endswith(("(", ",")) and after in (",", ")")
    return is_argument and not isinstance(tree, ast.Tuple | ast.GeneratorExp)


class _Named(ast.NodeTransformer):
    """A copy of a tree in which every string is a name."""

    def __init__(
        self,
        put: Callable[[str], ast.expr],
        f_string: Callable[[ast.JoinedStr], str],
        quote: str,
    ) -> None:
        self._put = put
        self._f_string = f_string
        self._quote = quote

    def generic_visit(self, node: ast.AST) -> ast.AST:
        fields = {key: self._copy(value) for key, value in ast.iter_fields(node)}
        # Printing asks statements for a line.
        return type(node)(**fields, **({"lineno": 0} if isinstance(node, ast.stmt) else {}))

    def _copy(self, value: object) -> object:
        if isinstance(value, list):
            return [self._copy(part) for part in value]
        return self.visit(value) if isinstance(value, ast.AST) else value

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            return self._put(literal(node.value, self._quote))
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return self._put(self._f_string(node))


@lru_cache(maxsize=1)
def _formatter() -> Path:
    return Path(find_ruff_bin())


def _formatted(text: str) -> str:
    command = [
        str(_formatter()),
        *("format", "--isolated", "--no-cache", "--target-version", "py311"),
        *("--line-length", str(LINE_LENGTH), "--stdin-filename", "worker.py", "-"),
    ]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip()
        raise CompilerError(f"the formatter refuses the module: {reason}")
    return done.stdout.decode()


def _with_code(text: str, pieces: Pieces) -> str:
    lines = []
    for line in text.split("\n"):
        region = pieces.code.get(line.strip())
        if region is None:
            lines.append(line)
        elif region.text:
            lines.append(indented(region.text, line[: len(line) - len(line.lstrip())]))
    return "\n".join(lines)
