"""The paths through a graph: every way its branches, waits, tries and races may go.

A loop's body is gone through once, or not at all. Works on the lowered flow alone; which values lead along a path
is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Literal

from awaitstep.ir import Graph, NodeType, Registry
from awaitstep.ir.flow import Region, Regions, Way

# More paths than these are not counted.
COUNTED = 2_000
EMPTY = "is empty"
End = Literal["ends", "leaves", "fails"]


@dataclass(frozen=True, slots=True)
class Path:
    """One way through a region, or through the whole run.

    `nodes` are executed, in this order as far as there is one; `maybe` stand in arms that are
    given up, so they may have begun. The steps of `fails` raise, or the run that they started and
    waited for does, the waits of `late` get no event,
    the steps of `blocked` never end, and `winners` are (race, label). `end` says how the region is
    left: to what follows, out of the innermost loop, or by an error. `choices` tell the path in
    words, `conditions` what must hold on it.
    """

    nodes: tuple[str, ...] = ()
    maybe: frozenset[str] = frozenset()
    fails: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    winners: tuple[tuple[str, str], ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    conditions: tuple[str, ...] = ()
    end: End = "ends"

    def then(self, later: Path) -> Path:
        """This path and what comes behind it."""
        return Path(
            self.nodes + later.nodes,
            self.maybe | later.maybe,
            self.fails + later.fails,
            self.late + later.late,
            self.blocked + later.blocked,
            self.winners + later.winners,
            self.choices + later.choices,
            self.conditions + later.conditions,
            later.end,
        )

    def known_by(self) -> tuple[object, ...]:
        """What tells it from others when it is run: arms without a node look the same."""
        return frozenset(self.nodes), self.fails, self.late, self.winners, self.end


def paths_of(
    graph: Graph, registry: Registry, regions: Regions, most: int, *, iterates: bool = True
) -> tuple[list[Path], int]:
    """The first paths of a run, each once, and how many there are besides (at most `COUNTED`).

    Unless it `iterates`, no loop is entered.
    """
    found: dict[tuple[object, ...], Path] = {}
    walk = _Walk(graph, registry, regions, iterates)
    for path in islice(walk.region(regions.top), COUNTED):
        found.setdefault(path.known_by(), path)
    return [*islice(found.values(), most)], max(0, len(found) - most)


def same_outside_of_loops(path: Path, empty: Path, regions: Regions) -> bool:
    """Whether a path on which no loop is entered decides as another one does around its loops."""
    passed = {node_id for node_id, choice in empty.choices if choice == EMPTY}
    inside = {node_id for node_id, _ in path.choices
              if any(region.container in passed for region in regions.around(node_id))}  # fmt: skip
    around = [choice for choice in path.choices if choice[0] not in inside]
    decided = [choice for choice in empty.choices if choice[0] not in passed]
    return around == decided and (path.end, path.fails) == (empty.end, empty.fails)


class _Walk:
    def __init__(self, graph: Graph, registry: Registry, regions: Regions, iterates: bool) -> None:
        self._graph, self._registry, self._regions = graph, registry, regions
        self._iterates = iterates
        self._children = children_of(graph)

    def region(self, region: Region | None) -> Iterator[Path]:
        """All paths of a region, first arms first; an arm that is not drawn is passed at once."""
        if region is None:
            yield Path()
            return
        # Deep graphs: the stack is ours, not Python's.
        pending: list[Iterator[tuple[Path, str | None]]] = [iter([(Path(), region.flow.order[0])])]
        while pending:
            path, node_id = next(pending[-1], (None, None))
            if path is None:
                pending.pop()
            elif node_id is None or path.end != "ends":
                yield path
            else:
                pending.append(self._onward(path, node_id, region))

    def _onward(
        self, before: Path, node_id: str, region: Region
    ) -> Iterator[tuple[Path, str | None]]:
        ways = region.flow.ways[node_id]
        for through in self._through(node_id, region):
            for number, way in enumerate(ways):
                path = before.then(through)
                if path.end == "ends":
                    path = path.then(self._taken(node_id, ways, number))
                    yield path, way.target
                else:
                    yield path, None
                    break

    def _taken(self, node_id: str, ways: tuple[Way, ...], number: int) -> Path:
        way = ways[number]
        end: End = "leaves" if way.leaves else "ends"
        if way.arm is None:
            return Path(end=end)
        is_break = self._type(node_id).control == "break"
        choice = ("leaves" if way.leaves else "goes on") if is_break else way.arm.label or "else"
        refused = [f"not ({other.arm.condition})" for other in ways[:number] if other.arm]
        held = [way.arm.condition] if way.arm.condition is not None else []
        return Path(choices=((node_id, choice),), conditions=(*refused, *held), end=end)

    def _through(self, node_id: str, region: Region) -> Iterator[Path]:
        """What may happen inside a node."""
        here = Path((node_id,))
        arms = region.arms.get(node_id, {})
        match self._type(node_id).control:
            case "parallel":
                yield from map(here.then, self._parallel(node_id, arms))
            case "race":
                yield from map(here.then, self._race(node_id, arms))
            case "loop" if not self._iterates:
                yield replace(here, choices=((node_id, EMPTY),))
            case "loop":
                for path in self.region(arms.get("body")):
                    yield here.then(path if path.end == "fails" else replace(path, end="ends"))
            case "try_catch":
                yield from map(here.then, self._try(node_id, arms))
            case _ if self._may_be_late(node_id):
                yield replace(here, choices=((node_id, "arrives"),))
                yield replace(here, late=(node_id,), choices=((node_id, "times out"),))
            case _:
                yield here

    def _parallel(self, node_id: str, arms: dict[str, Region]) -> Iterator[Path]:
        collects = getattr(self._graph.nodes[node_id].data, "on_error", "fail") == "collect"
        each = [list(islice(self.region(arm), COUNTED)) for arm in arms.values()]
        for chosen in product(*each):
            ends = [path.end for path in chosen]
            stopped: End = "leaves" if "leaves" in ends else "ends"
            if "fails" in ends and not collects:
                stopped = "fails"
            whole = _one_after_another(chosen)
            if stopped != "ends":
                sure = [id for path in chosen if path.end == stopped for id in path.nodes][:1]
                whole = replace(whole, nodes=tuple(sure), maybe=whole.maybe | {*whole.nodes})
            yield replace(whole, end=stopped)

    def _race(self, node_id: str, arms: dict[str, Region]) -> Iterator[Path]:
        for number, (label, arm) in enumerate(arms.items()):
            # In a function nothing records the winner: it is the first arm that nothing holds up.
            earlier = islice(arms.values(), number)
            if self._graph.kind == "script" and not all(map(self._is_held_up, earlier)):
                return
            others = [inside for other in arms.values() if other is not arm
                      for inside in _inside(other)]  # fmt: skip
            blocked = tuple(filter(self._is_step, others))
            lost = Path(
                maybe=frozenset(others),
                blocked=blocked,
                winners=((node_id, label),),
                choices=((node_id, label),),
            )
            for path in self.region(arm):
                yield lost.then(path)

    def _is_held_up(self, arm: Region) -> bool:
        """Whether a step that never ends stands on every way through an arm."""
        paths = islice(self.region(arm), COUNTED)
        return all(any(map(self._is_leaf_step, path.nodes)) for path in paths)

    def _try(self, node_id: str, arms: dict[str, Region]) -> Iterator[Path]:
        last = arms.get("finally")
        failures = [*islice(self._failures(arms["try"]), COUNTED)] if "try" in arms else []
        works = Path(choices=((node_id, "works"),)) if failures else Path()
        for path in self.region(arms.get("try")):
            if path.end != "fails":
                yield from self._finally(works.then(path), last)
        for failed in failures:
            fails = replace(failed, choices=(*failed.choices, (node_id, "fails")))
            if "catch" not in arms:
                yield from self._finally(fails, last)
                continue
            for path in self.region(arms["catch"]):
                yield from self._finally(fails.then(path), last)

    def _finally(self, before: Path, last: Region | None) -> Iterator[Path]:
        for path in self.region(last):
            whole = before.then(path)
            yield replace(whole, end=before.end) if path.end == "ends" else whole

    def _failures(self, region: Region) -> Iterator[Path]:
        """The paths on which a step of this region fails and nothing inside catches it: one for the
        first step that can, and one for each run that is waited for."""
        before, node_id, found = Path(), region.flow.order[0], False
        while True:
            here, arms = before.then(Path((node_id,))), region.arms.get(node_id, {})
            for failed in (*self._failures_inside(node_id, arms), *self._own_failure(node_id)):
                if not found or (failed.fails[-1:] and failed.fails[-1] in self._children):
                    found = True
                    yield here.then(failed)
            if found and not self._children:
                return
            passed = next(self._through(node_id, region), None)
            way = region.flow.ways[node_id][0]
            if passed is None or passed.end != "ends" or way.target is None:
                return
            before = before.then(passed).then(self._taken(node_id, region.flow.ways[node_id], 0))
            node_id = way.target

    def _own_failure(self, node_id: str) -> Iterator[Path]:
        if not self._is_step(node_id) or not self._can_fail(node_id):
            return
        if self._graph.nodes[node_id].type == "wait_for_event":
            yield Path(late=(node_id,), end="fails")
        elif node_id in self._children:
            yield Path(fails=(node_id,), choices=((node_id, "its run fails"),), end="fails")
        else:
            yield Path(fails=(node_id,), end="fails")

    def _failures_inside(self, node_id: str, arms: dict[str, Region]) -> Iterator[Path]:
        control = self._type(node_id).control
        collects = getattr(self._graph.nodes[node_id].data, "on_error", "fail") == "collect"
        if control == "loop" and "body" in arms and self._iterates:
            yield from self._failures(arms["body"])
        elif control == "try_catch" and "catch" not in arms and "try" in arms:
            for failed in self._failures(arms["try"]):
                yield from islice(self._finally(failed, arms.get("finally")), 1)
        elif control == "parallel" and not collects:
            for arm in arms.values():
                others = {id for other in arms.values() for id in _inside(other)}
                for failed in self._failures(arm):
                    yield replace(failed, maybe=failed.maybe | others)

    def _type(self, node_id: str) -> NodeType:
        return self._registry[self._graph.nodes[node_id].type]

    def _is_step(self, node_id: str) -> bool:
        return self._type(node_id).is_step(self._graph.nodes[node_id].data)

    def _is_leaf_step(self, node_id: str) -> bool:
        return self._is_step(node_id) and not self._type(node_id).is_container

    def _can_fail(self, node_id: str) -> bool:
        node = self._graph.nodes[node_id]
        return node.type not in ("sleep", "sleep_until", "race") and not self._may_be_late(node_id)

    def _may_be_late(self, node_id: str) -> bool:
        node = self._graph.nodes[node_id]
        return node.type == "wait_for_event" and self._type(node_id).may_be_none(node.data)


def children_of(graph: Graph) -> frozenset[str]:
    """The nodes that wait for a run of another workflow, which they have started."""
    return frozenset(
        node_id
        for node_id, node in graph.nodes.items()
        if node.type == "sub_workflow" and getattr(node.data, "wait_for_completion", False)
    )


def _one_after_another(paths: Iterable[Path]) -> Path:
    whole = Path()
    for path in paths:
        whole = whole.then(path)
    return whole


def _inside(region: Region) -> Iterator[str]:
    for node_id in region.flow.order:
        yield node_id
        for arm in region.arms.get(node_id, {}).values():
            yield from _inside(arm)
