"""A module whose text does not say what was meant is a compiler error, never output."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from awaitstep.compiler import CompilerError, compile_graph, module, printing, writer
from awaitstep.compiler.pieces import CodeRegion, Pieces
from awaitstep.compiler.recheck import recheck
from awaitstep.ir import Graph, InvalidGraph, parse
from awaitstep.nodes import registry

REGISTRY = registry()
CODE = "# why\nreturn {'a': '''\n  kept\n'''}"


def graph(code: str = CODE) -> Graph:
    nodes = [{"id": "a", "type": "step", "name": "A", "data": {"code": code}}]
    data = {"metadata": {"name": "x"}, "nodes": nodes, "edges": [], "entryNodeId": "a"}
    return parse(data, REGISTRY)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  kept", "    kept"),
        ('"A"', '"B"'),
        ("return a", "return None"),
        ("return a", "return a\n        evil()"),
        ("self, event, step", "self, step, event"),
        ("return {'a'", "return {'b'"),
        ("class X", "class Y"),
        ("import WorkerEntrypoint", "import Worker"),
        ("def _a", "async def _a"),
        ("def _a():", "def _a():\n                print('mine')"),
        ("return {'a'", "return ({'a'"),
    ],
)
def test_a_changed_text_is_found(before: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = printing.print_module

    def tampered(frame: ast.Module, pieces: Pieces) -> str:
        text = real(frame, pieces)
        assert before in text
        return text.replace(before, after, 1)

    compile_graph(graph(), REGISTRY, entry_code="return None")
    monkeypatch.setattr(module, "print_module", tampered)
    with pytest.raises(CompilerError):
        compile_graph(graph(), REGISTRY, entry_code="return None")


def test_a_region_that_moved_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        printing, "indented", lambda text, prefix: "\n".join(prefix + x for x in text.split("\n"))
    )
    with pytest.raises(CompilerError):
        compile_graph(graph(), REGISTRY)


def test_a_formatter_that_fails_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "_formatter", lambda: Path("/bin/false"))
    with pytest.raises(CompilerError):
        compile_graph(graph(), REGISTRY)


def test_values_are_told_apart_exactly() -> None:
    frame = ast.parse("x = 0.0")
    for other in ("x = -0.0", "x = 0", "x = False", "x = '0.0'"):
        with pytest.raises(CompilerError):
            recheck(other, frame, Pieces("_piece_"))
    pieces = Pieces("_piece_", code={"_piece_0_": CodeRegion("x = 1", ast.parse("x = 1").body)})
    with pytest.raises(CompilerError):
        recheck("x = True", ast.parse("_piece_0_"), pieces)


def test_a_graph_that_nobody_checked_is_refused() -> None:
    good = graph()
    bad = good.nodes["a"].data.model_copy(update={"code": "return ("})
    node = type(good.nodes["a"])("a", "step", "A", bad)
    broken = Graph("workflow", good.metadata, {"a": node}, (), "a")
    with pytest.raises(InvalidGraph):
        compile_graph(broken, REGISTRY)
    with pytest.raises(CompilerError):
        writer.read_source("return (")
