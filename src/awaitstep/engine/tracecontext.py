"""`traceparent`, by which who starts a run says which span it is part of (W3C Trace Context)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

HEADER: Final = "traceparent"
_FORM: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def valid(given: str | None) -> str | None:
    """The value when it is one; any other counts as none, as the standard wants it."""
    return given if given is not None and _FORM.fullmatch(given) else None


def of(headers: Iterable[tuple[str, str]]) -> str | None:
    """The value among the headers of a request, None unless there is exactly one."""
    given = [value for name, value in headers if name.lower() == HEADER]
    return valid(given[0].strip()) if len(given) == 1 else None
