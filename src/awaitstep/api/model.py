"""What all bodies and answers of the API share: camelCase, strictness, times, names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticKnownError

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
Text = Annotated[str, StringConstraints(max_length=64 * 1024, pattern=r"^[^\x00]*$")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
Graph = Annotated[dict[str, Any], Field(description="A graph; see the language reference.")]


def _written_out(value: object) -> object:
    """What begins with a date: pydantic takes numbers, and digits alone, as seconds since 1970."""
    if isinstance(value, str) and _DATE.match(value):
        return value
    raise PydanticKnownError("datetime_parsing", {"error": "it begins with no date"})


# Text in a body is strictly no date; this one is meant as one.
Moment = Annotated[
    AwareDatetime,
    Strict(False),
    BeforeValidator(_written_out),
    Field(description="ISO 8601 with a zone."),
]


class Body(BaseModel):
    """What a client sends. A field that is not known is refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=False, extra="forbid", strict=True
    )


class Shape(BaseModel):
    """What the server answers."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=False,
        serialize_by_alias=True,
        extra="forbid",
    )


class Detail(Shape):
    """One problem among several. What is not known is left out."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    severity: Literal["error", "warning"] = "error"
    path: str = Field(default="", description="The field, inside the node or the body.")
    node_id: str = Field(default="", description="The node of the graph.")
    line: int = Field(default=1, description="Counted from 1 in the text of the field.")
    column: int = Field(default=1, description="Counted from 1.")
    hint: str = ""


def details(found: Sequence[Mapping[str, Any]]) -> list[Detail]:
    """To be answered with `response_model_exclude_unset`."""
    return [Detail.model_validate(detail, by_alias=True) for detail in found]


class Problem(Shape):
    """Every error there is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": "There is no workflow 'wf_x'.",
                    "code": "workflow.not_found",
                    "requestId": "req_3pW9nTtq1kV0c5sYhJ2zQA",
                }
            ]
        }
    )

    error: str = Field(description="One line for a person.")
    code: str = Field(description="Stable; match on this.")
    details: list[Detail] = Field(default=[], description="Left out when there are none.")
    request_id: str


def at(seconds: float) -> datetime:
    """A time as the API writes it: ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def maybe_at(seconds: float | None) -> datetime | None:
    return None if seconds is None else at(seconds)
