"""Which headers pass between a client and a worker, in either direction.

Pure functions. The same names come again and again, so what was decided about a name is remembered,
up to a bound that clients and workers can't push.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from awaitstep.gateway.cookies import may_set, without_session

HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
SANDBOX: Final = (b"content-security-policy", b"sandbox")

# Seen apart on the way in: they say how to read the request, or depend on where it goes.
_ASIDE: Final = frozenset({"host", "content-length", "cookie"})
# The server writes these itself, or they speak for the whole host on the path form.
_SERVERS_OWN: Final = frozenset({"content-length", "date", "server"})
_WHOLE_HOST: Final = frozenset(
    {"set-cookie", "set-cookie2", "clear-site-data", "strict-transport-security"}
)
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REMEMBERED: Final = 512
_LONGEST_REMEMBERED: Final = 64

_names_in: dict[bytes, str] = {}
_names_out: dict[str, bytes] = {}


class Received(NamedTuple):
    """A request's headers, read once. `passed` lacks cookies; `hosts` are as they were sent."""

    passed: list[tuple[str, str]]
    hosts: list[bytes]
    length: str | None
    chunked: bool
    cookies: list[str]


def receive(raw: Iterable[tuple[bytes, bytes]]) -> Received:
    """Sort what a client sent; `raw` has names in lower case, as ASGI says."""
    passed: list[tuple[str, str]] = []
    hosts: list[bytes] = []
    cookies: list[str] = []
    length: str | None = None
    chunked = False
    named: set[str] | None = None
    for raw_name, raw_value in raw:
        name = _names_in.get(raw_name)
        if name is None:
            name = _learn_in(raw_name)
        if not name:
            if raw_name == b"connection":
                named = _listed(raw_value.decode("latin-1"), named)
            elif raw_name == b"transfer-encoding":
                chunked = True
            continue
        value = raw_value.decode("latin-1")
        if not (value.isascii() and value.isprintable()) and _BAD_VALUE.search(value):
            continue
        if name in _ASIDE:
            if name == "cookie":
                cookies.append(value)
                continue
            if name == "host":
                hosts.append(raw_value)
            else:
                length = value
        passed.append((name, value))
    if named:
        passed = [pair for pair in passed if pair[0] not in named or pair[0] == "host"]
        if "cookie" in named:
            cookies = []
    return Received(passed, hosts, length, chunked, cookies)


def add_cookies(passed: list[tuple[str, str]], cookies: list[str]) -> None:
    """Give a worker the cookies that are its own."""
    for cookie in cookies:
        left = without_session(cookie)
        if left is not None:
            passed.append(("cookie", left))


def to_client(
    headers: Iterable[tuple[str, str]], *, cookies: bool
) -> tuple[list[tuple[bytes, bytes]], str | None]:
    """The headers a client sees, and the Content-Length the worker wrote (for HEAD).

    `cookies` is False on the path form, where all workers share one host.
    """
    kept: list[tuple[bytes, bytes]] = []
    length: str | None = None
    named: set[str] | None = None
    for name, value in headers:
        raw_name = _names_out.get(name)
        if raw_name is None:
            raw_name = _learn_out(name)
        if not raw_name:
            name = name.lower()
            if name == "content-length":
                length = value
            elif name == "connection":
                named = _listed(value, named)
            elif name in _WHOLE_HOST:
                if not cookies or (name == "set-cookie" and not may_set(value)):
                    continue
                raw_name = name.encode("ascii")
            if not raw_name:
                continue
        raw_value = _value(value)
        if raw_value is not None:
            kept.append((raw_name, raw_value))
    if named:
        kept = [pair for pair in kept if pair[0].decode("ascii") not in named]
    if not cookies:
        kept.append(SANDBOX)
    return kept, length


def _learn_in(raw: bytes) -> str:
    """The name as text, or "" for one that does not pass."""
    name = raw.decode("latin-1").lower()
    if name in HOP_BY_HOP or name == "expect" or not _TOKEN.fullmatch(name):
        name = ""
    if len(_names_in) < _REMEMBERED and len(raw) <= _LONGEST_REMEMBERED:
        _names_in[raw] = name
    return name


def _learn_out(name: str) -> bytes:
    """The name for the wire, or b"" for one that does not pass or needs a look at its value."""
    lower = name.lower()
    special = lower in HOP_BY_HOP or lower in _SERVERS_OWN or lower in _WHOLE_HOST
    raw = b"" if special or not _TOKEN.fullmatch(lower) else lower.encode("ascii")
    if len(_names_out) < _REMEMBERED and len(name) <= _LONGEST_REMEMBERED:
        _names_out[name] = raw
    return raw


def _value(value: str) -> bytes | None:
    """A value for the wire, None when it can't be sent."""
    value = value.strip(" \t")
    if not (value.isascii() and value.isprintable()) and _BAD_VALUE.search(value):
        return None
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return None


def _listed(value: str, named: set[str] | None) -> set[str]:
    """Header names that a Connection header declares to be for this hop only."""
    named = named if named is not None else set()
    named.update(item.strip().lower() for item in value.split(","))
    return named
