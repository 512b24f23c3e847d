"""`Run`: every decision, without a journal, a clock or any code."""

import pytest

from awaitstep.engine import outcomes, values
from awaitstep.engine.errors import RunState, StepNotFound
from awaitstep.engine.operations import Event
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.retry import DEFAULT, RetryPolicy
from awaitstep.engine.run import Run
from awaitstep.engine.states import RunStatus, StepKind, StepStatus

NO = Failure("ValueError", "no")
S = RunStatus


def a_run(assigned=True):
    run = Run(
        1, "wf", "i", "dep", version="", trigger="api", params=None, created=0.0, generated=False
    )
    if assigned:
        run.assign(7, 0.0)
    return run


def step(run, k, name="s", now=0.0, value=b"1", after=None):
    """A step that ran at once."""
    assert run.attempt_started(k, name, 1, 1, DEFAULT, now)
    return run.attempt_succeeded(k, value, now)


def wait(run, k, type="go", due=100.0, now=0.0, name=None):
    return run.wait(k, name or f"w{k}", 1, type, due, now)


def event(seq, type="go", payload=b"1", at=1.0):
    return Event(seq, type, payload, at)


def shown(change):
    return [(operation.k, operation.seq) for operation in change.outcomes]


# --- steps ------------------------------------------------------------------------------------


def test_an_attempt_is_not_written_and_an_outcome_is():
    run = a_run()
    assert run.attempt_started(1, "s", 1, 1, DEFAULT, 1.0)
    change = run.attempt_succeeded(1, b"5", 2.0)
    assert shown(change) == [(1, 1)]
    assert change.operations == change.outcomes
    (seen,) = run.history()
    assert (seen.status, seen.output, seen.started_at, seen.ended_at) == (
        StepStatus.complete,
        b"5",
        1.0,
        2.0,
    )
    assert [(a.started_at, a.ended_at, a.error) for a in seen.attempts] == [(1.0, 2.0, None)]


def test_outcomes_are_numbered_in_the_order_they_are_decided():
    run = a_run()
    for k in (1, 2, 3):
        run.attempt_started(k, f"s{k}", 1, 1, DEFAULT, 0.0)
    order = [run.attempt_succeeded(k, b"1", 0.0).outcomes[0] for k in (3, 1, 2)]
    assert [(operation.k, operation.seq) for operation in order] == [(3, 1), (1, 2), (2, 3)]


def test_a_failed_attempt_waits_for_the_next_and_the_last_ends_the_step():
    run = a_run()
    retry = RetryPolicy(limit=2, delay=10.0, backoff="linear")
    now = 0.0
    for attempt, delay in ((1, 10.0), (2, 20.0)):
        assert run.attempt_started(1, "s", 1, attempt, retry, now)
        change = run.attempt_failed(1, NO, True, now)
        assert change.outcomes == []
        assert run.next_due() == now + delay
        assert not run.fire(now + delay - 0.001)
        now += delay
        again = run.fire(now)
        assert [operation.k for operation in again.retries] == [1]
        assert not run.fire(now)  # told once
    assert run.attempt_started(1, "s", 1, 3, retry, now)
    change = run.attempt_failed(1, NO, True, now)
    assert shown(change) == [(1, 1)]
    assert change.outcomes[0].status is StepStatus.errored
    assert outcomes.unpack(change.outcomes[0].value) == NO
    assert [a.error.message for a in run.history()[0].attempts] == ["no"] * 3


def test_an_error_that_forbids_it_is_not_tried_again():
    run = a_run()
    run.attempt_started(1, "s", 1, 1, DEFAULT, 0.0)
    assert shown(run.attempt_failed(1, NO, False, 0.0)) == [(1, 1)]


