"""Whether what a reader brings from the journal is still so.

A run in memory is ahead of its rows. A reader that began while it was there may bring rows from
before its last change; once the run has left memory meanwhile, nothing else would tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Freshness:
    """Departures from memory, kept for as long as a read that began before them goes on."""

    def __init__(self) -> None:
        self._left: dict[int, int] = {}  # run -> number of its departure, rising
        self._departures = 0
        self._reads: dict[int, int] = {}  # read -> departures before it began, rising
        self._last_read = 0

    @contextmanager
    def reading(self) -> Iterator[int]:
        """Around a read and the use of its answer; gives what `is_stale` asks for."""
        began = self._departures
        self._last_read += 1
        read = self._last_read
        self._reads[read] = began
        try:
            yield began
        finally:
            del self._reads[read]
            self._forget()

    def left(self, ref: int) -> None:
        """A run leaves memory."""
        if self._reads:
            self._departures += 1
            self._left.pop(ref, None)
            self._left[ref] = self._departures

    def is_stale(self, ref: int, began: int) -> bool:
        """Whether the run has left memory since the read began: it must be read again."""
        return self._left.get(ref, 0) > began

    def _forget(self) -> None:
        oldest = next(iter(self._reads.values()), self._departures)
        while self._left:
            ref, number = next(iter(self._left.items()))
            if number > oldest:
                return
            del self._left[ref]
