"""The paths through a graph: every way its branches, waits, tries and races may go.

A loop's body is gone through once. Works on the lowered flow alone; which values lead along a path
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
End = Literal["ends", "leaves", "fails"]


@dataclass(frozen=True, slots=True)
class Path:
    """One way through a region, or through the whole run.

    `nodes` are executed, in this order as far as there is one; `maybe` stand in arms that are
    given up, so they may have begun. The steps of `fails` raise, the waits of `late` get no event,
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
    graph: Graph, registry: Registry, regions: Regions, most: int
) -> tuple[list[Path], int]:
    """The first paths of a run, each once, and how many there are besides (at most `COUNTED`)."""
    found: dict[tuple[object, ...], Path] = {}
    for path in islice(_Walk(graph, registry, regions).region(regions.top), COUNTED):
        found.setdefault(path.known_by(), path)
    return [*islice(found.values(), most)], max(0, len(found) - most)


class _Walk:
    def __init__(self, graph: Graph, registry: Registry, regions: Regions) -> None:
        self._graph, self._registry, self._regions = graph, registry, regions

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
        for label, arm in arms.items():
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

    def _try(self, node_id: str, arms: dict[str, Region]) -> Iterator[Path]:
        last = arms.get("finally")
        fails = self._failing(arms["try"]) if "try" in arms else None
        works = Path(choices=((node_id, "works"),)) if fails is not None else Path()
        for path in self.region(arms.get("try")):
            if path.end != "fails":
                yield from self._finally(works.then(path), last)
        if fails is None:
            return
        fails = replace(fails, choices=(*fails.choices, (node_id, "fails")))
        if "catch" not in arms:
            yield from self._finally(fails, last)
            return
        for path in self.region(arms["catch"]):
            yield from self._finally(fails.then(path), last)

    def _finally(self, before: Path, last: Region | None) -> Iterator[Path]:
        for path in self.region(last):
            whole = before.then(path)
            yield replace(whole, end=before.end) if path.end == "ends" else whole

    def _failing(self, region: Region) -> Path | None:
        """The first path on which a step of this region fails and nothing inside catches it."""
        before, node_id = Path(), region.flow.order[0]
        while True:
            here, arms = before.then(Path((node_id,))), region.arms.get(node_id, {})
            inner = self._failing_inside(node_id, arms)
            if inner is not None:
                return here.then(inner)
            if self._is_step(node_id) and self._can_fail(node_id):
                waits = self._graph.nodes[node_id].type == "wait_for_event"
                told = Path(late=(node_id,)) if waits else Path(fails=(node_id,))
                return here.then(replace(told, end="fails"))
            passed = next(self._through(node_id, region), None)
            way = region.flow.ways[node_id][0]
            if passed is None or passed.end != "ends" or way.target is None:
                return None
            before = before.then(passed).then(self._taken(node_id, region.flow.ways[node_id], 0))
            node_id = way.target

    def _failing_inside(self, node_id: str, arms: dict[str, Region]) -> Path | None:
        control = self._type(node_id).control
        collects = getattr(self._graph.nodes[node_id].data, "on_error", "fail") == "collect"
        if control == "loop" and "body" in arms:
            return self._failing(arms["body"])
        if control == "try_catch" and "catch" not in arms and "try" in arms:
            failed = self._failing(arms["try"])
            return next(self._finally(failed, arms.get("finally")), None) if failed else None
        if control == "parallel" and not collects:
            for arm in arms.values():
                failed = self._failing(arm)
                if failed is not None:
                    others = {id for other in arms.values() for id in _inside(other)}
                    return replace(failed, maybe=failed.maybe | others)
        return None

    def _type(self, node_id: str) -> NodeType:
        return self._registry[self._graph.nodes[node_id].type]

    def _is_step(self, node_id: str) -> bool:
        return self._type(node_id).is_step(self._graph.nodes[node_id].data)

    def _can_fail(self, node_id: str) -> bool:
        node = self._graph.nodes[node_id]
        return node.type not in ("sleep", "sleep_until", "race") and not self._may_be_late(node_id)

    def _may_be_late(self, node_id: str) -> bool:
        node = self._graph.nodes[node_id]
        return node.type == "wait_for_event" and self._type(node_id).may_be_none(node.data)


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
