"""From a flow to nested blocks: where the control flow of generated code is decided.

Every node is written once. A node that is entered over one edge stands where that edge is; a node
where ways meet stands behind the innermost `if` around all of them (its immediate dominator), and
if control may also be elsewhere by then, under a guard variable that the ways set. Regions end by
an early return. When that nests too deeply, the blocks are built again with everything beyond the
limit moved out to the top, under guards: all variables stay in one scope.

Knows ids and ways only; it writes no Python. Nothing here recurses on the depth of a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field

from awaitstep.ir.flow import Flow, Way
from awaitstep.ir.registry import Arm
from awaitstep.ir.trees import Tree

DEEPEST = 12
LONGEST_CHAIN = 40
# Every `elif` nests the syntax tree once more, and parsers give up on deep trees.
_DEEPEST_TREE = 2 * LONGEST_CHAIN


@dataclass(slots=True)
class Run:
    """Run a node."""

    node_id: str


@dataclass(slots=True)
class Start:
    """Give a variable its first value: None for a node's, False for a guard."""

    variable: str
    guard: bool


@dataclass(slots=True)
class Go:
    """Set a guard: control is on its way to the block that the guard stands before."""

    guard: str


@dataclass(slots=True)
class Stop:
    """End the run behind a node."""

    node_id: str


@dataclass(slots=True)
class Leave:
    """Leave the innermost loop behind a break; outside of one, end the run."""

    node_id: str


@dataclass(slots=True)
class Choose:
    """An if-chain. An arm is (condition, block)."""

    node_id: str
    arms: list[tuple[Arm, list[Block]]]
    otherwise: list[Block]
    inverted: bool = False


@dataclass(slots=True)
class Guarded:
    guard: str
    body: list[Block] = field(default_factory=list)


Block = Run | Start | Go | Stop | Leave | Choose | Guarded


_OnWay = tuple[int | None, Arm | None, bool]  # to a spot, on this arm; or out of the loop


@dataclass(slots=True)
class _Spot:
    """One place in the flow: a node, or a later part of a branch with very many arms."""

    node_id: str
    ways: list[_OnWay]
    part: int = 0


class _Plan:
    """Where each spot stands: the tree of the text."""

    def __init__(self, spots: list[_Spot], *, flat: bool) -> None:
        self.spots = spots
        self.tree = Tree()
        self.inline: set[int] = {0}
        self.labels: dict[int, list[int]] = {}
        self.guarded: set[int] = set()
        came_from: list[list[int]] = [[] for _ in spots]
        for spot, here in enumerate(spots):
            for target, _, _ in here.ways:
                if target is not None:
                    came_from[target].append(spot)
        self._place(came_from, flat)
        self._find_guards()

    def _place(self, came_from: list[list[int]], flat: bool) -> None:
        # Upper bounds for the indentation and for the depth of the syntax tree, only heeded when
        # the text must be flat; `anchor` is the outermost branch around a spot.
        depth, nesting, anchor = [0], [0], [0]
        self.tree.add(0, None)
        for spot in range(1, len(self.spots)):
            sources = came_from[spot]
            parent = sources[0]
            for source in sources[1:]:
                parent = self.tree.nearest_common_ancestor(parent, source)
            inline = len(sources) == 1 and self.spots[spot].part == 0
            deeper = not inline or len(self.spots[parent].ways) > 1
            level = depth[parent] + deeper
            nested = nesting[parent] + (len(self.spots[parent].ways) if inline else 1)
            if flat and (level > DEEPEST or nested > _DEEPEST_TREE) and level > 1:
                inline, level, nested, parent = False, 1, 1, anchor[parent]
            self.tree.add(spot, parent)
            depth.append(level)
            nesting.append(nested if deeper else nesting[parent])
            outermost = parent if depth[parent] == 0 else anchor[parent]
            anchor.append(outermost if level else spot)
            if inline:
                self.inline.add(spot)
            else:
                self.labels.setdefault(parent, []).append(spot)

    def _find_guards(self) -> None:
        position = self._positions()
        furthest = [0] * len(self.spots)
        for spot, here in enumerate(self.spots):
            for target, _, _ in here.ways:
                if target is not None and target not in self.inline:
                    at = position[spot]
                    furthest[at] = max(furthest[at], position[target])
        reach = _RangeMaximum(furthest)
        for parent, labels in self.labels.items():
            for label in labels:
                # Whatever was left unfinished before this text leads here, or a guard is needed.
                if reach.between(position[parent], position[label]) > position[label]:
                    self.guarded.add(label)

    def _positions(self) -> list[int]:
        position = [0] * len(self.spots)
        pending, count = [0], 0
        while pending:
            spot = pending.pop()
            position[spot] = count
            count += 1
            pending += reversed(self.labels.get(spot, []))
            ways = self.spots[spot].ways
            arms = [target for target, _, _ in ways if self.is_inline(spot, target)]
            pending += [target for target in reversed(arms) if target is not None]
        return position

    def is_inline(self, spot: int, target: int | None) -> bool:
        return target is not None and target in self.inline and self.tree.parent[target] == spot


