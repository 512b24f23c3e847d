"""A deleted run is gone with all its rows, whatever else is asked of it at that moment."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest

from awaitstep.engine.embedded.expiry import Expiry
from awaitstep.engine.embedded.rows import Kind
from awaitstep.engine.errors import RunNotFound, RunState
from awaitstep.engine.port import Limits, Retention
from awaitstep.engine.states import RunStatus

STEPS = """
@step.do("a")
async def a():
    return event["payload"]
@step.do("b")
async def b():
    return event["payload"]
return [await a(), await b()]
"""
DEADLINE = 4.0  # less than the writer waits for a file that somebody else holds
GATE = 'await step.wait_for_event("gate", "go")\nreturn 1'


@contextlib.asynccontextmanager
async def unwritten(desk):
    """Keep everything from being committed for a moment."""
    db = sqlite3.connect(desk.folder / "journal.sqlite", isolation_level=None)
    db.execute("begin immediate")
    try:
        async with asyncio.timeout(DEADLINE):
            yield
    finally:
        db.execute("rollback")
        db.close()


@pytest.fixture
def deleted(embedded_desk, monkeypatch):
    """The numbers of runs whose deletion is on its way to the journal, or there."""
    told: list[int] = []
    write = embedded_desk.engine.journal.write

    def noting(rows, *rest, **more):
        told.extend(row[0] for kind, row in rows if kind is Kind.delete)
        write(rows, *rest, **more)

    monkeypatch.setattr(embedded_desk.engine.journal, "write", noting)
    return told


async def of_nobody(desk):
    """How many rows have no run."""
    await desk.engine._flushed()
    tables = ("operations", "events", "notes")
    asked = " union all ".join(
        f"select 1 from {table} where run not in (select ref from runs)" for table in tables
    )
    return await desk.engine.journal.read(lambda db: len(db.execute(asked).fetchall()))


async def of_two_steps(desk):
    """A run that has completed."""
    desk.deploy(STEPS)
    run = await desk.start("x")
    await desk.output(run)
    return run


@pytest.mark.parametrize("first", ["delete", "restart"])
async def test_of_a_delete_and_a_restart_at_once_one_is_refused(desk, first):
    run = await of_two_steps(desk)
    verbs = ["delete", "restart"] if first == "delete" else ["restart", "delete"]
    answers = await asyncio.gather(
        *(getattr(desk.engine, verb)("wf", run) for verb in verbs), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 1
    if isinstance(answers[verbs.index("restart")], Exception):
        assert isinstance(refused[0], RunNotFound)
        with pytest.raises(RunNotFound):
            await desk.view(run)
    else:
        assert isinstance(refused[0], RunState)
        assert await desk.output(run) == ["x", "x"]
    if desk.kind == "embedded":
        assert await of_nobody(desk) == 0


@pytest.mark.interpreted
async def test_nobody_finds_a_run_whose_rows_are_about_to_go(embedded_desk, deleted):
    desk, run = embedded_desk, await of_two_steps(embedded_desk)
    async with unwritten(desk):
        deleting = asyncio.ensure_future(desk.engine.delete("wf", run))
        await desk.seen(lambda: bool(deleted))
        for verb in ("restart", "delete", "history", "event_log", "get"):
            with pytest.raises(RunNotFound):
                await getattr(desk.engine, verb)("wf", run)
        again = asyncio.ensure_future(desk.start("y", instance=run))  # its id is free
        await asyncio.sleep(0)
    await deleting
    assert await again == run
    assert await desk.output(run) == ["y", "y"]
    assert await of_nobody(desk) == 0
    await desk.reopen()
    assert await desk.output(run) == ["y", "y"]


@pytest.mark.interpreted
async def test_who_asked_for_a_deletion_may_leave(embedded_desk, deleted):
    desk, run = embedded_desk, await of_two_steps(embedded_desk)
    async with unwritten(desk):
        deleting = asyncio.ensure_future(desk.engine.delete("wf", run))
        await desk.seen(lambda: bool(deleted))
        deleting.cancel()
        with pytest.raises(RunNotFound):
            await desk.engine.restart("wf", run)
    with pytest.raises(RunNotFound):
        await desk.view(run)
    assert await of_nobody(desk) == 0


@pytest.mark.interpreted
async def test_a_run_read_just_before_its_rows_went_is_read_again(embedded_desk, monkeypatch):
    desk, run = embedded_desk, await of_two_steps(embedded_desk)
    read, is_read, go_on = desk.engine.journal.read, asyncio.Event(), asyncio.Event()

    async def late(question):
        answer = await read(question)
        is_read.set()
        await go_on.wait()
        return answer

    monkeypatch.setattr(desk.engine.journal, "read", late)
    restarting = asyncio.ensure_future(desk.engine.restart("wf", run))
    await is_read.wait()
    monkeypatch.setattr(desk.engine.journal, "read", read)
    await desk.engine.delete("wf", run)
    go_on.set()
    with pytest.raises(RunNotFound):
        await restarting
    assert await of_nobody(desk) == 0


@pytest.mark.interpreted
async def test_a_run_that_is_not_kept_any_longer_is_not_restarted(embedded_desk, deleted):
    desk, run = embedded_desk, await of_two_steps(embedded_desk)
    desk.clock.move(100)
    desk.engine.limit("wf", Limits(), Retention(completed=10))
    async with unwritten(desk):
        desk.clock.move(100)
        await desk.seen(lambda: bool(deleted))
        with pytest.raises(RunNotFound):
            await desk.engine.restart("wf", run)
    with pytest.raises(RunNotFound):
        await desk.view(run)
    assert await of_nobody(desk) == 0


@pytest.mark.interpreted
async def test_a_run_restarted_while_old_ones_are_looked_for_is_kept(embedded_desk, monkeypatch):
    desk = embedded_desk
    desk.deploy(GATE)
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.engine.terminate("wf", run)
    read, is_read, go_on = desk.engine.journal.read, asyncio.Event(), asyncio.Event()

    async def late(question):
        answer = await read(question)
        if isinstance(getattr(question, "__self__", None), Expiry):
            is_read.set()
            await go_on.wait()
        return answer

    monkeypatch.setattr(desk.engine.journal, "read", late)
    desk.engine.limit("wf", Limits(), Retention(failed=10))
    desk.clock.move(100)
    await is_read.wait()
    await desk.engine.restart("wf", run)
    await desk.until(run, RunStatus.waiting)
    await desk.seen(lambda: not desk.engine._runs)  # it was unloaded
    go_on.set()
    await desk.engine.send_event("wf", run, "go", b"1")
    assert await desk.output(run) == 1


@pytest.mark.interpreted
async def test_what_a_child_ended_with_reaches_no_deleted_parent(embedded_desk, deleted):
    desk = embedded_desk
    desk.deploy(
        """
