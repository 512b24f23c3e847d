"""What durations, moments and schedules look like as text.

Owns their grammar only: no clock is read here.
"""

from __future__ import annotations

import re
from datetime import datetime

_DURATION = re.compile(
    r"(\d{1,12}(?:\.\d{1,6})?) (second|minute|hour|day|week|month|year)s?", re.ASCII
)
_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}
LONGEST_DAYS = 365


def is_duration(text: str) -> bool:
    """`10 seconds`, `1 hour`, `2 days`: up to 365 days, as Cloudflare's Workflows allow."""
    match = _DURATION.fullmatch(text)
    return match is not None and float(match[1]) * _SECONDS[match[2]] <= LONGEST_DAYS * 86_400


def is_moment(text: str) -> bool:
    """ISO 8601 with a zone: `2026-12-24T18:00:00+01:00` or `…Z`."""
    try:
        return text.isascii() and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)


def cron_problem(text: str) -> str | None:
    """What is wrong with a five-field cron expression, or None."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"a schedule has 5 fields, not {len(fields)}"
    for field, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        if not all(_cron_part(part, low, high, names) for part in field.lower().split(",")):
            return f"the field for the {name} is not understood"
    return None


def _cron_part(part: str, low: int, high: int, names: list[str]) -> bool:
    span, slash, step = part.partition("/")
    if slash and not (_is_number(step) and int(step) > 0):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    start = _cron_number(first, low, names)
    end = _cron_number(last, low, names) if dash else start
    return start is not None and end is not None and low <= start <= end <= high


def _cron_number(text: str, low: int, names: list[str]) -> int | None:
    if text in names:
        return names.index(text) + low
    return int(text) if _is_number(text) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3
