"""Deploys under way: they go on whoever watches, and are told from their start to who comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Generic, TypeVar

from awaitstep.app.errors import AppError

T = TypeVar("T")

# Seconds that an ended one can still be watched: a page may just be loaded again.
KEPT: Final = 60.0


class _Work(Generic[T]):
    """What was told so far; `error` is how it failed."""

    def __init__(self) -> None:
        self._told: list[T] = []
        self._error: Exception | None = None
        self._ended = False
        self._news = asyncio.Event()

    async def do(self, steps: AsyncIterator[T]) -> None:
        try:
            async for step in steps:
                self._told.append(step)
                self._tell()
        except AppError as error:
            self._error = error
        except Exception as error:
            self._error = error
            raise  # a bug: it is logged, whether or not somebody watches
        finally:
            self._ended = True
            self._tell()

    async def follow(self) -> AsyncIterator[T]:
        """Every step from the first on; raises what they raised."""
        at = 0
        while True:
            news = self._news
            while at < len(self._told):
                at += 1
                yield self._told[at - 1]
            if self._ended:
                if self._error is not None:
                    raise self._error
                return
            await news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Underway(Generic[T]):
    """One for each workflow: the one that was begun last."""

    def __init__(self) -> None:
        self._works: dict[str, _Work[T]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, workflow: str, steps: AsyncIterator[T]) -> AsyncIterator[T]:
        """Take the steps, to their end, and tell each."""
        work = self._works[workflow] = _Work[T]()
        task = asyncio.create_task(work.do(steps))
        self._tasks.add(task)

        def ended(_: object) -> None:
            self._tasks.discard(task)
            task.get_loop().call_later(KEPT, self._forget, workflow, work)

        task.add_done_callback(ended)
        return work.follow()

    async def watch(self, workflow: str) -> AsyncIterator[T]:
        """All steps of the one that is under way or has just ended; none when there is none."""
        work = self._works.get(workflow)
        if work is not None:
            async for step in work.follow():
                yield step

    def _forget(self, workflow: str, work: _Work[T]) -> None:
        if self._works.get(workflow) is work:
            del self._works[workflow]
