"""What is hard about a drawing, so that a test can say how much of it its graphs had."""

from __future__ import annotations

from collections import Counter
from typing import Any

REGIONS = ("parallel", "race", "loop", "try_catch")
LEAST = 0.05
HARD = (
    "meets across depth 2 or more",
    "loops in arms",
    "break in try",
    "concurrency above 1",
    "repeated names",
)


class Shares:
    """Counts graphs by what they hold."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(
            dict.fromkeys(("graphs", "runs", "undecided", *HARD), 0)
        )

    def note(self, graph: dict[str, Any]) -> None:
        self.counts.update(["graphs", *traits(graph)])

    def assert_enough(self) -> None:
        for trait in HARD:
            assert self.counts[trait] >= LEAST * self.counts["graphs"], (trait, self.counts)
        drawn = self.counts["runs"] + self.counts["undecided"]
        assert self.counts["undecided"] <= 0.2 * drawn, self.counts


def traits(graph: dict[str, Any]) -> set[str]:
    nodes = {node["id"]: node for node in graph["nodes"]}
    ways: dict[str, dict[str, str]] = {node_id: {} for node_id in nodes}
    for edge in graph["edges"]:
        ways[edge["source"]][edge.get("label") or "then"] = edge["target"]
    order = _order(ways, graph["entryNodeId"])
    kinds = {node_id: nodes[node_id]["type"] for node_id in order}
    around = _around(ways, kinds)
    found = set()
    if _depth_of_meets(ways, kinds, order) >= 2:
        found.add("meets across depth 2 or more")
    if any(kinds[n] == "loop" and around[n] for n in order):
        found.add("loops in arms")
    if any(kinds[n] == "break" and "try_catch" in around[n] for n in order):
        found.add("break in try")
    if any(nodes[n]["data"].get("concurrency", 1) > 1 for n in order):
        found.add("concurrency above 1")
    names = [nodes[n]["name"] for n in order]
    if len(set(names)) < len(names):
        found.add("repeated names")
    return found


def _order(ways: dict[str, dict[str, str]], entry: str) -> list[str]:
    """Reachable nodes, each behind all that lead to it."""
    done: list[str] = []
    seen = {entry}
    path = [(entry, iter(ways[entry].values()))]
    while path:
        rest = path[-1][1]
        target = next(rest, None)
        if target is None:
            done.append(path.pop()[0])
        elif target not in seen:
            seen.add(target)
            path.append((target, iter(ways[target].values())))
    return done[::-1]


def _around(ways: dict[str, dict[str, str]], kinds: dict[str, str]) -> dict[str, set[str]]:
    """The kinds of the containers whose arms hold a node."""
    around: dict[str, set[str]] = {node_id: set() for node_id in kinds}
    for container, kind in kinds.items():
        if kind not in REGIONS:
            continue
        behind = ways[container].get("then")
        inside = [target for label, target in ways[container].items() if label != "then"]
        inside = [target for target in inside if target != behind]
        for node_id in inside:
            around[node_id].add(kind)
            more = [t for t in ways[node_id].values() if t != behind and t not in inside]
            inside += dict.fromkeys(more)
    return around


def _depth_of_meets(
    ways: dict[str, dict[str, str]], kinds: dict[str, str], order: list[str]
) -> int:
    """Of how many branches inside each other a node is entered at most, at a meet."""
    chains: dict[str, list[str]] = {order[0]: [order[0]]}  # a node and what dominates it
    sources: dict[str, list[str]] = {node_id: [] for node_id in order}
    for node_id in order:
        for target in ways[node_id].values():
            sources[target].append(node_id)
    deepest = 0
    for node_id in order[1:]:
        shared = set.intersection(*(set(chains[source]) for source in sources[node_id]))
        first = chains[sources[node_id][0]]
        common = [other for other in first if other in shared]
        chains[node_id] = [*common, node_id]
        if len(set(sources[node_id])) > 1:
            for source in sources[node_id]:
                inner = chains[source][len(common) - 1 :]
                deepest = max(deepest, sum(kinds[other] == "branch" for other in inner))
    return deepest
