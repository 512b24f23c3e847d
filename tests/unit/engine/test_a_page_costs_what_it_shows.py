"""A page of runs takes the same work beside ten times as many runs, whatever it is filtered by."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from awaitstep.engine import ids
from awaitstep.engine.embedded import listing, queries
from awaitstep.engine.embedded.rows import Names
from awaitstep.engine.port import RunQuery
from awaitstep.engine.states import RunStatus

SCHEMA = (Path(listing.__file__).parent / "schema.sql").read_text()
TEXTS = ["wf", "other", "api", "http", "manual", "dep", "dep2", "old", "v", "v2", "older"]
OLDEST = 5
COMPLETE, ERRORED, TERMINATED, WAITING = 4, 5, 6, 2


def journal(count, status=None):
    """`count` runs; the oldest differ from the others in everything."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(SCHEMA)
    db.executemany("insert into names values (?, ?)", enumerate(TEXTS, 1))
    name = {text: id for id, text in enumerate(TEXTS, 1)}
    for ref in range(1, count + 1):
        old, even = ref <= OLDEST, ref % 2 == 0
        row = (
            ref, name["wf"], ids.pack(ids.new_instance(float(ref)), True),
            name["old" if old else "dep" if even else "dep2"],
            name["older" if old else "v" if even else "v2"],
            name["manual" if old else "api" if even else "http"],
            status or (TERMINATED if old else ERRORED if even else COMPLETE), float(ref),
        )  # fmt: skip
        db.execute(
            "insert into runs (ref, workflow, instance, deployment, version, trigger, status,"
            " epoch, pause_requested, created) values (?, ?, ?, ?, ?, ?, ?, 1, 0, ?)",
            row,
        )
    return db


def work(db, query):
    """(runs found, instructions that SQLite executed)."""
    executed = 0

    def count():
        nonlocal executed
        executed += 1

    known = Names(queries.names(db))
    db.set_progress_handler(count, 1)
    found, following = listing.page(db, known, query)
    db.set_progress_handler(None, 1)
    return len(found), executed, following


FEW, MANY = journal(400), journal(4_000)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, 10),
        ({"created_before": 4.0}, 3),
        ({"created_after": 1e9}, 0),
        ({"created_before": 0.0}, 0),
        ({"status": [RunStatus.complete]}, 10),
        ({"status": [RunStatus.terminated]}, OLDEST),
        ({"status": [RunStatus.queued, RunStatus.waiting]}, 0),
        ({"status": [RunStatus.errored], "trigger": ["http"]}, 0),
        ({"trigger": ["manual"]}, OLDEST),
        ({"trigger": ["schedule"]}, 0),
        ({"version": "older"}, OLDEST),
        ({"version": "never"}, 0),
        ({"deployment": "old"}, OLDEST),
        ({"status": [RunStatus.errored], "created_before": 9.0}, 2),
        ({"workflows": ["other"]}, 0),
        ({"workflows": ["wf", "other", "never"]}, 10),
    ],
)
def test_a_page_takes_no_more_work_beside_more_runs(given, found):
    query = RunQuery(**{"workflows": ["wf"], "limit": 10, **given})
    few, many = work(FEW, query), work(MANY, query)
    assert few[0] == many[0] == found
    # a tree of pages may be one deeper
    assert many[1] <= few[1] * 1.2


def test_a_text_is_looked_for_in_so_many_runs_at_once_and_then_further():
    most = listing.LOOKED_AT * 200
    seen, cursor, pages = 0, None, 0
    while True:
        found, executed, cursor = work(MANY, RunQuery(["wf"], text="nothing", cursor=cursor))
        assert executed < most
        seen, pages = seen + found, pages + 1
        if cursor is None:
            break
    assert (seen, pages) == (0, 2)


def test_a_whole_id_is_found_beside_any_number_of_runs():
    for kind, wanted in (({}, 1), ({"trigger": ["manual"]}, 1), ({"trigger": ["api"]}, 0)):
        counts = []
        for db in (FEW, MANY):
            (oldest,) = db.execute("select instance from runs where ref = 1").fetchone()
            text = ids.unpack(oldest)[0]
            found, executed, following = work(db, RunQuery(["wf"], text=text, **kind))
            counts.append(executed)
            assert found == wanted
            if wanted:
                assert following is None
        if wanted:
            assert counts[1] <= counts[0] * 1.2


def test_a_deep_page_takes_no_more_work_than_an_early_one():
    def page_at(moment):
        cursor = work(MANY, RunQuery(["wf"], created_before=moment, limit=10))[2]
        return work(MANY, RunQuery(["wf"], limit=10, cursor=cursor))

    early, deep = page_at(3_990.0), page_at(100.0)
    assert early[0] == deep[0] == 10
    assert deep[1] <= early[1] * 1.2


def test_of_a_waiting_run_only_what_is_to_be_tried_again_is_read():
    operations = (
        "insert into operations (run, k, kind, name, n, after, seq, status, started, due)"
        " values (10, ?, ?, 'step', ?, 0, ?, ?, 1.0, ?)"
    )
    counts = []
    for count in (20, 2_000):
        db = journal(10, status=WAITING)
        db.executemany(operations, [(k, 0, k, k, 2, None) for k in range(1, count)])
        db.execute(operations, (count, 0, count, 0, 1, 9.0))
        db.execute(operations, (count + 1, 1, 1, 0, 1, 8.0))
        known = Names(queries.names(db))
        (run, *_), _ = listing.page(db, known, RunQuery(["wf"]))
        assert list(run.operations) == [count]
        counts.append(work(db, RunQuery(["wf"]))[1])
    assert counts[1] <= counts[0] * 1.2
