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
from urllib.parse import unquote

from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for

from awaitstep.app.errors import Detail, Invalid
from awaitstep.engine import values
from awaitstep.engine.errors import EngineError

INVALID: Final = "payload.invalid"
_SCHEMA: Final = "payload_schema.invalid"

LARGEST: Final = 64 * 1024
MOST_PATTERNS: Final = 50
_DEEPEST: Final = 100
# What is applied to one value, counted in schemas: of a schema, and times the bytes of a payload.
_MOST_COST: Final = 10_000
_MOST_WORK: Final = 300_000_000
# Up to here all problems are looked for and a few told, beyond only the first one.
_LITTLE_WORK: Final = 30_000
_TOLD: Final = 5
_LONGEST: Final = 300
_PATTERN_COST: Final = 400
_OBJECT_COST: Final = 10
_CACHED: Final = 32
_VALUE: Final = "the value"

# Keywords with schemas: of the value itself, of what is in it, and those that are only kept.
# An item that `contains` finds counts as evaluated, so that it is gone through again as well.
_HERE: Final = ("not", "if", "then", "else", "contains")
_HERE_LISTED: Final = ("allOf", "anyOf", "oneOf")
_HERE_NAMED: Final = ("dependentSchemas", "dependencies")
_IN_IT: Final = (
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "additionalItems",
    "unevaluatedItems",
)
_KEPT: Final = ("$defs", "definitions")
_UNEVALUATED: Final = ("unevaluatedProperties", "unevaluatedItems")


class _Refused(Exception):
    """Why a schema is not taken, and where in it."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class _Checked:
    """A schema that was compiled, or why it was not."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.cost = 0
        self.validator: Validator | None = None
        self.problem: Detail | None = None
        try:
            self.cost = _Walk(schema).cost()
            self.validator = _compiled(schema)
        except _Refused as refused:
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
        raise _does_not_fit([(_pointer(error.instance_path), _what(error)) for error in errors])


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
    return message if len(message) <= _LONGEST else message[:_LONGEST] + "…"


def _pointer(path: list[str | int]) -> str:
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return pointer if len(pointer) <= _LONGEST else pointer[:_LONGEST] + "…"


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
        raise _Refused(_pointer(error.instance_path), _why(error)) from None
    except ValueError as error:  # a meta-schema that is not known, a reference that is none
        raise _Refused("", str(error)[:_LONGEST]) from None


def _why(error: ValidationError) -> str:
    if "regex" in error.message:
        return (
            "this is no pattern that can be used: look-around and back references are not "
            "offered, nor patterns that become very large"
        )
    if error.instance_path[-1:] == ["type"]:
        return "there is no such type"
    return error.message.replace(_VALUE, "this", 1)[:_LONGEST]


