"""From decoded JSON to typed nodes and edges, one field at a time, so that all problems show at once.

Owns the shape of a graph. What a well-formed graph means is checked by `validation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from awaitstep.ir.diagnostics import Report, shown
from awaitstep.ir.graph import Edge, Kind, Metadata, Node, NodeData, Note, Position, Trigger
from awaitstep.ir.names import LONGEST_NAME, id_problem
from awaitstep.ir.registry import NodeType, Registry
from awaitstep.wording import field_problem

T = TypeVar("T")

_GRAPH_FIELDS = {"kind", "metadata", "nodes", "edges", "entryNodeId", "trigger", "notes"}
_NODE_FIELDS = {"id", "type", "name", "position", "version", "provider", "data", "config"}
_EDGE_FIELDS = {"id", "source", "target", "label"}
_METADATA = TypeAdapter(Metadata)
_POSITION = TypeAdapter(Position)
_TRIGGER: TypeAdapter[Any] = TypeAdapter(Trigger)
_NOTE = TypeAdapter(Note)
WARN_ABOVE = 2_000
MOST_NODES = 5_000
MOST_NOTES = 1_000


@dataclass(slots=True)
class Shape:
    """What could be read. `known` are all ids that stand in the graph, also of broken nodes."""

    kind: Kind = "workflow"
    metadata: Metadata | None = None
    trigger: Any = None
    entry: str | None = None
    nodes: dict[str, Node] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    edges: list[Edge] = field(default_factory=list)


def read(data: dict[str, Any], unsound: set[str], registry: Registry, report: Report) -> Shape:
    """Read a graph, except for the places whose JSON is not sound."""
    shape = Shape()
    _only(data, _GRAPH_FIELDS, "", report)
    shape.kind = data.get("kind", "workflow")
    if shape.kind not in ("workflow", "script"):
        report.add("graph.kind", "A graph is of the kind `workflow` or `script`.", "kind")
        shape.kind = "workflow"
    if "metadata" in unsound:
        pass
    elif "metadata" in data:
        shape.metadata = read_model(_METADATA, data["metadata"], "metadata", report)
    else:
        report.add("field.missing", "The graph has no `metadata`.", "metadata")
    if data.get("trigger") is not None and "trigger" not in unsound:
        shape.trigger = read_model(_TRIGGER, data["trigger"], "trigger", report)
    shape.entry = _text(data, "entryNodeId", "entryNodeId", report)
    _check_notes(data, unsound, report)
    nodes = _list(data, "nodes", report)
    if len(nodes) > MOST_NODES:
        report.add("graph.too_large", f"A graph has at most {MOST_NODES:,} nodes.", "nodes")
        return shape
    if len(nodes) > WARN_ABOVE:
        report.add("graph.large", f"This graph has {len(nodes):,} nodes.", "nodes")
    for index, raw in enumerate(nodes):
        place = f"nodes[{index}]"
        node = _read_node(raw, place, registry, report, shape, sound=place not in unsound)
        if node is not None:
            shape.nodes[node.id] = node
    edges: dict[str, Edge] = {}
    for index, raw in enumerate(_list(data, "edges", report)):
        _read_edge(raw, f"edges[{index}]", report, edges)
    shape.edges = list(edges.values())
    return shape


def _check_notes(data: dict[str, Any], unsound: set[str], report: Report) -> None:
    """Notes mean nothing to the workflow; they need only be what a canvas can show."""
    if "notes" not in data or "notes" in unsound:
        return
    notes = _list(data, "notes", report)
    if len(notes) > MOST_NOTES:
        report.add("field.invalid", f"A graph has at most {MOST_NOTES:,} notes.", "notes")
        return
    for index, raw in enumerate(notes):
        read_model(_NOTE, raw, f"notes[{index}]", report)


def _read_node(
    raw: Any, path: str, registry: Registry, report: Report, shape: Shape, *, sound: bool
) -> Node | None:
    if not isinstance(raw, dict):
        report.add("field.invalid", "A node is an object.", path)
        return None
    node_id = _text(raw, "id", f"{path}.id", report)
    if node_id is None:
        return None
    report = report.about(node_id)
    problem = id_problem(node_id)
    if problem is not None:
        report.add(problem[0], f"`{shown(node_id)}` cannot be an id. {problem[1]}", "id")
    if node_id in shape.known:
        report.add("id.repeated", f"More than one node has the id `{shown(node_id)}`.", "id")
        return None
    shape.known.add(node_id)
    _only(raw, _NODE_FIELDS, "", report)
    name = _text(raw, "name", "name", report, default=node_id)
    if name is not None and len(name) > LONGEST_NAME:
        report.add("field.invalid", f"A name has at most {LONGEST_NAME} characters.", "name")
        name = None
    position = read_model(_POSITION, raw.get("position", {}), "position", report)
    version = _text(raw, "version", "version", report, default="1.0.0")
    provider = _text(raw, "provider", "provider", report, default="")
    node_type = _node_type(raw, registry, report)
    if node_type is None or not sound:
        return None
    adapter: TypeAdapter[NodeData] = TypeAdapter(node_type.data)
    values = read_model(adapter, _with_config(raw, report), "data", report)
    if values is None or name is None or position is None or version is None or provider is None:
        return None
    return Node(node_id, node_type.type, name, values, position, version, provider)


def _node_type(raw: dict[str, Any], registry: Registry, report: Report) -> NodeType | None:
    name = _text(raw, "type", "type", report)
    node_type = None if name is None else registry.get(name)
    if name is not None and node_type is None:
        report.add(
            "node.type_unknown",
            f"There is no node type `{shown(name)}`.",
            "type",
            hint=f"Known types: {', '.join(sorted(registry.types))}.",
        )
    return node_type


def _with_config(raw: dict[str, Any], report: Report) -> Any:
    """`data`, with the retries of an exported `config` folded in where it has none of its own."""
    data, config = raw.get("data", {}), raw.get("config")
    if config is None or not isinstance(data, dict):
        return data
    if not isinstance(config, dict) or not isinstance(config.get("retries", {}), dict):
        report.add("field.invalid", "`config` holds `retries` and `timeout`.", "config")
        return data
    _only(config, {"retries", "timeout"}, "config.", report)
    retries = config.get("retries", {})
    _only(retries, {"limit", "delay", "backoff"}, "config.retries.", report)
    folded = {
        "retryLimit": retries.get("limit"),
        "retryDelay": retries.get("delay"),
        "backoff": retries.get("backoff"),
        "timeout": config.get("timeout"),
    }
    return {key: value for key, value in folded.items() if value is not None} | data


def _read_edge(raw: Any, path: str, report: Report, edges: dict[str, Edge]) -> None:
    if not isinstance(raw, dict):
        report.add("field.invalid", "An edge is an object.", path)
        return
    _only(raw, _EDGE_FIELDS, f"{path}.", report)
    source = _text(raw, "source", f"{path}.source", report)
    target = _text(raw, "target", f"{path}.target", report)
    edge_id = _text(raw, "id", f"{path}.id", report, default=path)
    label = _text(raw, "label", f"{path}.label", report, default="")
    if source is None or target is None or edge_id is None or label is None:
        return
    if edge_id in edges:
        report.add(
            "id.repeated", f"More than one edge has the id `{shown(edge_id)}`.", f"{path}.id"
        )
        return
    edges[edge_id] = Edge(edge_id, source, target, label or None)


def _only(raw: dict[str, Any], fields: Iterable[str], path: str, report: Report) -> None:
    for key in raw:
        if key not in fields:
            report.add("field.unknown", f"There is no field `{shown(key)}`.", path + shown(key))


def _list(data: dict[str, Any], key: str, report: Report) -> list[Any]:
    value = data.get(key)
    if key not in data:
        report.add("field.missing", f"The graph has no `{key}`.", key)
    elif not isinstance(value, list):
        report.add("field.invalid", f"`{key}` is a list.", key)
    return value if isinstance(value, list) else []


def _text(
    data: dict[str, Any], key: str, path: str, report: Report, *, default: str | None = None
) -> str | None:
    value = data.get(key)
    if value is None and (key not in data or default is not None):
        if default is None:
            report.add("field.missing", f"`{key}` is missing.", path)
        return default
    if not isinstance(value, str):
        report.add("field.invalid", f"`{key}` is text.", path)
        return None
    return value


def read_model(adapter: TypeAdapter[T], raw: Any, path: str, report: Report) -> T | None:
    """`raw` as the model says, every problem reported with its place below `path`."""
    found: list[ErrorDetails] = []
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            _report_field(problem, path, report)
            found.append(problem)
    if any(problem["type"] != "extra_forbidden" for problem in found):
        return None
    # what is there besides is checked as well: one pass tells everything
    try:
        return adapter.validate_python(_without([p["loc"] for p in found], raw))
    except ValidationError:
        return None


def _without(places: Iterable[tuple[int | str, ...]], raw: Any) -> Any:
    """A copy of `raw` that lacks what is at `places`."""
    copied = deepcopy(raw)
    for *way, last in places:
        inner = copied
        for part in way:
            # a union's place names its member too, which is not in the value
            inner = inner[part] if _has(inner, part) else inner
        if isinstance(inner, dict):
            inner.pop(last, None)
    return copied


def _has(value: Any, part: int | str) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _report_field(problem: ErrorDetails, path: str, report: Report) -> None:
    where, location = path, problem["loc"]
    for part in location:
        where += f"[{part}]" if isinstance(part, int) else f"{'.' * bool(where)}{shown(part)}"
    name = shown(location[-1]) if location else path
    code, message = field_problem(problem["type"], problem["msg"], problem.get("ctx"), name)
    report.add(code, message, where)
