"""TypeScript that stands where Python is wanted: recognised, ported where that is sure, else marked.

Owns what is taken for TypeScript, and the marks that say that a person has to port it. Text is
read and rewritten, never run. Knows no node type.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from awaitstep.ir.diagnostics import Report
from awaitstep.ir.expressions import ExpressionError, parse_condition, parse_template
from awaitstep.ir.source import BUILTINS, IMPORTABLE, Source, analyse, braces, normalized

Place = Literal["step", "entry code", "condition"]

_MARKS: Final[dict[Place, str]] = {
    "step": "port this step from TypeScript",
    "entry code": "port this entry code from TypeScript",
    "condition": "port this condition from TypeScript",
}
# All patterns take time in proportion to the text, which may be hostile: no part of one repeats
# over what its next part repeats over, and a quote that is not closed ends with its line.
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"?|\'(?:[^\'\\\n]|\\.)*\'?|#[^\n]*')
# What Python's grammar has no place for.
_SIGNS = re.compile(
    r"\b(?:const|let|var)\s+[\w$\[{]|\bfunction\b[^(\n]{0,100}\(|\bnew\s+[\w.$]+\s*[(<]"
    r"|\b(?:throw|typeof)\s|=>|[=!]==|&&|\|\||`|\?\.|\?\?|/\*|^[ \t]*//"
    r"|\}\s*(?:else|catch|finally)\b|\)[ \t]*\{[ \t]*$|;[ \t]*$",
    re.MULTILINE,
)
_PYTHON = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?(?:def|for|with)\b.*|(?:if|elif|while|except|class)\b.*"
    r"|else|try|finally):[ \t]*$",
    re.MULTILINE,
)
_ENDED = re.compile(r";[ \t]*$", re.MULTILINE)
_CONDITION_SIGNS = re.compile(r"[=!]==|&&|\|\||!(?!=)|\?|=>|;|`|\btypeof\b")
_CONSTANTS: Final = {"true": "True", "false": "False", "null": "None", "undefined": "None"}
_NAMES = frozenset(
    {
        *_CONSTANTS,
        *("Array", "Boolean", "Date", "Infinity", "JSON", "Map", "Math", "NaN", "Number"),
        *("Object", "Promise", "Set", "String", "URL", "console", "crypto", "parseInt"),
    }
)


def is_typescript(code: str, known: Collection[str]) -> bool:
    """Whether code is TypeScript rather than Python, or Python with a mistake in it.

    `known` are the names that the code may read besides builtins. Some TypeScript is valid Python
    that can only fail, as `return { ready: true };`: two signs are asked for there.
    """
    report = Report()
    source = analyse(code, report, "")
    text = _QUOTED.sub('""', normalized(code))
    if source is None:
        refused = any(problem.code == "code.syntax" for problem in report.problems)
        return refused and bool(_SIGNS.search(text)) and not _PYTHON.search(text)
    unknown = {name for name in source.reads if _is_unknown(name, known)}
    signs = (
        _ENDED.search(text) is not None,
        bool(unknown & _NAMES),
        any(key in unknown for key in _bare_keys(source)),
        braces(source.body) is not None,
    )
    return sum(signs) >= 2


def _is_unknown(name: str, known: Collection[str]) -> bool:
    return name not in known and name not in BUILTINS and name not in IMPORTABLE


def _bare_keys(source: Source) -> Iterable[str]:
    """The keys of `{ ready: 1 }`, which Python takes for variables."""
    for statement in source.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Dict):
                yield from (key.id for key in node.keys if isinstance(key, ast.Name))


def commented(code: str, place: Place) -> str:
    """The code as a comment, and below it what fails at once when it is run."""
    lines = [f"# {line}".rstrip() for line in normalized(code).split("\n")]
    return "\n".join([*lines, f'raise NonRetryableError("{_MARKS[place]}")'])


def commented_condition(text: str) -> str:
    """The same for an expression. A comment in it may hold no `{{`."""
    kept = re.sub(r"\{(?=\{)", "{ ", normalized(text))
    return "\n".join([*(f"# {line}".rstrip() for line in kept.split("\n")), _FAILING])


_FAILING: Final = f'{{}}["{_MARKS["condition"]}"]'


def mark_in(body: Iterable[ast.AST]) -> int | None:
    """The line of a mark that `commented` or `commented_condition` left, if one is still there."""
    for statement in body:
        for node in ast.walk(statement):
            match node:
                case ast.Raise(exc=ast.Call(args=[ast.Constant(value=str(text))])) if (
                    text in _MARKS.values()
                ):
                    return node.lineno
                case ast.Subscript(value=ast.Dict(keys=[]), slice=ast.Constant(value=text)) if (
                    text == _MARKS["condition"]
                ):
                    return node.lineno
    return None


def is_typescript_condition(text: str, known: Collection[str]) -> bool:
    """Whether an expression is TypeScript: Python cannot read it, or does not know `true`."""
    report = Report()
    condition = parse_condition(text, report, "")
    if condition is None:
        wrong = {problem.code for problem in report.problems}
        return "code.syntax" in wrong and bool(_CONDITION_SIGNS.search(_QUOTED.sub('""', text)))
    return any(name in _CONSTANTS and name not in known for name in condition.source.reads)


def ported(text: str, roots: Mapping[str, str]) -> str | None:
    """A condition in Python, or None where it is not sure to mean the same.

    `roots` are the names it may read values by, and what they are called now.
    """
    try:
        result = _Condition(_tokens(text), roots).whole()
    except _Unsure:
        return None
    return result if parse_condition(result, Report(), "") is not None else None


class _Unsure(Exception):
    """The text is no expression whose meaning in Python is certain."""


_TOKEN = re.compile(
    r"\s*(?:(?P<reference>\{\{[^{}]*\}\})|(?P<number>\d+(?:\.\d+)?(?![\w.]))"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')|(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?P<operator>===|!==|==|!=|<=|>=|&&|\|\||\+\+|--|[<>()!+\-*/.\[\]]))",
    re.ASCII,
)
# Escapes that both languages read alike; half a surrogate pair is none.
_ESCAPED = re.compile(
    r"""[^\\]|\\[\\'"nrtb]|\\x[0-9a-fA-F]{2}|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"""
)
_LITERAL = frozenset("0123456789'\"")
_DEEPEST = 40
_OR, _AND, _NOT, _COMPARED, _SUM, _PRODUCT, _SIGN, _ATOM = range(8)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Part:
    """Python text, and how tightly it holds together."""

    text: str
    holds: int = _ATOM

    def at(self, least: int) -> str:
        return self.text if self.holds >= least else f"({self.text})"


