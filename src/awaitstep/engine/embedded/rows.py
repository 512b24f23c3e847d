"""Rows of the journal: what a change writes, and how a run is read back.

The rows that nearly every run writes have forms of their own, without the columns that are null in
them. Of Python's types, sqlite3 binds int, float, str and bytearray as they are; for each None,
bool and bytes it looks for an adapter first, which took a tenth of the server's time.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, Final

from awaitstep.engine import ids, outcomes
from awaitstep.engine.change import Change
from awaitstep.engine.embedded import attempts as packed
from awaitstep.engine.operations import Event, Operation
from awaitstep.engine.run import Run
from awaitstep.engine.states import (
    RUN_CODES,
    STEP_CODES,
    RunStatus,
    StepKind,
)

Row = tuple[Any, ...]


class Kind(IntEnum):
    """What a row does, in the order a batch is written in. The last two are barriers."""

    text = 0
    insert_run = 1
    insert_child = 2
    update_run = 3
    complete_run = 4
    operation = 5
    outcome = 6
    event = 7
    take = 8
    move = 9
    free = 10
    note = 11
    drop = 12
    delete = 13


STATEMENTS: Final[dict[Kind, str]] = {
    Kind.text: "insert or ignore into names (id, text) values (?, ?)",
    Kind.insert_run: (
        "insert into runs (ref, workflow, instance, deployment, version, trigger, params, created,"
        " priority, status, epoch, pause_requested) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 1, 0)"
    ),
    Kind.insert_child: (
        "insert into runs (ref, workflow, instance, deployment, version, trigger, params, created,"
        " priority, parent, parent_epoch, status, epoch, pause_requested)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 1, 0)"
    ),
    Kind.update_run: (
        "update runs set status = ?2, epoch = ?3, pause_requested = ?4, output = ?5, failure = ?6,"
        " started = ?7, ended = ?8, due = ?9 where ref = ?1 and epoch <= ?3"
    ),
    Kind.complete_run: (
        "update runs set status = ?2, epoch = ?3, pause_requested = 0, output = ?4, failure = null,"
        " started = ?5, ended = ?6, due = null where ref = ?1 and epoch <= ?3"
    ),
    Kind.operation: (
        "insert or replace into operations values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    Kind.outcome: (
        "insert or replace into operations"
        " (run, k, kind, name, n, after, seq, status, started, ended, value)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    Kind.event: "insert into events (seq, run, type, payload, at) values (?, ?, ?, ?, ?)",
    Kind.take: "update events set taken = ? where seq = ?",
    Kind.move: "update runs set deployment = ?, version = ? where ref = ?",
    Kind.free: "update runs set parent = null where ref = ?",
    Kind.note: "insert into notes (run, kind, at, epoch, after, data) values (?, ?, ?, ?, ?, ?)",
    Kind.drop: "delete from operations where run = ? and k = ?",
    Kind.delete: "delete from runs where ref = ?",
}


def _many(statement: str, count: int) -> str:
    """The insert with `count` rows of values: one call of SQLite, which lets go of the
    interpreter lock once instead of once per row."""
    head, row = statement.split(" values ")
    return f"{head} values {', '.join([row] * count)}"


# Rows per call, largest first; a batch is cut into these.
CHUNKS: Final = (64, 16, 4)
MANY: Final[dict[Kind, dict[int, str]]] = {
    kind: {count: _many(STATEMENTS[kind], count) for count in CHUNKS}
    for kind in (Kind.insert_run, Kind.insert_child, Kind.operation, Kind.outcome, Kind.event)
}
ALSO_DELETED: Final = (
    "delete from operations where run = ?",
    "delete from events where run = ?",
    "delete from notes where run = ?",
)

_RUN_CODE: Final = {status: code for code, status in enumerate(RUN_CODES)}
_STEP_CODE: Final = {status: code for code, status in enumerate(STEP_CODES)}
_KINDS: Final = tuple(StepKind)


def code(status: RunStatus) -> int:
    return _RUN_CODE[status]


def of_change(change: Change, names: Names) -> list[tuple[Kind, Row]]:
    """The rows of one change and of what it changes beside; the names of each first."""
    run = change.run
    rows: list[tuple[Kind, Row]] = []
    for k in change.dropped:
        rows.append((Kind.drop, (run.ref, k)))
    if change.created:
        inserted = (
            run.ref,
            names.of(run.workflow, rows),
            ids.pack(run.instance, run.generated),
            names.of(run.deployment, rows),
            names.of(run.version, rows),
            names.of(run.trigger, rows),
            None if run.params is None else bytearray(run.params),
            run.created,
            run.priority,
        )
        if run.parent is None:
            rows.append((Kind.insert_run, inserted))
        else:
            rows.append((Kind.insert_child, (*inserted, run.parent, run.parent_epoch)))
    for operation in change.operations:
        rows.append(_operation(run.ref, operation))
    for event in change.added:
        rows.append((Kind.event, (event.seq, run.ref, event.type, event.payload, event.at)))
    for seq, k in change.taken:
        rows.append((Kind.take, (k, seq)))
    for seq in change.returned:
        rows.append((Kind.take, (None, seq)))
    for note in change.notes:
        noted = run.ref, int(note.kind), note.at, note.epoch, note.after, note.data
        rows.append((Kind.note, noted))
    if change.moved:
        place = names.of(run.deployment, rows), names.of(run.version, rows), run.ref
        rows.append((Kind.move, place))
    if change.freed:
        rows.append((Kind.free, (run.ref,)))
    if change.save_run:
        rows.append(_update(run))
    if change.beside is not None:
        rows += of_change(change.beside, names)
    return rows


class Names:
    """Texts that many rows share, kept once."""

    def __init__(self, known: Iterable[tuple[int, str]]) -> None:
        self._ids = {text: id for id, text in known}
        self._texts = {id: text for text, id in self._ids.items()}

    def of(self, text: str, rows: list[tuple[Kind, Row]]) -> int:
        """The text's id; a new one is added to `rows`."""
        known = self._ids.get(text)
        if known is None:
            known = self._ids[text] = len(self._ids) + 1
            self._texts[known] = text
            rows.append((Kind.text, (known, text)))
        return known

    def get(self, text: str) -> int | None:
        return self._ids.get(text)

    def text(self, id: int) -> str:
        return self._texts[id]


