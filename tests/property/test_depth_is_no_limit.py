"""A hundred containers inside each other, and many nodes in a row, do what they draw."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import Step, compiled, drawing, node, run
from .interpreter import Interpreter

KINDS = ("loop", "try_catch", "parallel", "race")


def tower(levels: int, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Each level holds a step that reads the one around it, and the next level behind it."""
    nodes: list[dict[str, Any]] = [node("first", "step", code=noted("first"))]
    edges: list[tuple[str, ...]] = []
    before = "first"
    for level in range(levels):
        kind = kinds[level % len(kinds)]
        holder, inner, after = f"c{level}", f"s{level}", f"a{level}"
        data: dict[str, Any] = {}
        if kind == "loop":
            data = {"loopType": "times", "count": "1"}
        label = {"loop": "body", "try_catch": "try"}.get(kind, "one")
        reads = [f"s{level - 1}"] if level else []
        nodes += [
            node(holder, kind, **data),
            node(inner, "step", code=noted(inner, "first", *reads)),
            node(after, "step", code=noted(after, inner)),
        ]
        edges += [(before, holder), (holder, inner, label), (holder, after, "then")]
        before = inner
    return drawing(*nodes, edges=edges)


def noted(node_id: str, *reads: str) -> str:
    saw = ", ".join(f"str({other})[:80]" for other in reads)
    return f'return {{"node": "{node_id}", "saw": [{saw}]}}'


@pytest.mark.parametrize("kinds", [KINDS, *[(kind,) for kind in KINDS]], ids="-".join)
def test_a_hundred_levels_run(kinds: tuple[str, ...]) -> None:
    graph = tower(100, kinds)
    meant = Interpreter(graph, {})
    step = Step()
    output = run(compiled(graph), {}, step)
    assert meant.error is None
    assert step.trace == [(line.type, line.name) for line in meant.lines]
    assert output == meant.output
    assert ("do", f"s99{' [' + '.'.join(['0'] * loops(kinds)) + ']' if loops(kinds) else ''}") in (
        step.trace
    )


def loops(kinds: tuple[str, ...]) -> int:
    return sum(kinds[level % len(kinds)] == "loop" for level in range(100))


def test_the_same_holds_in_a_function() -> None:
    graph = {**tower(100, ("loop", "parallel", "try_catch")), "kind": "script"}
    source = compiled(graph).source
    assert source.count("async def _c") == 100
    assert "step" not in source.split("class Default")[1].split("async def fetch")[0]
