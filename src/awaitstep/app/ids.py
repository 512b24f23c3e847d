"""Ids: a prefix that says what it names, and 21 random URL-safe characters (126 bits)."""

from __future__ import annotations

import secrets
from typing import Literal

Prefix = Literal["wf", "ver", "dep", "conn", "proj", "org", "key", "var", "ses"]


def new_id(prefix: Prefix) -> str:
    return f"{prefix}_{secrets.token_urlsafe(16)[:21]}"
