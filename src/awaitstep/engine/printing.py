"""The streams that stand in the place of `sys.stdout` and `sys.stderr` where code of runs executes.

What is printed inside an attempt goes to that attempt's log, wherever in a thread or task of it;
everything else goes to who made the stream.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

from awaitstep.engine.current import attempting
from awaitstep.engine.logs import Stream

Elsewhere = Callable[[Stream, str], object]


class Printed(io.TextIOBase):
    """One text stream. `elsewhere` gets what is printed outside of attempts, from any thread; an
    empty text means that it was flushed."""

    def __init__(self, stream: Stream, elsewhere: Elsewhere) -> None:
        self._stream = stream
        self._elsewhere = elsewhere
        # for code that writes bytes, as to the streams that Python makes
        self.buffer = _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "replace"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        attempt = attempting.get()
        if attempt is not None and attempt.log.write(self._stream, text):
            return len(text)
        if text:
            self._elsewhere(self._stream, text)
        return len(text)

    def flush(self) -> None:
        if attempting.get() is None:
            self._elsewhere(self._stream, "")

    def close(self) -> None:
        """The stream belongs to all code of the process: none of it may close it."""


class _Bytes(io.RawIOBase):
    def __init__(self, text: Printed) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._text.write(content.decode("utf-8", "replace"))
        return len(content)

    def close(self) -> None:
        """See `Printed.close`."""


def capture(elsewhere: Elsewhere) -> None:
    """Stand in the place of both streams from now on."""
    sys.stdout = Printed(Stream.stdout, elsewhere)
    sys.stderr = Printed(Stream.stderr, elsewhere)


class Borrowed:
    """Both streams of a process that has other uses for them: all but what attempts print goes
    through to them."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[Any, Printed]] = {}

    def take(self) -> None:
        """Stand in the place of the streams, unless somebody does already."""
        for name, stream in (("stdout", Stream.stdout), ("stderr", Stream.stderr)):
            before = getattr(sys, name)
            if not isinstance(before, Printed):
                stand_in = Printed(stream, _through(before))
                self._before[name] = before, stand_in
                setattr(sys, name, stand_in)

    def give_back(self) -> None:
        """Put the streams back, where they are still ours."""
        for name, (before, stand_in) in self._before.items():
            if getattr(sys, name) is stand_in:
                setattr(sys, name, before)
        self._before.clear()


def _through(stream: Any) -> Elsewhere:
    return lambda _, text: stream.write(text) if text else stream.flush()
