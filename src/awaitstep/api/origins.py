"""Whether a browser's request comes from the dashboard's own pages, and the cookie it may show.

Pure. A cookie goes along with whatever any page makes a browser send, so it counts only beside what
no other page can forge: our Host (other sites' names may lead here), Sec-Fetch-Site and, for
writes, our Origin.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from awaitstep.api.problems import Refusal

_READS: Final = ("GET", "HEAD")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


class Origins:
    """The dashboard's own origins by their Host header.

    `url` is what browsers call the dashboard, `cookie` the name of its session cookie. With
    `twins`, a dashboard on loopback is itself under each of loopback's names.
    """

    def __init__(self, url: str, cookie: str, *, twins: bool = False) -> None:
        parts = urlsplit(url.lower())
        self.cookie = cookie
        self._secure = parts.scheme == "https"
        host = parts.netloc.removesuffix(_DEFAULT_PORTS[parts.scheme])
        name, port = _split(host)
        names = _LOOPBACK if twins and name in _LOOPBACK else (name,)
        self._origins = {f"{each}{port}": f"{parts.scheme}://{each}{port}" for each in names}
        self._default_port = _DEFAULT_PORTS[parts.scheme]

    def must_be_ours(self, method: str, headers: Headers) -> None:
        """Raises Refusal unless one of our own pages, or a person's address bar, asks this."""
        hosts = headers.getlist("host")
        host = hosts[0].lower().removesuffix(self._default_port) if len(hosts) == 1 else ""
        origin = self._origins.get(host)
        if origin is None:
            known = " or ".join(sorted(self._origins.values()))
            raise Refusal(403, "origin.host", f"The dashboard is at {known}, and only there.")
        reads = method in _READS
        site = headers.getlist("sec-fetch-site")
        typed = reads and site == ["none"] and headers.get("sec-fetch-mode") == "navigate"
        if site != ["same-origin"] and not typed:
            raise _foreign()
        if not reads and headers.getlist("origin") != [origin]:
            raise _foreign()

    def token(self, headers: Headers) -> str | None:
        """The session's token. A cookie that is there twice was planted, and counts for nothing."""
        found = []
        for header in headers.getlist("cookie"):
            for pair in header.split(";"):
                name, _, value = pair.partition("=")
                if name.strip() == self.cookie:
                    found.append(value.strip())
        return found[0] if len(found) == 1 else None

    def set_cookie(self, token: str, seconds: float) -> str:
        """A Set-Cookie header; 0 seconds remove the cookie."""
        secure = "; Secure" if self._secure else ""
        return (
            f"{self.cookie}={token}; Path=/; Max-Age={int(seconds)}; HttpOnly; SameSite=Strict"
            f"{secure}"
        )


def _split(host: str) -> tuple[str, str]:
    """Name and port with its colon, which may be missing."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdecimal():
        return name, colon + port
    return host, ""


def _foreign() -> Refusal:
    return Refusal(
        403,
        "origin.foreign",
        "A session counts only for the dashboard's own pages. Programs send an API key.",
    )
