"""Every state and every cause: what the table allows happens, and nothing else."""

import pytest

from awaitstep.engine.errors import RunState
from awaitstep.engine.states import (
    ENDED,
    RUN_CODES,
    STEP_CODES,
    TRANSITIONS,
    Cause,
    RunStatus,
    StepKind,
    StepType,
    move,
)

S, C = RunStatus, Cause
ALLOWED = {
    S.queued: {C.assign: S.running, C.pause: S.paused},
    S.running: {
        C.unassign: S.queued,
        C.park: S.waiting,
        C.pause: S.paused,
        C.complete: S.complete,
    },
    S.waiting: {C.wake: S.queued, C.pause: S.paused},
    S.paused: {C.resume: S.queued},
    S.complete: {},
    S.errored: {},
    S.terminated: {},
}
for live in (S.queued, S.running, S.waiting, S.paused):
    ALLOWED[live] |= {C.fail: S.errored, C.terminate: S.terminated}
for state in S:
    ALLOWED[state] |= {C.restart: S.queued}


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("cause", C)
def test_a_state_changes_only_for_a_cause_in_the_table(state, cause):
    after = ALLOWED[state].get(cause)
    if after is not None:
        assert move(state, cause, "r") is after
    else:
        with pytest.raises(RunState) as refused:
            move(state, cause, "r")
        assert refused.value.code == "run.state"
        assert str(refused.value) == f"Run r is {state}; it can't {cause} now."


def test_an_ended_run_only_begins_anew():
    for state, cause in TRANSITIONS:
        assert state not in ENDED or cause is C.restart


def test_codes_in_the_journal_never_change():
    assert [str(status) for status in RUN_CODES] == [
        *("queued", "running", "waiting", "paused", "complete", "errored", "terminated")
    ]
    assert [str(status) for status in STEP_CODES] == [
        *("running", "waiting", "complete", "errored", "cancelled")
    ]
    assert [int(kind) for kind in StepKind] == [0, 1, 2, 3, 4]


def test_both_kinds_of_sleep_are_sleeps_to_a_reader():
    assert [kind.type for kind in StepKind if kind is not StepKind.stop] == [
        StepType.do,
        StepType.sleep,
        StepType.sleep,
        StepType.wait,
    ]
