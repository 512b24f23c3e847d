"""Short ways to write graphs down."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from awaitstep.ir import Diagnostic, validate
from awaitstep.nodes import registry

REGISTRY = registry()


def node(node_id: str, kind: str = "step", name: str | None = None, **data: Any) -> dict[str, Any]:
    if kind == "step":
        data.setdefault("code", "return 1")
    return {"id": node_id, "type": kind, "name": node_id if name is None else name, "data": data}


def branch(node_id: str, **arms: str) -> dict[str, Any]:
    """`branch("b", yes="x > 1", no="")`."""
    listed = [{"label": label, "condition": condition} for label, condition in arms.items()]
    return node(node_id, "branch", branches=listed)


def graph(*nodes: dict[str, Any], edges: list[tuple[str, ...]] | None = None) -> dict[str, Any]:
    """Without edges, the nodes follow each other."""
    ids = [each["id"] for each in nodes]
    pairs = edges if edges is not None else list(pairwise(ids))
    drawn = [
        {"id": f"e{number}", "source": pair[0], "target": pair[1], "label": (*pair, None)[2]}
        for number, pair in enumerate(pairs)
    ]
    return {
        "kind": "workflow",
        "metadata": {"name": "Test"},
        "nodes": list(nodes),
        "edges": drawn,
        "entryNodeId": ids[0],
    }


def problems(data: object) -> list[Diagnostic]:
    return validate(data, REGISTRY)


def codes(data: object) -> list[str]:
    return [problem.code for problem in problems(data)]
