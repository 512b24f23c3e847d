"""As many nodes as a graph may have are validated, compiled and run, and do what was drawn."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

from awaitstep.ir import validate
from awaitstep.ir.shape import MOST_NODES

from .harness import REGISTRY, compiled, drawing, node
from .playing import meant, play_inline, seen

LONGEST_PARAGRAPH = 7


class Paragraphs:
    """Every kind of node that the interpreter knows, paragraph after paragraph."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[tuple[str, ...]] = []
        self.last = self.step()

    def add(self, kind: str, **data: Any) -> str:
        node_id = f"n{len(self.nodes)}"
        self.nodes.append({**node(node_id, kind, **data), "name": f"Node {node_id}"})
        return node_id

    def step(self, *reads: str) -> str:
        seen = ", ".join(f"str({other})[:80]" for other in reads)
        return self.add("step", code=f'return {{"node": "n{len(self.nodes)}", "saw": [{seen}]}}')

    def chain(self, *ids: str, label: str = "") -> None:
        """Lead from the last node through these."""
        for node_id in ids:
            self.edges.append((self.last, node_id, label) if label else (self.last, node_id))
            self.last, label = node_id, ""

    def straight(self) -> None:
        self.chain(self.add("sleep", duration="3 seconds"), self.step(self.nodes[0]["id"]))
        waits = {"timeout": "60 seconds", "onTimeout": "continue"}
        event = f"{len(self.nodes)}-{{{{{self.last}.node}}}}"
        self.chain(self.add("wait_for_event", eventType=event, **waits))

    def choice(self) -> None:
        branch = f"n{len(self.nodes)}"
        arms = [
            {"label": "a0", "condition": f"{{{{event.payload.{branch}}}}} == 0"},
            {"label": "else", "condition": ""},
        ]
        self.chain(self.add("branch", branches=arms))
        one, two = self.step(), self.step()
        met = self.step(one, two)
        self.edges += [(branch, one, "a0"), (branch, two, "else"), (one, met), (two, met)]
        self.last = met

    def box(self, kind: str, *labels: str, **data: Any) -> None:
        """A container with two nodes in each arm, and what follows."""
        box = self.add(kind, **data)
        self.chain(box)
        for label in labels:
            first = self.step(self.nodes[0]["id"])
            self.edges += [(box, first, label), (first, self.step(first))]
        self.last = box
        self.chain(self.step(box), label="then")


def largest() -> dict[str, Any]:
    sheet = Paragraphs()
    kinds = cycle(
        [
            sheet.straight,
            sheet.choice,
            lambda: sheet.box("loop", "body", loopType="times", count="2"),
            lambda: sheet.box("try_catch", "try", "finally"),
            lambda: sheet.box("parallel", "left", "right", onError="collect"),
            lambda: sheet.box("race", "first"),
        ]
    )
    while len(sheet.nodes) + LONGEST_PARAGRAPH <= MOST_NODES:
        next(kinds)()
    while len(sheet.nodes) < MOST_NODES:
        sheet.chain(sheet.step(sheet.last))
    return drawing(*sheet.nodes, edges=sheet.edges)


def test_it_does_what_it_draws(tmp_path: Path) -> None:
    graph = largest()
    assert len(graph["nodes"]) == MOST_NODES
    assert [problem.code for problem in validate(graph, REGISTRY)] == ["graph.large"]
    payload: dict[str, Any] = {each["id"]: n % 2 for n, each in enumerate(graph["nodes"])}
    waits = [each["id"] for each in graph["nodes"] if each["type"] == "wait_for_event"]
    payload |= {node_id: 7 if number % 5 else None for number, node_id in enumerate(waits)}
    expected = meant(graph, payload)
    module = compiled(graph)
    assert module.class_name is not None
    ((found, history),), _ = play_inline(module.source, module.class_name, [payload], tmp_path)
    assert len(history) > MOST_NODES / 2
    assert seen(found, history, expected) == expected
