"""Every run has a log of what happened to it, in order, on every engine and after a restart."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from awaitstep.engine import eventlog
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.errors import RunNotFound
from awaitstep.engine.states import RunStatus
from older_journals import downgrade


async def log_of(desk, run):
    return list(await desk.engine.event_log("wf", run))


async def told(desk, run):
    """The log as (type, step, attempt), shortly."""
    return [
        " ".join(str(part) for part in (e.type, e.step, e.attempt) if part is not None)
        for e in await log_of(desk, run)
    ]


async def test_a_quiet_run_is_told_from_start_to_end(desk):
    desk.deploy(
        """
@step.do("one")
async def one(): return 1
@step.do("two")
async def two(): return 2
return await one() + await two()
"""
    )
    run = await desk.start()
    assert await desk.output(run) == 3
    expected = [
        "run.created",
        "run.started",
        "attempt.started one 1",
        "step.completed one",
        "attempt.started two 1",
        "step.completed two",
        "run.completed",
    ]
    assert await told(desk, run) == expected
    before = await log_of(desk, run)
    await desk.reopen()
    assert await log_of(desk, run) == before


async def test_failed_attempts_have_their_error_and_their_delay(desk):
    desk.deploy(
        """
retries = {"limit": 1, "delay": "30 seconds", "backoff": "linear"}
@step.do("charge", config={"retries": retries})
async def charge():
    raise ValueError("declined")
await charge()
"""
    )
    run = await desk.start()
    await desk.tried(run, "charge", 1)
    desk.clock.move(5)
    live = await log_of(desk, run)
    assert live[-1].type == "attempt.failed"
    assert (live[-1].delay, live[-1].error.message, live[-1].attempt) == (30, "declined", 1)
    desk.clock.move(25)
    assert (await desk.error(run)).name == "ValueError"
    await desk.reopen()
    log = await log_of(desk, run)
    assert log[: len(live)] == live
    assert [str(e.type) for e in log[len(live) :]] == [
        "attempt.started",
        "attempt.failed",
        "step.failed",
        "run.errored",
    ]
    second = log[-3]
    assert (second.attempt, second.delay) == (2, None)
    assert second.error.line == second.error.line is not None
    assert "in charge" in second.error.traceback
    assert log[-4].at - live[-1].at == 30
    attempts = (await desk.steps(run))["charge"].attempts
    assert [attempt.delay for attempt in attempts] == [30, None]


async def test_sleeps_waits_and_events_are_told_with_their_moments(desk):
    desk.deploy(
        """
await step.sleep("nap", "1 minute")
await step.wait_for_event("gate", "go", timeout="100 seconds")
try:
    await step.wait_for_event("never", "no", timeout="10 seconds")
except TimeoutError:
    pass
"""
    )
    run = await desk.start()
    began = desk.clock.now()
    await desk.until(run, RunStatus.waiting)
    await desk.has(run, "nap")
    live = await log_of(desk, run)
    assert [(str(e.type), e.until) for e in live[2:]] == [("sleep.started", began + 60)]
    await desk.engine.send_event("wf", run, "other", b"1")
    desk.clock.move(60)
    await desk.has(run, "gate")
    desk.clock.move(1)
    await desk.engine.send_event("wf", run, "go", b"1")
    await desk.has(run, "never")
    desk.clock.move(10)
    await desk.output(run)
    await desk.reopen()
    log = await log_of(desk, run)
    assert live[2] in log  # a line once told stays as it was
    assert [(str(e.type), e.step, e.event_type, e.at - began) for e in log[2:]] == [
        ("sleep.started", "nap", None, 0),
        ("event.received", None, "other", 0),
        ("sleep.ended", "nap", None, 60),
        ("wait.started", "gate", "go", 60),
        ("event.received", None, "go", 61),
        ("wait.ended", "gate", "go", 61),
        ("wait.started", "never", "no", 61),
        ("wait.timed_out", "never", "no", 71),
        ("run.completed", None, None, 71),
    ]
    assert [e.until for e in log if e.type == "wait.started"] == [began + 160, began + 71]


async def test_pausing_and_resuming_are_told(desk):
    desk.deploy(
        """