def test_messages_about_no_such_attempt_change_nothing():
    run = a_run()
    assert run.attempt_succeeded(1, b"1", 0.0) is None
    assert run.attempt_failed(1, NO, True, 0.0) is None
    assert not run.attempt_started(1, "s", 1, 2, DEFAULT, 0.0)  # its first can't be its second
    step(run, 1)
    assert not run.attempt_started(1, "s", 1, 1, DEFAULT, 0.0)
    assert run.attempt_succeeded(1, b"2", 0.0) is None
    assert run.cancel(9, 0, 0.0) is None
    assert run.sleep(1, StepKind.sleep, "s", 1, 5.0, 0.0) is None
    wait(run, 2)
    assert not run.attempt_started(2, "w2", 1, 1, DEFAULT, 0.0)
    assert wait(run, 2) is None
    assert run.history()[0].output == b"1"


def test_an_attempt_that_never_ended_never_began():
    run = a_run()
    run.attempt_started(1, "first", 1, 1, DEFAULT, 0.0)
    run.attempt_started(2, "again", 1, 1, DEFAULT, 0.0)
    run.attempt_failed(2, NO, True, 0.0)
    run.fire(10.0)
    run.attempt_started(2, "again", 1, 2, DEFAULT, 10.0)
    run.unassign()
    assert run.status is S.queued
    (kept,) = run.history()
    assert (kept.name, kept.status, len(kept.attempts)) == ("again", StepStatus.waiting, 1)
    run.assign(8, 10.0)
    assert [operation.k for operation in run.fire(10.0).retries] == [2]  # at once, not later


# --- sleeps -----------------------------------------------------------------------------------


def test_a_sleep_ends_once_at_its_moment():
    run = a_run()
    run.sleep(1, StepKind.sleep, "nap", 1, 10.0, 0.0)
    assert not run.fire(9.999)
    assert shown(run.fire(10.0)) == [(1, 1)]
    assert not run.fire(5.0)
    assert not run.fire(20.0)


def test_what_is_due_together_ends_in_the_order_of_asking():
    run = a_run()
    for k in (1, 2, 3):
        run.sleep(k, StepKind.sleep, f"nap{k}", 1, 10.0, 0.0)
    assert shown(run.fire(50.0)) == [(1, 1), (2, 2), (3, 3)]


# --- events -----------------------------------------------------------------------------------


def test_a_buffered_event_is_taken_in_the_write_of_the_wait():
    run = a_run()
    run.receive(event(4, payload=b'{"a": 1.50}'), 1.0)
    change = wait(run, 1)
    assert change.taken == [(4, 1)]
    assert shown(change) == [(1, 1)]
    arrival = values.decode(change.outcomes[0].value)
    assert arrival == {
        "payload": {"a": 1.5},
        "type": "go",
        "timestamp": "1970-01-01T00:00:01+00:00",
    }
    assert b'{"a": 1.50}' in change.outcomes[0].value
    assert run.events == []


def test_events_are_first_in_first_out_per_type():
    run = a_run()
    for seq, type in ((1, "go"), (2, "stop"), (3, "go")):
        run.receive(event(seq, type, str(seq).encode()), 1.0)
    taken = [wait(run, k, type).taken for k, type in ((1, "go"), (2, "go"), (3, "stop"))]
    assert taken == [[(1, 1)], [(3, 2)], [(2, 3)]]


def test_waiters_are_served_in_the_order_they_asked():
    run = a_run()
    for k in (1, 2):
        wait(run, k)
    assert [shown(run.receive(event(seq), 1.0)) for seq in (1, 2, 3)] == [[(1, 1)], [(2, 2)], []]
    assert [event.seq for event in run.events] == [3]


def test_a_wait_times_out_with_how_long_it_took():
    run = a_run()
    wait(run, 1, due=90.5, now=0.5)
    change = run.fire(90.5)
    failed = outcomes.unpack(change.outcomes[0].value)
    assert (failed.name, failed.message) == ("TimeoutError", "Execution timed out after 90000ms")
    assert shown(run.receive(event(1, at=91.0), 91.0)) == []


def test_an_event_after_the_deadline_does_not_serve_a_wait_that_was_not_fired_yet():
    run = a_run()
    wait(run, 1, due=10.0)
    run.receive(event(1, at=11.0), 11.0)
    assert outcomes.unpack(run.fire(11.0).outcomes[0].value).name == "TimeoutError"
    assert [event.seq for event in run.events] == [1]


