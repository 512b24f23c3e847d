"""A step of a run as it is shown."""

from __future__ import annotations

from awaitstep.engine import outcomes
from awaitstep.engine.operations import Operation
from awaitstep.engine.port import AttemptView, StepView
from awaitstep.engine.states import StepKind, StepStatus


def step_view(operation: Operation) -> StepView:
    status = operation.status
    failed = None
    output = operation.value
    if status is StepStatus.errored and operation.value is not None:
        failed, output = outcomes.view(outcomes.unpack(operation.value), operation.name), None
    elif operation.attempts and status in (StepStatus.waiting, StepStatus.running):
        failed = outcomes.view(operation.attempts[-1].failure, operation.name)
    attempts = [
        AttemptView(
            a.number, a.started, a.ended, outcomes.view(a.failure, operation.name), a.log, a.delay
        )
        for a in operation.attempts
    ]
    if operation.kind is StepKind.do:
        if status is StepStatus.running:
            began = operation.due or operation.started
            attempts.append(AttemptView(operation.tried + 1, began, None, None))
        elif not attempts and status is StepStatus.complete:
            attempts.append(AttemptView(1, operation.started, operation.ended, None))
    return StepView(
        name=operation.name,
        count=operation.n,
        type=operation.kind.type,
        status=status,
        started_at=operation.started,
        ended_at=operation.ended,
        output=output,
        error=failed,
        attempts=attempts,
        due_at=operation.due if status is StepStatus.waiting else None,
        event_type=operation.event_type,
    )
