"""Random drawings that are valid, for hypothesis: arms meet anywhere, some end, some have `then`."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from awaitstep.ir import validate

from .harness import REGISTRY


@st.composite
def graphs(draw: st.DrawFn, most: int = 24) -> dict[str, Any]:
    count = draw(st.integers(1, most))
    ids = [f"n{i}" for i in range(count)]
    edges: list[dict[str, Any]] = []
    nodes: list[dict[str, Any]] = []
    above: dict[str, set[str]] = {node_id: set() for node_id in ids}
    for number, node_id in enumerate(ids):
        kind = draw(
            st.sampled_from(["branch", "branch", "step", "step", "sleep", "wait_for_event"])
        )
        steps = {node["id"] for node in nodes if node["type"] == "step"}
        readable = above[node_id] & steps if kind == "wait_for_event" else above[node_id]
        node, labels = _node(draw, node_id, kind, sorted(readable))
        nodes.append(node)
        for label in labels:
            later = ids[number + 1 :]
            if later and draw(st.integers(0, 9)) < (2 if label == "then" else 8):
                target = draw(st.sampled_from(later[: draw(st.sampled_from([1, 3, 8]))]))
                edge = {"id": f"e{len(edges)}", "source": node_id, "target": target}
                edges.append(edge if label is None else {**edge, "label": label})
                above[target] |= above[node_id] | ({node_id} if _has_value(kind) else set())
    if draw(st.integers(0, 3)) == 0:
        valued = [node for node in nodes if _has_value(node["type"])]
        if valued:
            draw(st.sampled_from(valued))["data"]["output"] = True
    graph = {
        "kind": "workflow",
        "metadata": {"name": "Random"},
        "nodes": nodes,
        "edges": edges,
        "entryNodeId": ids[0],
    }
    return _without_crossings(graph)


def _has_value(kind: str) -> bool:
    return kind in ("step", "wait_for_event")


def _node(
    draw: st.DrawFn, node_id: str, kind: str, above: list[str]
) -> tuple[dict[str, Any], list[str | None]]:
    labels: list[str | None] = [None]
    data: dict[str, Any] = {}
    read = draw(st.lists(st.sampled_from(above), max_size=3)) if above else []
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
    elif kind == "step":
        seen = ", ".join(f'{other} and {other}["node"]' for other in read)
        data["code"] = f'return {{"node": "{node_id}", "saw": [{seen}]}}'
        if draw(st.integers(0, 4)) == 0:
            data["inline"] = True
    elif kind == "sleep":
        data["duration"] = "1 second"
    else:
        data["eventType"] = "-".join(["go", *(f"{{{{{other}.node}}}}" for other in read)])
        data["onTimeout"] = "continue"
    return {"id": node_id, "type": kind, "name": f"Node {node_id}", "data": data}, labels


def _without_crossings(graph: dict[str, Any]) -> dict[str, Any]:
    """Take `then` edges away, last ones first, until no arm crosses the border of a scope."""
    thens = [edge for edge in graph["edges"] if edge.get("label") == "then"]
    while thens and any(problem.code == "scope.crossed" for problem in validate(graph, REGISTRY)):
        graph["edges"].remove(thens.pop())
    # Whatever an arm read over a `then` edge that is gone may no longer come before it.
    late = {
        problem.node_id
        for problem in validate(graph, REGISTRY)
        if problem.code == "reference.not_before"
    }
    for node in graph["nodes"]:
        if node["id"] in late and node["type"] == "step":
            node["data"]["code"] = f'return {{"node": "{node["id"]}", "saw": []}}'
        elif node["id"] in late:
            node["data"]["eventType"] = "go"
    return graph


@st.composite
def payloads(draw: st.DrawFn, graph: dict[str, Any]) -> dict[str, Any]:
    """Which arm each branch takes, and which waits time out."""
    chosen: dict[str, Any] = {
        node["id"]: draw(st.integers(0, 4)) for node in graph["nodes"] if node["type"] == "branch"
    }
    chosen["timeouts"] = {
        node["id"]: draw(st.booleans())
        for node in graph["nodes"]
        if node["type"] == "wait_for_event"
    }
    return chosen
