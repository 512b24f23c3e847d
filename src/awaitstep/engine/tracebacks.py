"""Where an error came from, told in the lines of the deployed module alone.

Frames of the engine and of libraries are left out: what a person can change is in the module. Its
file is called `worker.py` wherever it lies. Pure but for reading source lines.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from types import FrameType, TracebackType
from typing import Any, Final

# Frames of one error, the innermost kept; errors of one chain or group; characters of a message.
MOST_FRAMES: Final = 100
MOST_ERRORS: Final = 8
LONGEST_MESSAGE: Final = 1_000
# Coroutines that wait for each other, one inside the other.
DEEPEST: Final = 1_000
NAME: Final = "worker.py"
# A frame and the line it is at.
Frame = tuple[FrameType, int]
_HEAD: Final = "Traceback (most recent call last):\n"
_CAUSE: Final = (
    "\nThe above exception was the direct cause of the following exception:\n\n",
    "\nDuring handling of the above exception, another exception occurred:\n\n",
)


def line_in(error: BaseException, module: str) -> int | None:
    """The innermost line of the module's file that the error came through, None when there is
    none."""
    if isinstance(error, SyntaxError) and error.filename == module:
        return error.lineno
    last = None
    for _, line in _own(error.__traceback__, module):
        last = line
    return last


def told(error: BaseException, module: str) -> str | None:
    """The error, and those it came from, as Python prints them. None when none of them went
    through the module."""
    text, known = _chain(error, module, 0)
    return text if known else None


def _chain(error: BaseException, module: str, depth: int) -> tuple[str, bool]:
    links: list[tuple[BaseException, str]] = [(error, "")]
    while len(links) < MOST_ERRORS:
        last = links[-1][0]
        before, joint = last.__cause__, _CAUSE[0]
        if before is None and not last.__suppress_context__:
            before, joint = last.__context__, _CAUSE[1]
        if before is None or any(before is link for link, _ in links):
            break
        links[-1] = last, joint
        links.append((before, ""))
    parts: list[str] = []
    known = False
    for link, joint in reversed(links):
        text, own = _one(link, module, depth)
        if own or link is error:
            parts += [joint if parts else "", text]
        known = known or own
    return "".join(parts), known


def _one(error: BaseException, module: str, depth: int) -> tuple[str, bool]:
    lines = _lines(list(_own(error.__traceback__, module)))
    if isinstance(error, SyntaxError) and error.filename == module:
        lines.append(f'  File "{NAME}", line {error.lineno}\n    {(error.text or "").strip()}\n')
    last = f"{_kind(error)}: {_printed(error)}".removesuffix(": ")
    text = (_HEAD if lines else "") + "".join(lines) + clipped(last, LONGEST_MESSAGE) + "\n"
    known = bool(lines)
    if isinstance(error, BaseExceptionGroup) and depth < 3:
        for number, inner in enumerate(error.exceptions[:MOST_ERRORS], 1):
            told, own = _chain(inner, module, depth + 1)
            known = known or own
            shown = "".join(f"  | {line}" for line in told.splitlines(keepends=True))
            text += f"  +---------------- {number} ----------------\n{shown}"
    return text, known


def of_coroutine(waiting: Any, module: str) -> list[Frame]:
    """Where in the module a suspended coroutine waits, the outermost first."""
    found: list[Frame] = []
    for _ in range(DEEPEST):
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "gi_frame", None)
        if frame is not None and frame.f_code.co_filename == module:
            found.append((frame, frame.f_lineno))
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)
        if waiting is None:
            break
    return found


def of_thread(innermost: FrameType | None, module: str) -> list[Frame]:
    """Where in the module a thread is, the outermost first."""
    found: list[Frame] = []
    while innermost is not None:
        if innermost.f_code.co_filename == module and innermost.f_lineno is not None:
            found.append((innermost, innermost.f_lineno))
        innermost = innermost.f_back
    return found[::-1]


def stopped(frames: Sequence[Frame], last: str) -> str:
    """The traceback of code that was stopped where it was; `last` is its last line."""
    return "".join([_HEAD, *_lines(frames), last, "\n"])


def message(error: BaseException) -> str:
    """What an error says; that of a KeyError without the quotes around its key."""
    try:
        if isinstance(error, KeyError) and len(error.args) == 1:
            return error.args[0] if isinstance(error.args[0], str) else repr(error.args[0])
        return str(error) or ("out of memory" if isinstance(error, MemoryError) else "")
    except Exception:
        return f"<{type(error).__name__} with an unprintable message>"


def _printed(error: BaseException) -> str:
    """What an error says where Python prints it: the key of a KeyError has its quotes."""
    if isinstance(error, KeyError):
        try:
            return str(error)
        except Exception:
            return message(error)
    return message(error)


def clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _kind(error: BaseException) -> str:
    """Its class; an error of a step that came back from the journal bears the name of its own."""
    name = getattr(error, "name", None)
    return (
        name
        if type(error).__name__ == "StepError" and isinstance(name, str)
        else type(error).__name__
    )


def _lines(frames: Sequence[Frame]) -> list[str]:
    stack = traceback.StackSummary.extract(iter(frames[-MOST_FRAMES:]))
    for frame in stack:
        frame.filename = NAME
    return traceback.format_list(stack)


def _own(at: TracebackType | None, module: str) -> Iterator[Frame]:
    for frame, line in traceback.walk_tb(at):
        if frame.f_code.co_filename == module:
            yield frame, line
