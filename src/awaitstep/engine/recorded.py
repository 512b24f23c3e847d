"""What a replay is given of a run: every operation that is in the journal, and its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from awaitstep.engine.states import StepKind, StepStatus

if TYPE_CHECKING:
    from awaitstep.engine.run import Run


# Values of one message (bytes).
LARGEST_PART: Final = 8 << 20


class Recorded(msgspec.Struct, array_like=True, gc=False):
    """One journaled operation, as a replay needs it. `seq` is 0 while it has no outcome."""

    k: int
    kind: StepKind
    name: str
    n: int
    seq: int = 0
    ok: bool = True
    value: bytes | None = None
    attempts: int = 0
    cancelled: bool = False


def fitting(all: list[Recorded]) -> int:
    """How many of the first travel in one message; one at least."""
    size = 0
    for count, each in enumerate(all):
        size += len(each.value or b"")
        if size > LARGEST_PART and count:
            return count
    return len(all)


def recorded(run: Run) -> list[Recorded]:
    """All operations of the run."""
    return [
        Recorded(
            k=operation.k,
            kind=operation.kind,
            name=operation.name,
            n=operation.n,
            seq=operation.seq,
            ok=operation.status is not StepStatus.errored,
            value=operation.value if operation.seq else None,
            attempts=operation.tried,
            cancelled=operation.status is StepStatus.cancelled,
        )
        for operation in run.operations.values()
    ]
