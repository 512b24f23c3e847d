"""Code comes out of the compiler as it went in: comments, layout, strings, whatever it is made of."""

from __future__ import annotations

import ast

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from awaitstep.compiler import compile_graph
from awaitstep.ir import parse
from awaitstep.nodes import registry

REGISTRY = registry()

# Statements of several lines are indented by one space a level, which `layouts` widens.
STATEMENTS = [
    "x = 1",
    "x: int = 2  # two",
    "x = [\n     1,\n   2,   # not in line\n\n]",
    "x = (  # why\n1\n)",
    "x = 1 + \\\n      2",
    "x = 1 \\\n\\\n  - 2",
    "x = '''a\n  b\n\tc\n\n'''",
    'x = """\n\f\n        # no comment\n  """ "more"',
    "x = 'one \\\n   line'",
    "x = rb'\\d' b'''\n  \\\n'''",
    'x = f\'{x!r:>{10}} {"in" if x else "out"} {{}}\'',
    'x = f"""{\n  x\n}\n    text {{}}\n  {f\'{x}\'}"""',
    "x = 'é日🙂\u2028\u200f'; y = 2;",
    "# a comment",
    "#!tight  \t",
    "        # further right",
    "\f",
    "x = 3\f  # behind a form feed",
    "\fx = 4",
    "if x:\n pass\nelif y:  # else, if\n\n  x = 1\n  y = '''\n'''\nelse: pass",
    "if x:\n\f x = 1\n x = 2",
    "if x:\n # before\n x = 1\n# behind\nelse:\n x = 2\n # last",
    "@deco  # why\n@deco.of(1,\n  2)\ndef inner(a, /, b=1, *, c: int = 3) -> int:\n '''Doc\n  string'''\n return a",
    "class Inner:\n '''Doc'''\n\n value = 1\n def method(self): return self",
    "match x:\n case {'a': [1, *rest], **more} if rest:\n  y = rest\n case Point(x=0) | None:\n  pass\n case _: pass",
    "y = [i async for i in things() if await i]",
    "y = {await k: v for k, v in things}",
    "async with one as a, two: pass",
    "async for x in things():\n await x\nelse:\n pass",
    "try:\n pass\nexcept* (ValueError, TypeError) as problem:\n raise\nfinally:\n pass",
    "for x, *y in things: continue",
    "while x: break",
    "y = lambda a=1, *b: (yield a)",
    "print(x, end='''\n''')",
    "(x := 1)",
    "del x",
    "assert x, (\n'why'\n)",
    "return x",
    "raise NonRetryableError('''\n no''') from None",
]
LINE_ENDS = ["\n", "\r\n", "\r"]
INDENTS = [" ", "  ", "    ", "\t", "       "]


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """Statements behind and inside each other, with lines that end and are indented in some way."""
    indent = draw(st.sampled_from(INDENTS))
    lines: list[str] = []
    depth = 0
    for statement in draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=6)):
        lines += placed(statement, indent, depth)
        lines += [" " * draw(st.integers(0, 3))] * draw(st.integers(0, 2))
        if depth < 3 and draw(st.integers(0, 3)) == 0:
            opening = draw(
                st.sampled_from(["if x:", "with x as y:  # in", "async def f():", "while x:"])
            )
            lines += placed(opening, indent, depth)
            depth += 1
            lines += placed("x = 0", indent, depth)
        elif depth and draw(st.booleans()):
            depth -= 1
    return draw(st.sampled_from(LINE_ENDS)).join(lines)


def placed(statement: str, indent: str, depth: int) -> list[str]:
    """The lines of a statement, its levels widened; what is inside a string may become another one."""
    placed = []
    for line in statement.split("\n"):
        body = line.lstrip(" ")
        level = depth + len(line) - len(body)
        placed.append(indent * level + body if body else "")
    return placed


def printed(code: str) -> str:
    """The module of one step."""
    step = {"id": "a", "type": "step", "name": "A", "data": {"code": code}}
    graph = {"metadata": {"name": "x"}, "nodes": [step], "edges": [], "entryNodeId": "a"}
    return compile_graph(parse(graph, REGISTRY), REGISTRY).source


def body_of(source: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [each for each in ast.walk(ast.parse(source)) if isinstance(each, functions)]
    return next(each for each in found if each.name == "_a")


def without_indentation(line: str) -> set[str]:
    """The line as it was, wherever the 12 spaces went: behind a form feed, columns begin anew."""
    return {
        line[:at] + line[at + 12 :]
        for at in range(len(line))
        if line[at : at + 12] == " " * 12 and not line[:at].strip()
    }


def is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(layouts())
@example("if x:\n\f x = 1\n x = 2")
@example("\fx = 1\nx = '''\n\f'''\n  \f")
@example("if x:\n            x = 1\n            \fx = 4")
@example("if x:\r\n\tx = '''a\r\n\tb'''\r\n\t# c")
def test_every_line_is_the_same_and_says_the_same(code: str) -> None:
    assume(is_python(code))
    source = printed(code)
    function = body_of(source)
    text = code.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n \t")
    meant = ast.parse(text).body
    assert list(map(ast.dump, function.body)) == list(map(ast.dump, meant or [ast.Pass()]))
    before = text.split("\n")
    after = source.split("\n")[function.lineno :][: len(before)]
    for was, is_ in zip(before, after, strict=True):
        assert is_ == was or was in without_indentation(is_) or not (is_ + was).strip()
