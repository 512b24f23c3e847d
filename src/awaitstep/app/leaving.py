"""Who has left while something was still told to them: signed out, or their key deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Leaving:
    """By the id of a session or key. What asks once needs none of this: it is refused."""

    def __init__(self) -> None:
        self._listening: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def heard(self, id: str) -> Iterator[asyncio.Event]:
        """An event that is set once this one has left."""
        gone = asyncio.Event()
        self._listening.setdefault(id, set()).add(gone)
        try:
            yield gone
        finally:
            others = self._listening[id]
            others.discard(gone)
            if not others:
                del self._listening[id]

    def left(self, id: str) -> None:
        for gone in self._listening.get(id, ()):
            gone.set()
