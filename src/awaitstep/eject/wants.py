"""What decides the way of a run: the values that conditions and code between steps read.

Every such value is a place inside something that a test gives: the event's payload, what else a
function's event holds, a step's result, the payload of an awaited event, a variable. Owns finding these places, and values that
are worth trying there: what the same text compares with, and a little of every kind.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from awaitstep.ir import Graph, Node, Registry, Report
from awaitstep.ir.expressions import ExpressionError, parse_condition, parse_template
from awaitstep.ir.fields import RoleName, roles
from awaitstep.ir.flow import Regions
from awaitstep.ir.source import analyse

PAYLOAD = "event"
REQUEST = "request"
ENV = "env"
_ANY: tuple[Any, ...] = (True, False, 1, 0, 2, "text", "", ["item"], [], {}, None)
_NUMBERS = (1, 0, 2)
_LISTS: tuple[Any, ...] = (["item"], [])
_OF_ROLE: dict[RoleName, tuple[Any, ...]] = {
    "timestamp": ("2030-01-01T00:00:00+00:00",),
    "duration": ("1 second",),
    "template": ("text",),
}
_OUTSIDE_OF_STEPS = ("sleep", "sleep_until", "wait_for_event")

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is given: `PAYLOAD`, `REQUEST`, `ENV` or a node's id, and the way inside."""

    root: str
    keys: Keys


@dataclass(slots=True)
class Wants:
    """`of` are the places that each node's own text reads, `candidates` what to try in them."""

    of: dict[str, list[Place]] = field(default_factory=dict)
    candidates: dict[Place, list[Any]] = field(default_factory=dict)


def wants_of(graph: Graph, registry: Registry, regions: Regions) -> Wants:
    return _Reading(graph, registry, regions).wants()


@dataclass(frozen=True, slots=True)
class _Read:
    """A name and the way into its value, as it is written in one text."""

    name: str
    keys: Keys


class _Reading:
    def __init__(self, graph: Graph, registry: Registry, regions: Regions) -> None:
        self._graph, self._registry, self._regions = graph, registry, regions
        self._items: dict[tuple[str, str], _Read | None] = {}

    def wants(self) -> Wants:
        wants = Wants()
        for node_id in self._regions.order:
            places: dict[Place, None] = {}
            node = self._graph.nodes[node_id]
            for role, text in self._texts(node):
                listed = _LISTS if text == getattr(node.data, "collection", None) else ()
                reads, literals = _reads(role, text)
                found = {place for read in reads for place in self._places(node_id, read, wants)}
                for place in sorted(found, key=repr):
                    places[place] = None
                    known = wants.candidates.setdefault(place, [])
                    for value in (*listed, *literals, *_OF_ROLE.get(role, ()), *_ANY):
                        if not any(value == old and type(value) is type(old) for old in known):
                            known.append(value)
            wants.of[node_id] = list(places)
        return wants

    def _texts(self, node: Node) -> Iterator[tuple[RoleName, str]]:
        """The texts that are read while no step runs: of a step, how long it may take."""
        node_type = self._registry[node.type]
        outside = node.type in _OUTSIDE_OF_STEPS or not node_type.is_step(node.data)
        for _, role, text in roles(node.data):
            if outside or (role == "duration" and self._graph.kind == "workflow"):
                yield role, text

    def _places(self, node_id: str, read: _Read, wants: Wants) -> Iterator[Place]:
        read_or_none = self._unaliased(node_id, read)
        if read_or_none is None:
            return
        name, keys = read_or_none.name, read_or_none.keys
        if name == PAYLOAD and keys[:1] == ("payload",):
            yield Place(PAYLOAD, keys[1:])
        elif name == PAYLOAD and keys[:1] in (("method",), ("url",), ("headers",)):
            yield Place(REQUEST, keys)
        elif name == ENV and keys:
            yield Place(ENV, keys[:1])
        elif name in self._graph.nodes and name in self._regions:
            node = self._graph.nodes[name]
            node_type = self._registry[node.type]
            if node.type == "wait_for_event":
                if keys[:1] == ("payload",):
                    yield Place(name, keys[1:])
            elif not node_type.is_step(node.data):
                # It is made from other values, here or in its arms.
                yield from wants.of.get(name, ())
            elif not node_type.is_container:
                yield Place(name, keys)

    def _unaliased(self, node_id: str, read: _Read) -> _Read | None:
        """An item of a loop is the first of its collection."""
        for region in self._regions.around(node_id):
            if region.container is None:
                continue
            node = self._graph.nodes[region.container]
            bound = self._registry[node.type].binds(node.data, region.label)
            if read.name not in bound:
                continue
            if read.name != getattr(node.data, "item_var", None):
                return None
            reads, _ = _reads("condition", getattr(node.data, "collection", ""))
            if not reads:
                return None
            collection = reads[0]
            inner = _Read(collection.name, (*collection.keys, 0, *read.keys))
            return self._unaliased(region.container, inner)
        return read


