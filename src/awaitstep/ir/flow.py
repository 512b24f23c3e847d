"""Where control goes: the edges of a drawing, lowered to acyclic flows, one per region.

Owns reachability, scopes and dominance. A region is the run itself or one arm of a parallel, race,
loop or try; such a container is one node of the region around it. After lowering, a branch is a
node with one way per arm (the last one is taken when no condition holds), every other node has one
way, and a way leads to a node or, as None, to the end of the region. `then` edges are gone: an arm
of a branch that ends leads there.
Knows nothing of the code that the flows become.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from awaitstep.ir.diagnostics import Report, shown
from awaitstep.ir.graph import THEN, Edge, Node
from awaitstep.ir.registry import Arm, Registry
from awaitstep.ir.trees import Tree


@dataclass(frozen=True, slots=True)
class Way:
    """One way on from a node. `arm` is None for a node with a single way.

    `leaves`: it leads out of the innermost loop, or to the end of the run.
    """

    target: str | None
    arm: Arm | None = None
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """Reachable nodes of one region in an order in which control only moves forward."""

    order: tuple[str, ...]
    ways: dict[str, tuple[Way, ...]]
    index: dict[str, int]
    dominators: Tree
    _before: list[int]

    def dominates(self, first: str, then: str) -> bool:
        """Whether every path to `then` has passed `first` (a node dominates itself)."""
        return self.dominators.is_ancestor(self.index[first], self.index[then])

    def comes_before(self, first: str, then: str) -> bool:
        """Whether some path leads from `first` to `then`."""
        return bool(self._before[self.index[then]] >> self.index[first] & 1)


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The run (`container` is None), or an arm. `arms` are the regions of its containers."""

    flow: Flow
    around: Region | None = None
    container: str | None = None
    label: str = ""
    arms: dict[str, dict[str, Region]] = field(default_factory=dict)

    def out_to(self, other: Region) -> Iterator[Region]:
        """This region and those around it, up to `other` but without it."""
        here: Region | None = self
        while here is not None and here is not other:
            yield here
            here = here.around


@dataclass(frozen=True, slots=True)
class Regions:
    """All reachable nodes, in the order in which a person would tell them, and their homes."""

    top: Region
    home: dict[str, Region]
    order: tuple[str, ...]

    def __contains__(self, node_id: object) -> bool:
        return node_id in self.home

    def dominates(self, first: str, then: str) -> bool:
        """Whether `first` has certainly run, and its value is at hand, when `then` does."""
        met, one, two = self._meeting(first, then)
        # What an arm made is at hand behind it only if the arm was run to its end.
        return (one == first and one != two and met.flow.dominates(one, two)) or first == then

    def comes_before(self, first: str, then: str) -> bool:
        """Whether some path leads from `first` to `then`."""
        if first not in self.home or then not in self.home:
            return False
        met, one, two = self._meeting(first, then)
        return one != two and met.flow.comes_before(one, two)

    def around(self, node_id: str) -> Iterator[Region]:
        """The region of a node and all around it, the innermost first."""
        here: Region | None = self.home[node_id]
        while here is not None:
            yield here
            here = here.around

    def depth(self, node_id: str) -> int:
        """How many arms of containers are around a node."""
        return sum(1 for _ in self.around(node_id)) - 1

    def at(self, node_id: str, region: Region) -> str | None:
        """The node of `region` that is `node_id` or holds it; None when it stands elsewhere."""
        inside = node_id
        for here in self.around(node_id):
            if here is region:
                return inside
            inside = here.container or ""
        return None

    def _meeting(self, first: str, then: str) -> tuple[Region, str, str]:
        for region in self.around(then):
            one = self.at(first, region)
            if one is not None:
                return region, one, self.at(then, region) or ""
        raise KeyError(first)


@dataclass(frozen=True, slots=True, eq=False)
class _Scope:
    """The arms of one branch that has a `then` edge, or one arm (`label`) of another container;
    `then` is what follows."""

    container: str
    then: str | None
    outer: _Scope | None
    label: str | None = None


@dataclass(slots=True)
class _Exits:
    """The edges that leave one node, sorted by what they mean."""

    arms: dict[str, str] = field(default_factory=dict)
    then: str | None = None

    def targets(self) -> Iterator[str]:
        yield from self.arms.values()
        if self.then is not None:
            yield self.then