def _update(run: Run) -> tuple[Kind, Row]:
    status = _RUN_CODE[run.status]
    if run.status is RunStatus.complete and run.output is not None:
        output = bytearray(run.output)
        return Kind.complete_run, (run.ref, status, run.epoch, output, run.started, run.ended)
    return Kind.update_run, (
        run.ref,
        status,
        run.epoch,
        run.pause_requested,
        run.output,
        None if run.failure is None else outcomes.pack(run.failure),
        run.started,
        run.ended,
        run.next_due() if run.status is RunStatus.waiting else None,
    )


def _operation(ref: int, o: Operation) -> tuple[Kind, Row]:
    value = o.value
    if (
        value is not None
        and not o.attempts
        and o.due is None
        and o.rest is None
        and o.event_type is None
    ):
        return Kind.outcome, (
            ref, o.k, int(o.kind), o.name, o.n, o.after, o.seq, _STEP_CODE[o.status], o.started,
            o.ended, bytearray(value),
        )  # fmt: skip
    attempts = packed.pack(o.attempts) if o.attempts else None
    return Kind.operation, (
        ref, o.k, int(o.kind), o.name, o.n, o.after, o.seq, _STEP_CODE[o.status], o.started,
        o.ended, value, attempts, o.due, o.rest, o.event_type, o.event,
    )  # fmt: skip


RUN_COLUMNS: Final = (
    "ref, workflow, instance, deployment, version, trigger, status, epoch, pause_requested, params,"
    " output, failure, created, started, ended, parent, parent_epoch,"
    " (select workflow from runs waiting where waiting.ref = runs.parent),"
    " (select instance from runs waiting where waiting.ref = runs.parent), priority"
)
OPERATION_COLUMNS: Final = (
    "k, kind, name, n, after, seq, status, started, ended, value, attempts, due, rest, event_type,"
    " event"
)


def read_run(row: Row, names: Names) -> Run:
    """A run without its operations and events."""
    (
        ref, workflow, instance, deployment, version, trigger, status, epoch, pause_requested,
        params, output, failed, created, started, ended, parent, parent_epoch,
        parent_workflow, parent_instance, priority,
    ) = row  # fmt: skip
    text, generated = ids.unpack(instance)
    run = Run(
        ref,
        names.text(workflow),
        text,
        names.text(deployment),
        version=names.text(version),
        trigger=names.text(trigger),
        params=params,
        created=created,
        generated=generated,
    )
    run.status = RUN_CODES[status]
    if run.status is RunStatus.running:
        run.status = RunStatus.queued  # nobody executes it yet
    run.epoch = epoch
    run.pause_requested = bool(pause_requested)
    run.output = output
    run.failure = None if failed is None else outcomes.unpack(failed)
    run.started = started
    run.ended = ended
    run.parent = parent
    run.parent_epoch = parent_epoch or 0
    if parent_workflow is not None:
        run.parent_key = names.text(parent_workflow), ids.unpack(parent_instance)[0]
    run.priority = priority
    return run


def read_operation(row: Row) -> Operation:
    (
        k, kind, name, n, after, seq, status, started, ended, value, attempts, due, rest,
        event_type, event,
    ) = row  # fmt: skip
    operation = Operation(k, _KINDS[kind], name, n, after, started)
    operation.seq = seq
    operation.status = STEP_CODES[status]
    operation.ended = ended
    operation.value = value
    if attempts is not None:
        operation.attempts = packed.unpack(attempts)
    operation.due = due
    operation.rest = rest
    operation.event_type = event_type
    operation.event = event
    return operation


def fill(run: Run, operations: Iterable[Row], events: Iterable[Row]) -> Run:
    """Give a run what is recorded of it."""
    for row in operations:
        run.recall(read_operation(row))
    if run.started is None and run.epoch == 1 and run.operations:
        # no row is written when a run begins; its first operation follows at once
        run.started = min(operation.started for operation in run.operations.values())
    run.events = [Event(*row) for row in events]
    return run
