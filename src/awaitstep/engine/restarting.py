"""What a restart keeps of a run, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence

from awaitstep.engine import values
from awaitstep.engine.children import child_told_of
from awaitstep.engine.errors import StepNotFound
from awaitstep.engine.operations import Event, Operation
from awaitstep.engine.rollback import is_handler
from awaitstep.engine.standing import Standing
from awaitstep.engine.states import STOP


def kept(run: Standing, step: str, count: int) -> list[Operation]:
    """What had its outcome before that step began; the stop only from the undoing of a step.

    Raises StepNotFound.
    """
    steps = [o for k, o in run.operations.items() if k != STOP]
    first = next((o for o in steps if (o.name, o.n) == (step, count)), None)
    if first is None:
        raise StepNotFound(run.instance, step, count)
    if is_handler(step):
        steps = list(run.operations.values())
    return [o for o in steps if o.seq and o.seq <= first.after]


def ends_of_others(events: Sequence[Event], kept: Sequence[Operation]) -> set[int]:
    """How children ended whose start is not kept; of several ends of one, all but the last."""
    started = {operation.value for operation in kept}
    last = {event.type: event.seq for event in events}
    gone = set()
    for event in events:
        child = child_told_of(event.type)
        if child is not None and (
            values.encode(child) not in started or event.seq != last[event.type]
        ):
            gone.add(event.seq)
    return gone