import pathlib
@step.do("slow")
async def slow():
    mark("slow")
    while "go" not in pathlib.Path(self.env.EFFECTS).read_text():
        await asyncio.sleep(0.005)
await slow()
await step.sleep("nap", "1 minute")
"""
    )
    run = await desk.start()
    await desk.seen(lambda: "slow" in desk.marks())
    await desk.engine.pause("wf", run)
    with desk.effects.open("a") as file:
        file.write("go\n")
    await desk.until(run, RunStatus.paused)
    desk.clock.move(1)
    await desk.engine.resume("wf", run)
    await desk.has(run, "nap")
    assert await told(desk, run) == [
        "run.created",
        "run.started",
        "attempt.started slow 1",
        "run.pausing",
        "step.completed slow",
        "run.paused",
        "run.resumed",
        "sleep.started nap",
    ]
    await desk.engine.terminate("wf", run)
    assert (await told(desk, run))[-2:] == ["step.cancelled nap", "run.terminated"]


TWICE = """
import pathlib
@step.do("one")
async def one(): mark("one")
@step.do("two", config={"retries": {"limit": 0}})
async def two():
    mark("two")
    if desk_is_closed():
        raise ValueError("closed")
def desk_is_closed():
    return pathlib.Path(self.env.EFFECTS).read_text().split().count("two") == 1
await one()
await two()
"""


async def test_a_restart_forgets_nothing_of_what_was_before(desk):
    desk.deploy(TWICE)
    run = await desk.start()
    assert (await desk.error(run)).message == "closed"
    first = await log_of(desk, run)
    desk.clock.move(1)
    await desk.engine.restart("wf", run)
    await desk.output(run)
    await desk.reopen()
    log = await log_of(desk, run)
    assert log[: len(first)] == first
    assert "in two" in log[len(first) - 1].error.traceback
    rest = log[len(first) :]
    assert (str(rest[0].type), rest[0].epoch, rest[0].step) == ("run.restarted", 2, None)
    assert {e.epoch for e in rest} == {2}
    assert [str(e.type) for e in rest] == [
        "run.restarted",
        "run.started",
        "attempt.started",
        "step.completed",
        "attempt.started",
        "step.completed",
        "run.completed",
    ]


async def test_a_restart_from_a_step_tells_what_was_kept_in_its_own_epoch(desk):
    desk.deploy(TWICE)
    run = await desk.start()
    await desk.error(run)
    first = await log_of(desk, run)
    await desk.engine.restart("wf", run, step="two")
    await desk.output(run)
    log = await log_of(desk, run)
    assert log[: len(first)] == first
    assert (log[len(first)].step, log[len(first)].count) == ("two", 1)
    assert [(e.step, e.epoch) for e in log if e.type == "step.completed"] == [
        ("one", 1),
        ("two", 2),
    ]
    desk.clock.move(1)
    await desk.engine.restart("wf", run, step="two")
    await desk.output(run)
    again = await log_of(desk, run)
    assert again[: len(log)] == log
    assert {e.epoch for e in again[len(log) :]} == {3}


async def test_an_event_that_a_restart_gives_back_is_told_once(desk):
    desk.deploy('await step.wait_for_event("gate", "go")')
    run = await desk.start()
    await desk.engine.send_event("wf", run, "go", b"1")
    await desk.output(run)
    desk.clock.move(1)
    await desk.engine.restart("wf", run)
    await desk.output(run)
    log = await log_of(desk, run)
    assert [e.epoch for e in log if e.type == "event.received"] == [1]
    assert [e.epoch for e in log if e.type == "wait.ended"] == [1, 2]


async def test_what_a_restart_keeps_of_before_is_bounded(desk, monkeypatch):
    monkeypatch.setattr(eventlog, "MOST_KEPT", 5)
    desk.deploy(
        """
@step.do("s")
async def s(): pass
for _ in range(5): await s()
"""
    )
    run = await desk.start()
    await desk.output(run)
    desk.clock.move(1)
    await desk.engine.restart("wf", run)
    await desk.output(run)
    log = await log_of(desk, run)
    restart = next(e for e in log if e.type == "run.restarted")
    before = [e for e in log if e.epoch == 1 and e.type != "run.created"]
    assert len(before) == 5
    assert restart.left_out == 12 - 5
    assert before[-1].type == "run.completed"


async def test_a_running_attempt_is_in_the_log(desk):
    desk.deploy(
        """
