"""Payload schemas: what the params of a workflow's runs must look like, as JSON Schema.

A schema comes from whoever may write a workflow, a payload from whoever may start it, and both are
worked on in the server's own process. So nothing is fetched, patterns are matched in linear time,
and how much work a payload makes is known before it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for

from awaitstep.app.errors import Detail, Invalid
from awaitstep.app.schemacost import LONGEST, Refused, cost_of, pointer
from awaitstep.engine import values
from awaitstep.engine.errors import EngineError

INVALID: Final = "payload.invalid"
_SCHEMA: Final = "payload_schema.invalid"

LARGEST: Final = 64 * 1024
# What is applied to a payload: the cost of its schema times its bytes.
_MOST_WORK: Final = 300_000_000
# Up to here all problems are looked for and a few told, beyond only the first one.
_LITTLE_WORK: Final = 30_000
_TOLD: Final = 5
_CACHED: Final = 32
_VALUE: Final = "the value"


class _Checked:
    """A schema that was compiled, or why it was not."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.cost = 0
        self.validator: Validator | None = None
        self.problem: Detail | None = None
        try:
            self.cost = cost_of(schema)
            self.validator = _compiled(schema)
        except Refused as refused:
            self.problem = {
                "code": _SCHEMA,
                "message": f"{refused.path or 'The schema'}: {refused}",
                "path": "payloadSchema" + refused.path,
            }


def schema_problems(schema: Mapping[str, Any] | None) -> list[Detail]:
    """What keeps a schema from being used; none when it can be."""
    if schema is None:
        return []
    try:
        text = values.encode(schema, LARGEST)
    except EngineError:
        message = f"A payload schema is JSON of at most {LARGEST // 1024} KiB."
        return [{"code": _SCHEMA, "message": message, "path": "payloadSchema"}]
    problem = _checked(text).problem
    return [] if problem is None else [problem]


def must_fit(schema: Mapping[str, Any] | None, params: bytes | None) -> None:
    """`params` in journal form; None is null, as the workflow sees it.

    Raises Invalid: the payload does not fit, or the schema, stored before, can't be used.
    """
    if schema is None:
        return
    if problems := schema_problems(schema):
        raise Invalid(
            "The workflow's payload schema can't be used, so nothing can be started: "
            f"{problems[0]['message']}",
            _SCHEMA,
            problems,
        )
    checked = _checked(values.encode(schema, LARGEST))
    assert checked.validator is not None
    payload = b"null" if params is None else params
    work = checked.cost * len(payload)
    if work > _MOST_WORK:
        most = _MOST_WORK // checked.cost
        raise _does_not_fit([("", f"with this schema it may have at most {most:,} bytes")])
    value = values.decode(payload)
    if work <= _LITTLE_WORK:
        errors = list(islice(checked.validator.iter_errors(value), _TOLD))
    else:
        errors = list(_first(checked.validator, value))
    if errors:
        raise _does_not_fit([(pointer(error.instance_path), _what(error)) for error in errors])


def _first(validator: Validator, value: Any) -> Iterator[ValidationError]:
    """Finding all of them takes long, and memory, when they are many."""
    try:
        validator.validate(value)
    except ValidationError as error:
        yield error


def _does_not_fit(problems: list[tuple[str, str]]) -> Invalid:
    told = [f"{path or 'the payload'}: {message}" for path, message in problems]
    return Invalid(
        f"The payload does not fit the workflow's schema. {'; '.join(told)}.",
        INVALID,
        [
            {"code": INVALID, "message": message, "path": "params" + path}
            for path, message in problems
        ],
    )


def _what(error: ValidationError) -> str:
    """In few words, and without the value, which may be large or secret."""
    kind = error.kind.name
    if kind in ("anyOf", "oneOf"):
        many = "more than one" if "more than one" in error.message else "none"
        return f"{_VALUE} fits {many} of the forms in {kind!r}"
    if kind == "not":
        return f"{_VALUE} is of a form that is not allowed"
    if kind == "contains":
        return "no item, or too few or many, fit what it must contain"
    message = error.message
    return message if len(message) <= LONGEST else message[:LONGEST] + "…"


@lru_cache(maxsize=_CACHED)
def _checked(text: bytes) -> _Checked:
    return _Checked(values.decode(text))


def _compiled(schema: dict[str, Any]) -> Validator:
    try:
        return validator_for(
            schema,
            validate_formats=False,
            mask=_VALUE,
            offline=True,
            pattern_options=RegexOptions(size_limit=64 * 1024, dfa_size_limit=128 * 1024),
        )
    except ValidationError as error:
        raise Refused(pointer(error.instance_path), _why(error)) from None
    except ValueError as error:  # a meta-schema that is not known, a reference that is none
        raise Refused("", str(error)[:LONGEST]) from None


def _why(error: ValidationError) -> str:
    if "regex" in error.message:
        return (
            "this is no pattern that can be used: look-around and back references are not "
            "offered, nor patterns that become very large"
        )
    if error.instance_path[-1:] == ["type"]:
        return "there is no such type"
    return error.message.replace(_VALUE, "this", 1)[:LONGEST]
