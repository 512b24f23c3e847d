"""What a drawn workflow means, told a second time: one token moves over the drawing.

Knows the JSON of a graph and nothing of the product. It understands the nodes that
`random_graphs` draws, whose code and conditions are simple enough to be read by pattern. Nothing
takes time here, so arms that run at once run one after another.
"""

from __future__ import annotations

import re
from typing import Any

CONTAINERS = ("parallel", "race", "loop", "try_catch")


class Leave(BaseException):
    """A break on its way to its loop; outside of one, to the end of the run, with its answer."""


class Token:
    """One region while it is executed: what its nodes made, and the last value among it."""

    def __init__(self, around: dict[str, Any]) -> None:
        self.around = around
        self.made: dict[str, Any] = {}
        self.last: Any = None

    def seen(self) -> dict[str, Any]:
        return {**self.around, **self.made}


class Interpreter:
    """Runs a graph for one event; afterwards `trace`, `output` and `error` say what happened."""

    def __init__(self, graph: dict[str, Any], payload: dict[str, Any]) -> None:
        self.nodes = {node["id"]: node for node in graph["nodes"]}
        self.edges: dict[str, dict[str | None, str]] = {node_id: {} for node_id in self.nodes}
        for edge in graph["edges"]:
            source = self.nodes[edge["source"]]
            if source["type"] == "break" and not source["data"].get("condition"):
                continue  # nothing is behind a break that always leaves
            self.edges[edge["source"]][edge.get("label")] = edge["target"]
        self.payload = payload
        self.trace: list[tuple[str, ...]] = []
        self.output: Any = None
        self.error: tuple[str, str] | None = None
        top = Token({})
        try:
            self._region(graph["entryNodeId"], top, ())
        except Leave as stopped:
            self.output = stopped.args[0]
            return
        except Exception as error:
            self.error = (type(error).__name__, str(error))
            return
        drawn_in = self._reachable(graph["entryNodeId"])
        marked = [node_id for node_id in drawn_in if self.nodes[node_id]["data"].get("output")]
        self.output = top.made.get(marked[0]) if marked else top.last

    def _reachable(self, entry: str) -> list[str]:
        found = [entry]
        for node_id in found:
            found += [other for other in self.edges[node_id].values() if other not in found]
        return found

    def _region(self, entry: str, token: Token, at: tuple[int, ...]) -> None:
        node: str | None = entry
        thens: list[str] = []
        while node is not None:
            goes = self._visit(node, thens, token, at)
            if goes is None and thens:
                goes = thens.pop()
            # Arriving where the innermost branch goes on anyway is the same as ending in it.
            if goes is not None and thens and thens[-1] == goes:
                thens.pop()
            node = goes

    def _visit(
        self, node_id: str, thens: list[str], token: Token, at: tuple[int, ...]
    ) -> str | None:
        node = self.nodes[node_id]
        kind, exits = node["type"], self.edges[node_id]
        if kind == "branch":
            if "then" in exits:
                thens.append(exits["then"])
            return exits.get(self._arm(node_id, node["data"]["branches"]))
        getattr(self, kind)(node_id, node, token, at)
        return exits.get("then") if kind in CONTAINERS else exits.get(None)

    def _arm(self, node_id: str, arms: list[dict[str, str]]) -> str | None:
        for arm in arms:
            found = re.search(r"== (\d+)", arm["condition"])
            if found and self.payload[node_id] == int(found[1]):
                return arm["label"]
        return next((arm["label"] for arm in arms if not arm["condition"]), None)

    def _keep(self, node_id: str, value: Any, token: Token) -> None:
        token.made[node_id] = value
        token.last = value

    def _name(self, node: dict[str, Any], at: tuple[int, ...], suffix: str = "") -> str:
        return node["name"] + suffix + (f" [{'.'.join(map(str, at))}]" if at else "")

    # --- nodes --------------------------------------------------------------------------------

    def step(self, node_id: str, node: dict[str, Any], token: Token, at: tuple[int, ...]) -> None:
        code, values = node["data"]["code"], token.seen()
        if not node["data"].get("inline"):
            self.trace.append(("do", self._name(node, at)))
        if code.startswith("raise"):
            raise ValueError(node_id)
        saw = [str(values.get(other))[:80] for other in re.findall(r"str\((\w+)\)", code)]
        self._keep(node_id, {"node": node_id, "saw": saw}, token)

    def sleep(self, _: str, node: dict[str, Any], token: Token, at: tuple[int, ...]) -> None:
        self.trace.append(("sleep", self._name(node, at), node["data"]["duration"]))

    def wait_for_event(
        self, node_id: str, node: dict[str, Any], token: Token, at: tuple[int, ...]
    ) -> None:
        values = token.seen()

        def written(found: re.Match[str]) -> str:
            value = values.get(found[1])
            return value["node"] if value else ""

        event_type = re.sub(r"\{\{(\w+)\.node\}\}", written, node["data"]["eventType"])
        self.trace.append(("wait", self._name(node, at), event_type))
        late = self.payload["timeouts"].get(node_id)
        self._keep(node_id, None if late else {"node": node_id, "type": event_type}, token)

    def _break(self, node_id: str, node: dict[str, Any], token: Token, at: tuple[int, ...]) -> None:
        condition = node["data"].get("condition")
        if condition:
            here = at[-1] if condition.startswith("i ") else 1
            if here != self.payload[node_id]:
                return
        raise Leave(token.last)

    # --- containers ---------------------------------------------------------------------------

    def _run_arm(
        self, entry: str, values: dict[str, Any], at: tuple[int, ...]
    ) -> tuple[Any, dict[str, Any]]:
        """The arm's value and what its nodes made."""
        inner = Token(values)
        self._region(entry, inner, at)
        return inner.last, inner.made

    def parallel(
        self, node_id: str, node: dict[str, Any], token: Token, at: tuple[int, ...]
    ) -> None:
        collects = node["data"].get("onError") == "collect"
        values, failed = token.seen(), None
        found: dict[str, Any] = {}
        made: dict[str, Any] = {}
        for label, entry in self.edges[node_id].items():
            if label == "then":
                continue
            try:
                value, new = self._run_arm(entry, values, at)
            except Exception as error:
                failed = failed or error
                found[label or ""] = {"error": self._as_data(error)}
            except Leave as leave:
                failed = failed or leave
            else:
                found[label or ""] = {"value": value} if collects else value
                made |= new
        if failed is not None and (not collects or isinstance(failed, Leave)):
            raise failed
        token.made |= made
        self._keep(node_id, found, token)

    def race(self, node_id: str, node: dict[str, Any], token: Token, at: tuple[int, ...]) -> None:
        values, outcomes = token.seen(), []
        for label, entry in self.edges[node_id].items():
            if label == "then":
                continue
            try:
                outcomes.append((label, *self._run_arm(entry, values, at)))
            except (Exception, Leave) as error:
                outcomes.append((label, error, None))
        self.trace.append(("do", self._name(node, at, " · winner")))
        label, value, made = outcomes[0]
        if made is None:
            raise value
        token.made |= made
        self._keep(node_id, {"winner": label, "value": value}, token)

    def loop(self, node_id: str, node: dict[str, Any], token: Token, at: tuple[int, ...]) -> None:
        data, values, body = node["data"], token.seen(), self.edges[node_id]["body"]
        results: list[Any] = []
        made: dict[str, Any] = {}
        kind = data.get("loopType", "forEach")
        if kind == "while":
            read = re.findall(r"\{\{(\w+)\}\}", data["condition"])[0]
            items: list[Any] = list(range(data["maxIterations"] + 1))
        else:
            items = [10, 20, 30] if kind == "forEach" else list(range(int(data["count"])))
        for index, element in enumerate(items):
            if kind == "while":
                if {**values, **made}.get(read) is not None:
                    break
                if index == data["maxIterations"]:
                    raise ValueError(f"The loop went on for more than {index} iterations.")
            around = {**values, "i": index} | ({} if kind == "while" else {"item": element})
            try:
                value, made = self._run_arm(body, around, (*at, index))
            except Leave:
                break
            results.append(value)
        token.made |= made
        self._keep(node_id, {"results": results, "count": len(results)}, token)

    def try_catch(
        self, node_id: str, node: dict[str, Any], token: Token, at: tuple[int, ...]
    ) -> None:
        exits, outcome = self.edges[node_id], {"value": None, "error": None}
        left: BaseException | None = None
        token.made[node_id] = outcome
        made: dict[str, Any] = {}
        try:
            try:
                outcome["value"], made = self._run_arm(exits["try"], token.seen(), at)
            except Exception as error:
                outcome["error"] = self._as_data(error)
                if "catch" not in exits:
                    raise
                around = {**token.seen(), "error": outcome["error"]}
                outcome["value"], made = self._run_arm(exits["catch"], around, at)
        except (Exception, Leave) as error:
            left = error
        if "finally" in exits:
            around = {**token.seen(), "error": outcome["error"], **made}
            made |= self._run_arm(exits["finally"], around, at)[1]
        if left is not None:
            raise left
        token.made |= made
        self._keep(node_id, outcome, token)

    def _as_data(self, error: Exception) -> dict[str, Any]:
        return {"name": type(error).__name__, "message": str(error), "step": None}


setattr(Interpreter, "break", Interpreter._break)
