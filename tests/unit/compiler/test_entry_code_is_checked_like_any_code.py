"""Entry code: what is wrong is told with its place; what is right stands in `fetch`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from awaitstep.compiler import DEFAULT_ENTRY, FUNCTION_ENTRY, check_entry, compile_graph
from awaitstep.ir import InvalidGraph, parse
from awaitstep.nodes import registry

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "language.md"
REGISTRY = registry()
GRAPH = parse(
    {
        "metadata": {"name": "x"},
        "nodes": [{"id": "a", "type": "step", "data": {"code": "return 1"}}],
        "edges": [],
        "entryNodeId": "a",
    },
    REGISTRY,
)


def handler(code: str) -> str:
    source = compile_graph(GRAPH, REGISTRY, entry_code=code).source
    return source[source.index("class Default") :]


def test_the_default_is_fine_and_is_used() -> None:
    assert check_entry(DEFAULT_ENTRY) == []
    assert compile_graph(GRAPH, REGISTRY) == compile_graph(
        GRAPH, REGISTRY, entry_code=DEFAULT_ENTRY
    )


def test_what_the_reference_says_of_the_defaults_is_so() -> None:
    for entry in (DEFAULT_ENTRY, FUNCTION_ENTRY):
        assert check_entry(entry) == []
        assert f"```python\n{entry}```" in REFERENCE.read_text()


@pytest.mark.parametrize(
    ("code", "problem", "line", "column"),
    [
        ("x = 1\nreturn (", "code.syntax", 2, 8),
        ("return 1\nyield 2", "code.yield", 2, 1),
        ("if x:\n    break", "code.syntax", 2, 5),
        ("x = 1\ny = '\0'", "code.character", 2, 6),
        ("x = 1\ny = '\ud800'", "code.character", 2, 6),
        ("x = 1\nreturn ]", "code.syntax", 2, 8),
        ("def f():\n    nonlocal request\n", "code.syntax", 2, 5),
        ("global x", "code.scope", 1, 1),
    ],
)
def test_a_mistake_is_told_with_line_and_column(
    code: str, problem: str, line: int, column: int
) -> None:
    first = check_entry(code)[0]
    assert (first.code, first.line, first.column) == (problem, line, column)
    assert first.path == "entryCode"
    with pytest.raises(InvalidGraph) as refused:
        compile_graph(GRAPH, REGISTRY, entry_code=code)
    assert refused.value.diagnostics[0] == first


def test_unknown_names_are_only_warned_about() -> None:
    assert [p.code for p in check_entry("return Respnse('')")] == ["code.name_unknown"]
    handler("return Respnse('')")


@pytest.mark.parametrize("code", ["", "\n \n", "# later"])
def test_empty_code_answers_nothing(code: str) -> None:
    assert "pass" in handler(code)


def test_only_what_is_read_is_bound() -> None:
    assert "self.env" not in handler("return Response(None)")
    assert "self.ctx" in handler("ctx.waitUntil(None)")


def test_what_it_reads_is_imported() -> None:
    source = compile_graph(GRAPH, REGISTRY, entry_code="return await fetch('https://a')").source
    (first, *_) = ast.parse(source).body
    assert isinstance(first, ast.ImportFrom)
    assert "fetch" in [alias.name for alias in first.names]


def test_layout_and_comments_stay() -> None:
    code = "# one\nx = {  'a':1 }   # two\n\n\ny = '''\n z\n'''\nreturn Response(y)"
    text = handler(code)
    assert "        # one\n        x = {  'a':1 }   # two\n\n\n        y = '''\n z\n'''\n" in text


def test_carriage_returns_are_line_ends() -> None:
    assert handler("x = 1\r\nreturn x") == handler("x = 1\nreturn x") == handler("x = 1\rreturn x")
