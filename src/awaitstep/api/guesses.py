"""How often an address may be wrong about a sign-in link's token."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from starlette.requests import Request

from awaitstep.api.problems import Refusal

MOST: Final = 10
PERIOD: Final = 60.0  # seconds
_ADDRESSES: Final = 10_000


class Guesses:
    """Counts wrong tokens by address over the last minute, in memory.

    Tokens are far too long to be guessed. What this saves is the work that trying makes.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._wrong: dict[str, deque[float]] = {}

    def must_be_few(self, address: str) -> None:
        """Raises Refusal while there were too many."""
        wrong = self._wrong.get(address)
        if wrong is None or len(wrong) < MOST:
            return
        wait = wrong[0] + PERIOD - self._now()
        if wait > 0:
            raise Refusal(
                429,
                "auth.too_many",
                "Too many wrong links from this address; try again in a minute.",
                {"Retry-After": str(math.ceil(wait))},
            )

    def count(self, address: str) -> None:
        """Another wrong one. The newest addresses are remembered."""
        wrong = self._wrong.pop(address, None) or deque(maxlen=MOST)
        wrong.append(self._now())
        self._wrong[address] = wrong
        if len(self._wrong) > _ADDRESSES:
            del self._wrong[next(iter(self._wrong))]


def address_of(request: Request) -> str:
    """Where a request comes from: what the proxy says when it comes from one near us.

    Only the last address of X-Forwarded-For is the proxy's own word. Of IPv6, where everybody has
    many addresses, the network counts.
    """
    near = request.client.host if request.client is not None else ""
    given = request.headers.getlist("x-forwarded-for")
    try:
        address = ipaddress.ip_address(near)
        if given and address.is_private:
            address = ipaddress.ip_address(given[-1].rpartition(",")[2].strip())
    except ValueError:
        return near
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