import hashlib
if event["payload"] == "child":
    mark("child")
    while not os.path.exists(self.env.EFFECTS + ".go"):
        await asyncio.sleep(0.005)
    return 1
@step.do("start")
async def start(ctx):
    run = (event["workflowName"], event["instanceId"], event["timestamp"], ctx["epoch"], "start", 1)
    id = hashlib.sha256("\\n".join(map(str, run)).encode()).hexdigest()[:32]
    await self.env.WORKFLOW.create(id=id, params="child")
    return id
return await start()
"""
    )
    parent = await desk.start("parent")
    child = await desk.output(parent)
    await desk.seen(lambda: desk.marks() == ["child"])
    async with unwritten(desk):
        deleting = asyncio.ensure_future(desk.engine.delete("wf", parent))
        await desk.seen(lambda: bool(deleted))
        desk.effects.with_suffix(".go").touch()
        await desk.seen(lambda: not desk.engine._assigned)
    await deleting
    assert await desk.output(child) == 1
    assert await of_nobody(desk) == 0


async def test_what_is_left_of_a_deleted_run_is_given_to_no_new_one(embedded_desk):
    desk = embedded_desk
    desk.deploy(f"""
if event["payload"] == "new":
    await step.wait_for_event("gate", "go")
{STEPS}""")
    await desk.output(await desk.start("old"))
    await desk.engine.close()
    with sqlite3.connect(desk.folder / "journal.sqlite") as db:
        db.execute("delete from runs")  # as older servers left it
    db.close()
    await desk.open()
    run = await desk.start("new")
    await desk.until(run, RunStatus.waiting)
    await desk.seen(lambda: not desk.engine._runs)  # so that its rows are read
    await desk.engine.send_event("wf", run, "go", b"1")
    assert await desk.output(run) == ["new", "new"]
