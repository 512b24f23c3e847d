"""The state machine of a run: one table. `docs/architecture.md` draws it.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final

from awaitstep.engine.errors import RunState


class RunStatus(StrEnum):
    """Cloudflare's names."""

    queued = "queued"
    running = "running"
    waiting = "waiting"
    paused = "paused"
    complete = "complete"
    errored = "errored"
    terminated = "terminated"


class StepStatus(StrEnum):
    running = "running"
    waiting = "waiting"
    complete = "complete"
    errored = "errored"
    cancelled = "cancelled"


class StepType(StrEnum):
    do = "do"
    sleep = "sleep"
    wait = "wait"


class Cause(StrEnum):
    """Why a run changes state; the verbs a person may use are among them."""

    assign = "assign"
    unassign = "unassign"
    park = "park"
    wake = "wake"
    pause = "pause"
    resume = "resume"
    complete = "complete"
    fail = "fail"
    terminate = "terminate"
    restart = "restart"


_S, _C = RunStatus, Cause
_LIVE: Final = (_S.queued, _S.running, _S.waiting, _S.paused)
ENDED: Final = frozenset({_S.complete, _S.errored, _S.terminated})

# (state, cause) -> state. What is not in the table can't happen.
TRANSITIONS: Final[dict[tuple[RunStatus, Cause], RunStatus]] = {
    (_S.queued, _C.assign): _S.running,
    (_S.running, _C.unassign): _S.queued,
    (_S.running, _C.park): _S.waiting,
    (_S.waiting, _C.wake): _S.queued,
    (_S.queued, _C.pause): _S.paused,
    (_S.running, _C.pause): _S.paused,
    (_S.waiting, _C.pause): _S.paused,
    (_S.paused, _C.resume): _S.queued,
    (_S.running, _C.complete): _S.complete,
    **{(state, _C.fail): _S.errored for state in _LIVE},
    **{(state, _C.terminate): _S.terminated for state in _LIVE},
    **{(state, _C.restart): _S.queued for state in _S},
}


def move(status: RunStatus, cause: Cause, instance: str = "") -> RunStatus:
    """The state after `cause`. Raises RunState when the table does not allow it."""
    try:
        return TRANSITIONS[status, cause]
    except KeyError:
        raise RunState(instance, cause.value, status.value) from None


# Small integers for the journal; the order is part of the file format.
RUN_CODES: Final = tuple(RunStatus)
STEP_CODES: Final = tuple(StepStatus)


class StepKind(IntEnum):
    """The kind in a step's key. `until` is a sleep to a moment: pausing does not shift it.

    `stop` is no step: from its outcome on, the run's code is left and its steps are rolled back.
    """

    do = 0
    sleep = 1
    until = 2
    wait = 3
    stop = 4

    @property
    def type(self) -> StepType:
        return _TYPES[self]


# The operation that is no step: what the code asks for is counted from 1.
STOP: Final = 0
_TYPES: Final = (StepType.do, StepType.sleep, StepType.sleep, StepType.wait, StepType.do)
