"""`docs/reference/api.md` names every route, scope and error code there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.routing import APIRoute

import awaitstep
from awaitstep.api import access

from .fakes import Plane

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/reference/api.md").read_text()
SOURCES = Path(awaitstep.__file__).parent
NOT_CODES = {
    "vault.check",
    "websocket.close",
    "http.request",
    "metadata.name",
    "metadata.description",
    "awaitstep.api",
    "control.db",
    "dashboard.url",
}


async def test_every_route_is_listed_with_its_scope(plane: Plane) -> None:
    listed = set(re.findall(r"^\| `([A-Z]+) (/\S+)` \| (\S+) \|", TEXT, re.MULTILINE))
    there = set()
    for route in plane.api.routes:
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                path = route.path.removeprefix("/api")
                there.add((method, path, access.scope_of(route) or "–"))
    assert listed == there


def test_every_code_is_listed() -> None:
    table = TEXT.partition("## Errors")[2]
    listed = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", table))
    written: set[str] = set()
    for folder in ("api", "app"):
        for path in (SOURCES / folder).glob("*.py"):
            written |= set(re.findall(r'"([a-z_]+\.[a-z_]+)"', path.read_text()))
    assert (written - NOT_CODES) - listed == set()
