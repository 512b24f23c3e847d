"""Random drawings that are valid, for hypothesis: arms meet anywhere, some end, some have `then`,
and containers stand in the arms of containers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from awaitstep.ir import validate

from .harness import REGISTRY

CONTAINERS = ("parallel", "race", "loop", "try_catch")
VALUED = ("step", "wait_for_event", *CONTAINERS)
DEEPEST = 4


@dataclass
class _Sheet:
    draw: st.DrawFn
    left: int
    nodes: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)

    def connect(self, source: str, target: str, label: str | None) -> None:
        edge = {"id": f"e{len(self.edges)}", "source": source, "target": target}
        self.edges.append(edge if label is None else {**edge, "label": label})

    def chance(self, of: int) -> bool:
        return self.draw(st.integers(1, of)) == 1


@st.composite
def graphs(draw: st.DrawFn, most: int = 24) -> dict[str, Any]:
    sheet = _Sheet(draw, draw(st.integers(1, most)))
    entry, _ = _region(sheet, set(), set(), (), 0)
    valued = [node for node in sheet.nodes if node["type"] in VALUED]
    if draw(st.integers(0, 3)) == 0 and valued:
        draw(st.sampled_from(valued))["data"]["output"] = True
    graph = {
        "kind": "workflow",
        "metadata": {"name": "Random"},
        "nodes": sheet.nodes,
        "edges": sheet.edges,
        "entryNodeId": entry,
    }
    return _valid(graph)


def _region(
    sheet: _Sheet,
    readable: set[str],
    steps: set[str],
    bound: tuple[str, ...],
    depth: int,
    *,
    alone: bool = True,
) -> tuple[str, set[str]]:
    """Draw a region; its entry, and the nodes that have a value when it has ended.

    `readable` are nodes with a value around it, `steps` the steps among them, `bound` the names
    that containers bind. What runs beside others holds nothing that runs at once: the order of
    things would depend on how often a loop turns.
    """
    draw = sheet.draw
    count = max(1, min(sheet.left, draw(st.integers(1, 24 if depth == 0 else 4))))
    sheet.left -= count
    first = len(sheet.nodes)
    ids = [f"n{first + i}" for i in range(count)]
    for node_id in ids:
        sheet.nodes.append({"id": node_id, "name": f"Node {node_id}"})
    above: dict[str, set[str]] = {node_id: set(readable) for node_id in ids}
    is_step = set(steps)
    kinds = ["branch", "branch", "step", "step", "sleep", "wait_for_event"]
    if depth < DEEPEST:
        kinds += ["loop", "loop", "try_catch", "try_catch"]
        kinds += ["parallel", "race"] if alone else []
    made: set[str] = set()
    for number, node_id in enumerate(ids):
        node = sheet.nodes[first + number]
        last_kinds = [*kinds, "break"] if depth else kinds
        node["type"] = kind = draw(st.sampled_from(last_kinds))
        new = {node_id} if kind in VALUED else set()
        if kind in CONTAINERS:
            node["data"], inner = _container(
                sheet, node, above[node_id], is_step, bound, depth, alone=alone
            )
            new |= inner
            labels: list[str | None] = ["then"]
        else:
            node["data"], labels = _leaf(draw, node_id, kind, above[node_id], is_step, bound)
        if kind == "step":
            is_step.add(node_id)
        made |= new
        for label in labels:
            later = ids[number + 1 :]
            rare = label == "then" and kind == "branch"
            if later and draw(st.integers(0, 9)) < (2 if rare else 8):
                target = draw(st.sampled_from(later[: draw(st.sampled_from([1, 3, 8]))]))
                sheet.connect(node_id, target, label)
                above[target] |= above[node_id] | new
    return ids[0], made


def _container(
    sheet: _Sheet,
    node: dict[str, Any],
    readable: set[str],
    steps: set[str],
    bound: tuple[str, ...],
    depth: int,
    *,
    alone: bool,
) -> tuple[dict[str, Any], set[str]]:
    draw, kind = sheet.draw, node["type"]
    concurrency = draw(st.integers(1, 3)) if kind == "loop" and alone else 1
    alone = alone and kind not in ("parallel", "race") and concurrency == 1
    made: set[str] = set()

    def arm(label: str, *more: str) -> set[str]:
        entry, new = _region(sheet, readable, steps, (*bound, *more), depth + 1, alone=alone)
        sheet.connect(node["id"], entry, label)
        made.update(new)
        return new

    if kind == "loop":
        what = draw(st.sampled_from(["forEach", "times", "while"]))
        new = arm("body", *(("i",) if what == "while" else ("item", "i")))
        if what == "while" and new:
            read = draw(st.sampled_from(sorted(new)))
            condition = f"{{{{{read}}}}} is None"
            return {"loopType": "while", "condition": condition, "maxIterations": 3}, made
        if what == "forEach":
            return {"collection": "[10, 20, 30]", "concurrency": concurrency}, made
        return {"loopType": "times", "count": "2"}, made
    if kind == "try_catch":
        arm("try")
        if not sheet.chance(3):
            arm("catch", "error")
        if sheet.chance(2):
            arm("finally", "error")
        return {}, made
    for label in ("left", "A & B")[: draw(st.integers(1, 2))]:
        arm(label)
    return ({"onError": "collect"} if kind == "parallel" and sheet.chance(2) else {}), made


def _leaf(
    draw: st.DrawFn,
    node_id: str,
    kind: str,
    above: set[str],
    steps: set[str],
    bound: tuple[str, ...],
) -> tuple[dict[str, Any], list[str | None]]:
    labels: list[str | None] = [None]
    data: dict[str, Any] = {}
    if kind == "branch":
        count = draw(st.integers(1, 4))
        otherwise = draw(st.booleans())
        data["branches"] = [
            {"label": f"a{i}", "condition": f"{{{{event.payload.{node_id}}}}} == {i}"}
            for i in range(count)
        ]
        if otherwise:
            place = draw(st.integers(0, count))
            data["branches"].insert(place, {"label": "else", "condition": ""})
        labels = [*(arm["label"] for arm in data["branches"]), "then"]
    elif kind == "break":
        if draw(st.booleans()):
            own = "i" if "i" in bound else "1"
            data["condition"] = f"{own} == {{{{event.payload.{node_id}}}}}"
    elif kind == "step":
        names = sorted(above | set(bound))
        read = draw(st.lists(st.sampled_from(names), max_size=3)) if names else []
        seen = ", ".join(f"str({other})[:80]" for other in read)
        data["code"] = f'return {{"node": "{node_id}", "saw": [{seen}]}}'
        if draw(st.integers(0, 9)) == 0:
            data["code"] = f'raise ValueError("{node_id}")'
        elif draw(st.integers(0, 4)) == 0:
            data["inline"] = True
    elif kind == "sleep":
        data["duration"] = "1 second"
    else:
        names = sorted(above & steps)
        read = draw(st.lists(st.sampled_from(names), max_size=3)) if names else []
        data["eventType"] = "-".join(["go", *(f"{{{{{other}.node}}}}" for other in read)])
        data["onTimeout"] = "continue"
    return data, labels


def _valid(graph: dict[str, Any]) -> dict[str, Any]:
    """Take `then` edges of branches away, last ones first, until no arm crosses the border of a
    scope, and reads away that come too early then."""
    branches = {node["id"] for node in graph["nodes"] if node["type"] == "branch"}
    thens = [e for e in graph["edges"] if e.get("label") == "then" and e["source"] in branches]
    while thens and any(problem.code == "scope.crossed" for problem in validate(graph, REGISTRY)):
        graph["edges"].remove(thens.pop())
    late = {
        problem.node_id
        for problem in validate(graph, REGISTRY)
        if problem.code == "reference.not_before"
    }
    for node in graph["nodes"]:
        if node["id"] in late and node["type"] == "step":
            node["data"]["code"] = f'return {{"node": "{node["id"]}", "saw": []}}'
        elif node["id"] in late and node["type"] == "wait_for_event":
            node["data"]["eventType"] = "go"
        elif node["id"] in late:
            node["data"] = {"loopType": "times", "count": "2"}
    return graph


@st.composite
def payloads(draw: st.DrawFn, graph: dict[str, Any]) -> dict[str, Any]:
    """Which arm each branch takes, when each break leaves, and which waits time out."""
    chosen: dict[str, Any] = {
        node["id"]: draw(st.integers(0, 4 if node["type"] == "branch" else 2))
        for node in graph["nodes"]
        if node["type"] in ("branch", "break")
    }
    chosen["timeouts"] = {
        node["id"]: draw(st.booleans())
        for node in graph["nodes"]
        if node["type"] == "wait_for_event"
    }
    return chosen
