"""Types for annotations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPMethod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from workers.blob import Blob
    from workers.formdata import FormData
    from workers.headers import HeaderMap

Body: TypeAlias = "str | bytes | FormData | Blob"
Headers: TypeAlias = "Mapping[str, str] | Iterable[tuple[str, str]] | HeaderMap"


class FetchKwargs(TypedDict, total=False):
    """What `fetch` and `Request` take besides the address."""

    method: HTTPMethod | str | None
    headers: Headers | None
    body: Body | None
    redirect: Literal["follow", "manual", "error"] | None
    cf: Mapping[str, Any] | None
