"""From Host header and path to a deployment and the URL its worker sees.

Pure but for the directory it asks. Three forms: `<worker>.localhost`, a custom route's host, and
the worker's name as first path segment on any other host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple
from urllib.parse import quote

from awaitstep.gateway.directory import Directory

_HOST: Final = re.compile(
    r"(?P<name>[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?\.?|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
)
_IPV4: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_REMEMBERED: Final = 1024


class Form(Enum):
    """Which part of an address names the worker."""

    host = auto()
    route = auto()
    path = auto()


@dataclass(frozen=True, slots=True)
class Host:
    """A Host header that was understood. `worker` is set when the host names one."""

    authority: str
    name: str
    worker: str | None
    routable: bool


class Target(NamedTuple):
    """Where a request goes, and the URL the worker sees (no worker-name prefix)."""

    deployment: str
    url: str
    form: Form


class Addresses:
    """Resolves addresses. Host headers that were understood are remembered, up to a bound.

    `suffixes` are the host suffixes whose first label is a worker's name, each with its leading
    dot; `scheme` is what clients use, which may be https in front of a proxy.
    """

    def __init__(
        self, directory: Directory, *, suffixes: tuple[str, ...] = (".localhost",), scheme: str
    ) -> None:
        self._directory = directory
        self._suffixes = suffixes
        self._scheme = scheme
        self._hosts: dict[bytes, Host] = {}

    def host(self, raw: bytes) -> Host | None:
        """None when the header is no host at all."""
        known = self._hosts.get(raw)
        if known is not None:
            return known
        match = _HOST.fullmatch(raw.decode("latin-1").lower())
        if match is None or ".." in match["name"]:
            return None
        port = match["port"]
        if port is not None and int(port) > 65535:
            return None
        name = match["name"].removesuffix(".")
        suffix = next((suffix for suffix in self._suffixes if name.endswith(suffix)), None)
        worker = name.removesuffix(suffix) if suffix else None
        # the hosts of the path form itself: a custom route there would take others' requests
        ours = any(name == suffix[1:] for suffix in self._suffixes)
        address = name.startswith("[") or _IPV4.fullmatch(name) is not None
        routable = not ours and not address
        host = Host(name if port is None else f"{name}:{port}", name, worker, routable)
        if len(self._hosts) < _REMEMBERED:
            self._hosts[raw] = host
        return host

    def target(self, host: Host, path: str, raw_path: bytes, query: bytes) -> Target | None:
        """None when nothing is deployed there."""
        if not raw_path.startswith(b"/"):
            return None
        rest = raw_path
        if host.worker is not None:
            form = Form.host
            deployment = self._directory.by_name(host.worker)
        else:
            form = Form.route
            deployment = self._directory.by_route(host.name, path) if host.routable else None
            if deployment is None:
                form = Form.path
                name, slash, after = raw_path[1:].partition(b"/")
                rest = slash + after
                deployment = self._directory.by_name(name.decode("latin-1")) if name else None
        if deployment is None:
            return None
        url = f"{self._scheme}://{host.authority}{_text(rest) or '/'}"
        return Target(deployment, f"{url}?{_text(query)}" if query else url, form)


def _text(part: bytes) -> str:
    """A part of a URL as it was sent; anything but printable ASCII percent-encoded."""
    text = part.decode("latin-1")
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return quote(part, safe="!#$%&'()*+,/:;=?@[]~\"<>\\^`{|}")
