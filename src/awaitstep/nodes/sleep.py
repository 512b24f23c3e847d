"""`sleep`: let time pass without holding anything."""

from __future__ import annotations

import ast

from awaitstep.ir import Node, NodeData, NodeType, Writer
from awaitstep.ir.fields import Duration
from awaitstep.ir.syntax import attribute, awaited, call, name, statement


class Sleep(NodeData):
    duration: Duration


def _emit(node: Node, write: Writer) -> list[ast.stmt]:
    data = node.data
    assert isinstance(data, Sleep)
    sleep = attribute(name("step"), "sleep")
    return [statement(awaited(call(sleep, write.step_name, write.value(data.duration))))]


NODE_TYPE = NodeType(
    type="sleep",
    title="Sleep",
    summary="Waits for a duration.",
    data=Sleep,
    is_step=lambda _: True,
    needs_run=lambda _: True,
    emit=_emit,
)
