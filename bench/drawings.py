"""Large drawings of several shapes, for figures of the language.

Every text differs, as in real graphs: nothing may be read from a cache.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

Drawing = dict[str, Any]

# Containers in each other, and so the nodes of the longest paragraph.
NESTED = 20
LONGEST = 2 * NESTED + 1


class Sheet:
    """A drawing under the pen, which stands at the end of what was drawn last."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, str]] = []
        self._pens: list[tuple[str, str]] = []

    def node(self, kind: str, **data: Any) -> str:
        """A node that nothing leads to yet."""
        node_id = f"n{len(self.nodes)}"
        self.nodes.append({"id": node_id, "type": kind, "name": f"Node {node_id}", "data": data})
        return node_id

    def step(self, *reads: str) -> str:
        listed = ", ".join([str(len(self.nodes)), *reads])
        return self.node("step", code=f'return {{"node": [{listed}]}}')

    def edge(self, source: str, target: str, label: str = "") -> None:
        drawn = {"id": f"e{len(self.edges)}", "source": source, "target": target}
        self.edges.append(drawn | ({"label": label} if label else {}))

    def go(self, node_id: str, label: str = "") -> str:
        """Lead there, and on from there by the edge of this label."""
        for source, leaving in self._pens:
            self.edge(source, node_id, leaving)
        self._pens = [(node_id, label)]
        return node_id

    def go_back(self, *pens: tuple[str, str]) -> None:
        """Go on from the ends of several arms at once."""
        self._pens = list(pens)

    def drawing(self) -> Drawing:
        return {
            "kind": "workflow",
            "metadata": {"name": "Large"},
            "nodes": self.nodes,
            "edges": self.edges,
            "entryNodeId": self.nodes[0]["id"],
        }


Paragraph = Callable[[Sheet, str], str]
"""Draws a few nodes, the first of which reads a node; answers a node that later ones may read."""


def chain(count: int) -> Drawing:
    """Steps in a row, each reading the one before."""
    return _drawn(count, [_step])


def meetings(count: int) -> Drawing:
    """A branch, its arms, and the node where they meet, which reads both; again and again."""
    return _drawn(count, [_choice])


def nested(count: int) -> Drawing:
    """Loops and tries in each other, a step in each that reads from around; then the next nest."""
    return _drawn(count, [_nest])


def readers(count: int) -> Drawing:
    """One node that may be skipped, and that all others read."""
    sheet = Sheet()
    sheet.go(sheet.step())
    choice = sheet.go(sheet.node("branch", branches=_arms("event.payload.x", 1)), "yes")
    maybe = sheet.go(sheet.step())
    sheet.go_back((choice, "then"))
    while len(sheet.nodes) < count:
        sheet.go(sheet.step(maybe))
    return sheet.drawing()


def mixed(count: int) -> Drawing:
    """Every kind of node."""
    at_once = [_at_once("parallel"), _at_once("race")]
    return _drawn(count, [_step, _choice, _waits, _request, _calls, _loop, _try, *at_once])


def _drawn(count: int, paragraphs: list[Paragraph]) -> Drawing:
    """Paragraphs that follow each other, and steps in the place of one that is too long."""
    sheet = Sheet()
    last = sheet.go(sheet.step())
    for paragraph in cycle(paragraphs):
        if len(sheet.nodes) >= count:
            break
        fits = len(sheet.nodes) + LONGEST <= count
        last = (paragraph if fits else _step)(sheet, last)
    return sheet.drawing()


def _step(sheet: Sheet, last: str) -> str:
    return sheet.go(sheet.step(last))


def _nest(sheet: Sheet, last: str) -> str:
    outermost = ""
    for depth in range(NESTED):
        if depth % 2:
            box = sheet.go(sheet.node("try_catch"), "try")
        else:
            names = {"itemVar": f"item_{depth}", "indexVar": f"i_{depth}"}
            box = sheet.go(sheet.node("loop", collection=f"[{depth}]", **names), "body")
        last = sheet.go(sheet.step(last))
        outermost = outermost or box
    sheet.go_back((outermost, "then"))
    return sheet.go(sheet.step(outermost))


def _arms(value: str, number: int) -> list[dict[str, str]]:
    return [
        {"label": "yes", "condition": f"{{{{{value}}}}} != {number}"},
        {"label": "no", "condition": ""},
    ]


def _choice(sheet: Sheet, last: str) -> str:
    branch = sheet.go(sheet.node("branch", branches=_arms(f"{last}.node", len(sheet.nodes))), "yes")
    yes = sheet.go(sheet.step(last))
    sheet.go_back((branch, "no"))
    no = sheet.go(sheet.step(last))
    sheet.go_back((yes, ""), (no, ""))
    return sheet.go(sheet.step(yes, no))


def _waits(sheet: Sheet, last: str) -> str:
    sheet.go(sheet.node("sleep", duration=f"{len(sheet.nodes)} seconds"))
    sheet.go(sheet.node("sleep_until", timestamp="2030-01-01T00:00:00Z"))
    return sheet.go(
        sheet.node("wait_for_event", eventType=f"{{{{{last}.node}}}}-{len(sheet.nodes)}")
    )


def _request(sheet: Sheet, last: str) -> str:
    return sheet.go(
        sheet.node(
            "http_request",
            url=f"https://{len(sheet.nodes)}.example/{{{{{last}}}}}",
            method="POST",
            body={"last": f"{{{{{last}}}}}", "sure": True},
        )
    )


def _calls(sheet: Sheet, last: str) -> str:
    count = len(sheet.nodes)
    given = {"input": {"last": f"{{{{{last}}}}}"}, "timeout": "1 hour"}
    run = sheet.go(sheet.node("sub_workflow", workflowId=f"wf_{count}", **given))
    sheet.go(sheet.node("sub_script", workflowId=f"wf_{count + 1}", body={"run": f"{{{{{run}}}}}"}))
    return run


def _loop(sheet: Sheet, last: str) -> str:
    loop = sheet.go(sheet.node("loop", collection=f"[{{{{{last}}}}}]", concurrency=2), "body")
    sheet.go(sheet.node("break", condition=f"i > {len(sheet.nodes)}"))
    sheet.go(sheet.step("item", last))
    sheet.go_back((loop, "then"))
    return sheet.go(sheet.step(loop))


def _try(sheet: Sheet, last: str) -> str:
    box = sheet.go(sheet.node("try_catch"), "try")
    tried = sheet.go(sheet.step(last))
    for label in ("catch", "finally"):
        sheet.go_back((box, label))
        sheet.go(sheet.step("error"))
    sheet.go_back((box, "then"))
    return sheet.go(sheet.step(box, tried))


def _at_once(kind: str) -> Paragraph:
    def paragraph(sheet: Sheet, last: str) -> str:
        box = sheet.node(kind)
        made = []
        sheet.go(box)
        for label in ("left", "right"):
            sheet.go_back((box, label))
            made.append(sheet.go(sheet.step(last)))
        sheet.go_back((box, "then"))
        return sheet.go(sheet.step(box, *made))

    return paragraph


SHAPES: dict[str, Callable[[int], Drawing]] = {
    "chain": chain,
    "meetings": meetings,
    "nested": nested,
    "readers": readers,
    "mixed": mixed,
}
