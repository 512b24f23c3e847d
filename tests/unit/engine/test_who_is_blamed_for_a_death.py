"""Who pays for a runner's death: whoever was certainly at fault, and nobody else."""

from __future__ import annotations

import pytest

from awaitstep.engine.embedded.blame import (
    HANDLER_SUSPECTED,
    MOST_DEATHS,
    REMEMBERED,
    Blame,
    Unit,
)

ONE = Unit("attempt", "dep", run=1, k=1)
TWO = Unit("attempt", "dep", run=2, k=1)
BODY = Unit("body", "dep", run=3)
FETCH = Unit("fetch", "dep")
LOAD = Unit("load", "dep")


def test_alone_it_is_charged_and_runs_alone_from_then_on():
    blame = Blame()
    assert blame.verdict([ONE], None, 0.0) == ONE
    assert blame.suspects(1)
    assert blame.isolates(1)
    assert not blame.suspects(2)


def test_what_is_named_is_charged_whoever_else_was_there():
    blame = Blame()
    assert blame.verdict([ONE, TWO], TWO, 0.0) == TWO
    assert blame.suspects(2)
    assert not blame.suspects(1)


def test_among_several_none_is_charged_but_those_there_twice_are_suspects():
    blame = Blame()
    assert blame.verdict([ONE, TWO], None, 0.0) is None
    assert not blame.suspects(1)
    assert blame.verdict([ONE, BODY], None, 0.0) is None
    assert blame.suspects(1)
    assert not blame.suspects(2)
    assert not blame.suspects(3)


def test_a_suspect_that_is_there_at_one_more_death_runs_without_others():
    blame = Blame()
    for _ in range(2):
        blame.verdict([ONE, TWO], None, 0.0)
    assert not blame.isolates(1)
    blame.verdict([ONE, BODY], None, 0.0)
    assert blame.isolates(1)
    assert not blame.isolates(2)
    blame.clear_run(1)
    assert not blame.isolates(1)


def test_once_the_one_of_many_is_found_the_others_are_cleared():
    blame = Blame()
    for _ in range(2):
        assert blame.verdict([ONE, TWO, BODY], None, 0.0) is None
    assert blame.suspects(2)
    assert blame.verdict([ONE], None, 0.0) == ONE
    assert blame.suspects(1)
    assert not blame.suspects(2)
    assert not blame.suspects(3)


def test_an_idle_runners_death_is_nobodys_fault():
    assert Blame().verdict([], None, 0.0) is None


@pytest.mark.parametrize("unit", [ONE, BODY])
def test_a_run_proves_itself_by_what_ends_well(unit):
    blame = Blame()
    blame.verdict([unit], None, 0.0)
    blame.clear_run(unit.run)
    assert not blame.suspects(unit.run)


def test_a_handler_is_answered_alone_for_a_while():
    blame = Blame()
    blame.verdict([FETCH], None, 100.0)
    assert blame.suspects_fetch("dep", 100.0)
    assert blame.suspects_fetch("dep", 100.0 + HANDLER_SUSPECTED - 1)
    assert not blame.suspects_fetch("other", 100.0)
    assert not blame.suspects_fetch("dep", 100.0 + HANDLER_SUSPECTED)


def test_a_module_is_loaded_alone_until_it_has_loaded_well():
    blame = Blame()
    blame.verdict([LOAD, ONE], LOAD, 0.0)
    assert blame.suspects_load("dep")
    blame.clear(LOAD)
    assert not blame.suspects_load("dep")


def test_a_deployment_is_closed_after_too_many_deaths_within_the_time():
    blame = Blame()
    for _ in range(MOST_DEATHS - 1):
        assert not blame.charge("dep", 0.0)
    assert not blame.charge("other", 0.0)
    assert blame.charge("dep", REMEMBERED - 1)
    assert not blame.charge("dep", 2 * REMEMBERED)
