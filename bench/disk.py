"""What the disk can do: the limit everything durable runs into."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from pathlib import Path


def fdatasyncs(folder: Path, seconds: float) -> float:
    """4 KiB appended and synced, per second."""
    with (folder / "sync").open("ab", buffering=0) as file:
        count, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < seconds:
            file.write(b"\0" * 4096)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - begun)


def commits(folder: Path, rows: int, seconds: float) -> float:
    """Transactions per second in SQLite's WAL with synchronous=FULL, of `rows` rows each."""
    db = sqlite3.connect(folder / f"commits{rows}.sqlite", isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("create table t (id integer primary key, value blob)")
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        db.execute("begin immediate")
        db.executemany("insert into t (value) values (?)", [(b"x" * 60,)] * rows)
        db.execute("commit")
        count += 1
    took = time.perf_counter() - begun
    db.close()
    return count / took


def measure(seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return {
            "fdatasync_per_s": fdatasyncs(folder, seconds),
            "commits_per_s_1_row": commits(folder, 1, seconds),
            "rows_per_s_100_a_commit": commits(folder, 100, seconds) * 100,
        }
