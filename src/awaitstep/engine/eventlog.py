"""The event log of a run: what happened to it, in order, made from what is recorded anyway.

Pure. Steps with their attempts, sleeps, waits and events tell nearly everything; a `Note` keeps
what they can't: that a run was paused, resumed, restarted or interrupted, and what a restart dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import msgspec

from awaitstep.engine import outcomes
from awaitstep.engine.port import EntryType, LogEntry, RunError
from awaitstep.engine.states import RunStatus, StepKind, StepStatus

if TYPE_CHECKING:
    from awaitstep.engine.operations import Event, Operation
    from awaitstep.engine.standing import Standing

# Of what a restart drops, so much is kept in its note: entries, and bytes.
MOST_KEPT: Final = 500
LARGEST: Final = 256 * 1024
_E = EntryType


class NoteKind(IntEnum):
    """The numbers are part of the journal's format."""

    pausing = 0
    paused = 1
    resumed = 2
    restarted = 3
    traced = 4
    interrupted = 5


class Note:
    """Something that no other row tells. `after` is the run's last outcome by then."""

    __slots__ = ("after", "at", "data", "epoch", "kind")

    def __init__(
        self, kind: NoteKind, at: float, epoch: int, after: int, data: bytes | None = None
    ) -> None:
        self.kind = kind
        self.at = at
        self.epoch = epoch
        self.after = after
        self.data = data


class Restart(msgspec.Struct, array_like=True, gc=False):
    """What a restart's note holds: where from and onto what, and the log of what was dropped."""

    step: str | None
    count: int | None
    deployment: str | None
    before: list[tuple[float, int, LogEntry]]  # led by the last two parts of their places
    left_out: int = 0


class Interruption(msgspec.Struct, array_like=True, gc=False):
    """The attempt that was at work when its runner ended. When the server ended nobody knows which
    were: then the note has none."""

    step: str
    count: int
    attempt: int


# Where an entry stands: by time, and in what the clock does not tell apart by what led to what.
_Place = tuple[float, int, float, int]
_Placed = tuple[_Place, LogEntry]
_Moment = tuple[str | None, int]  # an event's type, and microseconds
_FIRST, _LAST = -1.0, 1e18
_BEFORE, _SOON, _LATE = 0.25, 0.5, 0.75  # after an outcome: before what the code did next, ...

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Restart).decode
_decode_interruption = msgspec.msgpack.Decoder(Interruption).decode
_PAUSES: Final = {
    NoteKind.pausing: (_E.run_pausing, _LATE),
    NoteKind.paused: (_E.run_paused, _LATE),
    NoteKind.resumed: (_E.run_resumed, _BEFORE),
}
_ENDS: Final = {
    RunStatus.complete: _E.run_completed,
    RunStatus.errored: _E.run_errored,
    RunStatus.terminated: _E.run_terminated,
}


def entries(run: Standing, notes: Sequence[Note]) -> list[LogEntry]:
    """Everything that is known to have happened to the run, oldest first."""
    made: list[_Placed] = []
    restarts: list[Note] = []
    traceparent = None
    for note in notes:
        if note.kind is NoteKind.restarted:
            restarts.append(note)
            made += _restarted(note)
        elif note.kind is NoteKind.traced:
            traceparent = (note.data or b"").decode()
        elif note.kind is NoteKind.interrupted:
            made.append(_interrupted(note))
        else:
            type, where = _PAUSES[note.kind]
            place = note.at, note.epoch, note.after + where, 0
            made.append((place, LogEntry(note.at, type, note.epoch)))
    created = LogEntry(run.created, _E.run_created, 1, traceparent=traceparent)
    made.append(((run.created, 0, _FIRST, 0), created))
    made += _body(run)
    # of waits that a restart dropped: the events they had taken are unread again
    ends = {_moment(entry): place for place, entry in made if entry.type is _E.wait_ended}
    for operation in run.operations.values():
        told = list(_operation(operation, _epoch_of(operation, restarts, run.epoch)))
        made += told
        if operation.event is not None and operation.seq:
            ends[_moment(told[-1][1])] = told[-1][0]
            made.append(_received(operation.taken(), restarts, operation.seq - 1, ends))
    made += [_received(event, restarts, run.seq, ends) for event in run.events]
    made.sort(key=_place)
    return [entry for _, entry in made]


