"""Rolling back: which of a stop, an error and an end decides, and what a replay makes of it."""

from __future__ import annotations

import asyncio

import pytest

from awaitstep.engine import outcomes, values
from awaitstep.engine.errors import RunState
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.recorded import Recorded
from awaitstep.engine.retry import DEFAULT, RetryPolicy
from awaitstep.engine.rollback import SUFFIX, Handler, handler_name, is_handler
from awaitstep.engine.states import STOP, RunStatus, StepKind, StepStatus

from .test_decisions_about_a_run import NO, a_run, shown, step, wait
from .test_outcomes_are_delivered_in_order import Bench, done

S = RunStatus
LOST = Failure("LookupError", "lost")


# --- what the run decides -----------------------------------------------------------------------


def test_a_stop_is_an_outcome_and_no_step():
    run = a_run()
    step(run, 1)
    change = run.stop(1.0)
    assert shown(change) == [(STOP, 2)]
    assert run.view().rolling_back
    assert [seen.name for seen in run.history()] == ["s"]
    assert not run.stop(2.0)  # that was asked for before
    view = (run.end(None, None, 3.0), run.view())[1]
    assert (view.status, view.error, view.rolling_back) == (S.terminated, None, False)
    with pytest.raises(RunState):
        run.stop(4.0)


def test_an_error_that_came_first_is_how_the_run_ends():
    run = a_run()
    step(run, 1)
    assert shown(run.failing(LOST, 1.0)) == [(STOP, 2)]
    assert run.operations[STOP].status is StepStatus.errored
    assert run.failing(NO, 2.0) is None
    assert not run.stop(2.0)
    run.end(None, None, 3.0)
    assert (run.status, run.failure, run.output) == (S.errored, LOST, None)


def test_a_stop_that_came_first_is_how_the_run_ends():
    run = a_run()
    run.stop(1.0)
    assert run.failing(LOST, 2.0) is None
    run.end(None, None, 3.0)
    assert (run.status, run.failure) == (S.terminated, None)


def test_an_output_of_what_is_rolled_back_is_nobodys():
    run = a_run()
    run.failing(LOST, 1.0)
    run.end(b'"done"', None, 3.0)
    assert (run.status, run.failure, run.output) == (S.errored, LOST, None)


def test_a_run_that_cannot_be_undone_says_so():
    run = a_run()
    run.stop(1.0)
    run.end(None, NO, 3.0)
    assert (run.status, run.failure) == (S.errored, NO)


def test_code_that_ended_before_it_heard_of_the_stop_is_executed_again():
    run = a_run()
    step(run, 1)
    run.stop(1.0)
    assert run.missed_stop(1)
    assert not run.missed_stop(2)  # it heard
    assert not run.missed_stop(None)  # it can't be executed at all
    run.unassign()
    run.assign(8, 2.0)
    assert not run.missed_stop(1)  # this one was given the stop with all that is recorded


@pytest.mark.parametrize("rolling_back", [False, True])
def test_a_stop_lets_what_is_paused_go_on(rolling_back):
    run = a_run()
    wait(run, 1)
    if rolling_back:
        run.failing(LOST, 1.0)
    run.froze()
    run.pause(2.0)
    run.assignment = 0
    change = run.stop(3.0)
    assert change.save_run
    assert (run.status, run.pause_requested) == (S.queued, False)
    assert (STOP in [o.k for o in change.outcomes]) is not rolling_back


def test_a_restart_from_a_handler_keeps_why_it_undoes():
    run = a_run()
    step(run, 1, "a")
    step(run, 2, "b")
    run.failing(LOST, 1.0)
    step(run, 3, handler_name("b"))
    step(run, 4, handler_name("a"))
    run.end(None, None, 2.0)
    change = run.restart(3.0, handler_name("a"))
    assert change.dropped == [4]
    assert run.view().rolling_back
    assert run.restart(4.0, "b").dropped == [2, STOP, 3]
    assert not run.view().rolling_back


def test_names_of_handlers_are_no_longer_than_names_and_differ():
    names = ["a", "a" * 256, "a" * 255 + "b", "a" * 245, "a" * 246]
    made = [handler_name(name) for name in names]
    assert len(set(made)) == len(names)
    assert max(map(len, made)) == 256
    assert made[3] == "a" * 245 + SUFFIX
    assert all(map(is_handler, made))


# --- what the code sees -------------------------------------------------------------------------


def a_step(execution, name, log, value=None, policy=DEFAULT):
    async def call():
        log.append(name)
        return value

    def undo(output, error):
        log.append((name, output, str(error)))

    return execution.do(name, call, (), policy, Handler.of(undo, DEFAULT))


def stop(seq, failed=None):
    value = b"null" if failed is None else outcomes.pack(failed)
    return Recorded(STOP, StepKind.stop, "stop", 1, seq, failed is None, value)


async def two(execution, log):
    await a_step(execution, "a", log, 1)
    await a_step(execution, "b", log, 2)
    raise LookupError("lost")


async def delivered(bench, *items):
    """Outcomes of what the code sent itself, or (seq, k, ok, value)."""
    for item in items:
        bench.execution.deliver(*(item if len(item) == 4 else (*item, True, None)))
        await bench.rest()


