"""`step`: Python of the user's own, durable unless it is inline."""

from __future__ import annotations

import ast
from typing import Annotated

from awaitstep.ir import Node, NodeType, Report, Writer
from awaitstep.ir.fields import Code, Output, Rollback, about
from awaitstep.nodes.retries import Retries, step_decorator


class Step(Retries):
    """`inline`: plain code outside of any step, run again on every replay, so it must be pure.

    `rollback` undoes the step when the run fails or is terminated with a rollback.
    """

    code: Annotated[
        Code,
        about(
            "Code",
            "The body of a Python function; what it returns is the node's value.",
            placeholder='return {"total": 3}',
        ),
    ]
    rollback: Annotated[
        Rollback,
        about("Rollback", "Code that undoes the step when the run fails later."),
    ] = None
    inline: Annotated[
        bool,
        about("Inline", "Plain code outside of any step: it runs again on every replay."),
    ] = False
    output: Output = False


def _check(data: Step, report: Report) -> None:
    retried = {"retry_limit", "retry_delay", "backoff", "timeout"} & data.model_fields_set
    if data.inline and retried:
        report.add(
            "field.invalid",
            "Inline code is not a step: it has no attempts, so no retries and no timeout.",
            "data.inline",
        )
    if data.inline and data.rollback is not None:
        report.add(
            "field.invalid",
            "Inline code is not a step: there is nothing to undo.",
            "data.rollback",
        )


def _emit(node: Node, write: Writer) -> list[ast.stmt]:
    data = node.data
    assert isinstance(data, Step)
    if data.inline:
        return write.function(write.code(data.code), source=data.code)
    handler, undo = (None, []) if data.rollback is None else write.rollback(data.rollback)
    decorator = step_decorator(data, write, handler)
    return [*undo, *write.function(write.code(data.code), source=data.code, step=decorator)]


NODE_TYPE = NodeType(
    type="step",
    title="Step",
    summary="Runs Python once, keeps its result and tries again when it fails.",
    data=Step,
    family="code",
    icon="code",
    shows=("code",),
    has_value=True,
    is_step=lambda data: not data.inline,
    needs_run=lambda data: data.rollback is not None,
    only_local=lambda data: data.rollback is not None,
    check=_check,
    emit=_emit,
)
