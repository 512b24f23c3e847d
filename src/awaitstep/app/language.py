"""The `Language` port: graphs as the use cases see them. They never look inside one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from awaitstep.app.errors import Detail


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of a graph; `detail` is its JSON form, code and message included."""

    severity: str
    detail: Detail


@dataclass(frozen=True, slots=True)
class Compiled:
    """A module. `step_nodes` maps a step's name to its node, `node_lines` a node to its line(s).

    `binding` is the name in `env` that starts the workflow, `class_name` its class; both are None
    for a worker without one. `workflows` and `functions` are the names in `env` of what the module
    calls, and their ids. `packages` are the requirements of the code, `unsupported` the nodes that
    cannot run at a type of connection.
    """

    source: str
    class_name: str | None
    binding: str | None
    step_nodes: Mapping[str, str]
    node_lines: Mapping[str, Any]
    workflows: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    packages: Sequence[str] = ()
    unsupported: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VariableUse:
    """The first line of a module that reads a variable, and the node it was written for."""

    line: int
    node: str | None


@dataclass(frozen=True, slots=True)
class Adopted:
    """A file's graph in our rules, and what was changed for it.

    `renames` are `{from, to, name}`, `notes` `{nodeId?, path, message}`. `needs_porting` are ids of
    nodes, and `entryCode` for the entry code.
    """

    ir: dict[str, Any]
    entry_code: str | None
    renames: Sequence[Mapping[str, str]] = ()
    needs_porting: Sequence[str] = ()
    notes: Sequence[Mapping[str, str]] = ()


class GraphRefused(Exception):
    """The graph can't be compiled."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("The graph has problems.")
        self.findings = findings


class Language(Protocol):
    """Calls compute for milliseconds: they belong in a thread."""

    def validate(self, ir: Mapping[str, Any]) -> Sequence[Finding]:
        """All problems at once, warnings among them."""
        ...

    def adopt(self, ir: Mapping[str, Any], entry_code: str | None) -> Adopted:
        """A graph from elsewhere, changed where that is certain; what is valid stays as it is."""
        ...

    def check_entry(self, code: str) -> Sequence[Finding]:
        """The problems of entry code."""
        ...

    def compile(self, ir: Mapping[str, Any], entry_code: str | None) -> Compiled:
        """Raises GraphRefused."""
        ...

    def variables(self, compiled: Compiled) -> Mapping[str, VariableUse]:
        """What the module reads of `env` besides its own bindings, by name."""
        ...

    def node_types(self) -> Sequence[Mapping[str, Any]]:
        """`{type, title, summary, hasValue, container, schema}` of each node type, and where they
        are known `{valueSchema, targets, packages, family, icon, summaryFields, arms}`.

        `schema` is the JSON Schema of its data.
        """
        ...