class _Walk:
    """Looks at every part of a schema that is applied, through references, once."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._root = schema
        self._draft4 = "draft-04" in str(schema.get("$schema"))
        self._costs: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()
        self._patterns = 0

    def cost(self) -> int:
        """How many schemas are applied to one value at most. Raises _Refused."""
        return self._schema(self._root, "")[0]

    def _schema(self, schema: object, path: str) -> tuple[int, int]:
        """Its cost and its height."""
        if not isinstance(schema, dict):
            return 1, 1
        key = id(schema)
        if key in self._costs:
            return self._costs[key]
        if key in self._open:
            raise _Refused(path, "a schema can't refer to itself")
        if len(self._open) >= _DEEPEST:
            raise _Refused(path, f"schemas are nested more than {_DEEPEST} deep")
        self._open.add(key)
        cost, height = self._parts(schema, path)
        self._open.discard(key)
        if cost > _MOST_COST:
            raise _Refused(path, "too many schemas are applied to one value")
        if height > _DEEPEST:
            raise _Refused(path, f"schemas are nested more than {_DEEPEST} deep")
        self._costs[key] = cost, height
        return cost, height

    def _parts(self, schema: dict[str, Any], path: str) -> tuple[int, int]:
        self._must_stay_here(schema, path)
        here = [self._schema(*part) for part in self._of_itself(schema, path)]
        inside = [self._schema(*part) for part in self._of_each_part(schema, path)]
        # of these one at most is applied to one value
        either = [self._schema(*part) for part in self._of_one_part(schema, path)]
        for name in _KEPT:
            for part in _named(schema, name, path):
                self._schema(*part)
        cost = sum(cost for cost, _ in here)
        # to know what was evaluated, all that is applied is gone through again
        for name in _UNEVALUATED:
            if name in schema:
                cost *= 4
        cost += sum(cost for cost, _ in inside) + max((cost for cost, _ in either), default=0)
        height = 1 + max((height for _, height in here + inside + either), default=0)
        return self._own(schema, path) + cost, height

    def _must_stay_here(self, schema: dict[str, Any], path: str) -> None:
        for name in ("$dynamicRef", "$recursiveRef"):
            if name in schema:
                raise _Refused(f"{path}/{name}", "this kind of reference is not offered")
        if schema is not self._root:
            for name in ("$id", "id") if self._draft4 else ("$id",):
                if isinstance(schema.get(name), str):
                    raise _Refused(f"{path}/{name}", "only the whole schema may have an id")

    def _of_itself(self, schema: dict[str, Any], path: str) -> Iterator[tuple[object, str]]:
        if "$ref" in schema:
            yield self._target(schema["$ref"], f"{path}/$ref"), f"{path}/$ref"
        for name in _HERE:
            if name in schema:
                yield schema[name], f"{path}/{name}"
        for name in _HERE_LISTED:
            yield from _listed(schema, name, path)
        for name in _HERE_NAMED:
            yield from _named(schema, name, path)

    def _of_each_part(self, schema: dict[str, Any], path: str) -> Iterator[tuple[object, str]]:
        for name in _IN_IT:
            if name in schema:
                yield schema[name], f"{path}/{name}"
        yield from _named(schema, "patternProperties", path)
        if isinstance(schema.get("items"), dict):
            yield schema["items"], f"{path}/items"

    def _of_one_part(self, schema: dict[str, Any], path: str) -> Iterator[tuple[object, str]]:
        yield from _named(schema, "properties", path)
        yield from _listed(schema, "prefixItems", path)
        yield from _listed(schema, "items", path)

    def _own(self, schema: dict[str, Any], path: str) -> int:
        cost = 1 + len(schema)
        for name in ("enum", "required", "properties", "dependentRequired"):
            if isinstance(given := schema.get(name), (list, dict)):
                cost += len(given)
        options = schema.get("enum")
        for option in [*(options if isinstance(options, list) else []), schema.get("const")]:
            cost += _OBJECT_COST * _parts_of(option)
        patterns = 1 if "pattern" in schema else 0
        if isinstance(given := schema.get("patternProperties"), dict):
            patterns += len(given)
        self._patterns += patterns
        if self._patterns > MOST_PATTERNS:
            raise _Refused(path, f"there are more than {MOST_PATTERNS} patterns")
        return cost + _PATTERN_COST * patterns

    def _target(self, ref: object, path: str) -> object:
        if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
            raise _Refused(path, "only places in the schema itself can be referred to, as #/…")
        found: Any = self._root
        for part in ref.split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name in map(str, range(len(found))):
                found = found[int(name)]
            else:
                raise _Refused(path, "there is nothing at this place")
        if not isinstance(found, (dict, bool)):
            raise _Refused(path, "there is no schema at this place")
        return found


def _listed(schema: dict[str, Any], name: str, path: str) -> Iterator[tuple[object, str]]:
    if isinstance(given := schema.get(name), list):
        for index, part in enumerate(given):
            yield part, f"{path}/{name}/{index}"


def _named(schema: dict[str, Any], name: str, path: str) -> Iterator[tuple[object, str]]:
    if isinstance(given := schema.get(name), dict):
        for key, part in given.items():
            yield part, path + _pointer([name, key])


def _parts_of(value: object) -> int:
    """How many values lie in it: they are compared one by one."""
    if isinstance(value, dict):
        return len(value) + sum(map(_parts_of, value.values()))
    if isinstance(value, list):
        return len(value) + sum(map(_parts_of, value))
    return 0
