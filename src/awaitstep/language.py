"""Graphs as the use cases see them: the language and its compiler behind the `Language` port.

It only translates. Use cases get it from `wiring.py` and never see a graph's types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from awaitstep.app.language import Adopted, Compiled, Finding, GraphRefused, VariableUse
from awaitstep.compiler import BINDING, check_entry, compile_graph, variables_read
from awaitstep.ir import (
    Diagnostic,
    InvalidGraph,
    NodeType,
    Registry,
    adopt,
    adopt_entry,
    is_handwritten,
    parse,
    read_handwritten,
    validate,
)
from awaitstep.ir.registry import TARGETS
from awaitstep.nodes import nodes_not_for, packages_of, registry


class CompiledGraphs:
    """`awaitstep.app.language.Language`; without `types` with those that come along."""

    def __init__(self, types: Registry | None = None) -> None:
        self._registry = types or registry()

    def validate(self, ir: Mapping[str, Any]) -> list[Finding]:
        return [_finding(problem) for problem in validate(ir, self._registry)]

    def adopt(self, ir: Mapping[str, Any], entry_code: str | None) -> Adopted:
        made = adopt(ir, self._registry)
        needs_porting = list(made.needs_porting)
        if entry_code is not None:
            entry_code, foreign = adopt_entry(entry_code)
            needs_porting += ["entryCode"] * foreign
        return Adopted(
            ir=made.graph,
            entry_code=entry_code,
            renames=[rename.to_json() for rename in made.renames],
            needs_porting=needs_porting,
            notes=[note.to_json() for note in made.notes],
        )

    def check_entry(self, code: str) -> list[Finding]:
        return [_finding(problem) for problem in check_entry(code)]

    def compile(self, ir: Mapping[str, Any], entry_code: str | None) -> Compiled:
        """Raises GraphRefused."""
        try:
            if is_handwritten(ir):
                return _handwritten(ir)
            graph = parse(ir, self._registry)
            made = compile_graph(graph, self._registry, entry_code=entry_code)
        except InvalidGraph as refused:
            raise GraphRefused([_finding(problem) for problem in refused.diagnostics]) from None
        return Compiled(
            source=made.source,
            class_name=made.class_name,
            binding=made.binding,
            step_nodes=made.step_nodes,
            node_lines=made.node_lines,
            workflows=made.workflows,
            functions=made.functions,
            packages=packages_of(graph, self._registry),
            unsupported={
                target: nodes_not_for(target, graph, self._registry) for target in TARGETS
            },
        )

    def variables(self, compiled: Compiled) -> dict[str, VariableUse]:
        try:
            read = variables_read(compiled.source)
        except (SyntaxError, ValueError, RecursionError):
            return {}  # whoever runs the module says what is wrong with it
        own = {compiled.binding, *compiled.workflows, *compiled.functions}
        return {
            name: VariableUse(line, _node_at(line, compiled.node_lines))
            for name, line in read.items()
            if name not in own
        }

    def node_types(self) -> list[dict[str, Any]]:
        return [
            {
                "type": node.type,
                "title": node.title,
                "summary": node.summary,
                "hasValue": node.has_value,
                "container": node.is_container,
                "schema": node.data_schema(),
                "valueSchema": node.value_schema,
                "targets": list(node.targets),
                "packages": list(node.packages),
                "family": node.family,
                "icon": node.icon,
                "summaryFields": list(node.shows),
                "arms": _arms(node),
            }
            for node in self._registry
        ]


def _arms(node: NodeType) -> dict[str, Any] | None:
    if node.drawn is None:
        return None
    return {
        "source": node.drawn.source,
        "labels": list(node.drawn.labels),
        "required": list(node.needs),
        "field": node.drawn.field,
        "names": list(node.drawn.names),
        "nameFields": list(node.drawn.fields),
    }


def _handwritten(ir: Mapping[str, Any]) -> Compiled:
    """A module written by hand is deployed as it is."""
    module = read_handwritten(ir)
    return Compiled(
        source=module.source,
        class_name=module.class_name,
        binding=BINDING,
        step_nodes={},
        node_lines={},
        packages=module.packages,
    )


def _node_at(line: int, node_lines: Mapping[str, Sequence[int]]) -> str | None:
    """The innermost node that the line was written for."""
    around = [
        (last - first, node) for node, (first, last) in node_lines.items() if first <= line <= last
    ]
    return min(around)[1] if around else None


def _finding(problem: Diagnostic) -> Finding:
    return Finding(problem.severity, problem.to_json())
