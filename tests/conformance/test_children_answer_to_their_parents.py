"""Runs that wait for runs they started: one child for one step, told once, ended together."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from awaitstep.engine.embedded import queries
from awaitstep.engine.errors import InvalidEventType, JournalUnavailable, RunNotFound
from awaitstep.engine.port import Parent, RunQuery
from awaitstep.engine.states import ENDED, RunStatus

DEADLINE = 30.0
START = """
import hashlib
if "child" in event["payload"]:
    @step.do("born")
    async def born():
        mark(event["payload"]["child"])
    await born()
    code = event["payload"].get("code")
    if code == "fail":
        raise LookupError("no such order")
    if code == "wait":
        return (await step.wait_for_event("gate", "go")).payload
    return {"grown": event["payload"]["child"]}
async def child(name, **params):
    @step.do(name, config={"retries": {"limit": 3, "delay": 0}})
    async def start(ctx):
        at = ctx["step"]
        run = (event["workflowName"], event["instanceId"], event["timestamp"], ctx["epoch"])
        parts = (*run, at["name"], at["count"])
        id = hashlib.sha256("\\n".join(map(str, parts)).encode()).hexdigest()[:32]
        try:
            await self.env.WORKFLOW.create(id=id, params={"child": name, **params})
        except Exception as error:
            if "already_exists" not in str(error):
                raise
        return id
    return await start()
async def result(id):
    return dict((await step.wait_for_event("result of " + id, "child-" + id)).payload)
"""


async def child_of(desk: Any, instance: str, step: str, epoch: int = 1) -> str:
    created = datetime.fromtimestamp((await desk.view(instance)).created_at, UTC)
    parts = ("desk", instance, created, epoch, step, 1)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


async def test_a_parent_hears_what_its_child_answers(desk):
    desk.deploy(START + 'return await result(await child("a"))')
    assert await desk.output(await desk.start({})) == {
        "status": "complete",
        "output": {"grown": "a"},
    }
    assert desk.marks() == ["a"]


async def test_a_child_names_its_parent_whoever_asks(desk):
    desk.deploy(START + 'return await result(await child("a", code="wait"))')
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "result of " + child)
    await desk.has(child, "gate")
    await desk.until(run, RunStatus.waiting)
    for _ in range(2):  # as it is in memory, and as it is read again
        assert (await desk.view(child)).parent == Parent("wf", run, 1)
        assert (await desk.view(run)).parent is None
        [listed] = [
            r for r in (await desk.engine.list(RunQuery(["wf"]))).runs if r.instance == child
        ]
        assert listed.parent == Parent("wf", run, 1)
        await desk.reopen()
    await desk.engine.send_event("wf", child, "go", b"7")
    await desk.output(run)
    assert (await desk.view(child)).parent == Parent("wf", run, 1)


async def test_a_run_under_another_id_names_no_parent(desk):
    desk.deploy(
        START
        + """
@step.do("free")
async def free():
    return (await self.env.WORKFLOW.create(id="free", params={"child": "free"})).id
return await free()
"""
    )
    await desk.output(await desk.start({}))
    await desk.until("free", RunStatus.complete)
    assert (await desk.view("free")).parent is None


async def test_a_parent_that_sleeps_on_disk_is_woken_by_its_child(desk):
    desk.deploy(START + 'return await result(await child("a", code="wait"))')
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "result of " + child)
    await desk.has(child, "gate")
    await desk.until(run, RunStatus.waiting)
    await desk.reopen()
    assert (await desk.view(run)).status is RunStatus.waiting
    await desk.engine.send_event("wf", child, "go", b"7")
    assert await desk.output(run) == {"status": "complete", "output": 7}


async def test_a_failure_comes_with_its_own_message(desk):
    desk.deploy(START + 'return await result(await child("a", code="fail"))')
    assert await desk.output(await desk.start({})) == {
        "status": "errored",
        "error": {"name": "LookupError", "message": "no such order"},
    }


async def test_a_child_that_is_terminated_says_so(desk):
    desk.deploy(START + 'return await result(await child("a", code="wait"))')
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "result of " + child)
    await desk.engine.terminate("wf", child)
    answer = await desk.output(run)
    assert answer["status"] == "terminated"
    assert answer["error"]["name"] == "RunTerminated"


async def test_a_start_that_is_tried_again_makes_no_second_child(desk):
    desk.deploy(
        START
        + """
