"""Tokens of sign-in links and sessions: how they are made and what is kept of them."""

from __future__ import annotations

import re
import secrets
from typing import Final

from awaitstep.auth.keys import digest_of

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> tuple[str, bytes]:
    """43 random characters (256 bits), and their digest."""
    text = secrets.token_urlsafe(32)
    return text, digest_of(text)


def digest(text: str) -> bytes | None:
    """What a token is kept and found by (SHA-256); None for what could not be one."""
    return digest_of(text) if _TOKEN.fullmatch(text) else None
