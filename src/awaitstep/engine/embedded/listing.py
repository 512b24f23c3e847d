"""A page of runs, out of the journal's committed rows. Runs in the reader's thread.

A page costs what it shows, however many runs there are and whichever filters are given: runs that
are alike in all one can filter by stand together in an index, in the order of lists. There are few
such kinds; those that are asked for are merged.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from awaitstep.engine import cursors
from awaitstep.engine.cursors import Place
from awaitstep.engine.embedded.rows import (
    OPERATION_COLUMNS,
    RUN_COLUMNS,
    Names,
    code,
    fill,
    read_run,
)
from awaitstep.engine.port import RunQuery
from awaitstep.engine.run import Run
from awaitstep.engine.states import ENDED, RUN_CODES, STOP, RunStatus

# What is shown of a waiting run: the steps that are to be tried again.
_TO_RETRY: Final = (
    f"select {OPERATION_COLUMNS} from operations indexed by operations_to_retry"
    " where run = ? and kind = 0 and status = 1"
)
# Whether a run is rolled back.
_STOP: Final = f"select {OPERATION_COLUMNS} from operations where run = ? and k = ?"
_KIND: Final = "workflow = ? and status = ? and trigger = ? and deployment = ? and version = ?"
# `created` is past every moment: without it, all runs of the kind before would be looked at.
_NEXT_KIND: Final = (
    "select trigger, deployment, version from runs indexed by runs_by_kind"
    " where workflow = ? and status = ?"
    " and (trigger, deployment, version, created) > (?, ?, ?, 9e999)"
    " order by trigger, deployment, version limit 1"
)


def page(db: sqlite3.Connection, known: Names, query: RunQuery) -> tuple[list[Run], str | None]:
    """Runs newest first, of their operations only those that are to be tried again and the stop;
    and where the next page begins, if there is one. Raises ValueRefused."""
    after = None if query.cursor is None else cursors.read(query.cursor)
    db.execute("begin")  # a run that ends meanwhile must not be seen twice, or not at all
    try:
        streams = [_newest(db, query, after, *kind) for kind in _asked_for(db, known, query)]
        merged = heapq.merge(*streams, reverse=True)
        places = list(islice(merged, query.limit + 1))
        shown = places[: query.limit]
        runs = [_run(db, known, ref) for _, ref in shown]
    finally:
        db.execute("rollback")
    return runs, cursors.write(shown[-1]) if len(places) > len(shown) > 0 else None


def _asked_for(
    db: sqlite3.Connection, known: Names, query: RunQuery
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """The kinds of runs that a query is about: an index, a condition, its values."""
    workflows = [id for text in dict.fromkeys(query.workflows) if (id := known.get(text))]
    filters = (query.status, query.trigger, query.version, query.deployment)
    if all(given is None for given in filters):
        for workflow in workflows:
            yield "runs_by_workflow", "workflow = ?", (workflow,)
        return
    triggers = None if query.trigger is None else {known.get(text) for text in query.trigger}
    deployment = None if query.deployment is None else known.get(query.deployment) or 0
    version = None if query.version is None else known.get(query.version) or 0
    statuses = _codes(query)
    for workflow in workflows:
        for status in statuses:
            for kind in _kinds(db, workflow, status):
                if (
                    (triggers is None or kind[0] in triggers)
                    and deployment in (None, kind[1])
                    and version in (None, kind[2])
                ):
                    yield "runs_by_kind", _KIND, (workflow, status, *kind)


def _codes(query: RunQuery) -> list[int]:
    """The states to look for, as they are on disk."""
    if query.status is None:
        return list(range(len(RUN_CODES)))
    codes = {code(status) for status in query.status}
    if RunStatus.waiting in query.status:
        codes.add(code(RunStatus.running))
    if codes & {code(RunStatus.waiting), code(RunStatus.running)}:
        codes.add(code(RunStatus.queued))  # as runs that are loaded mostly are on disk
    return sorted(codes)


def _kinds(db: sqlite3.Connection, workflow: int, status: int) -> Iterator[tuple[int, int, int]]:
    """Trigger, deployment and version of the workflow's runs in a state, each once."""
    kind = (-1, -1, -1)
    while found := db.execute(_NEXT_KIND, (workflow, status, *kind)).fetchone():
        kind = found
        yield kind


def _newest(
    db: sqlite3.Connection,
    query: RunQuery,
    after: Place | None,
    index: str,
    condition: str,
    given: tuple[int, ...],
) -> Iterator[Place]:
    """The places of one kind of runs, newest first; read as far as they are taken."""
    values: list[Any] = [*given]
    if query.created_after is not None:
        condition += " and created >= ?"
        values.append(query.created_after)
    if query.created_before is not None:
        condition += " and created < ?"
        values.append(query.created_before)
    if after is not None:
        condition += " and (created, ref) < (?, ?)"
        values += after
    return db.execute(
        f"select created, ref from runs indexed by {index} where {condition}"
        " order by created desc, ref desc",
        values,
    )


def _run(db: sqlite3.Connection, known: Names, ref: int) -> Run:
    run = read_run(
        db.execute(f"select {RUN_COLUMNS} from runs where ref = ?", (ref,)).fetchone(), known
    )
    if run.status is RunStatus.waiting:
        fill(run, db.execute(_TO_RETRY, (ref,)), ())
    if run.status not in ENDED:
        fill(run, db.execute(_STOP, (ref, STOP)), ())
    return run