tries = []
@step.do("twice", config={"retries": {"limit": 3, "delay": 0}})
async def twice(ctx):
    run = (event["workflowName"], event["instanceId"], event["timestamp"])
    parts = (*run, 1, "twice", 1)
    id = hashlib.sha256("\\n".join(map(str, parts)).encode()).hexdigest()[:32]
    try:
        await self.env.WORKFLOW.create(id=id, params={"child": "only"})
    except Exception as error:
        return [id, str(error)[:25]]
    raise RuntimeError("lost on the way")
id, said = await twice()
return [said, await result(id)]
"""
    )
    run = await desk.start({})
    await desk.tried(run, "twice", 1)
    desk.clock.move(1)
    said, answer = await desk.output(run)
    assert said == "(instance.already_exists)"
    assert answer["output"] == {"grown": "only"}
    assert desk.marks() == ["only"]


async def test_terminating_a_parent_ends_its_children_and_theirs(desk):
    desk.deploy(
        START.replace('return (await step.wait_for_event("gate", "go")).payload', "pass").replace(
            'return {"grown": event["payload"]["child"]}', "pass"
        )
        + """
depth = event["payload"].get("depth", 0)
if depth == 2:
    return await step.sleep("long", "1 hour")
return await result(await child(f"level {depth + 1}", depth=depth + 1))
"""
    )
    run = await desk.start({})
    await desk.seen(lambda: len(desk.marks()) == 4)
    first = await child_of(desk, run, "level 1")
    second = await child_of(desk, first, "level 2")
    await desk.has(second, "long")
    await desk.engine.terminate("wf", run)
    for instance in (run, first, second):
        assert (await desk.view(instance)).status is RunStatus.terminated


async def test_a_run_with_an_id_of_its_own_is_on_its_own(desk):
    desk.deploy(
        START
        + """
@step.do("start")
async def start():
    await self.env.WORKFLOW.create(id="free", params={"child": "free", "code": "wait"})
await start()
await step.sleep("long", "1 hour")
"""
    )
    run = await desk.start({})
    await desk.has(run, "long")
    await desk.has("free", "gate")
    await desk.engine.terminate("wf", run)
    assert (await desk.view("free")).status is RunStatus.waiting
    await desk.engine.send_event("wf", "free", "go", b"1")
    assert await desk.output("free") == 1


async def test_a_restarted_parent_starts_new_children_and_ends_the_old(desk):
    desk.deploy(START + 'return await result(await child("a", code="wait"))')
    run = await desk.start({})
    old = await child_of(desk, run, "a")
    await desk.has(run, "result of " + old)
    await desk.has(old, "gate")
    await desk.engine.restart("wf", run)
    new = await child_of(desk, run, "a", epoch=2)
    await desk.has(run, "result of " + new)
    assert (await desk.view(old)).status is RunStatus.terminated
    await desk.has(new, "gate")
    await desk.engine.send_event("wf", new, "go", b"2")
    assert (await desk.output(run))["output"] == 2


async def test_a_restart_behind_the_start_keeps_the_child(desk):
    desk.deploy(
        START
        + """
id = await child("a", code="wait")
@step.do("between")
async def between():
    mark("between")
await between()
return await result(id)
"""
    )
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "result of " + child)
    await desk.has(child, "gate")
    await desk.engine.restart("wf", run, step="between")
    await desk.seen(lambda: desk.marks().count("between") == 2)
    await desk.has(run, "result of " + child)
    assert (await desk.view(child)).status is RunStatus.waiting
    await desk.engine.send_event("wf", child, "go", b"3")
    assert (await desk.output(run))["output"] == 3
    assert desk.marks().count("a") == 1


async def test_a_paused_parent_hears_of_it_when_it_goes_on(desk):
    desk.deploy(START + 'return await result(await child("a", code="wait"))')
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "result of " + child)
    await desk.has(child, "gate")
    await desk.engine.pause("wf", run)
    await desk.until(run, RunStatus.paused)
    await desk.engine.send_event("wf", child, "go", b"4")
    await desk.until(child, RunStatus.complete)
    await desk.engine.resume("wf", run)
    assert (await desk.output(run))["output"] == 4


async def test_a_child_ends_though_its_parent_was_deleted(desk):
    desk.deploy(
        START + 'await child("a", code="wait")\nreturn "gone"',
    )
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.until(run, RunStatus.complete)
    await desk.has(child, "gate")
    await desk.engine.delete("wf", run)
    with pytest.raises(RunNotFound):
        await desk.view(run)
    await desk.engine.send_event("wf", child, "go", b"5")
    assert await desk.output(child) == 5


async def test_many_children_end_each_for_itself(desk):
    desk.deploy(
        START
        + """
