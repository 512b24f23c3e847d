"""What a drawn workflow means, told a second time: one token moves over the drawing.

Knows the JSON of a graph and nothing of the product. It understands the nodes that
`random_graphs` draws, whose code and conditions are simple enough to be read by pattern.

Only sleeps, waits and the delays before another attempt take time. What runs at once is a `Strand`
each: a generator that yields the moment at which it goes on. Meant are all lines of the history,
when they begin and end, and the order of the lines of one strand. What strands do at one and the
same moment has no order: where that would decide something (who wins a race, what a failure still
stops), the run is `Undecided` and nothing is said about it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from .leaves import START, Data, Failed, Leaves, Line, Moments, Token, Undecided

STEPS = ("step", "http_request", "sleep", "sleep_until", "wait_for_event", "race")


class Leave(BaseException):
    """A break on its way to its loop; outside of one, to the end of the run, with its answer."""


class Strand:
    """What runs beside others, and how it ended: with a value or an error."""

    def __init__(self, code: Moments, now: float) -> None:
        self.code, self.began, self.ended = code, now, False
        self.value = self.error = None
        self.go(now)

    def go(self, now: float) -> None:
        self.moved = now
        try:
            self.until = next(self.code)
        except StopIteration as end:
            self.ended, self.value = True, end.value
        except (Failed, Leave) as error:
            self.ended, self.error = True, error


class Interpreter(Leaves):
    """Runs a graph for one event; afterwards `lines`, `output` and `error` say what happened."""

    def __init__(self, graph: Data, payload: Data) -> None:
        self.nodes = {node["id"]: node for node in graph["nodes"]}
        self.edges: dict[str, dict[str, str]] = {node_id: {} for node_id in self.nodes}
        for edge in graph["edges"]:
            source = self.nodes[edge["source"]]
            if source["type"] != "break" or "condition" in source["data"]:  # else nothing is behind
                self.edges[source["id"]][edge.get("label") or "then"] = edge["target"]
        self.payload, self.now, self.awaited = payload, START, set[str]()
        self.lines: list[Line] = []
        self.output = self.error = None
        entry = graph["entryNodeId"]
        reached = [entry]
        for node_id in reached:
            reached += {
                other: None for other in self.edges[node_id].values() if other not in reached
            }
        nodes = [self.nodes[node_id] for node_id in reached]
        steps = [n for n in nodes if n["type"] in STEPS and not n["data"].get("inline")]
        self.shared = [node["name"] for node in steps]
        self.marked = [node["id"] for node in nodes if node["data"].get("output")]
        self.top = Token({})
        try:
            for moment in self._region(entry, self.top, None):
                self.now = max(moment, self.now)
            self.output = self._answer(self.top)
        except Leave as stopped:
            self.output = stopped.args[0]
        except Failed as error:
            self.error = error.data

    def _answer(self, token: Token) -> Any:
        marked = self.marked if token is self.top else []
        return token.made.get(marked[0]) if marked else token.last

    def _region(self, entry: str, token: Token, behind: str | None) -> Moments:
        """From `entry` to an end; `behind` is what follows the container around."""
        node: str | None = entry
        thens: list[str] = []
        while node is not None and node != behind:
            kind, data, exits = self.nodes[node]["type"], self.nodes[node]["data"], self.edges[node]
            if kind == "branch":
                thens += [exits["then"]] if "then" in exits else []
                goes = exits.get(self._taken(node, data["branches"]))
            else:
                yield from getattr(self, f"_{kind}")(node, data, token)
                goes = exits.get("then")
            if goes is None and thens:
                goes = thens.pop()
            # Arriving where the innermost branch goes on anyway is the same as ending in it.
            if goes is not None and thens and thens[-1] == goes:
                thens.pop()
            node = goes

    def _taken(self, node_id: str, arms: list[Data]) -> str | None:
        for wanted in (f"{{{{event.payload.{node_id}}}}} == {self.payload[node_id]}", ""):
            for arm in arms:
                if arm["condition"] == wanted:
                    return arm["label"]
        return None

    def _break(self, _: str, data: Data, token: Token) -> Moments:
        yield from ()
        left, right = re.findall(r"(\w+) == .*?(\w+)\}", data.get("condition", "1 == {1}"))[0]
        if not data.get("condition") or token.seen().get(left, 1) == self.payload[right]:
            raise Leave(self._answer(token))

    def _arm(self, node_id: str, label: str, token: Token, **bound: Any) -> Moments:
        """One arm, with names that are bound in it; its value and what its nodes made."""
        exits, at = self.edges[node_id], token.at + bound.pop("at", ())
        inner = Token({**token.seen(), **bound}, at, token.strand + bound.pop("beside", ()))
        yield from self._region(exits[label], inner, exits.get("then"))
        return inner.last, inner.made

    def _arms(self, node_id: str, token: Token) -> dict[str, Strand]:
        labels = [label for label in self.edges[node_id] if label != "then"]
        arms = [self._arm(node_id, label, token, beside=(node_id, label)) for label in labels]
        return dict(zip(labels, [Strand(arm, self.now) for arm in arms], strict=True))

    def _next(self, strands: Collection[Strand]) -> Moments:
        """Let time pass until one of them goes on."""
        pending = [strand for strand in strands if not strand.ended]
        yield min(strand.until for strand in pending)
        for strand in pending:
            if strand.until <= self.now:
                strand.go(self.now)

    def _first(self, arms: Collection[Strand], is_over: Callable[[Strand], Any]) -> Moments:
        """The arm that stops the others, or None when all have ended."""
        while not any(map(is_over, arms)) and not all(arm.ended for arm in arms):
            yield from self._next(arms)
        first = next(filter(is_over, arms), None)
        if first and any(arm.moved == self.now for arm in arms if arm is not first):
            raise Undecided
        return first

    def _parallel(self, node_id: str, data: Data, token: Token) -> Moments:
        kinds = Leave if data.get("onError") == "collect" else (Leave, Failed)
        arms, found = self._arms(node_id, token), {}
        first = yield from self._first(arms.values(), lambda arm: isinstance(arm.error, kinds))
        if first is not None:
            raise first.error
        for label, arm in arms.items():
            if arm.error is not None:
                found[label] = {"error": arm.error.data}
                continue
            found[label] = {"value": arm.value[0]} if kinds is Leave else arm.value[0]
            token.made |= arm.value[1]
        token.keep(node_id, found)

    def _race(self, node_id: str, _: Data, token: Token) -> Moments:
        arms = self._arms(node_id, token)
        first = yield from self._first(arms.values(), lambda arm: arm.ended)
        winner = next(label for label, arm in arms.items() if arm is first)
        self._begin("do", node_id, token, " · winner").end("complete", self.now, winner)
        if first.error is not None:
            raise first.error
        token.made |= first.value[1]
        token.keep(node_id, {"winner": winner, "value": first.value[0]})

    def _loop(self, node_id: str, data: Data, token: Token) -> Moments:
        strands, width = list[Strand](), data.get("concurrency", 1)
        items = json.loads(data.get("collection", "[]")) or [*range(int(data.get("count", 0)))]
        while True:
            while self._another(data, token, strands, items):
                index = len(strands)
                bound = {"at": (index,), "beside": (node_id, index) if width > 1 else ()}
                bound |= {"item": items[index]} if items else {}
                arm = self._arm(
                    node_id, "body", token, **bound, **{data.get("indexVar", "i"): index}
                )
                strands.append(Strand(arm, self.now))
            # No other iteration may begin at the moment at which one stops the loop.
            stops = [strand for strand in strands if strand.error and strand.moved == self.now]
            began = [strand for strand in strands if strand.began == self.now]
            running = sum(not strand.ended for strand in strands)
            more = len(strands) < len(items) and running + len(stops) < width
            if width > 1 and stops and (more or (began and began != stops)):
                raise Undecided
            if all(strand.ended for strand in strands):
                break
            yield from self._next(strands)
        first = next((strand for strand in strands if strand.error), None)
        if first and isinstance(first.error, Failed):
            raise first.error
        kept = strands[: strands.index(first)] if first else strands
        token.made |= kept[-1].value[1] if kept else {}
        results = [strand.value[0] for strand in kept]
        token.keep(node_id, {"results": results, "count": len(results)})

    def _another(self, data: Data, token: Token, strands: list[Strand], items: list[Any]) -> bool:
        """Whether another iteration begins."""
        running = sum(not strand.ended for strand in strands)
        if any(strand.error for strand in strands) or running == data.get("concurrency", 1):
            return False
        if "condition" not in data:
            return len(strands) < len(items)
        read, made = data["condition"].split("}}")[0].strip("{"), strands and strands[-1].value[1]
        if {**token.seen(), **(made or {})}.get(read) is not None:
            return False
        if (count := len(strands)) == data["maxIterations"]:
            raise Failed("ValueError", f"The loop went on for more than {count} iterations.")
        return True

    def _try_catch(self, node_id: str, _: Data, token: Token) -> Moments:
        exits, outcome = self.edges[node_id], {"value": None, "error": None}
        left, made = None, {}
        token.made[node_id] = outcome
        try:
            try:
                outcome["value"], made = yield from self._arm(node_id, "try", token)
            except Failed as error:
                outcome["error"] = error.data
                if "catch" not in exits:
                    raise
                caught = self._arm(node_id, "catch", token, error=error.data)
                outcome["value"], made = yield from caught
        except (Failed, Leave) as error:
            left = error
        if "finally" in exits:
            around = {"error": outcome["error"], **made}
            made |= (yield from self._arm(node_id, "finally", token, **around))[1]
        if left is not None:
            raise left
        token.made |= made
        token.keep(node_id, outcome)
