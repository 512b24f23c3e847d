"""Which long runs stay loaded although they have nothing to do soon.

Unloading a run costs its replay when it goes on. That is little for a short run, but a loop of
thousands of sleeps would execute all sleeps so far again after each one. So long runs rest in
memory while there is room, and those that have rested longest leave first.

Pure.
"""

from __future__ import annotations

from typing import Final

# A run of fewer operations is replayed in a few milliseconds.
LONG: Final = 200
# What an operation takes in the server, beside its result; it takes about as much in a runner (bytes).
EACH: Final = 1_000
# What all resting runs may take in the server (bytes).
ROOM: Final = 20_000_000


class Resting:
    """The runs that rest, by number, the one that has rested longest first."""

    def __init__(self) -> None:
        self._runs: dict[int, int] = {}  # run -> what it takes
        self._taken = 0

    def rest(self, ref: int, operations: int, results: int) -> list[int]:
        """A run of so many operations, with results of so many bytes, would like to rest.

        Answers who is to be unloaded, perhaps that run itself.
        """
        self.leave(ref)
        size = EACH * operations + results
        if operations < LONG or size > ROOM:
            return [ref]
        self._runs[ref] = size
        self._taken += size
        leaving = []
        for other, taken in self._runs.items():
            if self._taken <= ROOM:
                break
            self._taken -= taken
            leaving.append(other)
        for other in leaving:
            del self._runs[other]
        return leaving

    def leave(self, ref: int) -> None:
        """A run is not loaded any more."""
        self._taken -= self._runs.pop(ref, 0)

    def all(self) -> list[int]:
        return list(self._runs)
