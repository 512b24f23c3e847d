"""Reads what Python's fault handler left behind when a runner died.

Pure text. The text comes from a process that user code controls: it decides what is shown of a
fault and nothing else.
"""

import os
import re
from pathlib import Path

# The fault handler's own format, the same since Python 3.3.
_STACK = re.compile(r"(?P<current>Current thread 0x|Stack \()|Thread 0x")
_FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d{1,9}) in (?P<function>.*)')


def fault_place(text: bytes | bytearray, code: Path | None, *, aborted: bool) -> str | None:
    """The frame of a fault handler's dump that a person can act on, on one short line.

    That is the innermost frame beneath `code` of the thread that faulted, else its innermost one.
    An abort arrives at the main thread whichever computes: there, if no deployed code runs in it,
    the one other thread that runs some is meant.
    """
    _, fatal, dump = text.decode("ascii", "replace").rpartition("Fatal Python error")
    if not fatal:
        return None
    current: list[re.Match[str]] = []
    others: list[list[re.Match[str]]] = []
    stack: list[re.Match[str]] = []
    for line in dump.splitlines():
        if start := _STACK.match(line):
            stack = []
            if start["current"]:
                current = stack
            else:
                others.append(stack)
        elif frame := _FRAME.fullmatch(line):
            stack.append(frame)
    place = _first_own(current, code)
    if place is None and aborted:
        elsewhere = [own for other in others if (own := _first_own(other, code))]
        if len(elsewhere) == 1:
            place = elsewhere[0]
    if place is None and current:
        place = current[0]
    if place is None:
        return None
    file = os.path.basename(place["file"])
    return printable(f"{file[:200]} line {place['line']} in {place['function'][:200]}")


def _first_own(stack: list[re.Match[str]], code: Path | None) -> re.Match[str] | None:
    if code is None:
        return None
    # Other than ASCII is escaped in a dump.
    beneath = (str(code) + os.sep).encode("ascii", "backslashreplace").decode()
    return next((frame for frame in stack if frame["file"].startswith(beneath)), None)


def printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
