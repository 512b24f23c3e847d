"""`sleep`: let time pass without holding anything."""

from __future__ import annotations

import ast
from typing import Annotated

from awaitstep.ir import Node, NodeData, NodeType, Writer
from awaitstep.ir.fields import Duration, about
from awaitstep.ir.syntax import attribute, awaited, call, name, statement


class Sleep(NodeData):
    duration: Annotated[
        Duration,
        about("Duration", "How long: a number and a unit.", placeholder="10 minutes"),
    ]


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
    family="time",
    icon="timer",
    shows=("duration",),
    is_step=lambda _: True,
    needs_run=lambda _: True,
    emit=_emit,
)
