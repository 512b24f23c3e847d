"""How many runs are kept is no matter to who reads meanwhile: SQLite's steps are counted, not time."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections import Counter

import pytest

from awaitstep.engine.coordinator import RETIRE_EVERY
from awaitstep.engine.embedded import expiry
from awaitstep.engine.errors import RunNotFound
from awaitstep.engine.port import Limits, Retention, RunQuery
from awaitstep.engine.states import RUN_CODES, RunStatus

RUNS = 12_000
STEPS = 100  # between two times that SQLite tells of itself
COMPLETE, ERRORED, WAITING = (
    RUN_CODES.index(status) for status in (RunStatus.complete, RunStatus.errored, RunStatus.waiting)
)


class Steps:
    """What a reader's statements take: of all together, and of the one that takes most."""

    def __init__(self, db):
        self.total = self.most = self._current = 0
        db.set_trace_callback(self._begins)
        db.set_progress_handler(self._goes_on, STEPS)

    def _begins(self, statement):
        self._current = 0

    def _goes_on(self):
        self.total += STEPS
        self._current += STEPS
        self.most = max(self.most, self._current)


@pytest.fixture
async def crowd(embedded_desk):
    """A workflow with many runs, of which every tenth has failed and every twentieth waits; each
    ten were created at one moment."""
    desk = embedded_desk
    desk.deploy("return 1")
    await desk.output(await desk.start(instance="first"))
    await desk.engine.close()
    with sqlite3.connect(desk.folder / "journal.sqlite") as db:
        like = db.execute("select workflow, deployment, version, trigger from runs").fetchone()
        db.execute("delete from runs")
        db.executemany(
            "insert into runs (ref, workflow, instance, deployment, version, trigger, created,"
            " status, epoch, pause_requested) values (?, ?, ?, ?, ?, ?, ?, ?, 1, 0)",
            (
                (
                    n + 1,
                    like[0],
                    uuid.uuid4().bytes,
                    *like[1:],
                    desk.clock.now() + n // 10,
                    status(n),
                )
                for n in range(RUNS)
            ),
        )
    db.close()
    desk.clock.move(RUNS / 10)
    await desk.open()
    await desk.seen(lambda: not desk.engine._tasks)  # it has looked for what was left over
    return desk


def status(n):
    return WAITING if n % 20 == 0 else ERRORED if n % 10 == 5 else COMPLETE


async def forget(desk, kept):
    """Do one round; the runs that are left, and what reading took."""
    desk.engine.limit("wf", Limits(), kept)
    steps = Steps(desk.engine.journal._reader)
    await desk.engine._retire(desk.clock.now())
    desk.engine.journal._reader.set_trace_callback(None)
    desk.engine.journal._reader.set_progress_handler(None, 0)

    def left(db):
        return {ref - 1 for (ref,) in db.execute("select ref from runs")}

    return await desk.engine.journal.read(left), steps


def ended(numbers):
    return [n for n in numbers if status(n) != WAITING]


@pytest.mark.parametrize("most", [0, 1, 199, 200, 949, 950, 951, 8_000, 11_399, 11_400, 20_000])
async def test_the_newest_are_kept_whatever_their_number(crowd, most):
    left, steps = await forget(crowd, Retention(most=most))
    expected = set(ended(reversed(range(RUNS)))[:most])
    assert set(ended(left)) == expected
    assert len(left) - len(expected) == RUNS / 20  # live ones are never forgotten
    assert steps.most <= 30 * expiry.STRIDE
    assert steps.total <= 80 * RUNS


@pytest.mark.parametrize(
    ("kept", "completed", "failed"),
    [
        (Retention(completed=300), 300, None),
        (Retention(failed=300), None, 300),
        (Retention(completed=200, failed=900), 200, 900),
        (Retention(completed=0, failed=0), 0, 0),
        (Retention(completed=300, most=9_000), 300, None),
        (Retention(completed=300, failed=900, most=3_000), 300, 900),
    ],
)
async def test_ages_are_looked_at_once(crowd, kept, completed, failed):
    now = crowd.clock.now()
    created = [now - (RUNS - n // 10 * 10) / 10 for n in range(RUNS)]
    ages = {COMPLETE: completed, ERRORED: failed}
    left, steps = await forget(crowd, kept)
    young = [
        n
        for n in ended(range(RUNS))
        if ages[status(n)] is None or created[n] >= now - ages[status(n)]
    ]
    assert sorted(ended(left)) == young[-(kept.most or RUNS) :]
    assert steps.most <= 30 * expiry.STRIDE
    assert steps.total <= 80 * RUNS


async def test_every_look_goes_by_the_index(crowd):
    statements = Counter()
    crowd.engine.journal._reader.set_trace_callback(lambda text: statements.update([text]))
    crowd.engine.limit("wf", Limits(), Retention(completed=900, failed=900, most=8_000))
    await crowd.engine._retire(crowd.clock.now())
    crowd.engine.journal._reader.set_trace_callback(None)

    def plans(db):
        return {
            plan for text in statements for *_, plan in db.execute(f"explain query plan {text}")
        }

    for plan in await crowd.engine.journal.read(plans):
        assert plan.startswith("SEARCH runs USING"), plan
        assert "runs_by_workflow (workflow=?" in plan, plan


async def test_a_workflow_without_runs_has_none_to_forget(embedded_desk):
    embedded_desk.engine.limit("nobody", Limits(), Retention(completed=1, failed=1, most=1))
    await embedded_desk.engine._retire(embedded_desk.clock.now())
    assert (await embedded_desk.engine.list(RunQuery(["nobody"]))).runs == []


def looks_that_wait(desk, monkeypatch):
    """The looks of a round of retention, which all wait until told to go on."""
    read, looks, go_on = desk.engine.journal.read, [], asyncio.Event()

    async def slow(question):
        if isinstance(getattr(question, "__self__", None), expiry.Expiry):
            looks.append(question)
            await go_on.wait()
        return await read(question)

    monkeypatch.setattr(desk.engine.journal, "read", slow)
    return looks, go_on


@pytest.mark.interpreted
async def test_a_round_that_takes_long_is_the_only_one(embedded_desk, monkeypatch):
    desk = embedded_desk
    desk.deploy("return 1")
    run = await desk.start()
    await desk.output(run)
    desk.engine.limit("wf", Limits(), Retention(completed=1000))
    looks, go_on = looks_that_wait(desk, monkeypatch)
    for _ in range(4):
        desk.clock.move(RETIRE_EVERY + 1)
        await desk.seen(lambda: bool(looks))
        await asyncio.sleep(0.05)
    assert len(looks) == 1
    go_on.set()
    desk.clock.move(1000)
    await desk.passes(lambda: len(looks) > 1)
    await desk.seen(lambda: not desk.engine._tasks)
    with pytest.raises(RunNotFound):
        await desk.view(run)


@pytest.mark.interpreted
async def test_a_round_keeps_what_is_to_be_kept_since_it_began(embedded_desk, monkeypatch):
    desk = embedded_desk
    desk.deploy("return 1")
    run = await desk.start()
    await desk.output(run)
    desk.engine.limit("wf", Limits(), Retention(completed=10))
    looks, go_on = looks_that_wait(desk, monkeypatch)
    desk.clock.move(100)
    await desk.passes(lambda: bool(looks))
    desk.engine.limit("wf", Limits(), Retention())  # all is kept from here on
    go_on.set()
    await desk.seen(lambda: not desk.engine._retiring)
    assert (await desk.view(run)).status is RunStatus.complete