def kept(
    run: Standing, dropped: Iterable[Operation]
) -> tuple[list[tuple[float, int, LogEntry]], int]:
    """The log of what a restart drops, without events, which are unread again; and how many
    entries there was no room for."""
    made = list(_body(run))
    for operation in dropped:
        made += _operation(operation, run.epoch)
    made.sort(key=_place)
    last = [(after, sub, entry) for (_, _, after, sub), entry in made[-MOST_KEPT:]]
    while len(_encode(last)) > LARGEST:
        last = last[(len(last) + 1) // 2 :]
    first = len(made) - len(last)
    return last, first + sum(entry.left_out for _, entry in made[:first])


def restart_note(at: float, epoch: int, after: int, told: Restart) -> Note:
    return Note(NoteKind.restarted, at, epoch, after, _encode(told))


def interruption_note(at: float, epoch: int, after: int, attempt: Interruption) -> Note:
    return Note(NoteKind.interrupted, at, epoch, after, _encode(attempt))


def _interrupted(note: Note) -> _Placed:
    place = note.at, note.epoch, note.after + _BEFORE, 0  # nothing that was at work then went on
    if note.data is None:
        return place, LogEntry(note.at, _E.run_interrupted, note.epoch)
    told = _decode_interruption(note.data)
    return place, LogEntry(
        note.at,
        _E.attempt_interrupted,
        note.epoch,
        step=told.step,
        count=told.count,
        attempt=told.attempt,
    )


def _place(placed: _Placed) -> _Place:
    return placed[0]


def _body(run: Standing) -> Iterator[_Placed]:
    """When this epoch of the run started and ended."""
    epoch = run.epoch
    if run.started is not None:
        yield (run.started, epoch, _FIRST, 0), LogEntry(run.started, _E.run_started, epoch)
    if run.ended is not None and run.status in _ENDS:
        error = outcomes.view(run.failure)
        entry = LogEntry(run.ended, _ENDS[run.status], epoch, error=error)
        yield (run.ended, epoch, _LAST, 1), entry


def _restarted(note: Note) -> Iterator[_Placed]:
    told = _decode(note.data or b"")
    for after, sub, entry in told.before:
        yield (entry.at, entry.epoch, after, sub), entry
    yield (
        (note.at, note.epoch, _FIRST - 1, 0),
        LogEntry(
            note.at,
            _E.run_restarted,
            note.epoch,
            step=told.step,
            count=told.count,
            deployment=told.deployment,
            left_out=told.left_out,
        ),
    )


def _epoch_of(operation: Operation, restarts: Sequence[Note], now: int) -> int:
    """The epoch in which an operation was recorded: outcomes up to a restart's `after` are older."""
    if not operation.seq:
        return now
    return 1 + max(
        (index for index, note in enumerate(restarts, 1) if note.after < operation.seq), default=0
    )


def _operation(o: Operation, epoch: int) -> Iterator[_Placed]:
    if o.kind is StepKind.stop:
        failed = o.status is StepStatus.errored and o.value is not None
        error = outcomes.view(outcomes.unpack(o.value or b"")) if failed else None
        entry = LogEntry(o.started, _E.run_rolling_back, epoch, error=error)
        yield (o.started, epoch, float(o.seq), 0), entry
        return
    if o.kind is StepKind.do:
        yield from _attempts(o, epoch)
    else:
        type = _E.wait_started if o.kind is StepKind.wait else _E.sleep_started
        yield _asked(o, epoch, 0), _entry(
            o, o.started, type, epoch, until=o.due, event_type=o.event_type
        )  # fmt: skip
    if o.ended is None:
        return
    place = o.ended, epoch, float(o.seq) if o.seq else _LAST, 0
    if o.status is StepStatus.cancelled:
        yield place, _entry(o, o.ended, _E.step_cancelled, epoch)
    elif o.kind is StepKind.do:
        failed = o.status is StepStatus.errored and o.value is not None
        error = outcomes.view(outcomes.unpack(o.value or b""), o.name) if failed else None
        type = _E.step_failed if failed else _E.step_completed
        yield place, _entry(o, o.ended, type, epoch, error=error)
    elif o.kind is StepKind.wait:
        type = _E.wait_timed_out if o.status is StepStatus.errored else _E.wait_ended
        yield place, _entry(o, o.ended, type, epoch, event_type=o.event_type)
    else:
        yield place, _entry(o, o.ended, _E.sleep_ended, epoch)


def _attempts(o: Operation, epoch: int) -> Iterator[_Placed]:
    started = _E.attempt_started
    number = 0
    for attempt in o.attempts:
        at, ended = attempt.started, attempt.ended
        left_out = 2 * (attempt.number - number - 1)  # each began and failed
        number = attempt.number
        yield _asked(o, epoch, 2 * number, at), _entry(
            o, at, started, epoch, attempt=number, left_out=left_out
        )  # fmt: skip
        if attempt.failure is not None:
            error = outcomes.view(attempt.failure, o.name)
            yield _asked(o, epoch, 2 * number + 1, ended), _entry(
                o, ended, _E.attempt_failed, epoch,
                attempt=number, error=error, delay=attempt.delay,
            )  # fmt: skip
    if o.status is StepStatus.running and not o.released:
        at = o.due or o.started
        number += 1
        yield _asked(o, epoch, 2 * number, at), _entry(o, at, started, epoch, attempt=number)
    elif not number and o.status is StepStatus.complete:
        yield _asked(o, epoch, 2), _entry(o, o.started, started, epoch, attempt=1)


def _received(
    event: Event, restarts: Sequence[Note], after: int, ends: Mapping[_Moment, _Place]
) -> _Placed:
    """Placed before the end of its wait, one of `ends`, when it came just then."""
    epoch = 1 + sum(note.at <= event.at for note in restarts)
    entry = LogEntry(event.at, _E.event_received, epoch, event_type=event.type)
    type, micros = _moment(entry)
    # once taken, it has whole microseconds, and those may have been rounded up
    for near in (micros, micros - 1, micros + 1):
        if (ended := ends.get((type, near))) is not None:
            at, of, seq, _ = ended
            return (at, of, seq - _BEFORE, event.seq), entry
    return (event.at, epoch, after + _LATE, event.seq), entry


def _moment(entry: LogEntry) -> _Moment:
    return entry.event_type, round(entry.at * 1e6)


def _asked(o: Operation, epoch: int, sub: int, at: float | None = None) -> _Place:
    return (o.started if at is None else at), epoch, o.after + _SOON, (o.k << 16) + sub


def _entry(
    o: Operation,
    at: float,
    type: EntryType,
    epoch: int,
    *,
    attempt: int | None = None,
    error: RunError | None = None,
    delay: float | None = None,
    until: float | None = None,
    event_type: str | None = None,
    left_out: int = 0,
) -> LogEntry:
    return LogEntry(
        at, type, epoch, o.name, o.n, attempt, error, delay, until, event_type, left_out=left_out
    )  # fmt: skip
