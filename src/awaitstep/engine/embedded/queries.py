"""What is asked of the journal's committed rows. Runs in the reader's thread; no decisions here."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence

from awaitstep.engine import ids
from awaitstep.engine.embedded.rows import (
    OPERATION_COLUMNS,
    RUN_COLUMNS,
    Names,
    Row,
    code,
    fill,
    read_run,
)
from awaitstep.engine.eventlog import Note, NoteKind
from awaitstep.engine.run import Run
from awaitstep.engine.states import STOP, RunStatus

_RUN = f"select {RUN_COLUMNS} from runs"
_OPERATIONS = f"select {OPERATION_COLUMNS} from operations where run = ? order by k"
_EVENTS = "select seq, type, payload, at from events where run = ? and taken is null order by seq"


def names(db: sqlite3.Connection) -> list[tuple[int, str]]:
    return db.execute("select id, text from names").fetchall()


def last_numbers(db: sqlite3.Connection) -> tuple[int, int]:
    """The highest run and event so far.

    A number counts as long as there is a row of it: a new run would get what an older server may
    have left of a deleted one.
    """
    rows = db.execute(
        "select max(ref) from runs union all select max(run) from operations"
        " union all select max(run) from events union all select max(run) from notes"
    )
    run = max(number or 0 for (number,) in rows)
    (event,) = db.execute("select coalesce(max(seq), 0) from events").fetchone()
    return run, event


def find(db: sqlite3.Connection, known: Names, workflow: str, instance: str) -> Run | None:
    """The run with everything recorded of it. A caller's id may look like one made here."""
    workflow_id = known.get(workflow)
    if workflow_id is None:
        return None
    keys: list[bytes | str] = [instance]
    try:
        keys.append(ids.pack(instance, True))
    except ValueError:
        pass
    for key in keys:
        row = db.execute(
            f"{_RUN} where workflow = ? and instance = ?", (workflow_id, key)
        ).fetchone()
        if row is not None:
            run = _whole(db, known, row)
            if run.instance == instance:
                return run
    return None


def load(db: sqlite3.Connection, known: Names, refs: Sequence[int]) -> list[Run]:
    """Runs by number, whole."""
    loaded = []
    for ref in refs:
        row = db.execute(f"{_RUN} where ref = ?", (ref,)).fetchone()
        if row is not None:
            loaded.append(_whole(db, known, row))
    return loaded


def to_execute(db: sqlite3.Connection) -> array[int]:
    """Runs that were queued or running when the last server ended: first those that had begun,
    then as they stand in line."""
    rows = db.execute(
        "select ref from runs indexed by runs_by_kind where status < 2"
        " order by started is null, priority desc, ref"
    )
    return array("q", (ref for (ref,) in rows))


def in_line(db: sqlite3.Connection, known: Names, workflow: str) -> list[tuple[int, int, bool]]:
    """The runs of a workflow that are to be executed: number, priority, whether for the first time."""
    rows = db.execute(
        "select ref, priority, started is null and (epoch > 1 or not exists"
        " (select 1 from operations where run = ref)) from runs indexed by runs_by_kind"
        " where status in (0, 1) and workflow = ?",
        (known.get(workflow),),
    )
    return [(ref, priority, bool(first)) for ref, priority, first in rows]


def due(db: sqlite3.Connection, now: float, limit: int) -> tuple[list[int], float | None]:
    """Parked runs that are due, longest due first, and when the next one is."""
    rows = db.execute(
        "select ref, due from runs where due is not null and due <= ? order by due limit ?",
        (now, limit),
    ).fetchall()
    (upcoming,) = db.execute(
        "select min(due) from runs where due is not null and due > ?", (now,)
    ).fetchone()
    return [ref for ref, _ in rows], upcoming


def notes(db: sqlite3.Connection, run: int) -> list[Note]:
    """What was noted for a run's event log, in order."""
    rows = db.execute(
        "select kind, at, epoch, after, data from notes where run = ? order by rowid", (run,)
    )
    return [Note(NoteKind(kind), at, epoch, after, data) for kind, at, epoch, after, data in rows]


def children(db: sqlite3.Connection, known: Names, parent: int) -> list[tuple[str, str, int]]:
    """The live runs that a run started and waits for: workflow, instance, the epoch then."""
    rows = db.execute(
        "select workflow, instance, parent_epoch from runs where parent = ? and status < 4",
        (parent,),
    )
    return [(known.text(w), ids.unpack(instance)[0], epoch) for w, instance, epoch in rows]


def parents_of_orphans(db: sqlite3.Connection) -> list[int]:
    """Runs that were terminated, restarted or rolled back while children of theirs are still live."""
    rows = db.execute(
        "select distinct parent.ref from runs child join runs parent on parent.ref = child.parent"
        " where child.parent is not null and child.status < 4"
        " and (parent.status = ? or parent.epoch <> child.parent_epoch or exists"
        " (select 1 from operations where run = parent.ref and k = ?))",
        (code(RunStatus.terminated), STOP),
    )
    return [ref for (ref,) in rows]


def live(db: sqlite3.Connection, known: Names, workflow: str) -> int:
    (count,) = db.execute(
        "select count(*) from runs indexed by runs_by_kind"
        " where status in (0, 1, 2, 3) and workflow = ?",
        (known.get(workflow),),
    ).fetchone()
    return int(count)


def live_by_workflow(db: sqlite3.Connection, known: Names) -> dict[str, int]:
    """How many runs have not ended, without a look at those that have."""
    rows = db.execute(
        "select workflow, count(*) from runs indexed by runs_by_kind where status < 4"
        " group by workflow"
    )
    return {known.text(workflow): count for workflow, count in rows}


def live_of_deployment(db: sqlite3.Connection, known: Names, deployment: str) -> list[int]:
    rows = db.execute(
        "select ref from runs indexed by runs_by_kind where status < 4 and deployment = ?",
        (known.get(deployment),),
    )
    return [ref for (ref,) in rows]


def _whole(db: sqlite3.Connection, known: Names, row: Row) -> Run:
    run = read_run(row, known)
    return fill(run, db.execute(_OPERATIONS, (run.ref,)), db.execute(_EVENTS, (run.ref,)))
