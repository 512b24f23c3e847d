"""A graph from elsewhere, put into the rules of this language: what `import` does to a file.

Takes what AwaitStep's TypeScript edition exports. Owns which changes are certain, and tells each of
them; whatever else is wrong is left for validation. A graph that is valid already is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeGuard, get_args, get_origin

from pydantic import BaseModel

from awaitstep.ir.diagnostics import Report, shown
from awaitstep.ir.expressions import parse_condition
from awaitstep.ir.fields import Role, RoleName
from awaitstep.ir.graph import THEN
from awaitstep.ir.handwritten import is_handwritten
from awaitstep.ir.names import LONGEST_NAME
from awaitstep.ir.raw import TEXT, check_json
from awaitstep.ir.registry import NodeType, Registry
from awaitstep.ir.renaming import Rename, Renaming
from awaitstep.ir.source import analyse
from awaitstep.ir.typescript import (
    commented,
    commented_condition,
    is_typescript,
    is_typescript_condition,
    mark_in,
    ported,
)

# `${a.b[0]}`, as in a template literal; `${{` is a dollar before an expression.
_INTERPOLATION = re.compile(r"\$\{([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\[\d{1,9}\])+)\}", re.ASCII)
# In conditions of TypeScript a node's value may also be read by its bare name.
_VARIABLES: Final = ("event", "env", "error")
_ALWAYS: Final = frozenset({"event", "env", "self", "step", "ctx", "error"})
_MOST_MILLISECONDS: Final = 10**12
_LOOP_FIELDS: Final = {"forEach": "collection", "while": "condition", "times": "count"}


@dataclass(frozen=True, slots=True)
class Note:
    """One change that was certain. `node_id` is the new id; `path` as in a Diagnostic."""

    node_id: str | None
    path: str
    message: str

    def to_json(self) -> dict[str, str]:
        about = {} if self.node_id is None else {"nodeId": self.node_id}
        return about | {"path": self.path, "message": self.message}


@dataclass(frozen=True, slots=True)
class Adopted:
    """The graph in our rules. `needs_porting` are the ids of nodes that hold foreign code."""

    graph: Any
    renames: tuple[Rename, ...] = ()
    needs_porting: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def adopt(data: object, registry: Registry) -> Adopted:
    """The graph as our rules want it, as far as that is certain. Never raises or changes `data`."""
    if is_handwritten(data) or not isinstance(data, dict):
        return Adopted(data)
    if check_json(data, Report()) is None:  # not safe to walk; validation says why
        return Adopted(data)
    return _Adoption(data, registry).run()


def adopt_entry(code: str) -> tuple[str, bool]:
    """Entry code, and whether it needs porting."""
    if len(code) <= TEXT and is_typescript(code, {"request", "env", "ctx", "self"}):
        return commented(code, "entry code"), True
    return code, _is_marked(code)


def _is_marked(code: str) -> bool:
    source = analyse(code, Report(), "")
    return source is not None and mark_in(source.body) is not None


@dataclass(slots=True)
class _Adoption:
    data: dict[str, Any]
    registry: Registry
    renaming: Renaming = field(default_factory=Renaming)
    marked: dict[str, None] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    roots: dict[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    def run(self) -> Adopted:
        nodes = _objects(self.data.get("nodes"))
        bound = {name for node in nodes for name in _bound_by(node)}
        self.renaming = Renaming.of(
            [
                (node["id"], node.get("name"), node.get("type"))
                for node in nodes
                if isinstance(node.get("id"), str)
            ],
            taken=bound,
        )
        ids = self.renaming.ids
        self.roots = {name: name for name in (*bound, *_VARIABLES)} | {
            old: new for old, new in ids.items() if old not in _VARIABLES
        }
        self.names = _ALWAYS | bound | set(ids) | set(ids.values())
        graph = dict(self.data)
        if isinstance(graph.get("nodes"), list):
            graph["nodes"] = [self._node(node) for node in graph["nodes"]]
        if isinstance(graph.get("edges"), list):
            graph["edges"] = self._edges(graph["edges"])
        if isinstance(graph.get("entryNodeId"), str):
            graph["entryNodeId"] = ids.get(graph["entryNodeId"], graph["entryNodeId"])
        if isinstance(graph.get("trigger"), dict):
            graph["trigger"] = self._trigger(graph["trigger"])
        self._interpolations(_objects(graph.get("nodes")))
        renames = tuple(self.renaming.renames)
        return Adopted(graph, renames, tuple(self.marked), tuple(self.notes))

    def _note(self, node_id: str | None, path: str, message: str) -> None:
        self.notes.append(Note(node_id, path, message))

    def _node(self, raw: Any) -> Any:
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
            return raw
        old, node = raw["id"], dict(raw)
        node_id = node["id"] = self.renaming.ids[old]
        if node_id != old and "name" not in node and len(old) <= LONGEST_NAME:
            node["name"] = old  # it is what was shown so far
        node_type = self._type(node, node_id)
        if isinstance(node.get("config"), dict):
            node["config"] = self._config(node["config"], node_id)
        if isinstance(node.get("data"), dict):
            node["data"] = self._data(node, node_type, node_id)
        return node

    def _type(self, node: dict[str, Any], node_id: str) -> NodeType | None:
        name = node.get("type")
        if not isinstance(name, str):
            return None
        plain = name.replace("-", "_")
        if self.registry.get(name) is None and self.registry.get(plain) is not None:
            node["type"] = plain
            self._note(node_id, "type", f"`{shown(name)}` is called `{plain}` here.")
        return self.registry.get(node["type"])

    def _config(self, config: dict[str, Any], node_id: str) -> dict[str, Any]:
        config = dict(config)
        self._duration(config, "timeout", node_id, "config.timeout")
        if isinstance(config.get("retries"), dict):
            config["retries"] = dict(config["retries"])
            self._duration(config["retries"], "delay", node_id, "config.retries.delay")
        return config

    def _duration(self, of: dict[str, Any], key: str, node_id: str, path: str) -> None:
        """A bare number counts milliseconds."""
        value = of.get(key)
        if _is_number(value) and 0 <= value <= _MOST_MILLISECONDS:
            seconds = f"{value / 1000:.6f}".rstrip("0").rstrip(".")
            of[key] = f"{seconds} second{'s' * (seconds != '1')}"
            self._note(node_id, path, f"{value} milliseconds are written `{of[key]}`.")

    def _data(self, node: dict[str, Any], kind: NodeType | None, node_id: str) -> dict[str, Any]:
        data = dict(node["data"])
        roles = {} if kind is None else dict(_roles(kind.data))
        if kind is not None:
            for way, role in roles.items():
                if role == "duration" and len(way) == 1:
                    self._duration(data, way[0], node_id, f"data.{way[0]}")
            if kind.control == "loop":
                self._loop(data, node_id)
            if kind.type == "sub_workflow" and data.pop("workflowName", None) is not None:
                told = "Left out: `workflowId` alone names the workflow; check it."
                self._note(node_id, "data.workflowName", told)
        change = partial(self._text, node_id)
        return {
            key: _changed(value, (key,), f"data.{shown(key)}", roles, None, change)
            for key, value in data.items()
        }

    def _loop(self, data: dict[str, Any], node_id: str) -> None:
        kind = data.get("loopType", "forEach")
        count = data.get("count")
        if _is_number(count) and isinstance(count, int) and abs(count) <= _MOST_MILLISECONDS:
            data["count"] = str(count)
        for other, key in _LOOP_FIELDS.items():
            if kind in [*_LOOP_FIELDS] and kind != other and str(data.get(key) or "").strip():
                del data[key]
                self._note(node_id, f"data.{key}", f"Left out: it is for loops of type `{other}`.")

    def _text(self, node_id: str, text: str, role: RoleName | None, path: str) -> str:
        text = self.renaming.in_text(text)
        if role in ("code", "rollback"):
            return self._code(text, node_id)
        if role == "condition" and text.strip():
            return self._condition(text, path, node_id)
        return text

    def _code(self, code: str, node_id: str) -> str:
        if is_typescript(code, self.names):
            self.marked[node_id] = None
            return commented(code, "step")
        if _is_marked(code):
            self.marked[node_id] = None
        return self.renaming.in_code(code)

    def _condition(self, text: str, path: str, node_id: str) -> str:
        if is_typescript_condition(text, self.names):
            python = ported(text, self.roots)
            if python is None:
                self.marked[node_id] = None
                return commented_condition(text)
            self._note(node_id, path, f"`{shown(text)}` is written `{shown(python)}`.")
            return python
        condition = parse_condition(text, Report(), path)
        if condition is not None and mark_in([condition.tree]) is not None:
            self.marked[node_id] = None
        return self.renaming.in_condition(text)

    def _interpolations(self, nodes: list[dict[str, Any]]) -> None:
        """`${env.NAME}` in texts: meant as a value if the file is TypeScript for sure.

        In a graph that is valid as it is, nothing shows what was meant: it stays, and is told.
        """
        foreign = bool(self.renaming.renames or self.marked or self.notes)
        for node in nodes:
            kind = self.registry.get(node["type"]) if isinstance(node.get("type"), str) else None
            if kind is None or not isinstance(node.get("data"), dict):
                continue
            if not isinstance(node.get("id"), str):
                continue
            change = partial(self._interpolated, foreign, node["id"])
            roles = dict(_roles(kind.data))
            node["data"] = {
                key: _changed(value, (key,), f"data.{shown(key)}", roles, None, change)
                for key, value in node["data"].items()
            }

    def _interpolated(
        self, foreign: bool, node_id: str, text: str, role: RoleName | None, path: str
    ) -> str:
        if role != "template" or "${" not in text:
            return text

        told: list[str] = []

        def written(found: re.Match[str]) -> str:
            root = self.roots.get(found[1])
            if root is None:
                return found[0]
            python = f"{{{{{root}{found[2]}}}}}"
            told.append(
                f"`{shown(found[0])}` is {'written' if foreign else 'text; write'} `{shown(python)}`."
            )
            return python if foreign else found[0]

        changed = _INTERPOLATION.sub(written, text)
        for message in told[:1]:  # the others are alike
            self._note(node_id, path, message)
        return changed

    def _edges(self, edges: list[Any]) -> list[Any]:
        changed = [self._edge(edge) for edge in edges]
        arms = {
            self.renaming.ids[node["id"]]
            for node in _objects(self.data.get("nodes"))
            if isinstance(node.get("id"), str) and node.get("type") in ("parallel", "race")
        }
        labels = {(str(e.get("source")), str(e.get("label"))) for e in _objects(changed)}
        for edge in changed:
            if not isinstance(edge, dict) or edge.get("label") not in (None, ""):
                continue
            source, target = edge.get("source"), edge.get("target")
            if not isinstance(source, str) or not isinstance(target, str) or source not in arms:
                continue
            if target != THEN and (source, target) not in labels:
                labels.add((source, target))
                edge["label"] = target  # arms have names here; in the file they have none
                told = f"This arm is called `{shown(target)}`, after its first node."
                self._note(source, "edges", told)
        return changed

    def _edge(self, edge: Any) -> Any:
        if not isinstance(edge, dict):
            return edge
        ends = {end: edge[end] for end in ("source", "target") if isinstance(edge.get(end), str)}
        return edge | {end: self.renaming.ids.get(old, old) for end, old in ends.items()}

    def _trigger(self, trigger: dict[str, Any]) -> dict[str, Any]:
        trigger = dict(trigger)
        if trigger.get("type") == "cron" and "expression" in trigger and "cron" not in trigger:
            trigger |= {"type": "schedule", "cron": trigger.pop("expression")}
            self._note(None, "trigger", "`cron` is called `schedule` here.")
        if trigger.get("type") == "http" and "path" in trigger:
            path = shown(trigger.pop("path"))
            self._note(None, "trigger.path", f"Left out: a Worker URL takes all paths, not {path}.")
        return trigger


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bound_by(node: dict[str, Any]) -> Iterator[str]:
    data = node.get("data")
    if node.get("type") == "loop" and isinstance(data, dict):
        for key, default in (("itemVar", "item"), ("indexVar", "i")):
            name = data.get(key, default)
            if isinstance(name, str):
                yield name


Roles = Mapping[tuple[str, ...], RoleName]


def _changed(
    value: Any,
    way: tuple[str, ...],
    path: str,
    roles: Roles,
    role: RoleName | None,
    change: Callable[[str, RoleName | None, str], str],
) -> Any:
    """The value with every text of it changed. `way` is its path as the roles have it."""
    role = roles.get(way, role)
    if role == "input":
        role = "condition" if isinstance(value, str) else "template"
    if isinstance(value, str):
        return change(value, role, path) if len(value) <= TEXT else value
    if isinstance(value, list):
        return [
            _changed(each, (*way, "*"), f"{path}[{index}]", roles, role, change)
            for index, each in enumerate(value)
        ]
    if isinstance(value, dict):
        return {
            key: _changed(each, (*way, key), f"{path}.{shown(key)}", roles, role, change)
            for key, each in value.items()
        }
    return value


def _roles(model: type[BaseModel], way: tuple[str, ...] = ()) -> Iterator[tuple[Any, RoleName]]:
    """The roles of a model's text fields by their way into the JSON, `*` for a place in a list."""
    for key, info in model.model_fields.items():
        here = (*way, info.alias or key)
        for mark in info.metadata:
            if isinstance(mark, Role):
                yield here, mark.name
        inside = (*here, "*") if get_origin(info.annotation) is list else here
        for inner in get_args(info.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _roles(inner, inside)