@step.do("endless")
async def endless():
    mark("begun")
    await asyncio.sleep(1000)
await endless()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    assert (await told(desk, run))[-1] == "attempt.started endless 1"


async def test_an_event_stands_before_the_wait_it_ended_whatever_the_fraction(desk):
    desk.deploy(
        """
for number in range(8):
    await step.wait_for_event(f"gate {number}", "go")
await step.wait_for_event("last", "end")
"""
    )
    run = await desk.start()
    for count in range(8):
        await desk.has(run, f"gate {count}")
        desk.clock.move(1.00000037)  # of a microsecond, every part is kept by turns
        await desk.engine.send_event("wf", run, "go", b"1")
    await desk.has(run, "last")
    await desk.engine.send_event("wf", run, "end", b"1")
    await desk.output(run)

    def pairs(log):
        ends = [index for index, entry in enumerate(log) if entry.type == "wait.ended"]
        return [str(log[index - 1].type) for index in ends]

    assert pairs(await log_of(desk, run)) == ["event.received"] * 9
    # the dropped wait has ended all the same, by an event that is unread again
    desk.clock.move(1)
    await desk.engine.restart("wf", run, step="gate 4")
    assert pairs(await log_of(desk, run))[:9] == ["event.received"] * 9
    await desk.reopen()
    assert pairs(await log_of(desk, run))[:9] == ["event.received"] * 9


async def test_losers_of_a_race_are_told_as_cancelled(desk):
    desk.deploy(
        """
async def nap(): await step.sleep("nap", "1 hour")
task = asyncio.create_task(nap())
@step.do("quick")
async def quick(): pass
await quick()
task.cancel()
await asyncio.wait([task])
await step.sleep("more", "1 hour")
"""
    )
    run = await desk.start()
    await desk.has(run, "more")
    log = await told(desk, run)
    assert "step.cancelled nap" in log
    assert log.index("sleep.started nap") < log.index("step.cancelled nap")
    await desk.until(run, RunStatus.waiting)


async def test_an_unknown_run_has_no_log(desk):
    with pytest.raises(RunNotFound):
        await desk.engine.event_log("wf", "nobody")


async def test_the_log_of_a_deleted_run_is_gone_with_it(embedded_desk):
    desk = embedded_desk
    desk.deploy("return 1")
    run = await desk.start(instance="mine")
    await desk.output(run)
    await desk.engine.restart("wf", run)
    await desk.output(run)
    await desk.engine.delete("wf", run)
    (left,) = await desk.engine.journal.read(
        lambda db: db.execute("select count(*) from notes").fetchone()
    )
    assert left == 0


async def test_a_log_costs_no_row_of_its_own(embedded_desk):
    desk = embedded_desk
    steps = "".join(f'@step.do("{n}")\nasync def s{n}(): pass\nawait s{n}()\n' for n in range(3))
    desk.deploy(steps)
    await desk.output(await desk.start())  # shared texts are written once
    await desk.engine._flushed()
    rows = desk.engine.journal.rows
    run = await desk.start()
    await desk.output(run)
    await desk.engine._flushed()
    assert desk.engine.journal.rows - rows <= 6
    assert len(await log_of(desk, run)) == 9


async def test_reading_logs_while_runs_end_loses_nothing(desk):
    desk.deploy('await step.wait_for_event("gate", "go")')
    runs = [await desk.start() for _ in range(20)]
    for run in runs:
        await desk.until(run, RunStatus.waiting)

    async def read(run):
        return [await log_of(desk, run) for _ in range(5)]

    sent = (desk.engine.send_event("wf", run, "go", b"1") for run in runs)
    await asyncio.gather(*map(read, runs), *sent)
    for run in runs:
        await desk.output(run)
        assert (await told(desk, run))[-1] == "run.completed"


