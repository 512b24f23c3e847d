"""The journal file: one writer thread that commits everybody's rows together, and readers.

Callers hand in rows and are called back, on the loop, once these are on disk. A batch that fails
is written again one write at a time under savepoints, so only the offender hears of it. When the
file itself can't be written, rows wait: nothing is lost, creating is refused, and the thread tries
again until it can.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Final, TypeVar

import structlog

from awaitstep import damage
from awaitstep.engine.embedded.rows import ALSO_DELETED, MANY, STATEMENTS, Kind, Row
from awaitstep.engine.errors import EngineError, JournalDamaged, JournalLocked, JournalUnavailable
from awaitstep.engine.figures import Commits, JournalFigures

T = TypeVar("T")
Done = Callable[[Exception | None], None]

LARGEST_BATCH: Final = 5_000
RETRY_EVERY: Final = 0.5
FORMAT: Final = 7
# What a journal of a format lacks of the next one.
_SINCE: Final = {
    1: "alter table runs add column parent integer;"
    " alter table runs add column parent_epoch integer;"
    " alter table runs add column priority integer not null default 0;"
    " create index runs_by_parent on runs (parent) where parent is not null and status < 4;",
    2: "create index runs_by_kind on runs"
    " (workflow, status, trigger, deployment, version, created);"
    " create index operations_to_retry on operations (run) where kind = 0 and status = 1;",
    3: "create table notes (run integer not null, kind integer not null, at real not null,"
    " epoch integer not null, after integer not null, data blob);"
    " create index notes_by_run on notes (run);",
    4: "drop index runs_by_kind; drop index runs_by_deployment; drop index runs_to_execute;"
    " create index runs_by_kind on runs"
    " (status, workflow, trigger, deployment, version, created);",
    5: "",  # attempts have numbers where some before them are not kept
    6: "",  # notes tell of interruptions
}
_BARRIER: Final = Kind.drop
_log = structlog.get_logger("awaitstep.journal")


class Write:
    """Rows of one run that belong together. `refusable`: fails while the file can't be written."""

    __slots__ = ("done", "error", "refusable", "rows")

    def __init__(self, rows: list[tuple[Kind, Row]], done: Done, refusable: bool) -> None:
        self.rows = rows
        self.done = done
        self.refusable = refusable
        self.error: Exception | None = None


