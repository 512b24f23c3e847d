"""What a drawn workflow means, told a second time: one token moves over the drawing.

Knows the JSON of a graph and nothing of the product. It understands the nodes that
`random_graphs` draws, whose code and conditions are simple enough to be read by pattern.
"""

from __future__ import annotations

import re
from typing import Any


class Interpreter:
    """Runs a graph for one event; afterwards `trace` and `output` say what happened."""

    def __init__(self, graph: dict[str, Any], payload: dict[str, Any]) -> None:
        self.nodes = {node["id"]: node for node in graph["nodes"]}
        self.edges: dict[str, dict[str | None, str]] = {node_id: {} for node_id in self.nodes}
        for edge in graph["edges"]:
            self.edges[edge["source"]][edge.get("label")] = edge["target"]
        self.payload = payload
        self.values: dict[str, Any] = {}
        self.trace: list[tuple[str, ...]] = []
        self.output: Any = None
        drawn_in = self._reachable(graph["entryNodeId"])
        marked = [node_id for node_id in drawn_in if self.nodes[node_id]["data"].get("output")]
        self._run(graph["entryNodeId"])
        if marked:
            self.output = self.values.get(marked[0])

    def _reachable(self, entry: str) -> list[str]:
        found = [entry]
        for node_id in found:
            found += [other for other in self.edges[node_id].values() if other not in found]
        return found

    def _run(self, entry: str) -> None:
        token: str | None = entry
        thens: list[str] = []
        while token is not None:
            goes = self._visit(token, thens)
            if goes is None and thens:
                goes = thens.pop()
            # Arriving where the innermost branch goes on anyway is the same as ending in it.
            if goes is not None and thens and thens[-1] == goes:
                thens.pop()
            token = goes

    def _visit(self, node_id: str, thens: list[str]) -> str | None:
        node = self.nodes[node_id]
        exits = self.edges[node_id]
        if node["type"] == "branch":
            if "then" in exits:
                thens.append(exits["then"])
            return exits.get(self._arm(node_id, node["data"]["branches"]))
        getattr(self, node["type"])(node_id, node["name"], node["data"])
        return next(iter(exits.values()), None)

    def _arm(self, node_id: str, arms: list[dict[str, str]]) -> str | None:
        for arm in arms:
            found = re.search(r"== (\d+)", arm["condition"])
            if found and self.payload[node_id] == int(found[1]):
                return arm["label"]
        return next((arm["label"] for arm in arms if not arm["condition"]), None)

    def _keep(self, node_id: str, value: Any) -> None:
        self.values[node_id] = value
        self.output = value

    def step(self, node_id: str, name: str, data: dict[str, Any]) -> None:
        seen = [self._name_of(other) for other in re.findall(r"(\w+) and", data["code"])]
        if not data.get("inline"):
            self.trace.append(("do", name))
        self._keep(node_id, {"node": node_id, "saw": seen})

    def sleep(self, _: str, name: str, data: dict[str, Any]) -> None:
        self.trace.append(("sleep", name, data["duration"]))

    def wait_for_event(self, node_id: str, name: str, data: dict[str, Any]) -> None:
        event_type = re.sub(
            r"\{\{(\w+)\.node\}\}", lambda m: self._name_of(m[1]) or "", data["eventType"]
        )
        self.trace.append(("wait", name, event_type))
        if self.payload["timeouts"].get(node_id):
            self._keep(node_id, None)
        else:
            self._keep(node_id, {"node": node_id, "type": event_type})

    def _name_of(self, node_id: str) -> str | None:
        value = self.values.get(node_id)
        return value and value["node"]
