"""What the folder is kept on, and whether it seems to keep its word: how long a flush takes.

Nobody can tell from inside whether a flush reached the disk. One that takes no time did not.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROBES: Final = 50
PAGE: Final = b"\0" * 4096
# No disk, however fast, has kept a page this soon (seconds).
IMPLAUSIBLE: Final = 20e-6
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True, slots=True)
class Disk:
    """`flush_seconds` is the median time of a flush; `file_system` is None where it is not told."""

    file_system: str | None
    flush_seconds: float

    @property
    def warning(self) -> str | None:
        """Why a power cut may lose what was acknowledged; None when nothing speaks for it."""
        if self.file_system in _IN_MEMORY:
            return f"{self.file_system} is memory: a power cut loses everything in it."
        if self.flush_seconds < IMPLAUSIBLE:
            return (
                f"A flush takes {self.flush_seconds * 1e6:.0f} µs, which no disk can do: "
                "a power cut may lose what was acknowledged."
            )
        return None


def examine(folder: Path) -> Disk:
    """Time flushes in a file that is gone afterwards. Raises OSError."""
    flush = getattr(os, "fdatasync", os.fsync)
    times = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(PROBES):
            file.write(PAGE)
            began = time.perf_counter()
            flush(file.fileno())
            times.append(time.perf_counter() - began)
    return Disk(_file_system(folder), statistics.median(times))


def _file_system(folder: Path) -> str | None:
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            return after.split()[0]
    return None
