"""What an engine counts of itself: plain numbers, put together when somebody asks.

Counting must cost next to nothing where runs are executed: each event is one addition.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from awaitstep.engine.states import RunStatus

# Upper bounds of the classes that commits are counted in (seconds); one more is without bound.
COMMIT_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# The same for requests to workers, which may take as long as a handler may.
REQUEST_BOUNDS: Final = (
    0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 100.0,
)  # fmt: skip


class Requests:
    """Requests to one worker: how many were answered with which hundred of status, and how long all
    took (seconds; by `REQUEST_BOUNDS`)."""

    __slots__ = ("classes", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses = dict.fromkeys(range(2, 6), 0)
        self.seconds = 0.0
        self.classes = [0] * (len(REQUEST_BOUNDS) + 1)

    def count(self, status: int, seconds: float) -> None:
        hundred = status // 100
        self.statuses[hundred if hundred in self.statuses else 5] += 1  # what is none is refused
        self.seconds += seconds
        self.classes[bisect_left(REQUEST_BOUNDS, seconds)] += 1


class Tally:
    """What happened to one workflow since this process began, to its runs and its worker.

    `requests` is None until there was one.
    """

    __slots__ = (
        "attempts_failed", "attempts_succeeded", "complete", "errored", "requests", "restarted",
        "started", "steps_errored", "terminated",
    )  # fmt: skip

    def __init__(self) -> None:
        self.started = self.restarted = 0
        self.complete = self.errored = self.terminated = 0
        # each attempt that succeeds completes its step
        self.attempts_succeeded = self.attempts_failed = self.steps_errored = 0
        self.requests: Requests | None = None

    def request(self, status: int, seconds: float) -> None:
        """The worker has answered a request, or the server in its place."""
        if self.requests is None:
            self.requests = Requests()
        self.requests.count(status, seconds)

    def end(self, status: RunStatus) -> None:
        """A run has ended so."""
        match status:
            case RunStatus.complete:
                self.complete += 1
            case RunStatus.errored:
                self.errored += 1
            case RunStatus.terminated:
                self.terminated += 1
            case _:
                raise ValueError(f"{status} is no end")


class Tallies(dict[str, Tally]):
    """By workflow; each is there as soon as it is asked for."""

    def __missing__(self, workflow: str) -> Tally:
        tally = self[workflow] = Tally()
        return tally


class Commits:
    """How long commits took. One thread counts, others read."""

    __slots__ = ("classes", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.classes = [0] * (len(COMMIT_BOUNDS) + 1)

    def count(self, seconds: float) -> None:
        self.seconds += seconds
        self.classes[bisect_left(COMMIT_BOUNDS, seconds)] += 1


@dataclass(frozen=True, slots=True)
class JournalFigures:
    """`classes` are commits by `COMMIT_BOUNDS`; each commit is one fsync of the journal.

    `queue` is how many writes wait for the next one, `available` whether it can be written now.
    """

    rows: int
    fsyncs: int
    seconds: float
    classes: Sequence[int]
    queue: int
    available: bool


@dataclass(frozen=True, slots=True)
class RunnerFigures:
    """`ready` runner processes, and why others were replaced. `wanted`: runs that wait for one."""

    ready: int
    restarts: Mapping[str, int]
    wanted: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One engine now. `live` and `in_line` are runs by workflow: not ended, and held back by a
    limit; `loaded` runs are in memory, `executing` ones with a runner."""

    workflows: Mapping[str, Tally]
    live: Mapping[str, int]
    in_line: Mapping[str, int]
    loaded: int
    executing: int
    runners: RunnerFigures | None = None
    journal: JournalFigures | None = None