def lower(
    nodes: Mapping[str, Node],
    edges: Iterable[Edge],
    entry: str,
    registry: Registry,
    report: Report,
) -> Regions | None:
    """The flows of a drawing. Reports cycles and arms that leave their scope, and answers None
    then.

    Edges must join known nodes and carry labels that fit; a leaf has at most one.
    """
    exits = {node_id: _Exits() for node_id in nodes}
    for edge in edges:
        node_type = registry[nodes[edge.source].type]
        if node_type.is_container and edge.label != THEN:
            exits[edge.source].arms[edge.label or ""] = edge.target
        elif node_type.control != "break" or node_type.leaves_if(nodes[edge.source].data):
            # nothing is behind a break that always leaves
            exits[edge.source].then = edge.target
    reachable = _reachable(exits, entry)
    order = _forward(exits, reachable)
    if len(order) < len(reachable):
        _report_cycle(exits, set(reachable) - set(order), report)
        return None
    scopes = _scopes(nodes, registry, exits, order, entry, report)
    if scopes is None:
        return None
    return _Lowering(nodes, registry, exits, scopes, order).regions(entry)


def _reachable(exits: Mapping[str, _Exits], entry: str) -> dict[str, None]:
    seen = {entry: None}
    pending = [entry]
    while pending:
        for target in exits[pending.pop()].targets():
            if target not in seen:
                seen[target] = None
                pending.append(target)
    return seen


def _forward(exits: Mapping[str, _Exits], reachable: Iterable[str]) -> list[str]:
    """Kahn's order; shorter than `reachable` when there is a cycle."""
    waiting = dict.fromkeys(reachable, 0)
    for node_id in reachable:
        for target in exits[node_id].targets():
            waiting[target] += 1
    ready = [node_id for node_id, count in waiting.items() if count == 0]
    order = []
    while ready:
        order.append(ready.pop())
        for target in exits[order[-1]].targets():
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return order


def _report_cycle(exits: Mapping[str, _Exits], stuck: set[str], report: Report) -> None:
    # Going backwards from a node that waits for a predecessor always ends in a cycle.
    earlier = {target: node_id for node_id in sorted(stuck) for target in exits[node_id].targets()}
    node_id = min(stuck)
    trail: dict[str, None] = {}
    while node_id not in trail:
        trail[node_id] = None
        node_id = earlier[node_id]
    members = list(trail)
    cycle = [*reversed(members[members.index(node_id) :])]
    named = ", ".join(shown(member) for member in cycle[:10]) + ", …" * (len(cycle) > 10)
    report.about(node_id).add(
        "graph.cycle",
        f"These nodes lead back to themselves: {named}.",
        hint="A workflow only moves forward.",
    )


def _scopes(
    nodes: Mapping[str, Node],
    registry: Registry,
    exits: Mapping[str, _Exits],
    order: list[str],
    entry: str,
    report: Report,
) -> dict[str, _Scope | None] | None:
    """The innermost scope of every node; None when an edge crosses the border of one."""
    scopes: dict[str, _Scope | None] = {entry: None}
    crossed: set[str] = set()
    for node_id in order:
        exit_, around = exits[node_id], scopes[node_id]
        node_type = registry[nodes[node_id].type]
        arms: list[tuple[str, _Scope | None]] = []
        inside = around
        if node_type.is_branch and exit_.then is not None:
            inside = _Scope(node_id, exit_.then, around)
        for label, target in exit_.arms.items():
            if node_type.has_regions:
                inside = _Scope(node_id, exit_.then, around, label)
            arms.append((target, inside))
        for target, scope in [*arms, *[(then, around) for then in [exit_.then] if then]]:
            # An edge to the node behind the innermost scope leaves it, as its end would.
            left = scope.outer if scope is not None and scope.then == target else scope
            if scopes.setdefault(target, left) is not left and target not in crossed:
                crossed.add(target)
                report.about(target).add(
                    "scope.crossed",
                    "This node is entered both from inside and from outside of a container's arms.",
                    hint=f"Arms keep their nodes to themselves: end them, and draw what follows "
                    f"behind the container's `{THEN}` edge. Only arms of a branch without that "
                    f"edge may meet.",
                )
    return None if crossed else scopes


