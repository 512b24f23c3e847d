"""What a text field of a node means: code, a condition, a template, a duration, a moment.

Node models mark their fields with a role; validation, the compiler and the dashboard's forms
read the marks, so a new node type needs no change in any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

RoleName = Literal[
    "code",
    "rollback",
    "condition",
    "template",
    "duration",
    "timestamp",
    "input",
    "workflow",
    "function",
]


@dataclass(frozen=True, slots=True)
class Role:
    name: RoleName

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "x-role": self.name}


Code = Annotated[str, Role("code")]
# Code that undoes the node's step: it may also read what is in `OFFERED`.
Rollback = Annotated[str | None, Role("rollback")]
Condition = Annotated[str, Role("condition")]
Template = Annotated[str, Role("template")]
Duration = Annotated[str, Role("duration")]
Timestamp = Annotated[str, Role("timestamp")]
JsonTemplate = Annotated[Any, Role("template")]
# A Python expression as text, or JSON in whose texts expressions may stand.
Input = Annotated[Any, Role("input")]


def about(
    title: str, description: str = "", *, group: str | None = None, placeholder: str | None = None
) -> Any:
    """What a form says of a field: its label, one sentence, the group it is folded into, and an
    example to be overwritten."""
    extra: dict[str, Any] = {}
    if group is not None:
        extra["x-group"] = group
    if placeholder is not None:
        extra["x-placeholder"] = placeholder
    return Field(title=title, description=description or None, json_schema_extra=extra or None)


# The group of the fields that say how often and how long a step is tried.
RETRIES = "retries"
# Of every node with a value.
Output = Annotated[
    bool, about("Output of the run", "The run answers this node's value when it completes.")
]

_Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]
WorkflowId = Annotated[_Id, Role("workflow")]
FunctionId = Annotated[_Id, Role("function")]

OFFERED = ("output", "error", "ctx")

Backoff = Literal["constant", "linear", "exponential"]
RetryLimit = Annotated[int, Field(ge=0, le=10_000)]


def roles(data: BaseModel, path: str = "data") -> Iterator[tuple[str, RoleName, str]]:
    """Every text that has a role, with its path. Bounded by the depth JSON may have."""
    for field, info in type(data).model_fields.items():
        where = f"{path}.{info.alias or field}"
        marks = [mark for mark in info.metadata if isinstance(mark, Role)]
        value, role = getattr(data, field), marks[0].name if marks else None
        if role == "input":
            role = "condition" if isinstance(value, str) else "template"
        yield from _texts(value, where, role)


def _texts(value: Any, path: str, role: RoleName | None) -> Iterator[tuple[str, RoleName, str]]:
    if isinstance(value, str):
        if role is not None:
            yield path, role, value
    elif isinstance(value, BaseModel):
        yield from roles(value, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}", role)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{index}]", role)
