"""Durations and moments as Cloudflare writes them: numbers of milliseconds, or text such as
`10 seconds`."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_SECONDS: Final = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}
_TEXT: Final = re.compile(
    r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*(second|minute|hour|day|week|month|year)s?\s*"
)
LONGEST: Final = 366 * 86_400.0
# The end of the year 9999, in milliseconds since the epoch.
LATEST: Final = 253_402_300_799_999


def seconds(duration: object) -> float:
    """Seconds of `"10 seconds"`, a number of milliseconds, or a timedelta.

    Raises:
        ValueError: not a duration, negative, or longer than a year.
    """
    if isinstance(duration, str):
        match = _TEXT.fullmatch(duration)
        if match is None:
            raise ValueError(f"{duration!r} is not a duration such as '10 seconds'")
        value = float(match[1]) * _SECONDS[match[2]]
    elif isinstance(duration, timedelta):
        value = duration.total_seconds()
    elif isinstance(duration, (int, float)) and not isinstance(duration, bool):
        if not abs(duration) <= LONGEST * 1000:
            raise ValueError("a duration lies between 0 and a year")
        value = duration / 1000
    else:
        raise ValueError(f"a duration is text or milliseconds, not {type(duration).__name__}")
    if not (math.isfinite(value) and 0 <= value <= LONGEST):
        raise ValueError(f"{duration!r} is not a duration between 0 and a year")
    return value


def moment(timestamp: Any) -> float:
    """Seconds since the epoch of a datetime (UTC without a zone), ISO 8601 text, or milliseconds.

    Raises ValueError.
    """
    if isinstance(timestamp, str):
        timestamp = datetime.fromisoformat(timestamp)
    if isinstance(timestamp, datetime):
        return (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)).timestamp()
    if isinstance(timestamp, (int, float)) and not isinstance(timestamp, bool):
        if not abs(timestamp) <= LATEST:
            raise ValueError(f"{timestamp!r} milliseconds since the epoch are no moment.")
        return timestamp / 1000
    raise ValueError("A moment is a datetime, ISO 8601 text or milliseconds since the epoch.")