class _Lowering:
    def __init__(
        self,
        nodes: Mapping[str, Node],
        registry: Registry,
        exits: Mapping[str, _Exits],
        scopes: Mapping[str, _Scope | None],
        order: list[str],
    ) -> None:
        self._nodes, self._registry, self._exits, self._scopes = nodes, registry, exits, scopes
        self._homes: dict[str, Region] = {}
        self._members: dict[_Scope | None, list[str]] = {}
        for node_id in order:
            self._members.setdefault(self._arm_of(node_id), []).append(node_id)

    def regions(self, entry: str) -> Regions:
        top = self._region(entry, None, None)
        told: list[str] = []
        pending: list[tuple[Region, int]] = [(top, 0)]
        while pending:
            region, place = pending.pop()
            if place == len(region.flow.order):
                continue
            pending.append((region, place + 1))
            node_id = region.flow.order[place]
            told.append(node_id)
            inner = [(arm, 0) for arm in region.arms.get(node_id, {}).values()]
            pending += reversed(inner)
        return Regions(top, self._homes, tuple(told))

    def _region(self, entry: str, scope: _Scope | None, around: Region | None) -> Region:
        """The region of a scope and, without recursion, all regions inside it."""
        first = self._empty(entry, scope, around)
        pending = [first]
        while pending:
            region = pending.pop()
            for node_id in region.flow.order:
                if not self._registry[self._nodes[node_id].type].has_regions:
                    continue
                arms = region.arms.setdefault(node_id, {})
                for target in self._exits[node_id].arms.values():
                    inner = self._scopes[target]
                    # An arm that leads to what follows anyway is empty.
                    if inner is None or inner.container != node_id or inner.label is None:
                        continue
                    arms[inner.label] = self._empty(target, inner, region)
                    pending.append(arms[inner.label])
        return first

    def _empty(self, entry: str, scope: _Scope | None, around: Region | None) -> Region:
        ways = {node_id: self._ways(node_id, scope) for node_id in self._members[scope]}
        container = scope.container if scope is not None else None
        label = (scope.label if scope is not None else None) or ""
        region = Region(_flow(ways, entry), around, container, label)
        self._homes.update(dict.fromkeys(region.flow.order, region))
        return region

    def _arm_of(self, node_id: str) -> _Scope | None:
        scope = self._scopes[node_id]
        while scope is not None and scope.label is None:
            scope = scope.outer
        return scope

    def _ways(self, node_id: str, arm: _Scope | None) -> tuple[Way, ...]:
        node, exit_, scope = self._nodes[node_id], self._exits[node_id], self._scopes[node_id]
        node_type = self._registry[node.type]
        around = None
        if scope is not None and scope.label is None and scope.then is not None:
            around = self._inside(scope.then, arm)
        after = self._inside(exit_.then, arm) if exit_.then is not None else around
        if node_type.control == "break":
            condition = node_type.leaves_if(node.data)
            if condition is None:
                return (Way(None, None, leaves=True),)
            return (Way(None, Arm("", condition), leaves=True), Way(after, Arm("")))
        if not node_type.is_branch or node_type.arms is None:
            return (Way(after),)
        # An arm that is not drawn ends at once.
        arms = [
            Way(self._inside(exit_.arms[found.label], arm), found)
            if found.label in exit_.arms
            else Way(after, found)
            for found in node_type.arms(node.data)
        ]
        conditional = [way for way in arms if way.arm is not None and way.arm.condition is not None]
        otherwise = [way for way in arms if way.arm is not None and way.arm.condition is None]
        return (*conditional, *(otherwise or [Way(after, Arm(""))]))

    def _inside(self, target: str, arm: _Scope | None) -> str | None:
        """A node behind the arm's container is the end of the arm."""
        return target if self._arm_of(target) is arm else None


def _flow(ways: dict[str, tuple[Way, ...]], entry: str) -> Flow:
    order = _drawn_order(ways, entry)
    index = {node_id: number for number, node_id in enumerate(order)}
    came_from: dict[str, list[str]] = {node_id: [] for node_id in order}
    for node_id in order:
        for way in ways[node_id]:
            if way.target is not None:
                came_from[way.target].append(node_id)
    dominators = Tree()
    before = [0] * len(order)
    for node_id in order:
        number = index[node_id]
        parent: int | None = None
        for earlier in came_from[node_id]:
            one = index[earlier]
            before[number] |= before[one] | 1 << one
            parent = one if parent is None else dominators.nearest_common_ancestor(parent, one)
        dominators.add(number, parent)
    return Flow(
        tuple(order), {node_id: ways[node_id] for node_id in order}, index, dominators, before
    )


def _drawn_order(ways: Mapping[str, tuple[Way, ...]], entry: str) -> list[str]:
    """Reverse postorder, first arms first: the order in which a person would tell it."""
    done: list[str] = []
    seen = {entry}
    path = [(entry, iter(reversed(ways[entry])))]
    while path:
        node_id, rest = path[-1]
        way = next(rest, None)
        if way is None:
            path.pop()
            done.append(node_id)
        elif way.target is not None and way.target not in seen:
            seen.add(way.target)
            path.append((way.target, iter(reversed(ways[way.target]))))
    done.reverse()
    return done
