"""Web addresses, in the form the URL standard gives them."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BEFORE_QUERY = re.compile(r"[^?#]*")
_KEPT = "!#$%&'()*+,-./:;=?@[\\]^_|~{}"
_LONGEST_REMEMBERED = 256
_DEFAULT_PORT = {"http": 80, "https": 443}


def absolute(url: object) -> str:
    """The absolute http or https URL an object stands for: text, a `urlsplit` result, any URL type.

    Scheme and host come out in lower case, the path is never empty, spaces and letters
    outside ASCII are percent-encoded. ValueError when it is none.
    """
    geturl = getattr(url, "geturl", None)
    text = str(geturl() if callable(geturl) else url).strip()
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _absolute(text)


def _absolute(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("the URL holds a control character")
    # The URL standard reads a backslash before the query as a slash. urlsplit does not,
    # and would see another host than a browser does.
    text = _BEFORE_QUERY.sub(lambda match: match[0].replace("\\", "/"), text, count=1)
    parts = urlsplit(text)
    if parts.scheme not in _DEFAULT_PORT:
        raise ValueError(f"not an absolute http or https URL: {_shown(text)}")
    if not parts.hostname:
        raise ValueError(f"the URL has no host: {_shown(text)}")
    return parts._replace(
        netloc=_netloc(parts.netloc, parts.hostname, parts.port, parts.scheme),
        path=quote(parts.path, safe=_KEPT) or "/",
        query=quote(parts.query, safe=_KEPT),
        fragment=quote(parts.fragment, safe=_KEPT),
    ).geturl()


# a worker is asked by the same address again and again
_remembered = lru_cache(maxsize=512)(_absolute)


def origin(url: str) -> str:
    """Scheme, host and port of an absolute URL: the part that is safe to show in an error."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _netloc(netloc: str, host: str, port: int | None, scheme: str) -> str:
    credentials, at, _ = netloc.rpartition("@")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    if not re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:%-]+", host):
        raise ValueError(f"the URL's host is not valid: {_shown(host)}")
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _DEFAULT_PORT[scheme]:
        host = f"{host}:{port}"
    return f"{quote(credentials, safe=_KEPT)}{at}{host}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