class Journal:
    """The open journal of one data folder. Used and closed on the event loop's thread."""

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """All of a large file is read: name the `loop` (default: the running one) and make it in
        another thread where the loop has other things to do.

        Raises JournalLocked when another server has the folder, JournalUnavailable,
        JournalDamaged."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = open(folder / "journal.lock", "a+")  # noqa: SIM115 - held while we live
        except OSError as error:
            raise JournalUnavailable(error.strerror or str(error)) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise JournalLocked(str(folder)) from None
        self._path = folder / "journal.sqlite"
        self._loop = loop or asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[list[Write] | None] = queue.SimpleQueue()
        self._said: list[Write] = []
        self.unavailable: str | None = None
        self.rows = self.commits = 0
        self._took = Commits()
        try:
            self._refuse(damage.of_log(self._path))
            self._writer = self._open()
            self._refuse(damage.of_pages(self._writer, self._path))
            self._migrate(self._writer)
            self._reader = self._open()
        except sqlite3.Error as error:
            self._lock.close()
            if type(error) is sqlite3.DatabaseError:
                raise JournalDamaged(str(self._path), str(error)) from None
            raise JournalUnavailable(str(error)) from None
        except EngineError:
            self._lock.close()
            raise
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="journal-read")
        self._closing = threading.Event()
        self._writing = threading.Thread(target=self._write_forever, name="journal", daemon=True)
        self._writing.start()

    # --- on the loop --------------------------------------------------------------------------

    def write(self, rows: list[tuple[Kind, Row]], done: Done, *, refusable: bool = False) -> None:
        """Write `rows` in one piece; `done` is called on the loop, in the order of writing."""
        if not self._said:
            self._loop.call_soon(self._hand_over)
        self._said.append(Write(rows, done, refusable))

    def _hand_over(self) -> None:
        """What one turn of the loop writes reaches the writer in one lot: it is woken once, and
        commits it together."""
        if self._said:
            self._queue.put(self._said)
            self._said = []

    async def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Ask committed rows something, in the reader's thread. Raises JournalUnavailable."""
        try:
            return await self._loop.run_in_executor(self._readers, question, self._reader)
        except sqlite3.Error as error:
            if _is_the_files_fault(error):
                raise JournalUnavailable(str(error)) from error
            raise

    def figures(self) -> JournalFigures:
        took = self._took
        return JournalFigures(
            rows=self.rows,
            fsyncs=self.commits,
            seconds=took.seconds,
            classes=list(took.classes),
            queue=self._queue.qsize(),
            available=self.unavailable is None,
        )

    async def close(self) -> None:
        """Write what is waiting, then let go of the folder."""
        self._hand_over()
        self._closing.set()
        self._queue.put(None)
        await asyncio.to_thread(self._writing.join)
        self._readers.shutdown()
        self._reader.close()
        self._lock.close()

    # --- in the writer's thread ---------------------------------------------------------------

    def _write_forever(self) -> None:
        while True:
            batch: list[Write] = []
            last = False
            item = self._queue.get()
            while True:
                if item is None:
                    last = True
                    break
                batch += item
                if len(batch) >= LARGEST_BATCH:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            if batch:
                self._commit(batch)
            if last:
                self._writer.close()
                return

    def _commit(self, batch: Sequence[Write]) -> None:
        while True:
            began = time.perf_counter()
            try:
                if self.unavailable is not None:
                    self._probe()
                try:
                    self._commit_together(batch)
                except sqlite3.Error as error:
                    self._undo()
                    if _is_the_files_fault(error):
                        raise
                    self._commit_one_by_one(batch)
            except sqlite3.Error as error:
                self._undo()
                kept = self._wait(batch, error)
                if kept is None:
                    return
                batch = kept
            else:
                break
        if self.unavailable is not None:
            _log.warning("the journal can be written again")
            self.unavailable = None
        self.commits += 1
        self._took.count(time.perf_counter() - began)
        self._report(batch)

    def _commit_together(self, batch: Sequence[Write]) -> None:
        groups: dict[Kind, list[Row]] = {kind: [] for kind in Kind if kind < _BARRIER}
        db = self._writer
        db.execute("begin immediate")
        outcomes = _Keys(groups[Kind.outcome])
        for write in batch:
            for kind, row in write.rows:
                if kind >= _BARRIER:
                    self._flush(groups)
                    outcomes.forget()
                    self._run(kind, row)
                    continue
                if kind is Kind.operation and outcomes.hold(row):
                    self._flush(groups)  # what was decided in this batch is taken back in it
                    outcomes.forget()
                groups[kind].append(row)
        self._flush(groups)
        db.execute("commit")

    def _flush(self, groups: dict[Kind, list[Row]]) -> None:
        for kind, rows in groups.items():
            if not rows:
                continue
            at = 0
            for count, statement in MANY.get(kind, {}).items():
                while len(rows) - at >= count:
                    chunk = rows[at : at + count]
                    self._writer.execute(statement, tuple(chain.from_iterable(chunk)))
                    at += count
            if at < len(rows):
                self._writer.executemany(STATEMENTS[kind], rows[at:])
            self.rows += len(rows)
            rows.clear()

    def _run(self, kind: Kind, row: Row) -> None:
        self._writer.execute(STATEMENTS[kind], row)
        self.rows += 1
        if kind is Kind.delete:
            for statement in ALSO_DELETED:
                self._writer.execute(statement, row)

    def _commit_one_by_one(self, batch: Sequence[Write]) -> None:
        db = self._writer
        db.execute("begin immediate")
        for write in batch:
            db.execute("savepoint one")
            try:
                for kind, row in write.rows:
                    self._run(kind, row)
            except sqlite3.Error as error:
                if _is_the_files_fault(error):
                    raise
                db.execute("rollback to one")
                write.error = error
                for kind, row in _names(write):
                    self._run(kind, row)
            db.execute("release one")
        db.execute("commit")

    def _undo(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._writer.in_transaction:
                self._writer.execute("rollback")

    def _probe(self) -> None:
        """Write the smallest thing that is really written: a batch may hold no rows."""
        self._writer.execute(f"pragma user_version = {FORMAT}")

    def _wait(self, batch: Sequence[Write], error: sqlite3.Error) -> Sequence[Write] | None:
        """The file can't be written now: refuse what may be refused, rest a little, and give what
        is to be tried then, with what has come meanwhile; None when the server ends."""
        if self.unavailable is None:
            _log.error("the journal can't be written; runs stay where they are", reason=str(error))
        self.unavailable = str(error)
        refused = [write for write in batch if write.refusable]
        for write in refused:
            write.error = JournalUnavailable(str(error))
        self._report(refused)
        if self._closing.is_set():
            return None
        self._closing.wait(RETRY_EVERY)
        names = [row for write in refused for row in _names(write)]
        kept = [write for write in batch if not write.refusable]
        if names:
            kept.insert(0, Write(names, _nobody, False))
        return [*kept, *self._arrived()]

    def _arrived(self) -> list[Write]:
        """What was handed over since the batch was taken: nobody waits for a refusal until the
        file can be written."""
        arrived: list[Write] = []
        with contextlib.suppress(queue.Empty):
            while (item := self._queue.get_nowait()) is not None:
                arrived += item
            self._queue.put(None)  # the end is for later
        return arrived

    def _report(self, batch: Sequence[Write]) -> None:
        if batch:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(_call_back, batch)

    # --- the file -----------------------------------------------------------------------------

    def _refuse(self, what: str | None) -> None:
        if what is not None:
            raise JournalDamaged(str(self._path), what)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute("pragma wal_autocheckpoint = 4000")
        db.execute("pragma busy_timeout = 5000")
        return db

    def _migrate(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("pragma user_version").fetchone()
        if version == 0:
            missing = (Path(__file__).parent / "schema.sql").read_text()
        elif version > FORMAT:
            raise JournalUnavailable(f"its format {version} is newer than this program")
        else:
            missing = " ".join(_SINCE[format] for format in range(version, FORMAT))
        if version != FORMAT:
            db.executescript(f"begin; {missing} pragma user_version = {FORMAT}; commit;")


class _Keys:
    """Which operations a batch has outcomes of; gathered only where somebody asks."""

    __slots__ = ("_gathered", "_keys", "_rows")

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows
        self._gathered = 0
        self._keys: set[tuple[int, int]] = set()

    def hold(self, row: Row) -> bool:
        for known in islice(self._rows, self._gathered, None):
            self._keys.add((known[0], known[1]))
        self._gathered = len(self._rows)
        return (row[0], row[1]) in self._keys

    def forget(self) -> None:
        self._gathered = 0
        self._keys.clear()


def _call_back(batch: Sequence[Write]) -> None:
    for write in batch:
        write.done(write.error)


def _names(write: Write) -> list[tuple[Kind, Row]]:
    """Shared texts stay: later rows rely on them whatever became of this write."""
    return [row for row in write.rows if row[0] is Kind.text]


def _nobody(error: Exception | None) -> None:
    """Nobody waits for these rows."""


def _is_the_files_fault(error: sqlite3.Error) -> bool:
    """Whether the journal itself is the trouble, and not the rows."""
    return isinstance(error, sqlite3.OperationalError) or (
        type(error) is sqlite3.DatabaseError and not isinstance(error, sqlite3.IntegrityError)
    )
