"""Keeps the dashboard's session and the workers apart.

Browsers send cookies to every port of a host, so a worker could see the dashboard's session, or
plant one of its own. Names are compared without case: browsers treat the prefixes that way.
"""

from __future__ import annotations

from typing import Final

SESSION_COOKIE: Final = "awaitstep_session"
SECURE_SESSION_COOKIE: Final = "__Host-awaitstep_session"

_BARE: Final = SESSION_COOKIE
_PREFIXES: Final = ("__host-", "__secure-")


def without_session(header: str) -> str | None:
    """A Cookie header's value without the dashboard's cookies; None when nothing is left."""
    if _BARE not in header.lower():
        return header
    kept = [pair.strip() for pair in header.split(";") if not _is_session(pair)]
    return "; ".join(pair for pair in kept if pair) or None


def may_set(header: str) -> bool:
    """Whether a worker may send this Set-Cookie.

    Cookies without a name are refused too: a browser sends them back as their bare value, which
    can be spelled like the dashboard's cookie.
    """
    pair = header.partition(";")[0]
    name, equals, _ = pair.partition("=")
    return bool(equals and name.strip()) and not _is_session(pair)


def _is_session(pair: str) -> bool:
    name, equals, value = pair.partition("=")
    name = name.strip().lower()
    if not name and equals:
        return _is_session(value)
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name == _BARE
