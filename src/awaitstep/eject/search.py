"""Values that lead a run along a path, found by trying.

Executes the module with the stand-in: conditions and inline code run, and the arms of containers,
but no step and no entry code. So it is for a person's own machine and a person's own graph; a
server must not call it. Code that computes for too long is stopped.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from types import FrameType
from typing import Any

from awaitstep.compiler import CompiledModule
from awaitstep.eject import stand_in
from awaitstep.eject.paths import Path
from awaitstep.eject.stand_in import Done
from awaitstep.eject.wants import ENV, PAYLOAD, REQUEST, Place, Wants
from awaitstep.ir.flow import Regions

MOST_IN_VAIN = 600
MOST_RUNS = 10_000
MOST_LINES = 50_000
_FILE = "<ejected worker.py>"
_TOGETHER = 3


@dataclass(frozen=True, slots=True)
class Example:
    """What a test tells a run; `done` is what came of it, None when no run took the path."""

    payload: Any = None
    request: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    events: dict[str, Any] = field(default_factory=dict)
    env: dict[str, Any] = field(default_factory=dict)
    fails: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    done: Done | None = None

    def told(self) -> dict[str, Any]:
        """The arguments of a run, without those that say nothing."""
        told = {
            "payload": self.payload,
            "request": self.request,
            "results": self.results,
            "events": self.events,
            "env": self.env,
            "fails": list(self.fails),
            "never": list(self.never),
        }
        return {name: value for name, value in told.items() if value not in (None, {}, [])}


@dataclass(frozen=True, slots=True)
class Told:
    """The nodes that a test tells something. `names` are those of steps, by node id; `waits` wait
    for events, `children` for the runs that they have started; `in_function` when it has no
    steps of its own, and they are made of it."""

    names: Mapping[str, str]
    waits: frozenset[str]
    children: frozenset[str]
    in_function: bool

    def result(self, node_id: str) -> str:
        """Under which name a node's value is told."""
        return self.names[node_id] + (stand_in.RESULT if node_id in self.children else "")


class TooLong(BaseException):
    """Code between steps went on for too many lines."""


