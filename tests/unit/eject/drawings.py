"""Small graphs whose paths one can count by hand."""

from __future__ import annotations

from typing import Any


def graph(nodes: list[dict[str, Any]], edges: list[tuple[str, ...]], **more: Any) -> dict[str, Any]:
    drawn = [
        {"id": f"e{number}", "source": edge[0], "target": edge[1], "label": (*edge, None)[2]}
        for number, edge in enumerate(edges)
    ]
    return {
        "kind": "workflow",
        "metadata": {"name": "Drawn"},
        "entryNodeId": nodes[0]["id"],
        "nodes": nodes,
        "edges": drawn,
        **more,
    }


def step(node_id: str, code: str = "return 1", **data: Any) -> dict[str, Any]:
    return node(node_id, "step", code=code, **data)


def node(node_id: str, kind: str, **data: Any) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "name": node_id, "data": data}


def branch(node_id: str, *arms: tuple[str, str]) -> dict[str, Any]:
    branches = [{"label": label, "condition": condition} for label, condition in arms]
    return node(node_id, "branch", branches=branches)


def choice(condition: str) -> dict[str, Any]:
    """A step, and one more behind either arm."""
    return graph(
        [step("a"), branch("b", ("yes", condition), ("no", "")), step("c"), step("d")],
        [("a", "b"), ("b", "c", "yes"), ("b", "d", "no")],
    )
