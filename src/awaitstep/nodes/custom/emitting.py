"""Writing a custom node: a call of its template, whose parameters are the node's fields.

The template stands at the top of the module, once for all nodes of the type. There no id of a
node can hide a name from it, and none of its names can hide a node from the fields.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from awaitstep.ir import Node, Writer
from awaitstep.ir.expressions import parse_template
from awaitstep.ir.syntax import awaited, call, name, returns
from awaitstep.nodes.custom.offered import OF_TYPE, STEP_KEY
from awaitstep.nodes.custom.settings import Setting
from awaitstep.nodes.custom.template import IDEMPOTENCY_KEY, Template
from awaitstep.nodes.retries import Retries, step_decorator


def emitter(
    settings: Sequence[Setting], template: Template
) -> Callable[[Node, Writer], list[ast.stmt]]:
    """`NodeType.emit` of a type. A template without retries is called in place, as `id = …`."""

    def emit(node: Node, write: Writer) -> list[ast.stmt]:
        values = {
            setting.parameter: _value(setting, node, write)
            for setting in settings
            if setting.required or setting.of(node.data) != setting.default
        }
        wants_key = IDEMPOTENCY_KEY in template.parameters
        if wants_key:
            key = call(write.helper(STEP_KEY), name("event"), name("ctx"))
            values[IDEMPOTENCY_KEY] = key
        made: ast.expr = call(write.helper(template.helper), **values)
        if not isinstance(node.data, Retries):
            return [write.bind(made)]
        return write.function(
            [returns(awaited(made) if template.is_async else made)],
            step=step_decorator(node.data, write),
            blocking=not template.is_async,
            context=wants_key,
        )

    return emit


def _value(setting: Setting, node: Node, write: Writer) -> ast.expr:
    value = setting.of(node.data)
    if setting.is_constant:
        return write.constant(value)
    if setting.kind == "string":
        return write.constant(None) if value is None else write.text(value)
    written = write.value(value)
    if setting.kind is None or not isinstance(value, str) or not parse_template(value).exact:
        return written
    wanted, field = write.constant(setting.kind), write.constant(f"{node.id}.{setting.key}")
    return call(write.helper(OF_TYPE), written, wanted, field)
