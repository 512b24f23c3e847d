"""Keys that were used lately, in memory, so that a request costs no query.

Owns the answer to "whose key is this?". A key that is deleted is forgotten before the deletion is
answered; a lookup that was under way then is not remembered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from awaitstep.auth.identity import Identity
from awaitstep.auth.keys import prefix_of, proves, well_formed

Find = Callable[[str], Awaitable[tuple[bytes, Identity] | None]]
_MOST: Final = 10_000


class Keyring:
    """`find` gives the digest and identity of the key with a prefix."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._known: dict[str, tuple[bytes, Identity]] = {}
        self._forgotten = 0

    async def identify(self, text: str) -> Identity | None:
        """Whose key it is, None when it is nobody's."""
        if not well_formed(text):
            return None
        prefix = prefix_of(text)
        found = self._known.get(prefix)
        if found is None:
            before = self._forgotten
            found = await self._find(prefix)
            if found is None:
                return None
            if before == self._forgotten:
                self._remember(prefix, found)
        digest, identity = found
        return identity if proves(text, digest) else None

    def forget(self, prefix: str) -> None:
        self._forgotten += 1
        self._known.pop(prefix, None)

    def _remember(self, prefix: str, found: tuple[bytes, Identity]) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[prefix] = found
