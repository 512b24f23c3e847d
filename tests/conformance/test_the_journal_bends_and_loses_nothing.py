"""What happens to runs when their journal can't be written, refuses a row, or is taken already."""

from __future__ import annotations

import asyncio
import sqlite3
import time

import pytest

from awaitstep.engine.embedded import Embedded, journal, queries
from awaitstep.engine.embedded.blame import Unit
from awaitstep.engine.errors import (
    EngineError,
    InstanceTaken,
    JournalLocked,
    JournalUnavailable,
    RunNotFound,
)
from awaitstep.engine.port import RunQuery, StartRun
from awaitstep.engine.states import RunStatus
from older_journals import downgrade

STEPS = """
@step.do("one")
async def one():
    mark("one")
@step.do("two")
async def two():
    mark("two")
await one()
await step.wait_for_event("gate", "go")
await two()
"""


@pytest.fixture
async def desk(embedded_desk, monkeypatch):
    monkeypatch.setattr(journal, "RETRY_EVERY", 0.01)
    return embedded_desk


async def writable(desk, yes):
    """Let the journal's file be written, or not, as on a disk that is full or read-only."""
    if not yes:
        await desk.engine._flushed()
    desk.engine.journal._writer.execute(f"pragma query_only = {'off' if yes else 'on'}")


async def test_a_full_disk_refuses_new_runs_and_holds_the_others_where_they_are(desk):
    desk.deploy(STEPS)
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await writable(desk, False)
    sending = asyncio.ensure_future(desk.engine.send_event("wf", run, "go", b"1"))
    await desk.seen(lambda: desk.engine.journal.unavailable is not None)
    refused = StartRun("wf", "dep", "api", instance="refused")
    for _ in range(3):
        with pytest.raises(JournalUnavailable):
            await desk.engine.create(refused)
    with pytest.raises(JournalUnavailable):
        await desk.engine.pause("wf", run)
    assert not sending.done()
    assert desk.marks() == ["one"]
    await writable(desk, True)
    await sending
    await desk.output(run)
    assert desk.marks() == ["one", "two"]
    assert not (await desk.engine.create(refused)).existed
    await desk.reopen()
    assert (await desk.view(run)).status is RunStatus.complete


async def test_intake_opens_again_by_itself(desk):
    desk.deploy("return 1")
    await desk.output(await desk.start())
    await writable(desk, False)
    start = StartRun("wf", "dep", "api", instance="again")
    with pytest.raises(JournalUnavailable):
        await desk.engine.create(start)
    with pytest.raises(RunNotFound):
        await desk.view("again")
    await writable(desk, True)
    stop = time.monotonic() + 1
    while desk.engine.journal.unavailable is not None:
        assert time.monotonic() < stop
        await asyncio.sleep(0.01)
    assert not (await desk.engine.create(start)).existed
    await desk.output("again")


async def both(desk):
    """What two creates of one id are told, asked for at once."""
    start = StartRun("wf", "dep", "api", instance="same")
    async with asyncio.timeout(10):
        twice = (desk.engine.create(start), desk.engine.create(start))
        return await asyncio.gather(*twice, return_exceptions=True)


async def test_of_two_creates_of_one_id_none_counts_while_the_disk_is_full(desk):
    desk.deploy("return 1")
    await desk.output(await desk.start())
    await writable(desk, False)
    assert [type(told) for told in await both(desk)] == [JournalUnavailable] * 2
    await writable(desk, True)
    with pytest.raises(RunNotFound):
        await desk.view("same")
    await desk.seen(lambda: desk.engine.journal.unavailable is None)
    assert sorted(told.existed for told in await both(desk)) == [False, True]
    assert await desk.output("same") == 1


async def test_of_two_creates_of_one_id_none_counts_when_its_row_is_refused(desk):
    desk.deploy("return 1")
    with sqlite3.connect(desk.folder / "journal.sqlite") as db:
        db.execute(
            "create trigger poison before insert on runs begin select raise(abort, 'poisoned'); end"
        )
    db.close()
    assert [type(told) for told in await both(desk)] == [InstanceTaken] * 2


