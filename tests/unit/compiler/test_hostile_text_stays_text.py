"""Whatever a person writes as text stands in a module as constants, or does not compile.

The list is bad-inputs' "Generated code"; each text is put into every field that takes text.
"""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from awaitstep.compiler import CompilerError, compile_graph
from awaitstep.ir import InvalidGraph, parse, validate
from awaitstep.nodes import registry

REGISTRY = registry()
HOSTILE = {
    "quotes": 'it\'s "quoted"',
    "triple quotes": '""" + evil() + """',
    "triple single": "''' + evil() + '''",
    "newline": "a\nevil()\n",
    "carriage return": "a\revil()",
    "backslash": "a\\",
    "backslash quote": '\\" + evil() + \\"',
    "line separator": "a\u2028evil()\u2029b\x85c",
    "form feed": "a\x0cb\x0bc\x1cd",
    "braces": "{{",
    "closed braces": "{{evil()}}",
    "one brace": "{evil()}",
    "dollar": "${evil()}",
    "percent": "%(evil)s %s",
    "right to left": "\u202eevil\u202c \u2066x\u2069 \u200f",
    "look-alike": "раy\u0430",
    "surrogate": "a\ud800b",
    "nul": "a\0b",
    "keyword": "lambda",
    "dunder": "__import__('os').system('evil')",
    "mark": "_piece_0_ _piece_text_0_ _piece_blank",
    "comment": "x # evil()",
    "emoji": "🙂 \U0001fae8 \U0001f1e9",
    "noncharacter": "\uffff\ufffe\ufeff",
    "huge": "x" * 10_000_000,
}


def graph(text: str) -> dict[str, Any]:
    retries = {"retryLimit": 1}
    return {
        "kind": "workflow",
        "metadata": {"name": text, "description": text},
        "nodes": [
            {"id": "a", "type": "step", "name": text, "data": {"code": "return 1", **retries}},
            {
                "id": "b",
                "type": "http_request",
                "name": text,
                "data": {
                    "url": f"https://a.example/{text}",
                    "method": "POST",
                    "headers": {text: "x", "x": text},
                    "queryParams": {text: text},
                    "body": {text: [text, {text: text}]},
                    "auth": {"type": "basic", "username": text, "password": text},
                },
            },
            {
                "id": "c",
                "type": "branch",
                "name": text,
                "data": {"branches": [{"label": text, "condition": "1"}]},
            },
            {"id": "d", "type": "wait_for_event", "name": text, "data": {"eventType": text}},
            {"id": "e", "type": "sleep", "name": text, "data": {"duration": text}},
            {"id": "f", "type": "sleep_until", "name": text, "data": {"timestamp": text}},
            {"id": text, "type": "step", "name": text, "data": {"code": "return 1"}},
        ],
        "edges": [
            {"id": text, "source": "a", "target": "b"},
            {"id": "2", "source": "b", "target": "c"},
            {"id": "3", "source": "c", "target": "d", "label": text},
            {"id": "4", "source": "d", "target": "e"},
            {"id": "5", "source": "e", "target": "f"},
            {"id": "6", "source": "f", "target": text},
        ],
        "entryNodeId": "a",
    }


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_it_is_checked_without_an_exception_and_can_be_told(kind: str) -> None:
    for problem in validate(graph(HOSTILE[kind]), REGISTRY):
        json.dumps(problem.to_json(), ensure_ascii=False).encode()
        assert len(problem.message) < 500


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_what_compiles_holds_it_as_a_constant_only(kind: str) -> None:
    """Nodes are tried one at a time, so that a refusal of one does not hide the others."""
    text = HOSTILE[kind]
    whole = graph(text)
    compiled = 0
    for node in whole["nodes"]:
        alone = {**whole, "nodes": [node], "edges": [], "entryNodeId": node["id"]}
        fields = dict(node["data"])
        for field in fields:
            data = {key: value for key, value in fields.items() if key in (field, *REQUIRED)}
            alone = {**alone, "metadata": {"name": "x"}, "nodes": [{**node, "data": data}]}
            try:
                module = compile_graph(parse(alone, REGISTRY), REGISTRY)
            except InvalidGraph:
                continue
            compiled += 1
            assert_only_constants(module.source)
    assert compiled or kind == "huge"


REQUIRED = ("url", "method", "code", "branches", "eventType", "duration", "timestamp")


def assert_only_constants(source: str) -> None:
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    assert not {name for name in names if "evil" in name or "__import__" in name}
    # What is invisible, or turns the reading direction, is escaped in the text.
    assert not set(source) & set("\u2028\u2029\x85\x0c\x0b\x1c\u202e\u2066\u200f\0\ufeff\r")
    source.encode()


