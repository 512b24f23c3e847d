"""What worker code prints outside of attempts: told to the server line by line, for its log.

The body of a run, which is replayed, a module that is imported, and handlers print here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final

from awaitstep.engine import messages
from awaitstep.engine.current import label
from awaitstep.engine.logs import Stream, escaped

# A longer line is cut into pieces of this many characters.
LONGEST: Final = 8_000
# Unended lines kept at once; whoever leaves more behind has them told as they are.
MOST_UNENDED: Final = 1_000


class Outside:
    """Made where the loop runs, which is where `send` may be called."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, send: Callable[[messages.Message], None]
    ) -> None:
        self._loop = loop
        self._send = send
        self._thread = threading.get_ident()
        self._unended: dict[tuple[str | None, Stream], str] = {}

    def printed(self, stream: Stream, text: str) -> None:
        """From any thread. An empty text ends the line."""
        if threading.get_ident() == self._thread:
            self._take(label.get(), stream, text)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, label.get(), stream, text)

    def _take(self, where: str | None, stream: Stream, text: str) -> None:
        key = where, stream
        *lines, rest = (self._unended.pop(key, "") + (text or "\n")).split("\n")
        if not text and lines == [""]:
            return  # flushed after a whole line
        for line in lines:
            self._say(where, stream, line)
        while len(rest) > LONGEST:
            self._say(where, stream, rest[:LONGEST])
            rest = rest[LONGEST:]
        if rest and len(self._unended) < MOST_UNENDED:
            self._unended[key] = rest
        elif rest:
            self._say(where, stream, rest)

    def _say(self, where: str | None, stream: Stream, line: str) -> None:
        line = line.removesuffix("\r")
        for at in range(0, max(len(line), 1), LONGEST):
            piece = escaped(line[at : at + LONGEST])
            self._send(messages.Printed(where, stream, piece))
