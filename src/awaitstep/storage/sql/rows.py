"""Rows to records, and pages of rows by (created_at, id)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import sqlalchemy as sa

from awaitstep.storage.port import BadCursor
from awaitstep.storage.records import Page

T = TypeVar("T")


def record(kind: type[T], row: Mapping[str, Any]) -> T:
    """A record from the columns that bear its fields' names."""
    return kind(**{field.name: row[field.name] for field in fields(kind)})  # type: ignore[arg-type]


def first(connection: sa.Connection, query: sa.Select[Any]) -> Mapping[str, Any] | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def newest_first(
    connection: sa.Connection,
    query: sa.Select[Any],
    table: sa.Table,
    make: Callable[[Mapping[str, Any]], T],
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """A page of `query`, ordered by creation."""
    place = sa.tuple_(table.c.created_at, table.c.id)
    if cursor is not None:
        created_at, id = _place(cursor)
        query = query.where(place < sa.tuple_(sa.literal(created_at), sa.literal(id)))
    query = query.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit + 1)
    rows = connection.execute(query).mappings().all()
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = _cursor(rows[-1]["created_at"], rows[-1]["id"])
    return Page([make(dict(row)) for row in rows], following)


def _cursor(created_at: float, id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([created_at, id]).encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[float, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        created_at, id = json.loads(text)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise BadCursor from None
    if not isinstance(created_at, float) or not isinstance(id, str):
        raise BadCursor
    return created_at, id