class _RangeMaximum:
    def __init__(self, values: list[int]) -> None:
        self._rows = [values]
        width = 1
        while 2 * width <= len(values):
            row = self._rows[-1]
            self._rows.append([max(row[i], row[i + width]) for i in range(len(row) - width)])
            width *= 2

    def between(self, start: int, end: int) -> int:
        """The maximum of values[start:end]; the range is not empty."""
        level = (end - start).bit_length() - 1
        row = self._rows[level]
        return max(row[start], row[end - (1 << level)])


def build(
    flow: Flow, reads: Iterable[tuple[str, str, str]], guard_name: Callable[[str], str]
) -> list[Block]:
    """The blocks of a flow.

    `reads` are (reading node, node that binds, variable): where the binding node may not have run,
    the variable starts as None. `guard_name` answers an unused variable name for a wish.
    """
    spots, first = _spots(flow)
    pairs = [
        (first[reader], first[binder], variable)
        for reader, binder, variable in reads
        if not flow.dominates(binder, reader)
    ]
    builder = _Builder(_Plan(spots, flat=False), pairs, guard_name)
    blocks = builder.blocks()
    if _too_deep(blocks):
        blocks = _Builder(_Plan(spots, flat=True), pairs, guard_name).blocks()
    return blocks


def _spots(flow: Flow) -> tuple[list[_Spot], dict[str, int]]:
    first: dict[str, int] = {}
    count = 0
    for node_id in flow.order:
        first[node_id] = count
        count += max(1, -(-(len(flow.ways[node_id]) - 1) // LONGEST_CHAIN))
    spots: list[_Spot] = []
    for node_id in flow.order:
        ways = flow.ways[node_id]
        last = ways[-1]
        for part, start in enumerate(range(0, max(1, len(ways) - 1), LONGEST_CHAIN)):
            chosen = list(ways[start : min(start + LONGEST_CHAIN, len(ways) - 1)])
            goes = [_way(way, first) for way in chosen]
            more = start + LONGEST_CHAIN < len(ways) - 1
            goes.append((len(spots) + 1, Arm(""), False) if more else _way(last, first))
            spots.append(_Spot(node_id, goes, part))
    return spots, first


def _way(way: Way, first: dict[str, int]) -> _OnWay:
    return None if way.target is None else first[way.target], way.arm, way.leaves


_Task = Generator["_Task", None, None]


class _Builder:
    def __init__(
        self, plan: _Plan, reads: list[tuple[int, int, str]], guard_name: Callable[[str], str]
    ) -> None:
        self._plan = plan
        self._spots = plan.spots
        self._guards: dict[int, str] = {}
        for spot in sorted(plan.guarded):
            part = plan.spots[spot].part
            wish = f"go_{plan.spots[spot].node_id}{f'_{part + 1}' if part else ''}"
            self._guards[spot] = guard_name(wish)
        self._starts: dict[int, dict[str, None]] = {}
        for reader, read, variable in sorted(reads, key=lambda read: (read[1], read[0])):
            common = plan.tree.nearest_common_ancestor(reader, read)
            # A branch behind which the region ends reads what its own arms may have made.
            if common != read:
                self._starts.setdefault(common, {})[variable] = None

    def blocks(self) -> list[Block]:
        top: list[Block] = []
        pending: list[_Task] = [self._sequence(0, top)]
        while pending:
            task = next(pending[-1], None)
            if task is None:
                pending.pop()
            else:
                pending.append(task)
        return top

    def _sequence(self, spot: int | None, into: list[Block]) -> _Task:
        while spot is not None:
            here = self._spots[spot]
            if len(here.ways) > 1 or here.ways[0][1] is not None:
                yield self._choice(spot, into)
                return
            into.append(Run(here.node_id))
            target, _, leaves = here.ways[0]
            if self._plan.is_inline(spot, target):
                spot = target
            else:
                self._jump(spot, target, leaves, into)
                return

    def _jump(self, spot: int, target: int | None, leaves: bool, into: list[Block]) -> None:
        if leaves:
            into.append(Leave(self._spots[spot].node_id))
        elif target is None:
            into.append(Stop(self._spots[spot].node_id))
        elif target in self._guards:
            into.append(Go(self._guards[target]))

    def _choice(self, spot: int, into: list[Block]) -> _Task:
        here = self._spots[spot]
        labels = self._plan.labels.get(spot, [])
        for variable in self._starts.get(spot, ()):
            into.append(Start(variable, guard=False))
        for label in labels:
            if label in self._guards:
                into.append(Start(self._guards[label], guard=True))
        arms: list[tuple[Arm, list[Block]]] = []
        for target, arm, leaves in here.ways:
            body: list[Block] = []
            if self._plan.is_inline(spot, target):
                yield self._sequence(target, body)
            else:
                self._jump(spot, target, leaves, body)
            arms.append((arm or Arm(""), body))
        into.extend(_arranged(here.node_id, arms))
        for label in labels:
            if label in self._guards:
                guarded = Guarded(self._guards[label])
                into.append(guarded)
                yield self._sequence(label, guarded.body)
            else:
                yield self._sequence(label, into)


def _arranged(node_id: str, arms: list[tuple[Arm, list[Block]]]) -> list[Block]:
    """An if-chain as a person would write it: guard clauses first, no empty arms where avoidable."""
    *conditional, (_, otherwise) = arms
    arranged: list[Block] = []
    while len(conditional) > 1 and _ends(conditional[0][1]):
        # Behind an arm that ends, the others need no `else`.
        arranged.append(Choose(node_id, [conditional.pop(0)], []))
    if not conditional:
        return otherwise
    if len(conditional) == 1:
        arm, body = conditional[0]
        if otherwise and (not body or (_ends(otherwise) and not _ends(body))):
            return [*arranged, Choose(node_id, [(arm, otherwise)], [], inverted=True), *body]
        if _ends(body):
            return [*arranged, Choose(node_id, conditional, []), *otherwise]
    return [*arranged, Choose(node_id, conditional, otherwise)]


def _ends(body: list[Block]) -> bool:
    """Whether control never gets behind this block."""
    while body:
        match body[-1]:
            case Stop() | Leave():
                return True
            case Choose(arms=arms, otherwise=otherwise) if otherwise:
                if not all(inner and isinstance(inner[-1], Stop | Leave) for _, inner in arms):
                    return False
                body = otherwise
            case _:
                return False
    return False


def _too_deep(blocks: list[Block]) -> bool:
    pending: list[tuple[list[Block], int, int]] = [(blocks, 0, 0)]
    while pending:
        body, depth, nesting = pending.pop()
        if depth > DEEPEST or nesting > _DEEPEST_TREE:
            return True
        for block in body:
            if isinstance(block, Guarded):
                pending.append((block.body, depth + 1, nesting + 1))
            elif isinstance(block, Choose):
                count = len(block.arms)
                pending += [
                    (inner, depth + 1, nesting + number)
                    for number, (_, inner) in enumerate(block.arms, 1)
                ]
                # An `if` alone behind `else` becomes `elif`.
                alone = len(block.otherwise) == 1 and isinstance(block.otherwise[0], Choose)
                pending.append((block.otherwise, depth + (not alone), nesting + count))
    return False
