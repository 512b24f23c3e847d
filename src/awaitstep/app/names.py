"""Names that must be safe in addresses: worker names and custom routes."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import Final

from awaitstep.app.errors import invalid
from awaitstep.storage.records import Kind

_LONGEST_SLUG: Final = 40
_TAIL: Final = 6
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PATH: Final = re.compile(r"/[A-Za-z0-9._~!$&'()+,;=:@/-]*\*?")


def slug(name: str, kind: Kind) -> str:
    """Up to 40 of `[a-z0-9-]`, neither starting nor ending with `-`, no two in a row."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    joined = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return joined[:_LONGEST_SLUG].rstrip("-") or kind


def worker_names(name: str, kind: Kind, id: str) -> list[str]:
    """DNS labels for a workflow, best first: its slug and six characters of its id."""
    letters = re.sub(r"[^a-z0-9]", "", id.partition("_")[2].lower())
    start = slug(name, kind)
    windows = range(max(1, len(letters) - _TAIL + 1))
    return [f"{start}-{letters[at : at + _TAIL]}" for at in windows]


def route_pattern(pattern: str) -> str:
    """A `host/path*` pattern, or a host alone, in its one written form.

    The host is a plain DNS name that is not ours; `*` may only end the path. Raises Invalid.
    """
    host, slash, rest = pattern.partition("/")
    host = host.lower()
    if not host:
        raise _bad("A route is host/path, such as api.example.com/orders/*, or a host alone.")
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise _bad("The host of a route is a DNS name with a dot in it, without port.")
    if labels[-1] == "localhost" or _is_address(host):
        raise _bad("The host of a route can't be localhost or an IP address.")
    if not slash:
        return host
    path = "/" + rest
    if len(path) > 1024 or _PATH.fullmatch(path) is None:
        raise _bad("The path of a route is plain text that may end with *.")
    if "//" in path or any(part in (".", "..") for part in path.split("/")):
        raise _bad("The path of a route can't hold //, /./ or /../.")
    return host + path


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].isdigit()
    return True


def _bad(message: str) -> Exception:
    return invalid("route.invalid", message, "deployConfig.route.pattern")
