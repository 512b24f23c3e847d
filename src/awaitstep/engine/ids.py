"""Instance ids: UUIDs, version 7, in rising order so that inserts stay cheap (RFC 9562)."""

from __future__ import annotations

import os
import re
import uuid
from typing import Final

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VALID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_last = 0
_pool = b""


def new_instance(now: float) -> str:
    """A UUIDv7 for `now` (seconds since the epoch), greater than the one before it.

    The 12 bits behind the milliseconds are their fraction, counted up when the clock stands still.
    """
    global _last
    stamp = max(int(now * 4_096_000), _last + 1)  # 1/4096 ms
    _last = stamp
    chance = int.from_bytes(_chance(), "big") >> 2 | 0b10 << 62
    digits = f"{stamp >> 12:012x}7{stamp & 0xFFF:03x}{chance:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _chance() -> bytes:
    """8 bytes nobody can guess; the system is asked for many at a time."""
    global _pool
    if not _pool:
        _pool = os.urandom(4096)
    taken, _pool = _pool[:8], _pool[8:]
    return taken


def valid_instance(instance: str) -> bool:
    """Whether a caller may name a run so."""
    return _VALID.fullmatch(instance) is not None


def pack(instance: str, generated: bool) -> bytes | str:
    """16 bytes for a generated id, the text itself for a caller's."""
    return bytes.fromhex(instance.replace("-", "")) if generated else instance


def unpack(stored: bytes | str) -> tuple[str, bool]:
    """(id, generated) of what `pack` made."""
    if isinstance(stored, bytes):
        return str(uuid.UUID(bytes=stored)), True
    return stored, False