ids = await asyncio.gather(*(child(f"c{i}") for i in range(20)))
ends = await asyncio.gather(*(result(id) for id in ids))
return sorted(end["output"]["grown"] for end in ends)
"""
    )
    run = await desk.start({})
    assert await desk.output(run) == sorted(f"c{i}" for i in range(20))
    assert sorted(desk.marks()) == sorted(f"c{i}" for i in range(20))


@pytest.mark.interpreted
async def test_children_of_a_parent_that_was_ended_by_a_dying_server_end_too(embedded_desk):
    desk = embedded_desk
    desk.deploy(START + 'return await result(await child("a", code="wait"))')
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "result of " + child)
    await desk.has(child, "gate")
    engine = desk.engine
    held = asyncio.Event()

    async def never(parent):
        held.set()
        await asyncio.Event().wait()

    engine._children = never  # the server dies between the two
    ending = asyncio.create_task(engine.terminate("wf", run))
    await held.wait()
    ending.cancel()
    await desk.reopen()
    await desk.until(child, *ENDED)
    assert (await desk.view(child)).status is RunStatus.terminated


async def waits_for_a_child(desk):
    """A run that was unloaded, and the child that it waits for."""
    desk.deploy(
        START
        + """
id = await child("a", code="wait")
@step.do("then")
async def then():
    mark("then")
await then()
return await result(id)
"""
    )
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "result of " + child)
    await desk.has(child, "gate")
    await desk.seen(lambda: not desk.engine._assigned)
    return run, child


def unread_once(desk, monkeypatch):
    """Let the children of a run not be read the first time; set once that has failed."""
    known, failed = desk.engine._children, asyncio.Event()

    async def children(parent):
        if not failed.is_set():
            failed.set()
            raise JournalUnavailable("disk I/O error")
        return await known(parent)

    monkeypatch.setattr(desk.engine, "_children", children)
    return failed


@pytest.mark.interpreted
async def test_a_run_is_terminated_with_its_children_though_a_read_fails(desk, monkeypatch):
    run, child = await waits_for_a_child(desk)
    failed = unread_once(desk, monkeypatch)
    assert (await desk.engine.terminate("wf", run)).status is RunStatus.terminated
    assert failed.is_set()
    assert (await desk.ended(child)).status is RunStatus.terminated


@pytest.mark.interpreted
async def test_a_child_is_left_to_a_parent_that_was_restarted_meanwhile(desk, monkeypatch):
    run, child = await waits_for_a_child(desk)
    unread_once(desk, monkeypatch)
    later = []

    async def not_yet(parent, rollback):
        later.append(parent)

    monkeypatch.setattr(desk.engine, "_end_children_later", not_yet)
    await desk.engine.terminate("wf", run)
    await desk.engine.restart("wf", run, step="then")
    await desk.seen(lambda: bool(later))
    await desk.engine._end_children(later.pop())
    await desk.engine.send_event("wf", child, "go", b"9")
    assert await desk.output(run) == {"status": "complete", "output": 9}


@pytest.mark.interpreted
async def test_children_of_a_terminated_parent_end_though_it_is_deleted(desk, monkeypatch):
    run, child = await waits_for_a_child(desk)
    unread_once(desk, monkeypatch)
    await desk.engine.terminate("wf", run)
    await desk.engine.delete("wf", run)
    assert (await desk.ended(child)).status is RunStatus.terminated


@pytest.mark.interpreted
async def test_a_child_ends_though_its_parent_cannot_be_read_for_a_moment(embedded_desk):
    desk = embedded_desk
    run, child = await waits_for_a_child(desk)
    await desk.seen(lambda: not desk.engine._runs)
    await desk.engine.send_event("wf", child, "go", b"9")
    left = desk.unreadable(queries.load)
    ending = asyncio.ensure_future(desk.engine.wait("wf", child, 60))
    await desk.passes(ending.done)
    assert not left
    assert (await ending).status is RunStatus.complete
    assert (await desk.output(run))["output"] == 9


async def test_a_run_that_took_the_childs_id_is_not_waited_for(desk):
    desk.deploy(START + 'await step.wait_for_event("gate", "go")\nreturn await child("a")')
    run = await desk.start({})
    stranger = await child_of(desk, run, "a")
    await desk.start({"child": "stranger"}, stranger)
    await desk.until(stranger, RunStatus.complete)
    await desk.engine.send_event("wf", run, "go", b"1")
    for attempt in range(1, 4):
        await desk.tried(run, "a", attempt)
        desk.clock.move(1)
    error = await desk.error(run)
    assert "instance.not_a_child" in error.message, error
    assert desk.marks() == ["stranger"]


async def test_an_instance_id_that_is_given_again_has_children_of_its_own(desk):
    desk.deploy(START + 'return await result(await child("a"))')
    for _ in range(2):
        desk.clock.move(1)
        run = await desk.start({}, "order-1")
        assert (await desk.output(run))["output"] == {"grown": "a"}
        await desk.engine.delete("wf", run)
    assert desk.marks() == ["a", "a"]


async def test_nobody_else_tells_of_a_childs_end(desk):
    desk.deploy(START + 'return await result(await child("a", code="wait"))')
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "result of " + child)
    with pytest.raises(InvalidEventType):
        await desk.engine.send_event("wf", run, "child-" + child, b'{"status":"complete"}')
    await desk.engine.send_event("wf", run, "child-of-mine", b"1")


IMPATIENT = """
id = await child("a", code="wait")
return dict((await step.wait_for_event("end", "child-" + id, timeout="1 minute")).payload)
"""


@pytest.mark.parametrize("reopened", [False, True])
async def test_an_end_that_came_after_the_parents_own_is_kept_for_its_restart(desk, reopened):
    desk.deploy(START + IMPATIENT)
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "end")
    await desk.has(child, "gate")
    desk.clock.move(61)
    assert (await desk.error(run)).name == "TimeoutError"
    await desk.engine.send_event("wf", child, "go", b"9")
    assert await desk.output(child) == 9
    if reopened:
        await desk.reopen()
    await desk.engine.restart("wf", run, step="end")
    assert (await desk.output(run))["output"] == 9


async def test_a_parent_restarted_after_its_end_hears_how_its_children_ended(desk):
    desk.deploy(START + IMPATIENT)
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "end")
    await desk.has(child, "gate")
    await desk.engine.terminate("wf", run)
    await desk.reopen()
    await desk.engine.restart("wf", run, step="end")
    assert (await desk.output(run))["status"] == "terminated"


async def test_the_last_end_of_a_child_is_the_one_that_counts(desk):
    desk.deploy(
        START
        + """
