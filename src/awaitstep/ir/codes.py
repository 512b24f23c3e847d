"""Every problem the language can report: its stable code and how grave it is.

Owns the list and nothing else. The words of a message stand where the problem is found; what a
person does about it stands in docs/reference/language.md, one line per code.
"""

from __future__ import annotations

from typing import Final, Literal

Severity = Literal["error", "warning"]

CODES: Final[dict[str, Severity]] = {
    # the JSON itself
    "json.depth": "error",
    "json.size": "error",
    "json.value": "error",
    "text.long": "error",
    "text.surrogate": "error",
    "field.missing": "error",
    "field.unknown": "error",
    "field.invalid": "error",
    # the graph
    "graph.kind": "error",
    "graph.large": "warning",
    "graph.too_large": "error",
    "graph.cycle": "error",
    "graph.too_deep": "error",
    "cron.invalid": "error",
    "entry.unknown": "error",
    "id.invalid": "error",
    "id.reserved": "error",
    "id.repeated": "error",
    "node.type_unknown": "error",
    "node.unreachable": "warning",
    "output.repeated": "error",
    # a function
    "function.needs_run": "error",
    "function.trigger": "error",
    # a module written by hand
    "module.class_missing": "error",
    "module.class_ambiguous": "error",
    "module.class_unknown": "error",
    "module.packages": "error",
    "module.no_handler": "warning",
    # edges and scopes
    "edge.node_unknown": "error",
    "edge.several": "error",
    "edge.label_missing": "error",
    "edge.label_unknown": "error",
    "edge.label_repeated": "error",
    "edge.label_unused": "warning",
    "edge.arm_missing": "error",
    "scope.crossed": "error",
    "loop.variable": "error",
    "branch.label_repeated": "error",
    "branch.label_reserved": "error",
    "branch.else_repeated": "error",
    "branch.arm_empty": "warning",
    # expressions
    "expression.syntax": "error",
    "expression.in_string": "error",
    "reference.unknown": "error",
    "reference.not_before": "error",
    "reference.no_value": "error",
    "reference.key_unknown": "error",
    "reference.maybe_skipped": "warning",
    # Python
    "code.syntax": "error",
    "code.character": "error",
    "code.yield": "error",
    "code.scope": "error",
    "code.assigns_node": "error",
    "code.await": "error",
    "code.walrus": "error",
    "code.braces": "warning",
    "code.empty": "warning",
    "code.impure": "warning",
    "code.name_unknown": "warning",
    "code.needs_porting": "warning",
    # what fields of nodes mean
    "duration.invalid": "error",
    "timestamp.invalid": "error",
    "http.url": "error",
    "http.header": "error",
    "http.body": "error",
}
