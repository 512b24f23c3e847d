"""Processes as the system shows them: whose children they are, and how much memory they take."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Set
from pathlib import Path
from typing import Final

GONE_SECONDS: Final = 10.0
LOOK_AGAIN: Final = 0.01


def children(parent: int) -> set[int]:
    """The process ids of those that `parent` started and that still execute."""
    found = set()
    for pid, of, state in _all():
        if of == parent and not state.startswith("Z"):
            found.add(pid)
    return found


def below(ancestor: int) -> set[int]:
    """The process ids of all that `ancestor` started, and of what these did, that still execute."""
    found: set[int] = set()
    above = {ancestor}
    rows = _all()
    while above:
        above = {pid for pid, of, _ in rows if of in above} - found
        found |= above
    return {pid for pid, _, state in rows if pid in found and not state.startswith("Z")}


def end(pids: Set[int]) -> None:
    """Kill them, and return once they are gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    stop = time.monotonic() + GONE_SECONDS
    while pids and time.monotonic() < stop:
        time.sleep(LOOK_AGAIN)
        pids = {pid for pid, _, state in _all() if pid in pids and not state.startswith("Z")}


def memory(pid: int) -> int | None:
    """Bytes of memory that are really used; None where it is not told or the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _all() -> list[tuple[int, int, str]]:
    """Process id, parent and state of everybody."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
        )
        rows = [line.split() for line in listed.stdout.splitlines()]
        return [(int(pid), int(of), state) for pid, of, state, *_ in rows]
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:  # it has ended
                continue
            # the name stands in brackets and may hold anything
            state, of, *_ = stat.rpartition(")")[2].split()
            found.append((int(entry), int(of), state))
    return found
