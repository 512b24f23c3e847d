"""Random drawings that are valid, for hypothesis, over all types of nodes: arms meet anywhere, some
end, some have `then`, containers stand in the arms of containers, and names are shared.

What runs beside others mostly begins with a sleep of its own length, so that who is first is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from awaitstep.ir import validate

from .harness import REGISTRY

CONTAINERS = ("parallel", "race", "loop", "try_catch")
CALLS = ("http_request", "sub_script", "sub_workflow")
VALUED = ("step", "json_transform", "wait_for_event", *CALLS, *CONTAINERS)
DEEPEST = 4
START = datetime(2027, 1, 15, 8, tzinfo=UTC)


@dataclass
class _Place:
    """A region while it is drawn. `readable` are nodes with a value around it, `steps` the steps
    among them, `bound` the names that containers bind; `counters` those that count iterations."""

    readable: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)
    bound: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    depth: int = 0
    first: str | None = None


@dataclass
class _Sheet:
    draw: st.DrawFn
    left: int
    shared_names: bool
    nodes: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)
    # the data of a node that reads others, as it is without them
    plain: dict[str, dict[str, Any]] = field(default_factory=dict)
    # by container: where its arms end
    loose: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)

    def connect(self, source: str, label: str | None, target: str) -> None:
        edge = {"id": f"e{len(self.edges)}", "source": source, "target": target}
        self.edges.append(edge if label is None else {**edge, "label": label})

    def chance(self, of: int) -> bool:
        return self.draw(st.integers(1, of)) == 1

    def seconds(self) -> int:
        """A length that hardly any other has."""
        return 2 + (len(self.nodes) * 7919 + self.draw(st.integers(0, 99)) * 331) % 997


@st.composite
def graphs(draw: st.DrawFn, most: int = 24, shared_names: bool = True) -> dict[str, Any]:
    sheet = _Sheet(draw, draw(st.integers(1, most)), shared_names)
    entry, _ = _region(sheet, _Place())
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
    return _valid(graph, sheet.plain, _straight_on(sheet))


def _straight_on(sheet: _Sheet) -> int:
    """Let some arms end at an edge to what follows their container anyway; how many."""
    count = len(sheet.edges)
    for edge in list(sheet.edges):
        loose = sheet.loose.get(edge["source"]) if edge.get("label") == "then" else None
        if loose and sheet.chance(6):
            sheet.connect(*sheet.draw(st.sampled_from(loose)), edge["target"])
    return len(sheet.edges) - count


def _region(
    sheet: _Sheet, place: _Place, loose: list[tuple[str, str | None]] | None = None
) -> tuple[str, set[str]]:
    """Draw a region; its entry, and the nodes that have a value when it has ended. `loose` takes
    in where it ends."""
    draw = sheet.draw
    count = max(1, min(sheet.left, draw(st.integers(1, 24 if place.depth == 0 else 4))))
    count += place.first is not None
    sheet.left -= count
    first = len(sheet.nodes)
    ids = [f"n{first + i}" for i in range(count)]
    for node_id in ids:
        shared = sheet.shared_names and sheet.chance(4)
        name = draw(st.sampled_from(["Same", "Other"])) if shared else f"Node {node_id}"
        sheet.nodes.append({"id": node_id, "name": name})
    above: dict[str, set[str]] = {node_id: set(place.readable) for node_id in ids}
    steps = set(place.steps)
    kinds = ["branch"] * 4 + ["step"] * 3 + ["sleep", "sleep_until"]
    kinds += ["wait_for_event", "json_transform", *CALLS]
    kinds += ["break"] * (3 if place.depth else 1)
    if place.depth < DEEPEST:
        kinds += ["loop", "loop", "try_catch", "try_catch", "parallel", "race"]
    made: set[str] = set()
    for number, node_id in enumerate(ids):
        node = sheet.nodes[first + number]
        kind = draw(st.sampled_from(kinds)) if number or not place.first else place.first
        if kind == "break" and not place.depth and not sheet.chance(4):
            kind = "branch"
        node["type"] = kind
        new = {node_id} if kind in VALUED else set()
        here = _Place(above[node_id], steps, place.bound, place.counters, place.depth)
        if kind in CONTAINERS:
            node["data"], inner = _container(sheet, node, here)
            new |= inner
            labels: list[str | None] = ["then"]
        else:
            lasts = "item" if place.first and not number and "item" in place.bound else None
            node["data"], labels = _leaf(sheet, node_id, kind, here, lasts)
        if kind == "step":
            steps.add(node_id)
        made |= new
        for label in labels:
            later = ids[number + 1 :]
            rare = label == "then" and kind == "branch"
            if later and draw(st.integers(0, 9)) < (2 if rare else 9):
                target = draw(st.sampled_from(later[: draw(st.sampled_from([1, 3, 8]))]))
                sheet.connect(node_id, label, target)
                above[target] |= above[node_id] | new
            elif loose is not None:
                loose.append((node_id, label))
    return ids[0], made


def _container(
    sheet: _Sheet, node: dict[str, Any], around: _Place
) -> tuple[dict[str, Any], set[str]]:
    draw, kind = sheet.draw, node["type"]
    made: set[str] = set()

    def arm(label: str, *more: str, counter: tuple[str, ...] = (), apart: int = 0) -> set[str]:
        """`apart`: of so many arms, all but one begin with a sleep."""
        inner = _Place(
            around.readable,
            around.steps,
            (*around.bound, *more),
            (*counter, *around.counters),
            around.depth + 1,
            "sleep" if apart and not sheet.chance(apart) else None,
        )
        entry, new = _region(sheet, inner, sheet.loose.setdefault(node["id"], []))
        sheet.connect(node["id"], label, entry)
        made.update(new)
        return new

    if kind == "loop":
        what = draw(st.sampled_from(["forEach", "forEach", "times", "while"]))
        index = draw(st.sampled_from(["i", "i", "j"]))
        data: dict[str, Any] = {"loopType": what, "indexVar": index}
        if what == "while":
            new = arm("body", index, counter=(index,))
            if new:
                condition = f"{{{{{draw(st.sampled_from(sorted(new)))}}}}} is None"
                sheet.plain[node["id"]] = {"loopType": "times", "count": "2", "indexVar": index}
                return data | {"condition": condition, "maxIterations": 3}, made
            return {"loopType": "times", "count": "2", "indexVar": index}, made
        width = draw(st.sampled_from([1, 1, 2, 3]))
        arm("body", "item", index, counter=(index,), apart=4 if width > 1 else 0)
        data["concurrency"] = width
        if what == "forEach":
            items = draw(st.permutations([13, 17, 8, 22]))[: draw(st.integers(2, 4))]
            return data | {"collection": str(items), "itemVar": "item"}, made
        return data | {"count": str(draw(st.integers(2, 3))), "itemVar": "item"}, made
    if kind == "try_catch":
        arm("try")
        if not sheet.chance(3):
            arm("catch", "error")
        if sheet.chance(2):
            arm("finally", "error")
        return {}, made
    for label in ("left", "A & B", "third")[: draw(st.integers(1, 3))]:
        arm(label, apart=8 if kind == "race" else 3)
    return ({"onError": "collect"} if kind == "parallel" and sheet.chance(2) else {}), made


def _leaf(
    sheet: _Sheet, node_id: str, kind: str, place: _Place, lasts: str | None
) -> tuple[dict[str, Any], list[str | None]]:
    """`lasts`: a name that says how long a sleep lasts."""
    draw = sheet.draw
    chosen = f"{{{{event.payload.{node_id}}}}}"
    retries = {"retryLimit": draw(st.integers(0, 1)), "retryDelay": f"{sheet.seconds()} seconds"}
    match kind:
        case "branch":
            return _branch(draw, chosen)
        case "break":
            own = draw(st.sampled_from(place.counters)) if place.counters else "1"
            return ({"condition": f"{own} == {chosen}"} if draw(st.booleans()) else {}), [None]
        case "sleep":
            own = f"1{{{{{lasts}}}}}" if lasts else str(sheet.seconds())
            return {"duration": f"{own} seconds"}, [None]
        case "sleep_until":
            moment = START + timedelta(seconds=3 * sheet.seconds() - 500)
            return {"timestamp": moment.isoformat()}, [None]
        case "http_request":
            return {"url": f"{{{{event.payload.desk}}}}/{node_id[1:]}/{chosen}", **retries}, [None]
        case "sub_script":
            asked = {"node": node_id, "status": chosen}
            return {"workflowId": "wf_function", "body": asked, **retries}, [None]
        case "sub_workflow":
            asked = {"node": node_id, "told": chosen}
            alone = {"waitForCompletion": False} if sheet.chance(5) else {}
            return {"workflowId": "wf_child", "input": asked, **alone}, [None]
        case "json_transform":
            names = sorted(place.readable | set(place.bound))
            data = {"mapping": {"made": "by transform", "of": "$.node"}}
            sheet.plain[node_id] = data | {"input": "{{event}}"}
            own = draw(st.sampled_from(names)) if names else "event"
            return data | {"input": f"{{{{{own}}}}}"}, [None]
        case "wait_for_event":
            names = sorted(place.readable & place.steps)
            read = draw(st.lists(st.sampled_from(names), max_size=3)) if names else []
            data = {
                "timeout": f"{1000 + sheet.seconds()} seconds",
                "onTimeout": draw(st.sampled_from(["fail", "continue"])),
            }
            own = "-".join([node_id[1:], *(f"{{{{{name}}}}}" for name in place.counters)])
            sheet.plain[node_id] = data | {"eventType": own}
            return data | {"eventType": "-".join([own, *(f"{{{{{r}.node}}}}" for r in read)])}, [
                None
            ]
    return _step(sheet, node_id, place, retries), [None]


def _branch(draw: st.DrawFn, chosen: str) -> tuple[dict[str, Any], list[str | None]]:
    count = draw(st.integers(1, 4))
    arms = [{"label": f"a{i}", "condition": f"{chosen} == {i}"} for i in range(count)]
    if draw(st.booleans()):
        arms.insert(draw(st.integers(0, count)), {"label": "else", "condition": ""})
    return {"branches": arms}, [*(arm["label"] for arm in arms), "then"]


def _step(sheet: _Sheet, node_id: str, place: _Place, retries: dict[str, Any]) -> dict[str, Any]:
    draw = sheet.draw
    names = sorted(place.readable | set(place.bound))
    read = draw(st.lists(st.sampled_from(names), max_size=3)) if names else []
    manner = draw(st.sampled_from(["def", "async", "async", "inline"]))
    failing = f'event["payload"]["{node_id}"]'
    failing = failing if manner == "inline" else f'ctx["attempt"] <= {failing}'
    code = "await asyncio.sleep(0)\n" if manner == "async" else ""
    if sheet.chance(3):
        code += f'if {failing}:\n    raise ValueError("{node_id}")\n'
    seen = ", ".join(f"str({other})[:80]" for other in read)
    more = {"inline": True} if manner == "inline" else retries
    sheet.plain[node_id] = {"code": f'{code}return {{"node": "{node_id}", "saw": []}}', **more}
    return {"code": f'{code}return {{"node": "{node_id}", "saw": [{seen}]}}', **more}


def _valid(graph: dict[str, Any], plain: dict[str, dict[str, Any]], late: int) -> dict[str, Any]:
    """Take the `late` last edges and `then` edges of branches away, last ones first, until no arm
    crosses the border of a scope, and reads away that come too early then."""
    branches = {node["id"] for node in graph["nodes"] if node["type"] == "branch"}
    edges, last = graph["edges"], graph["edges"][len(graph["edges"]) - late :]
    thens = [e for e in edges if e.get("label") == "then" and e["source"] in branches]
    thens = [edge for edge in thens if edge not in last] + last
    problems = validate(graph, REGISTRY)
    while thens and any(problem.code == "scope.crossed" for problem in problems):
        graph["edges"].remove(thens.pop())
        problems = validate(graph, REGISTRY)
    early = {problem.node_id for problem in problems if problem.code == "reference.not_before"}
    for node in graph["nodes"]:
        if node["id"] in early:
            marked = {"output": True} if node["data"].get("output") else {}
            node["data"] = plain[node["id"]] | marked
    return graph


@st.composite
def payloads(draw: st.DrawFn, graph: dict[str, Any]) -> dict[str, Any]:
    """By node: which arm a branch takes, when a break leaves, how often a step fails, what a
    server or a function answers, what a child does, and when an event arrives (None: never)."""
    drawn = {
        "branch": st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4]),
        "break": st.integers(0, 2),
        "step": st.sampled_from([0, 0, 0, 0, 1, 2]),
        "http_request": st.sampled_from([200, 200, 200, 503]),
        "sub_script": st.sampled_from([200, 200, 200, 503]),
        "sub_workflow": st.fixed_dictionaries(
            {
                # moments at which it is asked for on Cloudflare
                "takes": st.sampled_from([13, 19, 129, 323]),
                "fails": st.sampled_from([False, False, False, True]),
            }
        ),
        "wait_for_event": st.sampled_from([None, 7, 111, 211, 509]),
    }
    chosen: dict[str, Any] = {"desk": "http://desk.example"}
    return chosen | {
        node["id"]: draw(drawn[node["type"]])
        for node in graph["nodes"]
        if node["type"] in drawn and (node["type"] != "step" or "raise" in node["data"]["code"])
    }
