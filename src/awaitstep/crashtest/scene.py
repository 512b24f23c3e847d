"""What can be seen of the runs from outside: what their steps noted, and the journal's rows."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from awaitstep.engine.states import RUN_CODES, STEP_CODES, RunStatus, StepKind, StepStatus

Step = tuple[str, str]  # instance and name
Outcome = tuple[Any, ...]
KINDS: Final = frozenset({"attempts", "sleeps", "waits"})
STEPS: Final = ("first", "second", "arm 0", "arm 1")
UNDONE: Final = " · rollback"  # what the undoing of a step has behind its name
# One run by the index, which begins with the workflow; there are few names.
_RUN: Final = "workflow in (select id from names) and instance = ?"
_COMPLETE: Final = RUN_CODES.index(RunStatus.complete)
_KIND: Final = {StepKind.sleep: "sleeps", StepKind.wait: "waits"}


@dataclass(frozen=True, slots=True)
class Mark:
    """One line that a step appended."""

    instance: str
    step: str
    what: str
    pid: int


class Scene:
    """A data folder, looked at while its server lives and dies."""

    def __init__(self, folder: Path) -> None:
        self._journal = folder / "journal.sqlite"
        self._effects = folder / "tmp" / "effects"
        self._read = 0
        self.marks: list[Mark] = []
        self.begun: Counter[Step] = Counter()
        self.ended: set[Step] = set()
        self._open: dict[Step, int] = {}  # began last, and did not end: in which process

    def look(self) -> None:
        """Read what was noted since the last look."""
        if not self._effects.exists():
            return
        with self._effects.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            mark = Mark(*json.loads(line))
            step = (mark.instance, mark.step)
            self.marks.append(mark)
            if mark.what == "begin":
                self.begun[step] += 1
                self._open[step] = mark.pid
            else:
                self.ended.add(step)
                self._open.pop(step, None)

    def outcomes(self, since: int = 0, besides: str = "") -> dict[Step, Outcome]:
        """Every outcome the journal holds, of runs from number `since` on; sleeps and waits too.

        Without those of runs whose ids begin with `besides`.
        """
        rows = self._rows(
            "select instance, name, seq, operations.status, value, attempts from operations"
            " join runs on ref = run where seq > 0 and run >= ? and not (instance glob ? || '*')",
            since,
            besides or "-",
        )
        return {(instance, name): tuple(rest) for instance, name, *rest in rows}

    def oldest_live(self) -> int:
        """The number of the oldest run that has not ended; beyond the last one when all have."""
        [(oldest,)] = self._rows(
            "select coalesce((select min(ref) from runs where status < ?),"
            " (select max(ref) + 1 from runs), 0)",
            _COMPLETE,
        )
        return int(oldest)

    def completed(self) -> set[str]:
        """The runs that the journal says are complete."""
        return {
            run for (run,) in self._rows("select instance from runs where status = ?", _COMPLETE)
        }

    def state(self, instance: str) -> tuple[str, int]:
        """The run's state and epoch."""
        [(status, epoch)] = self._rows(f"select status, epoch from runs where {_RUN}", instance)
        return RUN_CODES[status].value, epoch

    def undone(self, instance: str) -> list[str]:
        """The steps of a run that were undone to the end, in the order of that."""
        rows = self._rows(
            f"select name from operations join runs on ref = run where {_RUN} and name glob ?"
            " and operations.status = ? and seq > 0 order by seq",
            instance,
            f"*{UNDONE}",
            STEP_CODES.index(StepStatus.complete),
        )
        return [name.removesuffix(UNDONE) for (name,) in rows]

    def in_the_middle(self, pid: int) -> set[Step]:
        """The steps that a process began and has not ended."""
        return {step for step, of in self._open.items() if of == pid}

    def standing(self) -> str:
        """How many runs are in which state, for people."""
        found = self._rows("select status, count(*) from runs group by status order by status")
        return ", ".join(f"{count} {RUN_CODES[status].value}" for status, count in found)

    def open(self, since: int = 0) -> Counter[str]:
        """Sleeps and waits without an outcome, and attempts that began and did not end."""
        kinds = self._rows("select kind from operations where seq = 0 and run >= ?", since)
        found = Counter(_KIND[StepKind(kind)] for (kind,) in kinds if StepKind(kind) in _KIND)
        found["attempts"] = len(self._open)
        return found

    def handed_back(self, spared: Set[int] = frozenset()) -> int:
        """How often a process did something for a run after another one had taken it over.

        The `spared` lived on beside others: a run may rightly come back to them.
        """
        past: dict[str, set[int]] = {}
        current: dict[str, int] = {}
        found = 0
        for mark in self.marks:
            owner = current.setdefault(mark.instance, mark.pid)
            if mark.pid == owner:
                continue
            past.setdefault(mark.instance, set()).add(owner)
            found += mark.pid in past[mark.instance] and mark.pid not in spared
            current[mark.instance] = mark.pid
        return found

    def journal_bytes(self) -> int:
        """What the journal takes on disk, with what is not yet moved into its main file."""
        sizes = 0
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                sizes += self._journal.with_name(self._journal.name + suffix).stat().st_size
        return sizes

    def _rows(self, question: str, *values: Any) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self._journal)) as db:
            return db.execute(question, values).fetchall()
