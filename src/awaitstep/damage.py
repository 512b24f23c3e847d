"""Whether the files of an SQLite database are whole, asked before anything is written to them.

SQLite takes the first broken frame of its write-ahead log for the end of it, as a power cut leaves
one behind: whatever was committed after it would be gone without a word. Its index, a file beside
the log, says how far the log went, and never says too much: a commit is in the log, synced, before
it is in the index. Knows SQLite's file formats, no
table, and nothing else of ours.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# https://www.sqlite.org/walformat.html#the_wal_index_file_format: version, unused, changes, ready,
# byte order, page size, frames committed, pages, checksum of a frame, salts, checksums
_HEADER: Final = struct.Struct("=3I2BH2I2I2I2I")
_VERSION: Final = 3007000
# The header is there twice; behind it stands how many frames are in the main file too.
_INDEX: Final = struct.Struct(f"={_HEADER.size}s{_HEADER.size}sI")
# Larger ones would hold up a start for long (bytes).
LARGEST_CHECKED: Final = 1024**3


def of_log(database: Path) -> str | None:
    """What is lost of the write-ahead log; None: nothing is.

    Raises sqlite3.Error.
    """
    path = database.with_name(f"{database.name}-shm")
    before = _index(path)
    if before is None or not before.frames:
        return None
    kept = path.read_bytes()
    # a connection that only reads leaves the log as it is when it is closed
    address = f"{database.absolute().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as db:
        db.execute("select count(*) from sqlite_master").fetchone()
        found = _index(path)
    if found is None or not found.frames:
        whole = 0  # there is no log, or nothing in it
    elif found.salts != before.salts:
        return None  # a later log: this one was moved into the main file as a whole
    else:
        whole = found.frames
    if whole >= before.frames or (not whole and before.moved >= before.frames):
        return None
    path.write_bytes(kept)  # the next to ask is to hear of it too
    return f"its log is broken after frame {whole} of {before.frames} that were committed"


def of_pages(db: sqlite3.Connection, database: Path) -> str | None:
    """What SQLite finds wrong with the pages, in one line; None when they are well-formed.

    Raises sqlite3.Error.
    """
    if database.stat().st_size > LARGEST_CHECKED:
        return None
    (found,) = db.execute("pragma quick_check(1)").fetchone()
    return None if found == "ok" else " ".join(str(found).replace("*", "").split())


@dataclass(frozen=True, slots=True)
class _Index:
    """Which log (`salts`), how many frames of it are committed and how many of them are moved."""

    frames: int
    moved: int
    salts: bytes


def _index(path: Path) -> _Index | None:
    """None when there is none, or when it is not whole itself."""
    try:
        with path.open("rb") as file:
            found = file.read(_INDEX.size)
    except FileNotFoundError:
        return None
    if len(found) < _INDEX.size:
        return None
    header, copy, moved = _INDEX.unpack(found)
    version, _, _, ready, _, _, frames, *_ = _HEADER.unpack(header)
    if header != copy or version != _VERSION or not ready:
        return None
    return _Index(frames, moved, header[32:40])
