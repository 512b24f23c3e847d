"""Lists: `{"data": […], "nextCursor": …}`."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import Field

from awaitstep.api.model import Shape

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(max_length=1024, description="`nextCursor` of the page before.")
]


class Listing(Shape, Generic[T]):
    """One page."""

    data: list[T]
    next_cursor: str | None = Field(description="Null on the last page.")
