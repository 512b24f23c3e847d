"""Long runs stay loaded while they wait, as long as they take little memory together."""

from __future__ import annotations

from awaitstep.engine.resting import EACH, LONG, ROOM, Resting

HALF = ROOM // 2 - EACH * LONG


def test_short_runs_are_unloaded_at_once():
    resting = Resting()
    assert resting.rest(1, LONG - 1, 0) == [1]
    assert resting.rest(2, LONG, 0) == []
    assert resting.all() == [2]


def test_a_run_that_takes_too_much_is_unloaded_at_once():
    resting = Resting()
    assert resting.rest(1, LONG, 2 * HALF) == []
    assert resting.rest(1, ROOM // EACH + 1, 0) == [1]
    assert resting.rest(2, LONG, ROOM) == [2]
    assert resting.all() == []
    assert resting.rest(3, ROOM // EACH, 0) == []


def test_who_has_rested_longest_leaves_first():
    resting = Resting()
    assert resting.rest(1, LONG, HALF) == []
    assert resting.rest(2, LONG, HALF) == []
    assert resting.rest(1, LONG, HALF) == []  # it had something to do meanwhile
    assert resting.rest(3, LONG, 0) == [2]
    assert resting.rest(4, LONG, ROOM - EACH * LONG) == [1, 3]
    assert resting.all() == [4]


def test_who_leaves_makes_room():
    resting = Resting()
    for ref in range(100):
        assert resting.rest(ref, LONG, 2 * HALF) == []
        resting.leave(ref)
        resting.leave(ref)
    assert resting.all() == []
