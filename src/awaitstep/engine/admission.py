"""Which queued runs may begin: at most so many at once, at most so many starts in a period.

Pure. Only workflows with limits are known here; all others begin at once. Who may not begin stands
in line, by priority and then by age.
"""

from __future__ import annotations

import heapq
from collections import deque
from itertools import chain

from awaitstep.engine.port import Limits
from awaitstep.engine.run import Run


class _Line:
    """One workflow's runs: those inside, and those in line.

    Who is to begin and who goes on stand apart: no number of starts holds up who has begun.
    """

    __slots__ = ("heaps", "inside", "limits", "starts", "waiting")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.inside: set[int] = set()
        # (-priority, ref) of those that go on, and of those that are to begin
        self.heaps: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        self.waiting: dict[int, bool] = {}  # ref -> whether it is to begin for the first time
        self.starts: deque[float] = deque()

    def has_room(self, now: float, *, first: bool) -> bool:
        limits = self.limits
        if limits.concurrency is not None and len(self.inside) >= limits.concurrency:
            return False
        if limits.starts is None or not first:
            return True
        # a clock that was set back must not close the door for good
        while self.starts and not 0 <= now - self.starts[0] < limits.period:
            self.starts.popleft()
        return len(self.starts) < limits.starts

    def enter(self, ref: int, now: float, *, first: bool) -> None:
        self.inside.add(ref)
        if first and self.limits.starts is not None:
            self.starts.append(now)

    def head(self, *, first: bool) -> tuple[int, int] | None:
        """Who stands in front of one of the two."""
        heap = self.heaps[first]
        while heap and self.waiting.get(heap[0][1]) is not first:  # it left the line
            heapq.heappop(heap)
        return heap[0] if heap else None


class Admission:
    """The lines of all limited workflows."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def set_limits(self, workflow: str, limits: Limits | None, executed: set[int]) -> list[int]:
        """New limits, None for none; `executed` are the runs that are being executed now.

        Answers the runs that need not wait in line any more.
        """
        old = self._lines.pop(workflow, None)
        if limits is None or not (limits.concurrency or limits.starts):
            return [] if old is None else [ref for _, ref in sorted(chain(*old.heaps))]
        line = self._lines[workflow] = _Line(limits)
        line.inside = executed
        if old is not None:
            line.heaps, line.waiting, line.starts = old.heaps, old.waiting, old.starts
        return []

    def line_up(self, workflow: str, ref: int, priority: int, *, first: bool) -> None:
        """A run that stood in line, or was inside, when the last server ended."""
        line = self._lines[workflow]
        line.waiting[ref] = first
        heapq.heappush(line.heaps[first], (-priority, ref))

    @property
    def limited(self) -> list[str]:
        """The workflows with limits."""
        return list(self._lines)

    def is_limited(self, workflow: str) -> bool:
        return workflow in self._lines

    def enter(self, run: Run, now: float) -> bool:
        """Whether a queued run may be executed now; else it stands in line."""
        line = self._lines.get(run.workflow)
        if line is None or run.ref in line.inside:
            return True
        first = run.started is None
        ahead = bool(line.waiting) if first else line.head(first=False) is not None
        if not ahead and line.has_room(now, first=first):
            line.enter(run.ref, now, first=first)
            return True
        if run.ref not in line.waiting:
            line.waiting[run.ref] = first
            heapq.heappush(line.heaps[first], (-run.priority, run.ref))
        return False

    def leave(self, run: Run) -> bool:
        """A run is not executed any more, or need not be; whether somebody else may begin now."""
        line = self._lines.get(run.workflow)
        if line is None:
            return False
        line.waiting.pop(run.ref, None)
        if run.ref not in line.inside:
            return False
        line.inside.discard(run.ref)
        return bool(line.waiting)

    def next(self, workflow: str, now: float) -> int | None:
        """Let the first in line in; None when there is nobody, or no room."""
        line = self._lines.get(workflow)
        if line is None:
            return None
        heads = [(line.head(first=first), first) for first in (False, True)]
        able = [(head, first) for head, first in heads if head and line.has_room(now, first=first)]
        if not able:
            return None
        (_, ref), first = min(able)
        heapq.heappop(line.heaps[first])
        del line.waiting[ref]
        line.enter(ref, now, first=first)
        return ref

    def lengths(self) -> dict[str, int]:
        """How many stand in line, by workflow."""
        return {workflow: len(line.waiting) for workflow, line in self._lines.items()}

    def counting(self) -> list[str]:
        """The workflows with a line that moves on as time passes."""
        return [workflow for workflow, line in self._lines.items() if line.waiting and line.starts]

    def next_start(self, workflow: str, now: float) -> float | None:
        """When the period of the oldest start is over, None when none is to be waited for: then
        who is inside makes room."""
        line = self._lines.get(workflow)
        if line is None or not line.waiting or not line.starts:
            return None
        at = line.starts[0] + line.limits.period
        return at if at > now else None