async def test_an_error_is_undone_only_once_it_is_recorded():
    bench = await Bench(two).rest()
    await delivered(bench, (1, 1), (2, 2))
    (failing,) = bench.engine.of("failing")
    assert (failing[0].name, failing[0].message) == ("LookupError", "lost")
    assert bench.log == ["a", "b"]
    await delivered(bench, (3, STOP, False, outcomes.pack(LOST)))
    assert bench.log == ["a", "b", ("b", 2, "lost")]
    await delivered(bench, (4, 3), (5, 4))
    assert bench.log[3:] == [("a", 1, "lost")]
    assert bench.engine.of("ended") == [[None, None]]
    assert bench.engine.seen == 5


async def test_a_stop_recorded_before_the_error_is_what_handlers_hear_of():
    bench = await Bench(two).rest()
    await delivered(bench, (1, 1), (2, 2))
    await delivered(bench, (3, STOP, True, b"null"))
    assert bench.log[2:] == [("b", 2, "The run was terminated.")]


async def test_an_end_tells_what_it_has_seen():
    async def code(execution, log):
        await a_step(execution, "a", log, 1)
        return 7

    bench = await Bench(code).rest()
    await delivered(bench, (1, 1))
    assert (bench.engine.of("ended"), bench.engine.seen) == ([[b"7", None]], 1)
    replay = await Bench(code, [done(1, "a", 1, 1), stop(2)]).rest()
    assert replay.engine.of("ended") == []
    assert replay.log == [("a", 1, "The run was terminated.")]


@pytest.mark.parametrize("failed", [None, LOST])
async def test_a_replay_undoes_what_is_left_to_be_undone(failed):
    begun = [done(1, "a", 1, 1), done(2, "b", 2, 2), stop(3, failed)]
    bench = await Bench(two, [*begun, done(3, handler_name("b"), 4)]).rest()
    assert [entry[:2] for entry in bench.log] == [("a", 1)]
    assert bench.engine.of("failing") == []
    await delivered(bench, (5, 4))
    assert bench.engine.of("ended") == [[None, None]]


async def test_what_is_undone_already_is_no_step_of_its_own_on_replay():
    """A step is asked for that was held back before, and ends the list of what is to be undone."""

    async def code(execution, log):
        async def later():
            await a_step(execution, "a", log, 1)
            await a_step(execution, "late", log)

        await asyncio.gather(later(), a_step(execution, "b", log, 2))

    begun = [done(1, "a", 1, 1), done(2, "b", 2, 2), stop(3)]
    bench = await Bench(code, [*begun, done(3, handler_name("b"), 4)]).rest()
    assert bench.engine.of("attempt_started")[0][:2] == [5, handler_name("late")]
    await delivered(bench, (5, 5), (6, 6))
    assert sorted(entry[0] for entry in bench.log) == ["a", "late"]
    assert bench.engine.of("ended") == [[None, None]]


async def test_code_that_never_rests_does_not_hold_up_its_undoing():
    async def code(execution, log):
        await a_step(execution, "a", log, 1)
        try:
            await execution.sleep(StepKind.sleep, "nap", 1e9)
        except asyncio.CancelledError:
            while log[-1] != "over":  # noqa: ASYNC110 - it is what it must survive
                await asyncio.sleep(0)

    bench = await Bench(code).rest()
    await delivered(bench, (1, 1), (2, STOP, True, b"null"), (3, 3))
    assert bench.log == ["a", ("a", 1, "The run was terminated.")]
    assert bench.engine.of("ended") == [[None, None]]
    bench.log.append("over")
    await bench.rest()


async def test_undoing_is_unloaded_whatever_the_code_that_was_left_waits_for():
    async def code(execution, log):
        def fails():
            raise ValueError("no")

        undo = Handler.of(fails, RetryPolicy(limit=1, delay=1e6))
        await execution.do("a", lambda: 1, (), DEFAULT, undo)
        try:
            await execution.sleep(StepKind.sleep, "nap", 1e9)
        finally:
            await asyncio.Event().wait()

    bench = await Bench(code).rest()
    await delivered(bench, (1, 1))
    bench.engine.said.clear()
    await delivered(bench, (2, STOP, True, b"null"))
    said = [what for what, *_ in bench.engine.said]
    assert said == ["cancel", "attempt_started", "attempt_failed", "blocked"]
    bench.execution.close()


async def test_what_waits_for_a_next_attempt_gets_none_after_the_stop():
    async def code(execution, log):
        async def fails():
            log.append("tried")
            raise ValueError("no")

        policy = RetryPolicy(limit=5, delay=0.0)
        undo = Handler.of(lambda: log.append("undone"), DEFAULT)
        await execution.do("a", fails, (), policy, undo)

    bench = await Bench(code).rest()
    assert bench.log == ["tried"]
    bench.execution.deliver(1, STOP, True, b"null")
    bench.execution.retry(1)
    await bench.rest()
    assert bench.engine.of("cancel") == [[1, 1]]
    assert bench.log == ["tried", "undone"]


async def test_a_stop_waits_for_a_child_and_for_nothing_else():
    child = "child-" + "0" * 32

    async def code(execution, log):
        await a_step(execution, "a", log, 1)
        await asyncio.gather(
            execution.wait("child", child, 1e6),
            execution.wait("event", "go", 1e6),
            execution.sleep(StepKind.sleep, "nap", 1e6),
        )

    bench = await Bench(code).rest()
    await delivered(bench, (1, 1), (2, STOP, True, b"null"))
    assert sorted(bench.engine.of("cancel")) == [[3, 2], [4, 2]]
    assert bench.engine.of("blocked")[-1] == [2]
    assert bench.log == ["a"]
    await delivered(bench, (3, 2, True, values.encode({"payload": 1})))
    assert bench.log == ["a", ("a", 1, "The run was terminated.")]
