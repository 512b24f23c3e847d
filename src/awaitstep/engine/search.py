"""What finding a run by a text means: in its id, and in its params, output and error where short.

The case of ASCII letters does not count. Pure; the embedded engine's list asks the same in SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from awaitstep.engine.ids import UUID

# A value that takes more bytes than this in the journal is not looked through.
LARGEST: Final = 4096
PREFIX: Final = "run_"
_DIGITS: Final = re.compile(r"[0-9a-f-]*[0-9a-f][0-9a-f-]*")


@dataclass(frozen=True, slots=True)
class Needle:
    """A text to look for, as it may stand in a journal.

    `id` is for ids that callers chose, behind `run_`; `digits` for generated ones, upper case and
    without dashes, None when it can't be part of one. `texts` are for JSON: as it is, and as it is
    written within a string. `whole` are ids that the text is meant to be the whole of: when there
    is one, nothing else is looked for.
    """

    id: str
    digits: str | None
    texts: tuple[str, ...]
    whole: tuple[str, ...]


def needle(text: str) -> Needle:
    lowered = _lower(text)
    plain = _DIGITS.fullmatch(lowered) is not None
    quoted = _lower(msgspec.json.encode(text).decode()[1:-1])
    whole: tuple[str, ...] = (lowered,) if UUID.fullmatch(lowered) else ()
    if text.startswith(PREFIX):
        whole = (text, text.removeprefix(PREFIX))
    return Needle(
        id=lowered,
        digits=lowered.replace("-", "").upper() if plain else None,
        texts=(lowered,) if quoted == lowered else (lowered, quoted),
        whole=whole,
    )


def matches(wanted: Needle, instance: str, generated: bool, values: Iterable[bytes | None]) -> bool:
    """Whether a run is found; `values` are its params, output and error as they are kept."""
    if generated:
        digits = instance.replace("-", "").upper()
        if wanted.digits is not None and wanted.digits in digits:
            return True
    elif wanted.id in _lower(PREFIX + instance):
        return True
    texts = [text.encode() for text in wanted.texts]
    return any(
        text in value.lower()
        for value in values
        if value is not None and len(value) <= LARGEST
        for text in texts
    )


def _lower(text: str) -> str:
    """As SQLite does it: letters of ASCII alone."""
    return text.encode(errors="replace").lower().decode()