async def test_a_trouble_of_the_journal_is_never_an_attempt(desk):
    desk.deploy(
        """
@step.do("slow")
async def slow(ctx):
    mark(f"attempt-{ctx['attempt']}")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.005)
    return 1
try:
    return await slow()
except BaseException as error:
    mark(type(error).__name__)
    raise
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["attempt-1"])
    await writable(desk, False)
    desk.effects.with_suffix(".go").touch()
    await desk.seen(lambda: desk.engine.journal.unavailable is not None)
    assert (await desk.view(run)).status is RunStatus.running
    await writable(desk, True)
    assert await desk.output(run) == 1
    assert desk.marks() == ["attempt-1"]
    assert len((await desk.steps(run))["slow"].attempts) == 1


async def test_no_attempt_begins_before_the_end_of_the_last_one_is_on_disk(desk, monkeypatch):
    desk.deploy(
        """
@step.do("flaky", config={"retries": {"limit": 3, "delay": "1 second", "backoff": "constant"}})
async def flaky(ctx):
    mark(f"attempt-{ctx['attempt']}")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.005)
    if ctx["attempt"] == 1:
        raise ValueError("not yet")
    return ctx["attempt"]
return await flaky()
"""
    )
    told = []
    tell = desk.engine._retry
    monkeypatch.setattr(desk.engine, "_retry", lambda *which: (told.append(which), tell(*which)))
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["attempt-1"])
    await writable(desk, False)
    desk.effects.with_suffix(".go").touch()
    await desk.seen(lambda: desk.engine.journal.unavailable is not None)
    desk.clock.move(1)
    assert told == []
    await writable(desk, True)
    assert await desk.output(run) == 2
    assert desk.marks() == ["attempt-1", "attempt-2"]


async def test_what_was_not_written_when_the_server_ends_is_done_again(desk):
    desk.deploy(STEPS)
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.seen(lambda: desk.marks() == ["one"])
    await writable(desk, False)
    sending = asyncio.ensure_future(desk.engine.send_event("wf", run, "go", b"1"))
    await desk.seen(lambda: desk.engine.journal.unavailable is not None)
    await desk.reopen()
    sending.cancel()
    assert "two" not in desk.marks()
    await desk.engine.send_event("wf", run, "go", b"2")
    await desk.output(run)
    assert desk.marks() == ["one", "two"]


def poison(desk):
    """Have the journal refuse the rows of steps of one name."""
    with sqlite3.connect(desk.folder / "journal.sqlite") as db:
        db.execute(
            "create trigger poison before insert on operations when new.name = 'poison'"
            " begin select raise(abort, 'poisoned'); end"
        )
    db.close()


NEIGHBOURS = """
@step.do(event["payload"])
async def act(): return 1
await act()
await step.sleep("nap", "1 hour")
return "fine"
"""


async def test_a_refused_row_fails_its_own_run_only(desk):
    desk.deploy(NEIGHBOURS)
    poison(desk)
    names = ["fine", "poison", "fine", "fine", "poison", "fine"]
    starts = [StartRun("wf", "dep", "api", f'"{name}"'.encode(), f"run-{n}") for n, name in enumerate(names)]  # fmt: skip
    await desk.engine.create_batch(starts)
    for n, name in enumerate(names):
        if name == "poison":
            error = await desk.error(f"run-{n}")
            assert (error.name, error.code) == ("JournalError", "journal.refused")
        else:
            await desk.until(f"run-{n}", RunStatus.waiting)
    await desk.reopen()
    desk.clock.move(3600)
    for n, name in enumerate(names):
        if name == "fine":
            assert await desk.output(f"run-{n}") == "fine"


async def test_a_refused_row_fails_the_newest_run_too(desk):
    desk.deploy(NEIGHBOURS)
    poison(desk)
    run = await desk.engine.wait("wf", await desk.start("poison"), 30)
    assert run.error.code == "journal.refused"


async def test_one_folder_has_one_engine(desk):
    with pytest.raises(JournalLocked) as refused:
        await Embedded.open(desk.folder, desk, clock=desk.clock)
    assert refused.value.code == "journal.locked"
    desk.deploy("return 1")
    assert await desk.output(await desk.start()) == 1  # the first is not harmed


async def test_a_folder_that_is_no_journal_is_refused(tmp_path, desk):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "journal.sqlite").write_bytes(b"this is no database, " * 200)
    with pytest.raises(JournalUnavailable):
        await Embedded.open(folder, desk, clock=desk.clock)
    newer = tmp_path / "newer"
    newer.mkdir()
    with sqlite3.connect(newer / "journal.sqlite") as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(JournalUnavailable):
        await Embedded.open(newer, desk, clock=desk.clock)
    with pytest.raises(EngineError):  # and it did not keep its lock on what it refused
        await Embedded.open(newer, desk, clock=desk.clock)


def _format(db):
    return db.execute("pragma user_version").fetchone()[0]


@pytest.mark.parametrize("format", [1, 2, 3, 4, 5, 6])
async def test_a_journal_of_an_older_format_is_read_on(embedded_desk, format):
    desk = embedded_desk
    desk.deploy('return (await step.wait_for_event("gate", "go")).payload')
    run = await desk.start()
    await desk.has(run, "gate")
    await desk.engine.close()
    downgrade(desk.folder, format)
    await desk.open()
    assert await desk.engine.journal.read(_format) == journal.FORMAT
    for given in ({}, {"status": [RunStatus.waiting]}, {"trigger": ["http"]}):
        listed = (await desk.engine.list(RunQuery(["wf"], **given))).runs
        assert [found.instance for found in listed] == ([] if "trigger" in given else [run])
    await desk.engine.send_event("wf", run, "go", b"1")
    assert await desk.output(run) == 1


async def test_a_deployment_that_cannot_be_read_for_a_moment_is_read_again(desk):
    desk.deploy("return 1")
    await desk.output(await desk.start())
    desk.deploy("return 2", "other")
    read, tries = desk.bundle, []

    async def bundle(deployment):
        tries.append(deployment)
        if len(tries) == 1:
            raise sqlite3.OperationalError("database is locked")
        return await read(deployment)

    desk.bundle = bundle
    run = await desk.start(name="other")
    ending = asyncio.ensure_future(desk.engine.wait("wf", run, 30))
    await desk.passes(ending.done)
    assert (await ending).output == b"2"
    assert len(tries) == 2


@pytest.mark.interpreted
@pytest.mark.parametrize("question", [queries.to_execute, queries.load])
async def test_what_was_left_over_goes_on_though_a_read_fails(desk, question):
    desk.deploy(STEPS)
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.engine.send_event("wf", run, "go", b"1")
    await desk.engine.close()  # before or after its end
    with sqlite3.connect(desk.folder / "journal.sqlite") as db:
        db.execute("update runs set status = 0, output = null, ended = null")
        db.execute("delete from operations where name = 'two'")
    db.close()
    desk.effects.unlink()
    desk.engine = await Embedded.open(desk.folder, desk, clock=desk.clock, hold=True)
    left = desk.unreadable(question)
    await desk.engine.go_on()
    await desk.passes(lambda: desk.marks() == ["two"])
    assert not left
    await desk.output(run)


@pytest.mark.interpreted
async def test_a_run_whose_row_was_refused_ends_though_a_read_fails(desk):
    desk.deploy(NEIGHBOURS)
    poison(desk)
    left = desk.unreadable(queries.load)
    run = await desk.start("poison")
    ending = asyncio.ensure_future(desk.engine.wait("wf", run, 60))
    await desk.passes(ending.done)
    assert not left
    assert (await ending).error.code == "journal.refused"


@pytest.mark.interpreted
async def test_runs_of_a_crashed_deployment_end_though_a_read_fails(desk):
    desk.deploy(STEPS)
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.seen(lambda: not desk.engine._runs)
    left = desk.unreadable(queries.live_of_deployment)
    ending = asyncio.ensure_future(desk.engine.wait("wf", run, 60))
    desk.engine.close_deployment("dep", "It died too often.")
    await desk.passes(ending.done)
    assert not left
    assert (await ending).error.code == "runner.crashed"


async def a_suspect_in_line(desk):
    """A run whose two arms wait for an event each. It has got the first, and stands in line for the
    runner for suspects, which another run has."""
    desk.deploy("""
