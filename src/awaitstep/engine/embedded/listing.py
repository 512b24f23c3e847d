"""A page of runs, out of the journal's committed rows. Runs in the reader's thread.

A page costs what it shows, however many runs there are and whichever filters are given: runs that
are alike in all one can filter by stand together in an index, in the order of lists. There are few
such kinds; those that are asked for are merged.

A text is another matter: no index knows it. Whole ids are found by theirs; for anything else runs
are looked at one after the other, so many for one page, and the next page goes on behind them.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from awaitstep.engine import cursors, ids, search
from awaitstep.engine.cursors import Place
from awaitstep.engine.embedded.rows import (
    OPERATION_COLUMNS,
    RUN_COLUMNS,
    Names,
    Row,
    code,
    fill,
    read_run,
)
from awaitstep.engine.port import RunQuery
from awaitstep.engine.run import Run
from awaitstep.engine.search import Needle
from awaitstep.engine.states import ENDED, RUN_CODES, STOP, RunStatus

# What is shown of a waiting run: the steps that are to be tried again.
_TO_RETRY: Final = (
    f"select {OPERATION_COLUMNS} from operations indexed by operations_to_retry"
    " where run = ? and kind = 0 and status = 1"
)
_BY_ID: Final = (
    "select created, ref, workflow, status, trigger, deployment, version"
    " from runs where workflow = ? and instance = ?"
)
_THERE: Final = "select 1 from runs where ref = ?"
_SMALL_COLUMNS: Final = RUN_COLUMNS.replace("params, output", "null, null")
_NEWEST: Final = (
    f"select {_SMALL_COLUMNS} from runs indexed by runs_by_workflow where workflow = ?"
    " order by created desc, ref desc limit 1"
)
# Runs that are looked at for a text before a page ends, and others may ask the journal.
LOOKED_AT: Final = 2_000
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
    and where the next page begins, if there is one. Raises ValueRefused.

    With a text it may hold fewer than asked for, and none at all, although others follow.
    """
    after = None if query.cursor is None else cursors.read(query.cursor)
    wanted = None if query.text is None else search.needle(query.text)
    db.execute("begin")  # a run that ends meanwhile must not be seen twice, or not at all
    try:
        if wanted is not None and wanted.whole:
            found = _with_ids(db, known, query, wanted.whole)
            if found:
                return [_run(db, known, ref) for _, ref in found if after is None], None
        kinds = _asked_for(db, known, query)
        streams = [_newest(db, query, after, wanted, *kind) for kind in kinds]
        merged = heapq.merge(*streams, reverse=True)
        shown, more = _taken(merged, query.limit, LOOKED_AT if wanted else None)
        runs = [_run(db, known, ref) for _, ref, hit in shown if hit]
    finally:
        db.execute("rollback")
    return runs, cursors.write(shown[-1][:2]) if more and shown else None


def some(db: sqlite3.Connection, known: Names, runs: Sequence[tuple[str, str]]) -> list[Run]:
    """The runs of these workflows and instances, as in a page."""
    refs = []
    for workflow, instance in runs:
        for key in _keys([instance]):
            row = db.execute(_BY_ID, (known.get(workflow), key)).fetchone()
            if row is not None:
                refs.append(row[1])
    return [_run(db, known, ref) for ref in refs]


def again(db: sqlite3.Connection, known: Names, refs: Sequence[int]) -> list[Run]:
    """The runs of these numbers, as in a page; without those that are gone."""
    there = [ref for ref in refs if db.execute(_THERE, (ref,)).fetchone()]
    return [_run(db, known, ref) for ref in there]


def newest(db: sqlite3.Connection, known: Names, workflows: Sequence[str]) -> list[Run]:
    """The run of each workflow that was created last, without params and output: these may be a
    hundred MiB together."""
    rows = [db.execute(_NEWEST, (known.get(workflow),)).fetchone() for workflow in workflows]
    return [_told_of_stop(db, read_run(row, known)) for row in rows if row is not None]


def _keys(instances: Sequence[str]) -> list[bytes | str]:
    """What may stand in a row for these ids; a caller's may look like one made here."""
    keys: list[bytes | str] = [*instances]
    keys += [ids.pack(instance, True) for instance in instances if ids.UUID.fullmatch(instance)]
    return keys


def _taken(
    found: Iterator[tuple[float, int, int]], limit: int, most: int | None
) -> tuple[list[tuple[float, int, int]], bool]:
    """The first places, of which `limit` at most count, `most` in all; and whether more follow."""
    taken: list[tuple[float, int, int]] = []
    hits = 0
    for place in found:
        if hits == limit or len(taken) == most:
            return taken, True
        taken.append(place)
        hits += bool(place[2])
    return taken, False


def _with_ids(
    db: sqlite3.Connection, known: Names, query: RunQuery, instances: Sequence[str]
) -> list[Place]:
    """The runs with one of these very ids, newest first, as far as the other filters let them through."""
    kinds = {kind[2] for kind in _asked_for(db, known, replace(query, text=None))}
    found: list[Place] = []
    for workflow in {kind[0] for kind in kinds}:
        for key in _keys(instances):
            row = db.execute(_BY_ID, (workflow, key)).fetchone()
            if row is not None and _is_asked_for(query, row, kinds):
                found.append(row[:2])
    return sorted(found, reverse=True)


def _is_asked_for(query: RunQuery, row: Row, kinds: set[tuple[int, ...]]) -> bool:
    created, _, *kind = row
    return (
        (tuple(kind) in kinds or tuple(kind[:1]) in kinds)
        and (query.created_after is None or created >= query.created_after)
        and (query.created_before is None or created < query.created_before)
    )


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
    wanted: Needle | None,
    index: str,
    condition: str,
    given: tuple[int, ...],
) -> Iterator[tuple[float, int, int]]:
    """The places of one kind of runs, newest first, and whether each holds the text that is
    `wanted`; read as far as they are taken."""
    hit, looked_for = ("1", []) if wanted is None else _hit(wanted)
    values: list[Any] = [*looked_for, *given]
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
        f"select created, ref, {hit} from runs indexed by {index} where {condition}"
        " order by created desc, ref desc",
        values,
    )


def _hit(wanted: Needle) -> tuple[str, list[Any]]:
    """The condition of `search.matches` and its values. The length of a value is known without
    reading it."""
    condition = (
        "coalesce(case typeof(instance) when 'blob' then instr(hex(instance), ?)"
        f" else instr(lower('{search.PREFIX}' || instance), ?) end, 0)"
    )
    values: list[Any] = [wanted.digits, wanted.id]
    for column in ("params", "output", "failure"):
        for text in wanted.texts:
            condition += (
                f" or case when length({column}) <= {search.LARGEST}"
                f" then instr(lower(cast({column} as text)), ?) else 0 end"
            )
            values.append(text)
    return condition, values


def _run(db: sqlite3.Connection, known: Names, ref: int) -> Run:
    run = read_run(
        db.execute(f"select {RUN_COLUMNS} from runs where ref = ?", (ref,)).fetchone(), known
    )
    if run.status is RunStatus.waiting:
        fill(run, db.execute(_TO_RETRY, (ref,)), ())
    return _told_of_stop(db, run)


def _told_of_stop(db: sqlite3.Connection, run: Run) -> Run:
    """The run, which knows whether it is rolled back."""
    if run.status not in ENDED:
        fill(run, db.execute(_STOP, (run.ref, STOP)), ())
    return run
