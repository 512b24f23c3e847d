"""What processes used so far: CPU time of one, of a thread, of the children of one; bytes written.

Reads `/proc`, so the figures are there on Linux only.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_ms(pid: int) -> float:
    """Of user and system together, in steps of 10 ms."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) * 1000 / TICKS_PER_S


def children(pid: int) -> list[int]:
    """Those that live now, whichever thread started them."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in found for child in file.read_text().split()]


def children_cpu_ms(pid: int) -> float:
    return sum(cpu_ms(child) for child in children(pid))


def thread_cpu_ms(name: str) -> float:
    """Of the thread of this process that has the name."""
    (thread,) = (thread for thread in threading.enumerate() if thread.name == name)
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident)) * 1000


def bytes_written() -> int:
    """What this process caused to be sent to the disk."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0
