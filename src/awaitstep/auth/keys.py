"""API keys: how they look, how they are made and how they are proven."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

_KEY: Final = re.compile(r"ask_[A-Za-z0-9_-]{32,128}")
_PREFIX_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its owner sees it once, and what is kept of it."""

    text: str
    prefix: str
    digest: bytes


def new_key() -> NewKey:
    """`ask_` and 43 random characters (256 bits)."""
    text = f"ask_{secrets.token_urlsafe(32)}"
    return NewKey(text, prefix_of(text), digest_of(text))


def well_formed(text: str) -> bool:
    """Whether it could be a key at all; nothing is looked up for what could not."""
    return _KEY.fullmatch(text) is not None


def prefix_of(text: str) -> str:
    """The part that may be stored and shown: it finds a key and proves nothing."""
    return text[:_PREFIX_LENGTH]


def digest_of(text: str) -> bytes:
    """SHA-256: the key is random, so a slow hash would protect nothing more."""
    return hashlib.sha256(text.encode()).digest()


def proves(text: str, digest: bytes) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(digest_of(text), digest)
