"""Where control goes: the edges of a drawing, lowered to one acyclic flow.

Owns reachability, scopes and dominance. After lowering, a branch is a node with one way per arm
(the last one is taken when no condition holds), every other node has one way, and a way leads to
a node or, as None, to the end of the run. `then` edges are gone: an arm that ends leads there.
Knows nothing of the code that the flow becomes.
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
    """One way on from a node. `arm` is None for a node with a single way."""

    target: str | None
    arm: Arm | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """Reachable nodes in an order in which control only moves forward."""

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
        if first not in self.index or then not in self.index:
            return False
        return bool(self._before[self.index[then]] >> self.index[first] & 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Scope:
    """The arms of one branch that has a `then` edge; what they end in."""

    then: str
    outer: _Scope | None


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
) -> Flow | None:
    """The flow of a drawing. Reports cycles and arms that leave their scope, and answers None then.

    Edges must join known nodes and carry labels that fit; a leaf has at most one.
    """
    exits = {node_id: _Exits() for node_id in nodes}
    for edge in edges:
        is_arm = registry[nodes[edge.source].type].arms is not None and edge.label != THEN
        if is_arm:
            exits[edge.source].arms[edge.label or ""] = edge.target
        else:
            exits[edge.source].then = edge.target
    reachable = _reachable(exits, entry)
    order = _forward(exits, reachable)
    if len(order) < len(reachable):
        _report_cycle(exits, set(reachable) - set(order), report)
        return None
    scopes = _scopes(nodes, registry, exits, order, entry, report)
    if scopes is None:
        return None
    ways = {
        node_id: _ways(nodes[node_id], registry, exits[node_id], scopes[node_id])
        for node_id in order
    }
    return _flow(ways, entry)


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
        inside = around
        if registry[nodes[node_id].type].arms is not None and exit_.then is not None:
            inside = _Scope(exit_.then, around)
        arms = [(target, inside) for target in exit_.arms.values()]
        for target, scope in [*arms, *[(then, around) for then in [exit_.then] if then]]:
            # An edge to the node behind the innermost scope leaves it, as its end would.
            left = scope.outer if scope is not None and scope.then == target else scope
            if scopes.setdefault(target, left) is not left and target not in crossed:
                crossed.add(target)
                report.about(target).add(
                    "scope.crossed",
                    "This node is entered both from inside and from outside of a branch's arms.",
                    hint=f"A branch with a `{THEN}` edge keeps its arms to itself: end them, or "
                    f"remove that edge and let the arms meet.",
                )
    return None if crossed else scopes


def _ways(node: Node, registry: Registry, exit_: _Exits, scope: _Scope | None) -> tuple[Way, ...]:
    around = scope.then if scope is not None else None
    arms_of = registry[node.type].arms
    after = exit_.then if exit_.then is not None else around
    if arms_of is None:
        return (Way(after),)
    # An arm that is not drawn ends at once.
    arms = [Way(exit_.arms.get(arm.label, after), arm) for arm in arms_of(node.data)]
    conditional = [way for way in arms if way.arm is not None and way.arm.condition is not None]
    otherwise = [way for way in arms if way.arm is not None and way.arm.condition is None]
    return (*conditional, *(otherwise or [Way(after, Arm(""))]))


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