async def test_a_journal_of_the_third_format_gets_room_for_notes(embedded_desk):
    desk = embedded_desk
    desk.deploy('await step.wait_for_event("gate", "go")')
    run = await desk.start()
    await desk.has(run, "gate")
    await desk.engine.close()
    downgrade(desk.folder, 3)
    desk.engine = await Embedded.open(desk.folder, desk, clock=desk.clock)
    await desk.engine.pause("wf", run)
    await desk.until(run, RunStatus.paused)
    assert "run.paused" in await told(desk, run)


async def test_a_run_that_goes_on_after_a_stop_has_started_when_it_first_did(desk):
    desk.deploy("""
@step.do("one")
async def one(): return 1
@step.do("two")
async def two():
    mark("two")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.005)
await one()
await two()
""")
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["two"])
    started = (await desk.view(run)).started_at
    desk.clock.move(100)
    await desk.reopen()
    again = 2 if desk.kind == "embedded" else 1
    await desk.seen(lambda: desk.marks() == ["two"] * again)
    desk.effects.with_suffix(".go").touch()
    await desk.output(run)
    seen = (await desk.view(run)).started_at
    assert seen is not None
    assert started is not None
    assert abs(seen - started) < 1
    assert (await told(desk, run))[:3] == ["run.created", "run.started", "attempt.started one 1"]


async def test_attempts_that_a_death_or_a_stop_interrupted_are_told(embedded_desk):
    desk = embedded_desk
    desk.deploy("""
@step.do("one")
async def one(): return 1
@step.do("two")
async def two():
    mark("two")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.005)
await one()
await asyncio.gather(two(), two())
""")
    run = await desk.start()
    await desk.seen(lambda: len(desk.marks()) == 2)
    [slot] = desk.engine._fleet.slots
    os.kill(slot.process.pid, signal.SIGKILL)
    await desk.seen(lambda: len(desk.marks()) == 4)
    await desk.reopen()
    await desk.seen(lambda: len(desk.marks()) == 6)
    desk.effects.with_suffix(".go").touch()
    await desk.output(run)
    log = await log_of(desk, run)
    interrupted = [
        (str(entry.type), entry.step, entry.count, entry.attempt)
        for entry in log
        if str(entry.type).endswith("interrupted")
    ]
    assert interrupted == [
        ("attempt.interrupted", "two", 1, 1),
        ("attempt.interrupted", "two", 2, 1),
        ("run.interrupted", None, None, None),
    ]
    assert [str(entry.type) for entry in log][-1] == "run.completed"


async def test_a_run_interrupted_in_its_first_steps_has_started_before(embedded_desk):
    desk = embedded_desk
    desk.deploy("""
@step.do("one")
async def one():
    mark("one")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.005)
await asyncio.gather(one(), one())
""")
    run = await desk.start()
    await desk.seen(lambda: len(desk.marks()) == 2)
    [slot] = desk.engine._fleet.slots
    os.kill(slot.process.pid, signal.SIGKILL)
    await desk.seen(lambda: len(desk.marks()) == 4)
    started = (await desk.view(run)).started_at
    # lists look for what waits for a runner among the rows that say so
    row = "select status, started from runs"
    on_disk = await desk.engine.journal.read(lambda db: db.execute(row).fetchone())
    assert on_disk == (0, desk.clock.now())
    desk.clock.move(100)
    await desk.reopen()
    await desk.seen(lambda: len(desk.marks()) == 6)
    assert (await desk.view(run)).started_at == started
    desk.effects.with_suffix(".go").touch()
    await desk.output(run)
    assert (await told(desk, run))[:5] == [
        "run.created",
        "run.started",
        "attempt.interrupted one 1",
        "attempt.interrupted one 1",
        "run.interrupted",
    ]


async def test_only_what_the_last_server_left_is_told_to_be_interrupted(embedded_desk):
    desk = embedded_desk
    desk.deploy("""
@step.do("one")
async def one(): return 1
await one()
""")
    runs: list[str] = []

    async def start():
        runs.append(await desk.start())

    for _ in range(10):
        # as when a server is asked for runs before it has taken up those of the last one
        await asyncio.gather(*(start() for _ in range(10)), desk.engine._recover())
        await desk.engine._recover()
    for run in runs:
        await desk.output(run)
        assert "run.interrupted" not in await told(desk, run)
