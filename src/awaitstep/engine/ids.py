"""Instance ids: UUIDs, version 7, in rising order so that inserts stay cheap (RFC 9562)."""

from __future__ import annotations

import os
import re
import uuid
from typing import Final

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VALID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
# The digit that says which variant of UUID it is, with two bits of chance, by a digit of chance.
_VARIANTS: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_last = 0
_pool = b""


def new_instance(now: float) -> str:
    """A UUIDv7 for `now` (seconds since the epoch), greater than the one before it.

    The 12 bits behind the milliseconds are their fraction, counted up when the clock stands still.
    """
    global _last
    stamp = max(int(now * 4_096_000), _last + 1)  # 1/4096 ms
    _last = stamp
    moment = (stamp >> 12 << 16 | 7 << 12 | stamp & 0xFFF).to_bytes(8, "big").hex()
    chance = _chance().hex()
    variant = _VARIANTS[chance[0]]
    return f"{moment[:8]}-{moment[8:12]}-{moment[12:]}-{variant}{chance[1:4]}-{chance[4:]}"


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
