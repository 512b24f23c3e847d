"""Cursors of lists of runs: where a page ended.

Lists are in the order runs were created in, newest first; the runs' numbers decide between those of
one moment. A cursor names the last run of a page by both, so it holds when that run is deleted.
"""

from __future__ import annotations

import math
import re
import struct
from typing import Final

from awaitstep.engine.errors import ValueRefused

Place = tuple[float, int]
"""When a run was created, and its number."""

_FORM: Final = re.compile(r"([0-9a-f]{16})([0-9a-f]{1,15})")


def write(place: Place) -> str:
    created, ref = place
    return f"{struct.pack('>d', created).hex()}{ref:x}"


def read(cursor: str) -> Place:
    """Raises ValueRefused when `write` can't have made it."""
    found = _FORM.fullmatch(cursor)
    created = math.nan
    if found is not None:
        (created,) = struct.unpack(">d", bytes.fromhex(found[1]))
    if found is None or not math.isfinite(created):
        raise ValueRefused("The cursor is not one of a page before.")
    return created, int(found[2], 16)
