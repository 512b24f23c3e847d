"""What worker code prints outside of attempts, in the server's log: who printed it, and how much.

A worker that prints without end fills neither the disk nor the loop: each runner has so many lines
a second, and one line says how many were left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import structlog

from awaitstep.engine import messages
from awaitstep.engine.embedded.fleet import Slot
from awaitstep.engine.logs import escaped

if TYPE_CHECKING:
    from awaitstep.engine.embedded.supervisor import Supervisor

_log = structlog.get_logger("awaitstep.worker")
_RUN: Final = re.compile(r"run (\d{1,16})(?: \d+)?")
_FETCH: Final = re.compile(r"fetch (\d{1,16})")
MOST_A_SECOND: Final = 200
LONGEST: Final = 50_000  # characters; a runner's piece of a line with everything in it escaped


class Prints:
    """For one engine."""

    def __init__(self, engine: Supervisor) -> None:
        self._engine = engine

    def heard(self, slot: Slot, message: messages.Printed) -> None:
        now = self._engine.now()
        prints = slot.prints
        if not 0 <= now - prints.since < 1:
            if prints.lines > MOST_A_SECOND:
                left_out = prints.lines - MOST_A_SECOND
                _log.warning("worker code printed too much", lines_left_out=left_out)
            prints.since, prints.lines = now, 0
        prints.lines += 1
        if prints.lines <= MOST_A_SECOND:
            who = self._who(slot, message.label)
            _log.info(
                "printed",
                **{name: value for name, value in who.items() if value},
                stream=message.stream.name,
                text=escaped(message.text[:LONGEST]),
            )

    def _who(self, slot: Slot, label: str | None) -> dict[str, str]:
        """Worker, deployment and instance, as far as they are known."""
        instance = ""
        deployment = slot.loading or ""
        if label is not None and (found := _RUN.fullmatch(label)):
            assignment = int(found[1])
            if assignment in slot.assignments:
                run = self._engine.assigned(assignment)
                deployment, instance = run.deployment, run.instance
        elif label is not None and (found := _FETCH.fullmatch(label)):
            deployment = slot.fetches.get(int(found[1]), deployment)
        worker = self._engine.worker(deployment)
        return {"worker": worker, "deployment": deployment, "instance": instance}