def test_an_event_in_time_counts_though_the_run_was_paused():
    run = a_run()
    wait(run, 1, due=10.0)
    run.froze()
    run.pause(1.0)
    assert shown(run.receive(event(1, at=5.0), 5.0)) == []
    assert not run.fire(50.0)
    assert shown(run.resume(50.0)) == [(1, 1)]


def test_an_ended_run_takes_no_events():
    run = a_run()
    run.end(b"1", None, 0.0)
    with pytest.raises(RunState):
        run.receive(event(1), 1.0)


# --- giving up --------------------------------------------------------------------------------


def test_a_cancelled_wait_leaves_the_queue():
    run = a_run()
    wait(run, 1)
    change = run.cancel(1, 0, 2.0)
    assert [operation.status for operation in change.operations] == [StepStatus.cancelled]
    assert shown(run.receive(event(1), 3.0)) == []
    assert wait(run, 2).taken == [(1, 2)]
    assert run.next_due() is None
    assert run.cancel(1, 0, 4.0) is None


def test_an_outcome_the_code_had_seen_is_not_undone():
    run = a_run()
    wait(run, 1)
    run.receive(event(1), 1.0)
    assert run.cancel(1, seen=1, now=2.0) is None


def test_an_outcome_the_code_never_saw_is_undone_and_its_event_unread_again():
    run = a_run()
    wait(run, 1)
    run.receive(event(8), 1.0)
    run.receive(event(9), 1.0)
    change = run.cancel(1, seen=0, now=2.0)
    assert change.returned == [8]
    assert [event.seq for event in run.events] == [8, 9]
    assert run.history()[0].status is StepStatus.cancelled
    assert wait(run, 2).taken == [(8, 2)]


def test_an_event_that_serves_a_later_wait_at_once_stays_taken():
    run = a_run()
    for k in (1, 2):
        wait(run, k)
    run.receive(event(8), 1.0)
    change = run.cancel(1, seen=0, now=2.0)
    assert change.taken == [(8, 2)]
    assert change.returned == []
    assert run.events == []


def test_a_run_whose_last_outcome_was_undone_can_rest():
    run = a_run()
    wait(run, 1)
    run.receive(event(8), 1.0)
    assert not run.blocked(seen=0)
    run.cancel(1, seen=0, now=2.0)
    assert run.blocked(seen=0)


def test_an_event_goes_back_as_it_came():
    payloads = [b"[1.0e2]", b"[" * 200 + b"]" * 200, b'"\\u00e9"', b"1" + b"0" * 400]
    for payload in payloads:
        run = a_run()
        run.receive(event(3, "a b", payload, at=1_800_000_000.123456), 0.0)
        wait(run, 1, "a b")
        run.cancel(1, seen=0, now=1.0)
        (back,) = run.events
        assert (back.seq, back.type, back.payload, back.at) == (
            3,
            "a b",
            payload,
            1_800_000_000.123456,
        )


def test_a_cancelled_step_drops_its_late_result():
    run = a_run()
    run.attempt_started(1, "s", 1, 1, DEFAULT, 0.0)
    assert run.cancel(1, 0, 1.0).operations[0].status is StepStatus.cancelled
    assert run.attempt_succeeded(1, b"1", 2.0) is None


# --- verbs ------------------------------------------------------------------------------------


def test_a_pause_waits_for_what_runs():
    run = a_run()
    run.attempt_started(1, "s", 1, 1, DEFAULT, 0.0)
    run.pause(1.0)
    assert (run.status, run.pause_requested) == (S.running, True)
    run.froze()
    run.attempt_succeeded(1, b"1", 2.0)
    run.pause(2.0)
    assert (run.status, run.pause_requested) == (S.paused, False)
    assert run.history()[0].output == b"1"


def test_a_pause_freezes_sleeps_but_no_moments_deadlines_or_retries():
    run = a_run()
    run.sleep(1, StepKind.sleep, "nap", 1, 100.0, 0.0)
    run.sleep(2, StepKind.until, "until", 1, 100.0, 0.0)
    wait(run, 3, due=100.0)
    run.attempt_started(4, "flaky", 1, 1, RetryPolicy(delay=100.0), 0.0)
    run.attempt_failed(4, NO, True, 0.0)
    run.froze()
    run.pause(40.0)
    assert run.next_due() is None
    assert not run.fire(1_000.0)
    run.resume(1_000.0)
    assert [operation.due for operation in run.operations.values()] == [1060.0, 100.0, 100.0, 100.0]


