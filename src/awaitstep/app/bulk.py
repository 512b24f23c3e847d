"""One verb on many runs of a workflow, told while it goes on.

Runs are counted first and then changed, both from the newest to the oldest. The cursor of a page
names a place among all runs, so what is changed here makes it neither skip nor repeat one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from awaitstep.app.errors import invalid
from awaitstep.app.ports import Ports
from awaitstep.engine.errors import EngineError, RunNotFound, RunState
from awaitstep.engine.port import RunQuery, Runs, RunView
from awaitstep.engine.states import ENDED, TRANSITIONS, Cause

Verb = Literal["pause", "resume", "terminate", "restart", "delete"]

# Runs that are changed at once: they share commits, and a stop comes soon.
_AT_ONCE: Final = 50
_MOST_ERRORS: Final = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. `total` still grows while runs are counted, before the first is changed."""

    done: int
    failed: int
    skipped: int
    total: int


@dataclass(frozen=True, slots=True)
class RunFailure:
    """Why one run could not be changed."""

    instance: str
    code: str
    message: str


@dataclass(slots=True)
class Outcome:
    """How it ended. A run whose state does not allow the verb is `skipped`.

    `errors` are the first failures. In a dry run, `done` is how many would be changed.
    """

    done: int = 0
    failed: int = 0
    skipped: int = 0
    errors: list[RunFailure] = field(default_factory=list)
    dry_run: bool = False


class Bulk:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def steps(
        self,
        project: str,
        workflow: str,
        verb: Verb,
        query: RunQuery,
        *,
        rollback: bool = False,
        dry_run: bool = False,
    ) -> AsyncIterator[Progress | Outcome]:
        """The last item is the outcome; `query.workflows` is filled in here.

        With `rollback`, runs that are terminated are undone first; those count as done that begin
        to be. Whoever stops asking stops the work, after the runs that are being changed just then.
        Raises Invalid (a rollback without `terminate`) and NotFound before anything else,
        EngineError.
        """
        if rollback and verb != "terminate":
            raise invalid("rollback.verb", "Only terminate has a rollback.", "rollback")
        entry = self._ports.directory.find(project, workflow)
        runs = self._ports.providers[entry.engine].runs
        query = replace(query, workflows=[workflow], limit=_AT_ONCE, cursor=None)
        total, newest = 0, 0.0
        possible = Outcome(dry_run=True)
        yield Progress(0, 0, 0, 0)
        async for page in _pages(runs, query):
            total += len(page)
            newest = max([newest, *(run.created_at for run in page)])
            possible.done += sum(_allows(verb, run) for run in page)
            yield Progress(0, 0, 0, total)
        if dry_run:
            possible.skipped = total - possible.done
            yield possible
            return
        outcome = Outcome()
        async for page in _pages(runs, query):
            counted = [run for run in page if run.created_at <= newest]
            await self._ports.to_the_end(_change(runs, verb, rollback, counted, outcome))
            yield Progress(outcome.done, outcome.failed, outcome.skipped, total)
        yield outcome


async def _pages(runs: Runs, query: RunQuery) -> AsyncIterator[Sequence[RunView]]:
    while True:
        page = await runs.list(query)
        yield page.runs
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)


async def _change(
    runs: Runs, verb: Verb, rollback: bool, page: Sequence[RunView], outcome: Outcome
) -> None:
    """Change these runs at once, and count how it went."""
    asked = [run for run in page if _allows(verb, run)]
    outcome.skipped += len(page) - len(asked)
    answers = await asyncio.gather(
        *(_ask(runs, verb, rollback, run) for run in asked), return_exceptions=True
    )
    for run, answer in zip(asked, answers, strict=True):
        if isinstance(answer, (RunState, RunNotFound)):
            outcome.skipped += 1  # it went on by itself meanwhile
        elif isinstance(answer, EngineError):
            outcome.failed += 1
            if len(outcome.errors) < _MOST_ERRORS:
                outcome.errors.append(RunFailure(run.instance, answer.code, str(answer)))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            outcome.done += 1


async def _ask(runs: Runs, verb: Verb, rollback: bool, run: RunView) -> Any:
    match verb:
        case "pause":
            return await runs.pause(run.workflow, run.instance)
        case "resume":
            return await runs.resume(run.workflow, run.instance)
        case "terminate":
            return await runs.terminate(run.workflow, run.instance, rollback=rollback)
        case "restart":
            return await runs.restart(run.workflow, run.instance)
        case "delete":
            return await runs.delete(run.workflow, run.instance)


def _allows(verb: Verb, run: RunView) -> bool:
    if verb == "delete":
        return run.status in ENDED
    if verb == "resume" and run.pause_requested:
        return True
    return (run.status, Cause(verb)) in TRANSITIONS