id = await child("a", code="wait")
end = dict((await step.wait_for_event("end", "child-" + id)).payload)
if end["status"] != "complete":
    raise LookupError(end["status"])
return end["output"]
"""
    )
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "end")
    await desk.has(child, "gate")
    await desk.engine.terminate("wf", child)
    assert (await desk.error(run)).message == "terminated"
    await desk.engine.restart("wf", child)
    await desk.has(child, "gate")
    await desk.engine.send_event("wf", child, "go", b"8")
    assert await desk.output(child) == 8
    await desk.reopen()
    await desk.engine.restart("wf", run, step="end")
    assert await desk.output(run) == 8
    await desk.engine.restart("wf", run)  # its first child's end is of no use to the second's
    await desk.has(run, "end")
    await desk.engine.send_event("wf", await child_of(desk, run, "a", epoch=3), "go", b"10")
    assert await desk.output(run) == 10


async def test_a_child_restarted_after_its_parents_end_is_on_its_own(desk):
    desk.deploy(START + IMPATIENT)
    run = await desk.start({})
    child = await child_of(desk, run, "a")
    await desk.has(run, "end")
    await desk.has(child, "gate")
    await desk.engine.terminate("wf", run)
    await desk.engine.restart("wf", child)
    await desk.has(child, "gate")
    await desk.reopen()
    await desk.engine.restart("wf", run)
    await desk.has(child, "gate")
    await desk.engine.send_event("wf", child, "go", b"6")
    assert await desk.output(child) == 6


async def test_many_children_end_with_their_parent(desk):
    desk.deploy(
        START
        + """
ids = await asyncio.gather(*(child(f"c{i}", code="wait") for i in range(300)))
await asyncio.gather(*map(result, ids))
"""
    )
    run = await desk.start({})
    await desk.seen(lambda: len(desk.marks()) == 300)
    first = await child_of(desk, run, "c0")
    await desk.has(run, "result of " + first)
    async with asyncio.timeout(DEADLINE):
        await desk.engine.terminate("wf", run)
    assert await desk.engine.live("wf") == 0
