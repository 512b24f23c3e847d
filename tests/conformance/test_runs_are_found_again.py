"""Lists, waiting for ends, deleting, and starting many."""

from __future__ import annotations

import asyncio

import pytest

from awaitstep.engine import resting
from awaitstep.engine.errors import (
    InstanceTaken,
    InvalidInstanceId,
    RunNotFound,
    RunState,
    ValueRefused,
)
from awaitstep.engine.port import RunQuery, StartRun
from awaitstep.engine.states import RunStatus

WAITING = RunStatus.waiting
BODY = """
if event["payload"] == "bad":
    raise ValueError("bad")
if event["payload"] == "nap":
    await step.sleep("nap", "1 hour")
if event["payload"] == "retry":
    @step.do("flaky")
    async def flaky(): raise ValueError("not yet")
    await flaky()
return event["payload"]
"""


def ids(page):
    return [run.instance for run in page.runs]


async def test_lists_are_filtered_by_what_runs_are(desk):
    desk.deploy(BODY)
    desk.deploy(BODY, "other")
    began = desk.clock.now()

    async def start(instance, params, **given):
        given = {"workflow": "wf", "deployment": "dep", "trigger": "api", **given}
        await desk.engine.create(
            StartRun(params=f'"{params}"'.encode(), instance=instance, **given)
        )
        desk.clock.move(10)

    await start("ok", "fine", version="v1")
    await start("bad", "bad", version="v2", trigger="http")
    await start("nap", "nap", version="v2")
    await start("retry", "retry", deployment="other", trigger="schedule")
    await start("paused", "nap", trigger="manual")
    await start("gone", "nap")
    await start("elsewhere", "fine", workflow="wf2")
    await desk.until("ok", RunStatus.complete)
    await desk.until("bad", RunStatus.errored)
    for instance in ("nap", "retry", "paused", "gone"):
        await desk.until(instance, WAITING)
    await desk.engine.pause("wf", "paused")
    await desk.engine.terminate("wf", "gone")

    async def found(workflows=("wf",), **given):
        return set(ids(await desk.engine.list(RunQuery(list(workflows), **given))))

    for _ in range(2):
        everything = {"ok", "bad", "nap", "retry", "paused", "gone"}
        assert await found() == everything
        assert await found(["wf", "wf2", "wf3"]) == {*everything, "elsewhere"}
        assert await found([]) == await found(["wf3"]) == set()
        S = RunStatus
        assert await found(status=[S.complete]) == {"ok"}
        assert await found(status=[S.waiting]) == {"nap", "retry"}
        assert await found(status=[S.paused, S.terminated]) == {"paused", "gone"}
        assert await found(status=[S.errored, S.running]) == {"bad"}
        assert await found(trigger=["http", "schedule"]) == {"bad", "retry"}
        assert await found(trigger=["workflow"]) == set()
        assert await found(version="v2") == {"bad", "nap"}
        assert await found(version="v9") == set()
        assert await found(deployment="other") == {"retry"}
        assert await found(created_after=began + 10, created_before=began + 30) == {"bad", "nap"}
        assert await found(version="v2", status=[S.waiting], trigger=["api"]) == {"nap"}
        assert await desk.engine.live("wf") == 3
        await desk.reopen()
        for instance in ("nap", "retry"):
            await desk.until(instance, WAITING)
    listed = {run.instance: run for run in (await desk.engine.list(RunQuery(["wf"]))).runs}
    for instance, run in listed.items():
        assert run == await desk.view(instance)
    assert listed["retry"].error.message == "not yet"
    assert listed["retry"].next_attempt_at is not None


async def test_runs_are_found_by_a_text(desk):
    desk.deploy(BODY)
    desk.deploy("return event['payload']", "echo")
    long = "x" * 5_000

    async def start(params, instance=None, **given):
        run = await desk.start(params, instance, **given)
        await desk.ended(run)
        return run

    made = await start("fine")
    chosen = await start("Grüße", "Order-17")
    further = await start({"a": [1, {"b": 'say "Hi"'}]}, "order-170", name="echo")
    bad = await start("bad", "thrown")
    await start(f"needle {long}", "long")
    await start("no", "run_5", name="echo")
    other = await start("no", "5", name="echo")

    async def found(text, **given):
        page = await desk.engine.list(RunQuery(["wf"], text=text, **given))
        assert page.next_cursor is None
        return set(ids(page))

    for _ in range(2):
        for part in (made, made[:9], made[5:20], made[-6:], made.upper()):
            assert await found(part) == {made}
        assert await found("order-17") == await found("ORDER-17") == {chosen, further}
        assert await found("run_order-1") == {chosen, further}
        assert await found("run_order-170") == {further}
        assert await found("run_5") == {"run_5", other}
        assert await found("Grüße") == await found("grüße") == {chosen}
        assert await found('"b":"say') == await found('say "hi"') == {further}
        assert await found("ValueError") == {bad}
        assert await found("needle") == await found(long[:9]) == set()
        assert await found("nobody") == await found("%") == await found("\0") == set()
        assert await found("order", status=[RunStatus.errored]) == set()
        assert await found(made, trigger=["http"]) == await found(made, created_before=0.0) == set()
        assert await found(made, created_after=0.0, status=[RunStatus.complete]) == {made}
        assert await found("-") == {chosen, further}  # what is between digits counts for nothing
        await desk.reopen()