@pytest.mark.parametrize("kind", sorted(set(HOSTILE) - {"huge"}))
def test_a_name_of_any_kind_compiles(kind: str) -> None:
    node = {"id": "a", "type": "step", "name": HOSTILE[kind][:256], "data": {"code": "return 1"}}
    data = {
        "kind": "workflow",
        "metadata": {"name": "x"},
        "nodes": [node],
        "edges": [],
        "entryNodeId": "a",
    }
    module = compile_graph(parse(data, REGISTRY), REGISTRY)
    (name,) = module.step_nodes
    assert not [c for c in name if ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF]
    constants = [n.value for n in ast.walk(ast.parse(module.source)) if isinstance(n, ast.Constant)]
    assert name in constants


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_as_code_it_is_a_region_or_a_problem(kind: str) -> None:
    for code in (HOSTILE[kind], f"return {HOSTILE[kind]!r}", f"x = '''{HOSTILE[kind]}'''"):
        try_code(code)


@pytest.mark.parametrize(
    "code",
    [
        "return 1\n  return 2",
        "return (1",
        "return 1)",
        "'''",
        "\\",
        "x = 1 \\",
        "if True:",
        "def f():\n\treturn 1\nreturn f()",
        "from __future__ import annotations",
        "from os import *",
        "class A:\n    x = '''\n  y\n'''\nreturn A.x",
        "return f'''{\n1\n}  {'a'}\n  b'''",
        "x = 1;return x",
        "\n\n\n# only\n",
        "  return 1",
        "return 1\n\x0creturn 2",
        "nonlocal event",
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n    g()\n    return x\nreturn f()",
        "break",
        "return __debug__",
        "__debug__ = 1",
        "return 1" + "+1" * 150,
        "return " + "(" * 500 + ")" * 500,
        "return " + "[" * 90 + "]" * 90,
        "return " + "9" * 10_000,
        "x: int = 1\nreturn x",
        "async for x in y:\n    pass",
        "return [x async for x in y]",
        "return (x async for x in y)",
        "match event:\n    case {'payload': x}:\n        return x",
        "return 'a' 'b' \"c\"  # kept",
        "if 1:\n\n    # inside\n\n    pass\n    # after",
        "return '\\\n  moved'",
        "try:\n    pass\nexcept* ValueError:\n    pass",
        "import os as a\ndel a",
        "_piece_0_\nreturn '_piece_1_'",
        "region = '_piece_0_'\n",
    ],
)
def test_code_with_sharp_edges(code: str) -> None:
    try_code(code)


@pytest.mark.parametrize("number", ["0x" + "f" * 5_000, "1" + " + 1" * 600])
def test_what_python_can_read_but_not_print_is_kept(number: str) -> None:
    data = {
        "metadata": {"name": "x"},
        "nodes": [{"id": "a", "type": "step", "data": {"code": f"return {number}"}}],
        "edges": [],
        "entryNodeId": "a",
    }
    assert number in compile_graph(parse(data, REGISTRY), REGISTRY).source


@pytest.mark.parametrize("code", ["print('\\N{BULLET}', '\\d')", "return 1 if 1 is 1 else 2"])
@pytest.mark.filterwarnings("ignore")
def test_code_that_python_only_warns_about(code: str) -> None:
    try_code(code)


def try_code(code: str) -> None:
    data = {
        "kind": "workflow",
        "metadata": {"name": "x"},
        "nodes": [{"id": "a", "type": "step", "data": {"code": code}}],
        "edges": [],
        "entryNodeId": "a",
    }
    try:
        module = compile_graph(parse(data, REGISTRY), REGISTRY, entry_code=code)
    except InvalidGraph as refused:
        assert refused.diagnostics  # noqa: PT017 - either a clean module or a reasoned refusal
        return
    except CompilerError as bug:  # pragma: no cover
        pytest.fail(f"{code[:80]!r} reached the re-check: {bug}")
    found = ast.parse(module.source)
    (function,) = [
        n
        for n in ast.walk(found)
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == "_a"
    ]
    meant = ast.parse(code).body
    assert [ast.dump(s) for s in function.body[: len(meant)]] == [ast.dump(s) for s in meant]


@pytest.mark.parametrize(
    "condition",
    [
        "1) or (evil()",
        "1:\n    evil()\nif 1",
        "True # evil()",
        "'''\n'''",
        "(1,\n 2)",
        "a if {{event.payload.x}} else b",
        "{{event.payload.x}}.y",
        "{{event.payload.x}}[{{event.payload.y}}] == '{'",
        "lambda: 1",
        "[x for x in {{event.payload}}]",
        "f'{ {{event.payload}} }'",
        "not {{event.payload.x}}",
        "{{event.payload.x}}" * 2,
        "1 +",
        "yield",
        "x = 1",
        "*a, b",
        "\\\n1",
        "1\n\n\n\n== 1",
        "{{event.payload.x}}" + " + {{event.payload.x}}" * 800 + " > 1",
    ],
)
def test_conditions_with_sharp_edges(condition: str) -> None:
    data = {
        "kind": "workflow",
        "metadata": {"name": "x"},
        "nodes": [
            {
                "id": "a",
                "type": "branch",
                "data": {"branches": [{"label": "x", "condition": condition}]},
            },
            {"id": "s", "type": "step", "data": {"code": "return 1"}},
        ],
        "edges": [{"id": "1", "source": "a", "target": "s", "label": "x"}],
        "entryNodeId": "a",
    }
    try:
        module = compile_graph(parse(data, REGISTRY), REGISTRY)
    except InvalidGraph:
        return
    ast.parse(module.source)
