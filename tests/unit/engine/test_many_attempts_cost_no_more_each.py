"""What is written and told of a step has an end, however often it is tried; what it says stays true."""

from __future__ import annotations

import msgspec

from awaitstep.engine import eventlog, tries
from awaitstep.engine.change import Change
from awaitstep.engine.embedded import attempts as packed
from awaitstep.engine.embedded import rows
from awaitstep.engine.outcomes import LONGEST_MESSAGE, LONGEST_TRACE, Failure
from awaitstep.engine.port import EntryType
from awaitstep.engine.recorded import recorded
from awaitstep.engine.retry import RetryPolicy
from awaitstep.engine.run import Run
from awaitstep.engine.states import StepStatus


def begun(limit):
    run = Run(1, "wf", "i", "dep", version="", trigger="api", params=None, created=0.0, generated=False)  # fmt: skip
    run.assign(1, 0.0)
    policy = RetryPolicy(limit=limit, delay=1.0, backoff="linear")
    return run, policy


def row_of(run):
    change = Change(run)
    change.operations.append(run.operations[1])
    [(_, row)] = rows.of_change(change, rows.Names([]))
    return row


def tried(run, policy, times, failed, first=1):
    """Fail the step so often; the bytes that its row takes after each attempt."""
    sizes = []
    for number in range(first, first + times):
        now = run.operations[1].due if number > 1 else 0.0
        if number > 1:
            run.fire(now)
        assert run.attempt_started(1, "poll", 1, number, policy, now)
        change = run.attempt_failed(1, failed(number), True, now)
        if change.operations[0].status is StepStatus.waiting:
            assert run.operations[1].due == now + number  # the delays go on growing
        sizes.append(len(row_of(run)[11]))
    return sizes


def short(number):
    return Failure("ValueError", f"no {number}", trace="x" * 500)


def large(number):
    return Failure("ValueError", "é" * LONGEST_MESSAGE, trace="é" * LONGEST_TRACE)


def test_the_row_of_a_step_stops_growing():
    run, policy = begun(10_000)
    sizes = tried(run, policy, 2_000, short)
    assert max(sizes) <= sizes[tries.MOST - 1] + 200
    assert len(run.history()[0].attempts) == tries.MOST


def test_large_errors_leave_room_for_fewer():
    run, policy = begun(10_000)
    sizes = tried(run, policy, 300, large)
    # the few that are always kept, each at most its two bytes a character
    assert max(sizes) < 2 * tries.FEW * (LONGEST_MESSAGE + LONGEST_TRACE) * 1.1
    [step] = run.history()
    assert [a.number for a in step.attempts] == [1, 2, 3, 4, 5, 296, 297, 298, 299, 300]
    assert step.attempts_left_out == 290


def test_a_step_that_is_tried_as_often_as_most_are_keeps_all():
    run, policy = begun(tries.MOST)
    tried(run, policy, tries.MOST, short)
    [step] = run.history()
    assert [a.number for a in step.attempts] == [*range(1, tries.MOST + 1)]
    assert step.attempts_left_out == 0


def test_the_first_and_the_last_attempts_are_kept_under_their_numbers():
    run, policy = begun(10_000)
    tried(run, policy, 200, short)
    [step] = run.history()
    assert [a.number for a in step.attempts] == [*range(1, 6), *range(156, 201)]
    assert [a.error.message for a in step.attempts] == [f"no {a.number}" for a in step.attempts]
    assert step.attempts_left_out == 150
    run.fire(run.operations[1].due)
    run.attempt_started(1, "poll", 1, 201, policy, 1e6)
    [step] = run.history()
    assert (step.attempts[-1].number, step.attempts[-1].ended_at) == (201, None)
    assert step.attempts_left_out == 150


def test_attempts_end_when_their_number_is_reached():
    run, policy = begun(119)
    tried(run, policy, 120, short)
    [step] = run.history()
    assert (step.status, step.attempts[-1].number) == (StepStatus.errored, 120)
    assert step.error.message == "no 120"


def test_a_run_that_is_read_back_counts_on():
    run, policy = begun(10_000)
    tried(run, policy, 100, short)
    read = rows.read_operation(row_of(run)[1:])
    assert [a.number for a in read.attempts] == [*range(1, 6), *range(56, 101)]
    again, _ = begun(10_000)
    again.recall(read)
    assert [kept.attempts for kept in recorded(again)] == [100]
    tried(again, policy, 10, short, first=101)
    assert [a.number for a in again.history()[0].attempts][5:7] == [66, 67]


def test_attempts_that_an_older_server_kept_are_all_there_until_the_next():
    old = msgspec.msgpack.encode([(float(n), n + 1.0, short(n)) for n in range(1, 301)])
    assert [a.number for a in packed.unpack(old)] == [*range(1, 301)]
    run, policy = begun(10_000)
    tried(run, policy, 1, short)
    run.operations[1].attempts = packed.unpack(old)
    tried(run, policy, 1, short, first=301)
    assert [a.number for a in run.history()[0].attempts] == [*range(1, 6), *range(257, 302)]


def test_the_event_log_counts_what_it_does_not_tell():
    run, policy = begun(10_000)
    tried(run, policy, 200, short)
    log = eventlog.entries(run, [])
    begins = [entry for entry in log if entry.type is EntryType.attempt_started]
    assert [entry.attempt for entry in begins] == [*range(1, 6), *range(156, 201)]
    assert {entry.attempt: entry.left_out for entry in begins if entry.left_out} == {156: 300}


def test_a_restart_counts_what_was_not_told_before():
    run, policy = begun(10_000)
    tried(run, policy, 200, short)
    [note] = run.restart(1e6).notes
    log = eventlog.entries(run, [note])
    told = [entry for entry in log if entry.type is not EntryType.run_created]
    # the start, and begin and end of each attempt, whether told, counted there or counted here
    assert len(told) - 1 + sum(entry.left_out for entry in told) == 1 + 2 * 200
