"""The built dashboard: its files, and its page for every address that the API does not have.

All files are read once, at the start: what is served is what was there then, whole, and an address
is only ever looked up in a table, never on the disk. Knows nothing of what the dashboard does.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from awaitstep.api.gate import GUARDED

FOLDER: Final = Path(__file__).parent.parent / "static"
_INDEX: Final = "/index.html"
_ASSETS: Final = "/assets/"
_AT_ROOT: Final = re.compile(r"/[^/]*\.[^/]*")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "no-cache"
# the best first
_CODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_SAFETY: Final = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_NOT_BUILT: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>AwaitStep</title>
<h1>AwaitStep is running</h1>
<p>Its dashboard is not built yet: run <code>make setup</code> and start it again. The REST API is
there, described at <a href="/api/docs">/api/docs</a>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    """A file in each coding that it is there in; "" is as it is."""

    type: str
    bodies: Mapping[str, bytes]
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tag", hashlib.sha256(self.bodies[""]).hexdigest()[:32])


class Dashboard:
    """The files of `folder` in front of `api`, which answers everything below /api."""

    def __init__(self, api: ASGIApp, folder: Path = FOLDER) -> None:
        self._api = api
        self._files = dict(_read(folder))
        self._page = self._files.get(_INDEX) or _File(_TYPES[".html"], {"": _NOT_BUILT})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _ours(scope["method"], scope["path"]):
            await self._api(scope, receive, send)
            return
        file = self._find(scope["path"])
        if file is None:
            answer = Response("There is nothing at this address.\n", 404, media_type="text/plain")
            answer.headers.update({**_SAFETY, "cache-control": "no-store"})
        else:
            lasts = _FOR_EVER if scope["path"].startswith(_ASSETS) else _ASK_FIRST
            answer = _answer(file, Headers(scope=scope), lasts)
        if scope["method"] == "HEAD":
            answer.body = b""
        await answer(scope, receive, send)

    def _find(self, path: str) -> _File | None:
        """A file, or the page for what only the dashboard's own router knows."""
        found = self._files.get(path)
        # /favicon.ico and its like are files too, there or not
        if found is not None or path.startswith(_ASSETS) or _AT_ROOT.fullmatch(path):
            return found
        return self._page


def _ours(method: str, path: str) -> bool:
    return method in ("GET", "HEAD") and path != "/api" and not path.startswith(GUARDED)


def _answer(file: _File, headers: Headers, lasts: str) -> Response:
    coding = _coding(headers.getlist("accept-encoding"), file.bodies)
    tag = f'"{file.tag}-{coding or "identity"}"'
    answer = Response()
    answer.headers.update({**_SAFETY, "etag": tag, "cache-control": lasts})
    if len(file.bodies) > 1:
        answer.headers["vary"] = "Accept-Encoding"
    if tag in _tags(headers.getlist("if-none-match")):
        answer.status_code = 304
        del answer.headers["content-length"]
        return answer
    answer.body = file.bodies[coding]
    answer.headers["content-type"] = file.type
    answer.headers["content-length"] = str(len(answer.body))
    if coding:
        answer.headers["content-encoding"] = coding
    return answer


def _coding(given: Iterable[str], there: Mapping[str, bytes]) -> str:
    """The best coding that is there and that the client takes; "" is none."""
    weights = {}
    for part in ",".join(given).lower().split(","):
        name, _, weight = part.partition(";")
        weights[name.strip()] = weight.replace(" ", "")
    for name, _ in _CODINGS:
        if name in there and name in weights and not _refused(weights[name]):
            return name
    return ""


def _refused(weight: str) -> bool:
    """Whether a quality value (`q=0.000`) is zero, or is none at all."""
    try:
        return bool(weight) and float(weight.removeprefix("q=")) <= 0
    except ValueError:
        return True


def _tags(given: Iterable[str]) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in ",".join(given).split(",")}


def _read(folder: Path) -> Iterator[tuple[str, _File]]:
    """Every file under its address. Links are left out, wherever they lead."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                found["/" + path.relative_to(folder).as_posix()] = path.read_bytes()
    packed = tuple(ending for _, ending in _CODINGS)
    for address, body in found.items():
        if address.endswith(packed) or address.rpartition("/")[2].startswith("."):
            continue
        bodies = {"": body}
        for coding, ending in _CODINGS:
            if address + ending in found:
                bodies[coding] = found[address + ending]
        suffix = "." + address.rpartition(".")[2]
        yield address, _File(_TYPES.get(suffix, "application/octet-stream"), bodies)