def test_a_pause_past_a_sleeps_end_leaves_no_rest():
    run = a_run()
    run.sleep(1, StepKind.sleep, "nap", 1, 10.0, 0.0)
    run.froze()
    run.pause(30.0)
    run.resume(40.0)
    assert run.next_due() == 40.0


def test_a_requested_pause_can_be_taken_back():
    run = a_run()
    run.attempt_started(1, "s", 1, 1, DEFAULT, 0.0)
    run.pause(1.0)
    run.resume(2.0)
    assert (run.status, run.pause_requested) == (S.running, False)


def test_the_end_cancels_what_is_open():
    run = a_run()
    run.sleep(1, StepKind.sleep, "nap", 1, 10.0, 0.0)
    run.attempt_started(2, "s", 1, 1, DEFAULT, 0.0)
    change = run.terminate(5.0)
    assert run.status is S.terminated
    assert {operation.status for operation in change.operations} == {StepStatus.cancelled}
    assert run.attempt_succeeded(2, b"1", 6.0) is None
    assert not run.fire(50.0)
    assert run.ended == 5.0


def test_a_restart_forgets_everything_but_params_and_events():
    run = a_run()
    run.receive(event(1), 0.0)
    run.receive(event(2), 0.0)
    wait(run, 1)
    step(run, 2)
    run.end(b"1", None, 5.0)
    change = run.restart(6.0)
    assert (run.status, run.epoch, run.output, run.ended) == (S.queued, 2, None, None)
    assert sorted(change.dropped) == [1, 2]
    assert change.returned == [1]
    assert [event.seq for event in run.events] == [1, 2]
    assert run.history() == []


def test_a_restart_from_a_step_keeps_what_ended_before_it_began():
    run = a_run()
    step(run, 1, "a", now=1.0)
    wait(run, 2)
    run.receive(event(1), 2.0)
    run.attempt_started(3, "b", 1, 1, DEFAULT, 3.0)
    run.attempt_started(4, "beside", 1, 1, DEFAULT, 3.0)
    run.attempt_succeeded(4, b"1", 3.5)
    run.attempt_succeeded(3, b"1", 4.0)
    run.end(b"1", None, 5.0)
    change = run.restart(6.0, "b", 1)
    assert [seen.name for seen in run.history()] == ["a", "w2"]
    assert sorted(change.dropped) == [3, 4]
    assert (run.seq, run.events) == (2, [])


def test_events_taken_after_the_step_return_in_order():
    run = a_run()
    step(run, 1, "a")
    for seq in (5, 6, 7):
        run.receive(event(seq, payload=str(seq).encode()), 1.0)
    wait(run, 2)
    wait(run, 3)
    change = run.restart(2.0, "a", 1)
    assert change.returned == [5, 6]
    assert [(event.seq, event.payload) for event in run.events] == [
        (5, b"5"),
        (6, b"6"),
        (7, b"7"),
    ]


def test_a_restart_from_a_step_nobody_recorded_changes_nothing():
    run = a_run()
    step(run, 1, "a")
    run.end(b"1", None, 1.0)
    for name, count in (("b", 1), ("a", 2)):
        with pytest.raises(StepNotFound):
            run.restart(2.0, name, count)
    assert (run.status, run.epoch, len(run.history())) == (S.complete, 1, 1)


def test_a_run_between_attempts_says_so():
    run = a_run()
    run.attempt_started(1, "s", 1, 1, RetryPolicy(delay=30.0), 0.0)
    run.attempt_failed(1, NO, True, 5.0)
    assert run.blocked(0)
    view = run.view()
    assert (view.status, view.next_attempt_at, view.error.message) == (S.waiting, 35.0, "no")
    run.fire(35.0)
    assert run.view().status is S.running
