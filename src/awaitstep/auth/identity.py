"""Scopes, and who a request comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

Scope = Literal["read", "write", "deploy"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

# what a scope brings with it
_INCLUDES: Final[dict[str, frozenset[str]]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "write"}),
    "deploy": frozenset({"read", "deploy"}),
}


def expand(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes with what they include; unknown ones count for nothing."""
    return frozenset().union(*(_INCLUDES.get(scope, frozenset()) for scope in scopes))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request comes from. It sees one project and nothing else.

    Exactly one of `key` and `session` is set, the id of what it showed; `name` is for people.
    `expires_at` is when the session ends unless it is used.
    """

    project: str
    scopes: frozenset[str]
    name: str
    key: str | None = None
    session: str | None = None
    expires_at: float | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes
