"""`wait_for_event`: wait until somebody sends the run a message of a type."""

from __future__ import annotations

import ast
from typing import Annotated, Literal

from pydantic import Field

from awaitstep.ir import Node, NodeData, NodeType, Writer
from awaitstep.ir.fields import Duration, Output, Role, about
from awaitstep.ir.syntax import attribute, awaited, call, name

_TIMEOUT = "24 hours"
# Cloudflare's SDK raises no TimeoutError; its message is the same everywhere.
_PASSES = """
try:
    pass
except Exception as {caught}:
    if "Execution timed out" not in str({caught}):
        raise
"""


class WaitForEvent(NodeData):
    """`on_timeout`: raise TimeoutError, or go on with the value None."""

    event_type: Annotated[
        str,
        Field(min_length=1, max_length=256),
        Role("template"),
        about(
            "Event type",
            "The name under which the message is sent to the run.",
            placeholder="approval",
        ),
    ]
    timeout: Annotated[
        Duration, about("Timeout", "How long to wait for it.", placeholder=_TIMEOUT)
    ] = _TIMEOUT
    on_timeout: Annotated[
        Literal["fail", "continue"],
        about("When it does not come", "Fail, or go on with the value None."),
    ] = "fail"
    output: Output = False


def _emit(node: Node, write: Writer) -> list[ast.stmt]:
    data = node.data
    assert isinstance(data, WaitForEvent)
    wait = call(
        attribute(name("step"), "wait_for_event"),
        write.step_name,
        write.text(data.event_type),
        timeout=None if data.timeout == _TIMEOUT else write.value(data.timeout),
    )
    arrives = write.bind(awaited(wait))
    if data.on_timeout == "fail":
        return [arrives]
    (waiting,) = ast.parse(_PASSES.format(caught=write.local("late"))).body
    assert isinstance(waiting, ast.Try)
    waiting.body = [arrives]
    waiting.handlers[0].body.append(write.bind(write.constant(None)))
    return [waiting]


NODE_TYPE = NodeType(
    type="wait_for_event",
    title="Wait for event",
    summary="Waits for a message that is sent to the run.",
    data=WaitForEvent,
    family="event",
    icon="bell",
    shows=("eventType", "timeout"),
    has_value=True,
    keys=frozenset({"payload", "type", "timestamp"}),
    may_be_none=lambda data: data.on_timeout == "continue",
    is_step=lambda _: True,
    needs_run=lambda _: True,
    emit=_emit,
)
