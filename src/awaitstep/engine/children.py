"""What a run and the runs it started mean to each other.

Pure. A run is a child when its id is the one made from the step that started it; whoever gives a
run another id gets one that is on its own. What a child ended with reaches its parent as an event.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from awaitstep.engine import values
from awaitstep.engine.port import Caller, Parent
from awaitstep.engine.rollback import is_handler
from awaitstep.engine.states import RunStatus

if TYPE_CHECKING:
    from awaitstep.engine.run import Run

# The event that tells a run of the end of one that it started; nobody else may send it.
_CHILD_EVENT = re.compile(r"child-([0-9a-f]{32})")


def child_event(child: str) -> str:
    """The type of the event that tells a run of its child's end."""
    return f"child-{child}"


def child_told_of(event_type: str) -> str | None:
    """The child whose end an event of this type tells, None for all other events."""
    told = _CHILD_EVENT.fullmatch(event_type)
    return None if told is None else told[1]


def child_instance(caller: Caller) -> str:
    """The id of the child that a step starts; generated modules make the same.

    Instance ids alone would not do: those of two workflows may be equal, and that of a deleted run
    may be given again.
    """
    created = datetime.fromtimestamp(caller.created, UTC)
    run = (caller.worker, caller.parent.instance, created, caller.parent.epoch)
    parts = (*run, caller.step, caller.count)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


def parent_of(instance: str | None, caller: Caller | None) -> Parent | None:
    """The run that a new run is a child of, None when it is on its own."""
    if caller is None or instance is None or instance != child_instance(caller):
        return None
    if is_handler(caller.step):  # nobody waits for what a run is undone with
        return None
    return caller.parent


def outcome(child: Run) -> bytes:
    """How an ended child ended: `{status, output}` or `{status, error: {name, message}}`."""
    status = child.status.value.encode()
    if child.status is RunStatus.complete:
        return b'{"status":"%b","output":%b}' % (status, child.output or b"null")
    if child.failure is not None:
        error = {"name": child.failure.name, "message": child.failure.message}
    else:
        error = {"name": "RunTerminated", "message": f"The run {child.instance} was terminated."}
    return b'{"status":"%b","error":%b}' % (status, values.encode(error))


def still_wanted(parent: Run, child: str, epoch: int) -> bool:
    """Whether the parent, as it is now, waits for the child it started in `epoch`, or may."""
    return parent.status is not RunStatus.terminated and is_known(parent, child, epoch)


def is_known(parent: Run, child: str, epoch: int) -> bool:
    """Whether the parent, as it is now, has started the child that it started in `epoch`."""
    if epoch == parent.epoch:
        return True
    # a restart from a step keeps the steps before it, and the children they started
    started = values.encode(child)
    return any(operation.value == started for operation in parent.operations.values())
