"""Which ended runs of a workflow are not to be kept any longer.

Asked in looks that are short whatever is kept, for others wait for the same reader: each goes over so
many rows at most, and the next goes on where it ended. What is new is looked at in the next round.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from awaitstep.engine import ids
from awaitstep.engine.embedded.rows import Names, code
from awaitstep.engine.port import Retention
from awaitstep.engine.states import RunStatus

# Rows that one look goes over, and runs that are forgotten at once.
STRIDE: Final = 1_000
FORGOTTEN: Final = 200

# A run's place in the order of creation: when, and its number.
_Place = tuple[float, int]
_FIRST: Final[_Place] = (-1e18, 0)
_LAST: Final[_Place] = (1e18, 0)
_COMPLETE: Final = code(RunStatus.complete)  # what follows are the other ends
_RUNS: Final = "from runs indexed by runs_by_workflow where workflow = ? and (created, ref)"
_STRIDE_BACK: Final = (
    f"select created, ref {_RUNS} < (?, ?) order by created desc, ref desc limit 1 offset ?"
)
_YOUNG: Final = (
    "(status = ? and (created, ref) >= (?, ?) or status > ? and (created, ref) >= (?, ?))"
)
_COUNT: Final = f"select count(*) {_RUNS} < (?, ?) and (created, ref) >= (?, ?) and {_YOUNG}"
_NEWEST_TO_GO: Final = (
    f"select created, ref {_RUNS} < (?, ?) and {_YOUNG}"
    " order by created desc, ref desc limit 1 offset ?"
)
_STRIDE: Final = (
    f"select created, ref {_RUNS} > (?, ?) and (created, ref) < (?, ?)"
    " order by created, ref limit 1 offset ?"
)
_EXPIRED: Final = (
    f"select created, ref, instance {_RUNS} > (?, ?) and (created, ref) <= (?, ?)"
    " and (status = ? and (created, ref) < (?, ?) or status > ? and (created, ref) < (?, ?))"
    " order by created, ref limit ?"
)


class Expiry:
    """One round through the runs of one workflow, at `now`: to be looked at until it is `over`."""

    def __init__(self, names: Names, workflow: str, kept: Retention, now: float) -> None:
        self.over = False
        self._workflow = names.get(workflow)
        self._most = kept.most
        # up to where a run that is complete, or failed, is not kept
        self._completed = _FIRST if kept.completed is None else (now - kept.completed, 0)
        self._failed = _FIRST if kept.failed is None else (now - kept.failed, 0)
        self._counted = 0
        self._back = _LAST
        self._at = _FIRST
        self._end: _Place | None = None

    def look(self, db: sqlite3.Connection) -> list[tuple[int, str]]:
        """Some runs that are to be forgotten, number and instance, the oldest first. That there are none yet does not
        say that there will be none."""
        if self._most is None:
            return self._expired(db)
        self._count(db, self._most)
        return []

    def _count(self, db: sqlite3.Connection, most: int) -> None:
        """A stride from the newest run back, towards the first that is one too many: of those that
        are not too old."""
        back = self._back
        end = db.execute(_STRIDE_BACK, (self._workflow, *back, STRIDE - 1)).fetchone()
        young = (_COMPLETE, *self._completed, _COMPLETE, *self._failed)
        within = (self._workflow, *back, *(end or _FIRST), *young)
        (ended,) = db.execute(_COUNT, within).fetchone()
        if self._counted + ended > most:
            left = most - self._counted
            asked = (self._workflow, *back, *young, left)
            created, ref = db.execute(_NEWEST_TO_GO, asked).fetchone()
            self._completed = max(self._completed, (created, ref + 1))
            self._failed = max(self._failed, (created, ref + 1))
        elif end is not None:
            self._counted += ended
            self._back = end
            return
        self._most = None

    def _expired(self, db: sqlite3.Connection) -> list[tuple[int, str]]:
        """What is to go of a stride, from the oldest run on."""
        last = max(self._completed, self._failed)
        if self._end is None:
            stride = (self._workflow, *self._at, *last, STRIDE - 1)
            self._end = db.execute(_STRIDE, stride).fetchone() or last
        found = db.execute(
            _EXPIRED,
            (
                self._workflow, *self._at, *self._end,
                _COMPLETE, *self._completed, _COMPLETE, *self._failed, FORGOTTEN,
            ),
        ).fetchall()  # fmt: skip
        if len(found) == FORGOTTEN:
            self._at = found[-1][:2]
        else:
            self.over = self._end == last
            self._at, self._end = self._end, None
        return [(ref, ids.unpack(instance)[0]) for _, ref, instance in found]