def _reads(role: RoleName, text: str) -> tuple[list[_Read], list[Any]]:
    """What a text reads, and the values that its literals suggest."""
    if role == "code":
        source = analyse(text, Report(), "")
        return ([], []) if source is None else _of_python(source.body, {})
    if role == "condition":
        condition = parse_condition(text, Report(), "") if text.strip() else None
        if condition is None:
            return [], []
        names = {name: _Read(reference.root, reference.path)
                 for name, reference in condition.references.items()}  # fmt: skip
        return _of_python([condition.tree], names)
    try:
        template = parse_template(text)
    except ExpressionError:
        return [], []
    return [_Read(reference.root, reference.path) for reference in template.references], []


def _of_python(trees: list[Any], names: Mapping[str, _Read]) -> tuple[list[_Read], list[Any]]:
    aliases, reads, keys = dict(names), dict[_Read, None](), set[int]()
    nodes = [node for tree in trees for node in ast.walk(tree)]
    for node in nodes:
        made = _alias(node, aliases)
        if made is not None:
            aliases[made[0]] = made[1]
    inside: set[int] = set()
    for node in nodes:
        read = None if id(node) in inside else _chain(node, aliases)
        if read is not None:
            reads[read] = None
            inside |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.Subscript):
            keys.add(id(node.slice))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            keys |= {id(argument) for argument in node.args[:1] if node.func.attr == "get"}
    literals = [node.value for node in nodes
                if isinstance(node, ast.Constant) and id(node) not in keys]  # fmt: skip
    literals += [-node.operand.value for node in nodes
                 if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
                 and isinstance(node.operand, ast.Constant)
                 and isinstance(node.operand.value, int | float)]  # fmt: skip
    near = [suggested for value in literals for suggested in _near(value)]
    calculates = any(isinstance(node, ast.Compare | ast.BinOp) for node in nodes)
    return list(reads), [*near, *(_NUMBERS if calculates else ())]


def _alias(node: ast.AST, aliases: Mapping[str, _Read]) -> tuple[str, _Read] | None:
    """`name = value` and `for name in values`."""
    more: Keys = ()
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            read = _chain(value, aliases)
        case (
            ast.For(target=ast.Name(id=name), iter=value)
            | ast.comprehension(target=ast.Name(id=name), iter=value)
        ):
            read, more = _chain(value, aliases), (0,)
        case _:
            return None
    return None if read is None else (name, _Read(read.name, (*read.keys, *more)))


def _chain(node: ast.AST, aliases: Mapping[str, _Read]) -> _Read | None:
    """`a["b"][0].c.get("d")` as one way into `a`."""
    keys: list[str | int] = []
    while True:
        match node:
            case ast.Subscript(value=inner, slice=ast.Constant(value=str() | int() as key)):
                keys.append(key)
            case ast.Call(
                func=ast.Attribute(value=inner, attr="get"), args=[ast.Constant(value=str(key)), *_]
            ):
                keys.append(key)
            case ast.Attribute(value=inner, attr=attribute) if not hasattr(str, attribute):
                keys.append(attribute)
            case ast.Name(id=name):
                start = aliases.get(name, _Read(name, ()))
                return _Read(start.name, (*start.keys, *reversed(keys)))
            case _:
                return None
        node = inner


def _near(value: Any) -> list[Any]:
    """A literal, and for numbers what lies on both sides of it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | None):
        return []
    return [value] if isinstance(value, str | None) else [value, value + 1, value - 1]