class Search:
    """Looks for an example of each path of one module; `variables` are the values known."""

    def __init__(
        self,
        module: CompiledModule,
        nodes: Told,
        wants: Wants,
        regions: Regions,
        variables: Mapping[str, str],
    ) -> None:
        self._module, self._wants, self._nodes = module, wants, nodes
        self._variables = variables
        self.nexts = {node_id: _nexts(node_id, regions) for node_id in regions.order}
        # What has led along a path is a good start for the next one.
        self.found: dict[Place, Any] = {}
        self._nodes_of_lines = _nodes_of_lines(module)
        self._left = MOST_RUNS

    @contextmanager
    def ready(self) -> Iterator[Callable[[Path], Example]]:
        """The function that looks. Raises whatever the module raises when it is loaded."""
        with stand_in.installed(), redirect_stdout(io.StringIO()), asyncio.Runner() as runner:
            steps = self._nodes.names if self._nodes.in_function else ()
            namespace = stand_in.load(self._module.source, _FILE, steps)
            workflow = namespace[self._module.class_name or "Default"]
            yield lambda path: _Climb(self, runner, workflow, path).example()

    def example(self, path: Path, values: Mapping[Place, Any]) -> Example:
        """What a test of the path tells its run when these values are chosen."""
        roots: dict[str, Any] = {}
        for place in sorted(values, key=lambda place: len(place.keys)):
            roots[place.root] = _with(roots.get(place.root, _UNSET), place.keys, values[place])
        nodes, names = self._nodes, self._nodes.names
        results = {nodes.result(root): value for root, value in roots.items()
                   if root in names and root not in nodes.waits}  # fmt: skip
        if not nodes.in_function:
            results |= {f"{names[race]} · winner": label for race, label in path.winners}
        events = {
            names[node_id]: roots.get(node_id, {})
            for node_id in path.nodes
            if node_id in nodes.waits and node_id not in (*path.late, *path.blocked)
        }
        return Example(
            roots.get(PAYLOAD),
            roots.get(REQUEST, {}),
            results,
            events,
            roots.get(ENV, {}),
            tuple(nodes.result(node_id) for node_id in path.fails),
            tuple(names[node_id] for node_id in path.blocked if node_id in names),
        )

    def candidates(self, place: Place) -> list[Any]:
        known = self._wants.candidates[place]
        if place.root not in (ENV, REQUEST):
            return known
        name = str(place.keys[0])
        first = [self._variables[name]] if place.root == ENV and name in self._variables else []
        return [*first, *(str(value) for value in known if isinstance(value, str | int))]

    def groups(self, path: Path) -> list[tuple[str, list[Place]]]:
        """The places that decide together at a node, in the order of the path."""
        found = ((node_id, self._wants.of.get(node_id, [])) for node_id in path.nodes)
        return [(node_id, group) for node_id, group in found if group]

    def tried(
        self, runner: asyncio.Runner, workflow: type[Any], example: Example
    ) -> tuple[Done, frozenset[str]]:
        """What came of a run, and the nodes that it came to."""
        self._left -= 1
        lines: set[int] = set()
        try:
            with _watched(lines):
                done = runner.run(stand_in.perform(workflow, **example.told()))
        except SystemExit as error:  # the code's own; it must not end more than its run
            done = Done([], "errored", None, error, {})
        return done, frozenset(
            self._nodes_of_lines[line] for line in lines if line in self._nodes_of_lines
        )

    def is_known(self, node_id: str) -> bool:
        """Whether one can see that a run came to a node."""
        return node_id in self._module.node_lines

    @property
    def is_over(self) -> bool:
        return self._left <= 0


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One run; `apart` says how far it was from the path, 0 on it."""

    values: dict[Place, Any]
    example: Example
    came_to: frozenset[str]
    apart: int


class _Climb:
    """Changes one choice of values for the better until it leads along the whole path."""

    def __init__(
        self, search: Search, runner: asyncio.Runner, workflow: type[Any], path: Path
    ) -> None:
        self._search, self._runner, self._workflow, self._path = search, runner, workflow, path
        self._wanted = frozenset(filter(search.is_known, path.nodes))
        self._allowed = self._wanted | path.maybe
        self._in_vain = 0

    def example(self) -> Example:
        groups = self._search.groups(self._path)
        places = list(dict.fromkeys(place for _, group in groups for place in group))
        first = {place: self._choices(place, places)[0] for place in places}
        best = self._tried(first)
        known = {place: self._search.found.get(place, first[place]) for place in places}
        if best.apart and known != first:
            best = min(best, self._tried(known), key=lambda attempt: attempt.apart)
        while best.apart:
            better = self._better(best, groups, places)
            if better is None:
                return replace(best.example, done=None)
            best = better
        self._search.found |= best.values
        return self._by_type(best.example)

    def _better(
        self, best: _Attempt, groups: list[tuple[str, list[Place]]], places: list[Place]
    ) -> _Attempt | None:
        """The first change that helps; where the way was lost is looked at first."""
        wrong = (self._wanted - best.came_to) | (best.came_to - self._allowed)
        ordered = sorted(groups, key=lambda group: wrong.isdisjoint(self._search.nexts[group[0]]))
        for _, group in ordered:
            for change in self._changes(group, places):
                if self._search.is_over or self._in_vain >= MOST_IN_VAIN:
                    return None
                attempt = self._tried({**best.values, **change})
                if attempt.apart < best.apart:
                    self._in_vain = 0
                    return attempt
        return None

    def _choices(self, place: Place, places: list[Place]) -> list[Any]:
        candidates = self._search.candidates(place)
        deeper = any(
            other.root == place.root
            and len(other.keys) > len(place.keys)
            and other.keys[: len(place.keys)] == place.keys
            for other in places
        )
        return [_UNSET, *candidates] if deeper else candidates

    def _changes(self, group: list[Place], places: list[Place]) -> Iterator[dict[Place, Any]]:
        choices = {place: self._choices(place, places) for place in group}
        for count in range(1, min(len(group), _TOGETHER) + 1):
            for chosen in combinations(group, count):
                for values in product(*(choices[place] for place in chosen)):
                    yield dict(zip(chosen, values, strict=True))

    def _tried(self, values: dict[Place, Any]) -> _Attempt:
        self._in_vain += 1
        example = self._search.example(self._path, values)
        done, came_to = self._search.tried(self._runner, self._workflow, example)
        apart = len(self._wanted - came_to) + len(came_to - self._allowed)
        apart = 2 * apart + (not self._ended_well(done))
        return _Attempt(values, replace(example, done=done), came_to, apart)

    def _ended_well(self, done: Done) -> bool:
        if self._path.end != "fails":
            return done.end == "complete"
        # Where a run fails that was waited for, the module's own error has that one's name.
        name = getattr(done.error, "name", None) or type(done.error).__name__
        return done.end == "errored" and name in ("TimeoutError", "RuntimeError")

    def _by_type(self, example: Example) -> Example:
        """The same with events named by their types, when the run stays the same."""
        assert example.done is not None
        waited = example.done.waited
        types = {name: waited.get(name, name) for name in example.events}
        if len(set(types.values())) < len(types):
            return example
        events = {types[name]: payload for name, payload in example.events.items()}
        named = replace(example, events=events)
        done, _ = self._search.tried(self._runner, self._workflow, named)
        same = (done.trace, done.end) == (example.done.trace, example.done.end)
        return replace(named, done=done) if same else example


class _Unset:
    """No value of its own: it is made of what is set inside."""


_UNSET = _Unset()


def _with(value: Any, keys: tuple[str | int, ...], new: Any) -> Any:
    """A value with something set inside of it; what already has another shape stays."""
    if not keys:
        return value if new is _UNSET else new
    key, *rest = keys
    if isinstance(key, str):
        made: Any = {} if value is _UNSET else value
        if not isinstance(made, dict):
            return value
        return {**made, key: _with(made.get(key, _UNSET), tuple(rest), new)}
    made = [] if value is _UNSET else value
    if not isinstance(made, list) or not 0 <= key < 100:
        return value
    made = [*made, *[None] * (key + 1 - len(made))]
    old = made[key] if made[key] is not None else _UNSET
    return [*made[:key], _with(old, tuple(rest), new), *made[key + 1 :]]


def _nexts(node_id: str, regions: Regions) -> frozenset[str]:
    """The nodes that may be reached from a node in one move."""
    region = regions.home[node_id]
    behind = {way.target for way in region.flow.ways[node_id] if way.target is not None}
    inside = {arm.flow.order[0] for arm in region.arms.get(node_id, {}).values()}
    return frozenset(behind | inside)


def _nodes_of_lines(module: CompiledModule) -> dict[int, str]:
    found: dict[int, str] = {}
    ranges = sorted(module.node_lines.items(), key=lambda item: item[1][0] - item[1][1])
    for node_id, (first, last) in ranges:  # the longest first, so that inner ones win
        found.update(dict.fromkeys(range(first, last + 1), node_id))
    return found


@contextmanager
def _watched(lines: set[int]) -> Iterator[None]:
    """Notes the module's lines that are executed."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename != _FILE:
            return None
        if event == "line":
            count += 1
            if count > MOST_LINES:
                raise TooLong
            lines.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
