"""What an attempt printed: whole lines with their moment, bounded.

Owns the limits, and the form in which lines are kept. Where text comes from is `printing.py`'s
business; nothing here knows of runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Annotated, Final

import msgspec

# Of one attempt: bytes of UTF-8, and lines.
LARGEST: Final = 64 * 1024
MOST_LINES: Final = 1_000
# Of all attempts of one step together: the row of a step is written anew for each attempt.
LARGEST_OF_STEP: Final = 4 * LARGEST
_ROOM_FOR_NOTE: Final = 200
# What would drive a terminal, break a line or turn it around.
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Stream(IntEnum):
    """Where a line was printed; the numbers are part of the journal's format. `note` is the
    engine's own word about the log."""

    stdout = 0
    stderr = 1
    note = 2


class Line(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One printed line without its end; `at` in seconds since the epoch, UTC."""

    at: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
    stream: Stream
    text: str


class Log:
    """Takes what one attempt prints, from any thread, until it is closed.

    Without a lock, which a thread that is told to stop might never give back: text is only
    appended, and becomes lines at the end.
    """

    __slots__ = ("_chunks", "_closed", "_cut_lines", "_cut_size", "_now", "_size")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._chunks: list[tuple[float, Stream, str]] | None = None
        self._closed = False
        self._size = self._cut_lines = self._cut_size = 0

    def write(self, stream: Stream, text: str) -> bool:
        """False when the attempt is over."""
        if self._closed:
            return False
        kept = text[: LARGEST - self._size]
        if len(kept) < len(text):
            self._cut_size += len(text) - len(kept)
            self._cut_lines += text.count("\n", len(kept))
        if kept:
            self._size += len(kept)
            chunks = self._chunks
            if chunks is None:
                chunks = self._chunks = []
            chunks.append((self._now(), stream, kept))
        return True

    def close(self) -> Sequence[Line]:
        """The lines; what is printed from here on is nobody's."""
        self._closed = True
        chunks, self._chunks = self._chunks, None
        if not chunks:
            return ()
        return _bounded(_lines(chunks), self._cut_lines, self._cut_size, self._now())


def received(lines: Sequence[Line]) -> Sequence[Line]:
    """What another process said that an attempt printed, no more than what is kept of one here."""
    kept: list[Line] = []
    room = LARGEST + _ROOM_FOR_NOTE
    for line in lines[: MOST_LINES + 1]:
        text, size = _fitting(escaped(line.text), room)
        room -= size
        kept.append(Line(line.at, line.stream, text))
        if room <= 0:
            break
    return kept


def between(lines: Sequence[Line], first: float, last: float) -> Sequence[Line]:
    """The lines with no moment before `first` or after `last`."""
    return [Line(min(max(line.at, first), last), line.stream, line.text) for line in lines]


def size(lines: Sequence[Line]) -> int:
    """Bytes of UTF-8, roughly."""
    return sum(len(line.text) for line in lines)


def forgotten(at: float) -> Sequence[Line]:
    """What is left of a log that made room for later ones."""
    return [Line(at, Stream.note, "what this attempt printed made room for later attempts")]


def escaped(text: str) -> str:
    """Text that stays on its line, whatever shows it."""
    if text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _lines(chunks: Sequence[tuple[float, Stream, str]]) -> list[Line]:
    lines: list[Line] = []
    begun: dict[Stream, tuple[float, list[str]]] = {}
    for at, stream, text in chunks:
        *ended, rest = text.split("\n")
        for part in ended:
            began, parts = begun.pop(stream, (at, []))
            lines.append(Line(began, stream, "".join([*parts, part]).removesuffix("\r")))
        if rest:
            begun.setdefault(stream, (at, []))[1].append(rest)
    lines += [Line(at, stream, "".join(parts)) for stream, (at, parts) in begun.items()]
    return lines


def _bounded(lines: list[Line], cut_lines: int, cut_size: int, now: float) -> list[Line]:
    kept: list[Line] = []
    room = LARGEST
    for index, line in enumerate(lines):
        whole = escaped(line.text)
        text, size = _fitting(whole, room)
        if len(kept) == MOST_LINES or (whole and not text):
            cut_lines += len(lines) - index
            cut_size += sum(len(left.text) for left in lines[index:])
            break
        room -= size
        cut_size += len(whole) - len(text)
        kept.append(Line(line.at, line.stream, text))
    if cut_lines or cut_size:
        what = f"not kept: {cut_lines:,} more lines, {cut_size:,} characters"
        kept.append(Line(now, Stream.note, what))
    return kept


def _fitting(text: str, room: int) -> tuple[str, int]:
    """As much of the text as has room, and its size in bytes."""
    data = text.encode()
    if len(data) <= room:
        return text, len(data)
    text = data[:room].decode(errors="ignore")
    return text, len(text.encode())