async def test_pages_follow_each_other_while_runs_are_added(desk):
    desk.deploy("return 1")
    made = [await desk.start() for _ in range(7)]
    page = await desk.engine.list(RunQuery(["wf"], limit=3))
    seen = ids(page)
    await desk.start()
    while page.next_cursor is not None:
        page = await desk.engine.list(RunQuery(["wf"], limit=3, cursor=page.next_cursor))
        seen += ids(page)
    assert seen == made[::-1]


async def test_pages_hold_every_run_once_whatever_is_asked_and_however_the_clock_went(desk):
    desk.deploy("return 1")
    desk.deploy("return 1", "other")
    kinds = [
        ("dep", "v1", "api"), ("dep", "v1", "http"), ("other", "v2", "api"), ("other", "v2", "manual"),
    ]  # fmt: skip
    made = []
    for n in range(12):
        deployment, version, trigger = kinds[n % 4]
        created = await desk.engine.create(StartRun("wf", deployment, trigger, version=version))
        made.append((created.run.created_at, n, created.run))
        await desk.until(created.run.instance, RunStatus.complete)
        desk.clock.move(-25 if n == 5 else 0 if n % 3 else 10)
    newest = [run for *_, run in sorted(made, key=lambda run: run[:2], reverse=True)]
    middle = newest[6].created_at
    for given, wanted in (
        ({}, lambda run: True),
        ({"trigger": ["api", "manual"]}, lambda run: run.trigger in ("api", "manual")),
        ({"version": "v1"}, lambda run: run.version == "v1"),
        ({"deployment": "other"}, lambda run: run.deployment == "other"),
        ({"status": [RunStatus.complete]}, lambda run: True),
        ({"status": []}, lambda run: False),
        ({"created_after": middle}, lambda run: run.created_at >= middle),
        (
            {"created_before": middle, "version": "v2"},
            lambda run: run.created_at < middle and run.version == "v2",
        ),
    ):
        seen, cursor = [], None
        while True:
            query = RunQuery(["wf", "wf"], limit=2, cursor=cursor, **given)
            page = await desk.engine.list(query)
            seen += ids(page)
            if (cursor := page.next_cursor) is None:
                break
        assert seen == [run.instance for run in newest if wanted(run)]