if event["payload"] == "first":
    mark("begun")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.005)
    return
async def arm(name):
    await step.wait_for_event(name, name)
    @step.do(name)
    async def then():
        mark(name)
    await then()
await asyncio.gather(arm("one"), arm("two"))
""")
    engine = desk.engine
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.seen(lambda: not engine._runs)
    for ref in (engine._last_ref, engine._last_ref + 1):  # as if seen in two deaths
        engine._blame._note(Unit("body", "dep", ref), 2, desk.clock.now())
    await desk.start("first")
    await desk.seen(lambda: desk.marks() == ["begun"])
    await engine.send_event("wf", run, "one", b"1")
    assert engine._index["wf", run].status is RunStatus.queued
    return run


async def test_a_suspect_is_executed_once_what_it_was_told_is_on_disk(desk):
    run = await a_suspect_in_line(desk)
    await writable(desk, False)
    sending = asyncio.ensure_future(desk.engine.send_event("wf", run, "two", b"2"))
    await desk.seen(lambda: desk.engine.journal.unavailable is not None)
    [first] = desk.engine._assigned
    desk.effects.with_suffix(".go").touch()
    await desk.seen(lambda: first not in desk.engine._assigned)
    assert not desk.engine._assigned
    await writable(desk, True)
    await sending
    await desk.output(run)
    assert sorted(desk.marks()) == ["begun", "one", "two"]
