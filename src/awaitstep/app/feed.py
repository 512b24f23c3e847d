"""Runs that change, told while they do: the engine says which, and only these are read.

What nobody asks for costs nothing, and a stream that hears nothing only waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import msgspec

from awaitstep.app.ports import Ports
from awaitstep.engine import search
from awaitstep.engine.port import RunQuery, Runs, RunView

Key = tuple[str, str]
"""A workflow and an instance."""

# More runs than this in one batch are not read: who shows them better reads a page, which holds as
# many at most.
MOST: Final = 100
# Between two batches (seconds): what changes often is told as it is then.
BEAT: Final = 0.5
# So long without news, and who listens is told that somebody is still there (seconds).
PATIENCE: Final = 15.0


@dataclass(frozen=True, slots=True)
class News:
    """What changed since the last news; nothing at all means that nothing did.

    `gone` are runs that were deleted, or that the filter does not find any more. When `many` is not
    0, so many changes and more were too much to be told one by one, and none of them is.
    """

    runs: Sequence[RunView] = ()
    gone: Sequence[Key] = ()
    many: int = 0


QUIET: Final = News()


@dataclass(slots=True)
class Ear:
    """What was heard since it was asked last."""

    wanted: Callable[[str, str], bool]
    changed: dict[Key, None] = field(default_factory=dict)
    more: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, workflow: str, instance: str) -> None:
        key = workflow, instance
        if key in self.changed or not self.wanted(workflow, instance):
            return
        if len(self.changed) < MOST:
            self.changed[key] = None
        else:
            self.more += 1
        self._news.set()

    async def hears(self, seconds: float) -> bool:
        """Whether there is news, waiting for it that long."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def take(self) -> tuple[list[Key], int]:
        """The runs that changed, and how many further changes there were."""
        taken = list(self.changed), self.more
        self.changed, self.more = {}, 0
        self._news.clear()
        return taken


@contextmanager
def listening(engines: Sequence[Runs], wanted: Callable[[str, str], bool]) -> Iterator[Ear]:
    """An ear for changes of runs, for as long as the block lasts."""
    ear = Ear(wanted)
    ends = [runs.watch(ear.tell) for runs in engines]
    try:
        yield ear
    finally:
        for end in ends:
            end()


class Feed:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def news(
        self, project: str, workflow: str | None, query: RunQuery
    ) -> AsyncGenerator[News]:
        """What changes from now on about runs of one workflow, or of all in the project.

        The first item comes at once and is empty: from then on nothing is missed. Others come when
        there is something to tell, and an empty one now and then. Raises NotFound, EngineError.
        """
        directory = self._ports.directory
        if workflow is not None:
            directory.find(project, workflow)

        def wanted(changed: str, _: str) -> bool:
            entry = directory.get(changed)
            own = entry is not None and entry.project == project
            return own and workflow in (None, changed)

        engines = [provider.runs for provider in self._ports.providers.values()]
        needle = None if query.text is None else search.needle(query.text)
        with listening(engines, wanted) as ear:
            yield QUIET
            while True:
                if not await ear.hears(PATIENCE):
                    yield QUIET
                    continue
                keys, more = ear.take()
                if more:
                    yield News(many=len(keys) + more)
                else:
                    news = await self._read(engines, keys, query, needle)
                    if news.runs or news.gone:
                        yield news
                await asyncio.sleep(BEAT)

    async def _read(
        self,
        engines: Sequence[Runs],
        keys: Sequence[Key],
        query: RunQuery,
        needle: search.Needle | None,
    ) -> News:
        found: dict[Key, RunView] = {}
        for runs in engines:
            found |= {(run.workflow, run.instance): run for run in await runs.views(keys)}
        shown: list[RunView] = []
        gone = [key for key in keys if key not in found]
        for key, run in found.items():
            if not _was_ever(run, query):
                continue
            if _is_now(run, query, needle):
                shown.append(run)
            else:
                gone.append(key)
        shown.sort(key=lambda run: run.created_at)
        return News(shown, gone)


def _was_ever(run: RunView, query: RunQuery) -> bool:
    """Whether the filter can have found the run: what it asks for and never changes."""
    after, before = query.created_after, query.created_before
    return (
        (query.trigger is None or run.trigger in query.trigger)
        and (after is None or run.created_at >= after)
        and (before is None or run.created_at < before)
    )


def _is_now(run: RunView, query: RunQuery, needle: search.Needle | None) -> bool:
    return (
        (query.status is None or run.status in query.status)
        and query.version in (None, run.version)
        and query.deployment in (None, run.deployment)
        and (needle is None or _holds(run, needle))
    )


def _holds(run: RunView, needle: search.Needle) -> bool:
    if needle.whole:
        return run.instance in needle.whole
    error = None if run.error is None else msgspec.json.encode(run.error)
    values = (run.params, run.output, error)
    return search.matches(needle, run.instance, run.generated_id, values)