async def test_runs_that_wait_are_found_whether_they_are_loaded_or_not(desk):
    desk.deploy('await step.sleep("nap", event["payload"])')
    made = [await desk.start(["1 second", "1 hour"][n % 2]) for n in range(6)]
    for instance in made:
        await desk.until(instance, WAITING)
    for status, wanted in ((WAITING, made[::-1]), (RunStatus.running, []), (RunStatus.queued, [])):
        seen, cursor, pages = [], None, 0
        while not pages or cursor is not None:
            page = await desk.engine.list(RunQuery(["wf"], status=[status], limit=2, cursor=cursor))
            seen += ids(page)
            cursor, pages = page.next_cursor, pages + 1
        assert seen == wanted
        assert pages == max(len(wanted) // 2, 1)  # every page is full


async def test_a_cursor_nobody_gave_is_refused(desk):
    infinite = "7ff00000000000001"
    for cursor in (
        "",
        "-1",
        "x",
        "1.5",
        "١",
        " 1",
        "\x00",
        "1;--",
        "1" * 17 + "\n",
        "f" * 99,
        infinite,
    ):
        with pytest.raises(ValueRefused):
            await desk.engine.list(RunQuery(["wf"], cursor=cursor))


async def test_one_waits_for_an_end_and_no_longer(desk):
    desk.deploy(BODY)
    run = await desk.start("nap")
    assert (await desk.engine.wait("wf", run, 0)).status is not RunStatus.complete
    await desk.until(run, WAITING)
    await desk.reopen()
    waiters = [asyncio.ensure_future(desk.engine.wait("wf", run, 60)) for _ in range(3)]
    impatient = await desk.engine.wait("wf", run, 0.01)
    assert impatient.status is WAITING
    desk.clock.move(3599)
    desk.clock.move(1)
    for view in await asyncio.gather(*waiters):
        assert (view.status, view.output) == (RunStatus.complete, b'"nap"')
    assert (await desk.engine.wait("wf", run, 60)).status is RunStatus.complete
    with pytest.raises(RunNotFound):
        await desk.engine.wait("wf", "nobody", 60)


async def test_a_waiter_hears_of_a_termination(desk):
    desk.deploy(BODY)
    run = await desk.start("nap")
    waiter = asyncio.ensure_future(desk.engine.wait("wf", run, 60))
    await desk.until(run, WAITING)
    await desk.engine.terminate("wf", run)
    assert (await waiter).status is RunStatus.terminated


async def test_a_deleted_run_is_forgotten_with_all_that_was_its(desk):
    desk.deploy(BODY)
    run = await desk.start("nap", instance="mine")
    await desk.until(run, WAITING)
    with pytest.raises(RunState):
        await desk.engine.delete("wf", run)
    await desk.engine.send_event("wf", run, "go", b"1")
    await desk.engine.terminate("wf", run)
    other = await desk.start("fine", instance="other")
    await desk.engine.delete("wf", run)
    for _ in range(2):
        for call in (desk.view, desk.steps):
            with pytest.raises(RunNotFound):
                await call(run)
        with pytest.raises(RunNotFound):
            await desk.engine.delete("wf", run)
        assert await desk.output(other) == "fine"
        await desk.reopen()
    again = await desk.engine.create(StartRun("wf", "dep", "api", b'"fine"', "mine"))
    assert (again.existed, again.run.epoch) == (False, 1)
    assert await desk.output("mine") == "fine"
    assert await desk.output(other) == "fine"


async def test_one_id_started_many_times_at_once_is_one_run(desk):
    desk.deploy("mark('ran')\nreturn 1")
    start = StartRun("wf", "dep", "api", b"1", "same")
    answers = await asyncio.gather(*(desk.engine.create(start) for _ in range(20)))
    assert sum(not answer.existed for answer in answers) == 1
    await desk.output("same")
    assert desk.marks() == ["ran"]
    await desk.reopen()
    assert (await desk.engine.create(start)).existed
    for other in (
        StartRun("wf", "dep", "api", b"2", "same"),
        StartRun("wf", "dep", "api", None, "same"),
        StartRun("wf", "dep2", "api", b"1", "same"),
    ):
        with pytest.raises(InstanceTaken):
            await desk.engine.create(other)
    assert not (await desk.engine.create(StartRun("wf2", "dep", "api", b"2", "same"))).existed
    assert (await desk.engine.create(StartRun("wf", "dep", "http", b"1", "same"))).existed


async def test_an_id_made_here_cannot_be_taken_by_a_caller(desk):
    desk.deploy("return 1")
    made = await desk.start(1)
    assert (await desk.view(made)).generated_id
    await desk.reopen()
    with pytest.raises(InstanceTaken):
        await desk.start(2, instance=made)
    hexadecimal = made.replace("-", "")
    chosen = await desk.start(3, instance=hexadecimal)
    assert not (await desk.view(chosen)).generated_id
    assert (await desk.view(made)).params == b"1"


async def test_a_batch_answers_in_its_order_each_for_itself(desk):
    desk.deploy("return event['payload']")
    starts = [StartRun("wf", "dep", "api", b"%d" % n, f"run-{n}") for n in range(50)]
    starts[7] = StartRun("wf", "dep", "api", b"7", "not valid")
    starts[9] = StartRun("wf", "dep", "api", b"NaN", "run-9")
    starts[11] = StartRun("wf", "dep", "api", b"0", "run-0")
    starts[13] = StartRun("wf", "dep", "api", b"13", "run-0")
    answers = await desk.engine.create_batch(starts)
    assert isinstance(answers[7], InvalidInstanceId)
    assert isinstance(answers[9], ValueRefused)
    assert answers[11].existed
    assert isinstance(answers[13], InstanceTaken)
    for n in range(50):
        if n not in (7, 9, 11, 13):
            assert await desk.output(f"run-{n}") == n


@pytest.mark.interpreted
async def test_a_run_that_leaves_memory_while_a_list_is_read_is_in_it(embedded_desk, monkeypatch):
    """Its row said otherwise when it was read, and nothing in memory says better any more."""
    desk = embedded_desk
    desk.deploy('await step.wait_for_event("gate", "go")')
    read = desk.engine.journal.read
    monkeypatch.setattr(desk.engine, "_may_rest", lambda run: True)
    monkeypatch.setattr(resting, "LONG", 0)
    run = await desk.start()
    await desk.has(run, "gate")
    await desk.until(run, RunStatus.waiting)

    async def read_and_park(question):
        answer = await read(question)
        monkeypatch.setattr(desk.engine.journal, "read", read)
        desk.engine._park_resting(lambda run: True)
        await desk.engine._flushed()
        return answer

    assert (await desk.engine.figures()).loaded == 1
    monkeypatch.setattr(desk.engine.journal, "read", read_and_park)
    page = await desk.engine.list(RunQuery(["wf"], [RunStatus.waiting]))
    assert [found.instance for found in page.runs] == [run]
