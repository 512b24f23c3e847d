"""`sleep_until`: wait for a moment, written down or computed by an earlier node."""

from __future__ import annotations

import ast
from typing import Annotated

from awaitstep.ir import Helper, Node, NodeData, NodeType, Writer
from awaitstep.ir.expressions import parse_template
from awaitstep.ir.fields import Timestamp, about
from awaitstep.ir.syntax import attribute, awaited, call, name, statement

MOMENT = Helper(
    "moment",
    '''\
def moment(value):
    """The datetime that ISO 8601 text names; it must say its zone."""
    when = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if when.tzinfo is None:
        raise ValueError(f"{value} names no time zone")
    return when
''',
    (("datetime", "datetime"),),
)


class SleepUntil(NodeData):
    timestamp: Annotated[
        Timestamp,
        about(
            "Moment",
            "ISO 8601 with a time zone, or an expression that answers one.",
            placeholder="2027-01-01T08:00:00Z",
        ),
    ]


def _emit(node: Node, write: Writer) -> list[ast.stmt]:
    data = node.data
    assert isinstance(data, SleepUntil)
    if parse_template(data.timestamp).references:
        when = call(write.helper(MOMENT), write.value(data.timestamp))
    else:
        parse = attribute(write.imported("datetime", "datetime"), "fromisoformat")
        when = call(parse, write.constant(data.timestamp))
    sleep = attribute(name("step"), "sleep_until")
    return [statement(awaited(call(sleep, write.step_name, when)))]


NODE_TYPE = NodeType(
    type="sleep_until",
    title="Sleep until",
    summary="Waits for a moment.",
    data=SleepUntil,
    family="time",
    icon="calendar-clock",
    shows=("timestamp",),
    is_step=lambda _: True,
    needs_run=lambda _: True,
    emit=_emit,
)