def _tokens(text: str) -> list[_Token]:
    text = text.strip().removesuffix(";").rstrip()
    found: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _Unsure
        found.append(_Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Condition:
    """Reads by precedence, JavaScript's; writes with brackets where Python's is another."""

    def __init__(self, tokens: list[_Token], roots: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._roots = roots
        self._next = 0
        self._depth = 0

    def whole(self) -> str:
        part = self._or()
        if self._next < len(self._tokens):
            raise _Unsure
        return part.text

    def _takes(self, *operators: str) -> str | None:
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token.kind == "operator" and token.text in operators:
                self._next += 1
                return token.text
        return None

    def _or(self) -> _Part:
        left = self._and()
        while self._takes("||"):
            left = _Part(f"{left.at(_OR)} or {self._and().at(_OR)}", _OR)
        return left

    def _and(self) -> _Part:
        left = self._equal()
        while self._takes("&&"):
            left = _Part(f"{left.at(_AND)} and {self._equal().at(_AND)}", _AND)
        return left

    def _equal(self) -> _Part:
        left = self._compared()
        while operator := self._takes("===", "!==", "==", "!="):
            right = self._compared()
            constants = {left.text, right.text} & set(_CONSTANTS.values())
            if len(operator) == 2 and "None" not in constants:
                raise _Unsure  # `==` converts its operands, as Python's never does
            if constants and (left.text[0] in _LITERAL or right.text[0] in _LITERAL):
                raise _Unsure  # decided already; Python warns of `1 is True`
            same = "is" if constants else "=="
            other = "is not" if constants else "!="
            word = same if operator.startswith("=") else other
            left = _Part(f"{left.at(_SUM)} {word} {right.at(_SUM)}", _COMPARED)
        return left

    def _compared(self) -> _Part:
        left = self._sum()
        while operator := self._takes("<", ">", "<=", ">="):
            left = _Part(f"{left.at(_SUM)} {operator} {self._sum().at(_SUM)}", _COMPARED)
        return left

    def _sum(self) -> _Part:
        left = self._product()
        while operator := self._takes("+", "-"):
            left = _Part(f"{left.at(_SUM)} {operator} {self._product().at(_PRODUCT)}", _SUM)
        return left

    def _product(self) -> _Part:
        left = self._unary()
        while operator := self._takes("*", "/"):
            left = _Part(f"{left.at(_PRODUCT)} {operator} {self._unary().at(_SIGN)}", _PRODUCT)
        return left

    def _unary(self) -> _Part:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Unsure
        operator = self._takes("!", "-")
        if operator == "!":
            part = _Part(f"not {self._unary().at(_NOT)}", _NOT)
        elif operator == "-":
            part = _Part(f"-{self._unary().at(_ATOM)}", _SIGN)
        else:
            part = self._atom()
        self._depth -= 1
        return part

    def _atom(self) -> _Part:
        if self._takes("("):
            part = self._or()
            if not self._takes(")"):
                raise _Unsure
            return part
        if self._next >= len(self._tokens):
            raise _Unsure
        token = self._tokens[self._next]
        self._next += 1
        match token.kind:
            case "number":
                if token.text != "0" and token.text.startswith("0") and "." not in token.text:
                    raise _Unsure
                return _Part(token.text)
            case "string":
                return _Part(_literal(token.text))
            case "reference":
                return self._value(token.text[2:-2].strip())
            case "name" if token.text in _CONSTANTS and token.text not in self._roots:
                return _Part(_CONSTANTS[token.text])
            case "name" if token.text in self._roots:
                return self._value(self._roots[token.text])
            case _:
                raise _Unsure

    def _value(self, inner: str) -> _Part:
        """A reference, and the way into its value that follows it."""
        while operator := self._takes(".", "["):
            token = self._tokens[self._next] if self._next < len(self._tokens) else None
            self._next += 1
            if token is None:
                raise _Unsure
            if operator == "." and token.kind == "name" and token.text != "length":
                inner += f".{token.text}" if "$" not in token.text else f'["{token.text}"]'
            elif operator == "[" and token.kind in ("number", "string") and self._takes("]"):
                inner += f"[{token.text}]"
            else:
                raise _Unsure
        if self._takes("("):
            raise _Unsure
        written = f"{{{{{inner}}}}}"
        try:
            parse_template(written)
        except ExpressionError:
            raise _Unsure from None
        return _Part(written)


def _literal(text: str) -> str:
    inner = text[1:-1]
    if "{{" in inner or _ESCAPED.sub("", inner):
        raise _Unsure
    return text
