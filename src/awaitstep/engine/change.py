"""What one decision about a run changed, to be journaled and then acted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from awaitstep.engine.eventlog import Note
from awaitstep.engine.operations import Event, Operation

if TYPE_CHECKING:
    from awaitstep.engine.run import Run


class Change:
    """What one decision changed; nothing of it may be acted on before it is durable."""

    __slots__ = (
        "added", "beside", "created", "dropped", "freed", "is_beside", "moved", "notes", "operations", "outcomes",
        "retries", "returned", "run", "save_run", "taken",
    )  # fmt: skip

    def __init__(self, run: Run) -> None:
        self.run = run
        self.created = False
        self.moved = False  # to another deployment
        self.freed = False  # it is nobody's child any more
        self.save_run = False
        self.operations: list[Operation] = []  # to write
        self.outcomes: list[Operation] = []  # to deliver, in order
        # rare ones: empty until something is added
        self.dropped: Sequence[int] = ()  # operations to forget, by k
        self.added: Sequence[Event] = ()
        self.taken: Sequence[tuple[int, int]] = ()  # (event, k)
        self.returned: Sequence[int] = ()  # events that are unread again
        self.retries: Sequence[Operation] = ()  # to try again
        self.notes: Sequence[Note] = ()  # for the event log
        self.beside: Change | None = None  # of another run, in the same write
        self.is_beside = False

    def __bool__(self) -> bool:
        return bool(self.save_run or self.operations or self.dropped or self.added or self.retries)
