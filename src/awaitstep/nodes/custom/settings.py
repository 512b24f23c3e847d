"""From a config schema to the model of a node's `data`.

Owns the part of JSON Schema that fields may use, and how `{{…}}` stands in them: in texts
anywhere, in fields of another type as the whole field. Pure.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, WrapValidator, create_model
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import PydanticCustomError

from awaitstep.ir import NodeData
from awaitstep.ir.diagnostics import shown
from awaitstep.ir.expressions import ExpressionError, Template, parse_template
from awaitstep.ir.fields import Role
from awaitstep.nodes.custom.definition import Secret
from awaitstep.nodes.retries import Retries

CONSTANT = "x-constant"
_KEY = re.compile(r"[a-z][A-Za-z0-9]{0,59}")
_ANY_KEYWORDS = {"type", "title", "description", "default", "enum", "examples", CONSTANT}
_KEYWORDS: dict[str | None, dict[str, type]] = {
    None: {},
    "string": {"minLength": int, "maxLength": int, "pattern": str},
    "integer": {"minimum": int, "maximum": int},
    "number": {"minimum": float, "maximum": float},
    "boolean": {},
    "array": {"items": dict, "minItems": int, "maxItems": int},
    "object": {"additionalProperties": dict},
}
_OWN_FIELDS = frozenset({"retryLimit", "retryDelay", "backoff", "timeout", "output"})
OWN_PARAMETERS = frozenset({"idempotency_key"})
_PREFIX = "config_"
Say = Callable[[str, str], None]
"""Called with the place in the schema and a sentence about what is wrong there."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of `data`: `key` there, `parameter` in the template. `kind` None takes any JSON.

    `is_constant`: no expressions may stand in it, and two braces mean themselves.
    """

    key: str
    parameter: str
    kind: str | None
    schema: dict[str, Any]
    required: bool
    default: Any
    is_constant: bool
    secret: Secret | None

    def of(self, data: BaseModel) -> Any:
        """The field's value in a node's data."""
        return getattr(data, _PREFIX + self.parameter)


class Stepped(Retries):
    output: bool = False


class Inline(NodeData):
    output: bool = False


def read_settings(config: dict[str, Any], secrets: list[Secret], say: Say) -> list[Setting]:
    """The fields that a config schema describes, in its order; every problem goes to `say`."""
    _only(config, {"type", "properties", "required", "additionalProperties"}, "config", say)
    if config.get("type", "object") != "object":
        say("config.type", "The config of a node is an object.")
    if config.get("additionalProperties", False) is not False:
        say("config.additionalProperties", "Unknown fields of a node are always an error.")
    properties, required = config.get("properties", {}), config.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        say("config", "`properties` is an object, `required` a list of their names.")
        return []
    _check_required(required, properties, "config", say)
    hidden = {secret.field: secret for secret in secrets}
    for number, secret in enumerate(secrets):
        if secret.field not in properties:
            say(f"secrets[{number}].field", f"`{secret.field}` is not among the properties.")
    return [
        setting
        for key, schema in properties.items()
        if (setting := _setting(key, schema, key in required, hidden.get(key), say)) is not None
    ]


def _setting(
    key: str, schema: Any, required: bool, secret: Secret | None, say: Say
) -> Setting | None:
    place = f"config.properties.{key}"
    parameter = to_snake(key)
    if not _KEY.fullmatch(key) or to_camel(parameter) != key:
        say(place, f"`{key}` is not a name in camelCase, such as `chatId`.")
        return None
    if key in _OWN_FIELDS or parameter in OWN_PARAMETERS:
        say(place, f"Every node has `{key}` already.")
        return None
    if keyword.iskeyword(parameter):
        say(place, f"`{key}` is a keyword of Python.")
        return None
    sound = True

    def note(where: str, message: str) -> None:
        nonlocal sound
        sound = False
        say(where, message)

    _check(schema, place, note)
    if not sound:
        return None
    is_constant = schema.get(CONSTANT, False)
    kind = schema.get("type")
    if secret is not None and (kind != "string" or is_constant):
        say(place, "A secret is a text in which expressions may stand.")
        return None
    if "default" in schema:
        if required:
            say(place, "A field with a default is not required.")
        elif not _fits(schema["default"], schema):
            say(f"{place}.default", "The default does not fit the schema.")
    return Setting(
        key, parameter, kind, schema, required, schema.get("default"), is_constant, secret
    )


def _check(schema: Any, place: str, say: Say) -> None:
    """Whether a schema stays within what fields may use. Depth is bounded by `loading`."""
    if not isinstance(schema, dict):
        say(place, "A schema is an object.")
        return
    kind = schema.get("type")
    if not (kind is None or isinstance(kind, str)) or kind not in _KEYWORDS:
        known = ", ".join(name for name in _KEYWORDS if name)
        say(f"{place}.type", f"There is no such type; known are {known}.")
        return
    keywords = _KEYWORDS[kind]
    _only(schema, _ANY_KEYWORDS | set(keywords), place, say)
    for word, wanted in keywords.items():
        value = schema.get(word)
        numeric = wanted in (int, float)
        if value is None or (word == "additionalProperties" and value is True):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float if numeric else wanted):
            say(f"{place}.{word}", f"`{word}` has the wrong type.")
        elif word == "pattern" and not _is_pattern(str(value)):
            say(f"{place}.pattern", "This is no regular expression.")
    if not isinstance(schema.get(CONSTANT, False), bool):
        say(f"{place}.{CONSTANT}", f"`{CONSTANT}` is true or false.")
    choices = schema.get("enum", [""])
    if kind not in (None, "string") and "enum" in schema:
        say(f"{place}.enum", "Only texts can be chosen from a list.")
    elif (
        not isinstance(choices, list)
        or not choices
        or not all(isinstance(choice, str) for choice in choices)
    ):
        say(f"{place}.enum", "`enum` is a list of texts.")
    for word in ("items", "additionalProperties"):
        if word in keywords and isinstance(schema.get(word), dict):
            _check(schema[word], f"{place}.{word}", say)


def _only(schema: dict[str, Any], known: set[str], place: str, say: Say) -> None:
    for word in schema:
        if word not in known:
            say(f"{place}.{word}", f"`{word}` cannot be used here; known are {_listed(known)}.")


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(words))


def _is_pattern(text: str) -> bool:
    try:
        TypeAdapter(Annotated[str, Field(pattern=text)])
    except Exception:  # pydantic's core raises its own error for what its engine cannot take
        return False
    return True


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    try:
        TypeAdapter(_annotation(schema, expressions=False)).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def data_model(type_name: str, settings: list[Setting], *, inline: bool) -> type[NodeData]:
    """The model of a node's `data`."""
    fields: dict[str, Any] = {}
    for setting in settings:
        annotation = _annotation(setting.schema, expressions=not setting.is_constant)
        if setting.secret is not None:
            annotation = Annotated[annotation, WrapValidator(_hidden)]
        if not setting.required and setting.default is None:
            annotation = annotation | None
        extra: dict[str, Any] = {} if setting.secret is None else {"x-secret": setting.secret.env}
        info = Field(
            ... if setting.required else setting.default,
            alias=setting.key,
            title=setting.schema.get("title", setting.key),
            description=setting.schema.get("description"),
            json_schema_extra=extra,
        )
        if not setting.is_constant:
            annotation = Annotated[annotation, Role("template")]
        fields[_PREFIX + setting.parameter] = (annotation, info)
    name = "".join(word.title() for word in type_name.split("_"))
    base = Inline if inline else Stepped
    model: type[NodeData] = create_model(name, __base__=base, **fields)
    return model


def _annotation(schema: dict[str, Any], *, expressions: bool) -> Any:
    kind = schema.get("type")
    inner: Any = Any
    match kind:
        case "string" if "enum" in schema:
            inner = Literal[tuple(schema["enum"])]
        case "string":
            inner = Annotated[
                str,
                Field(
                    min_length=schema.get("minLength"),
                    max_length=schema.get("maxLength"),
                    pattern=schema.get("pattern"),
                ),
            ]
        case "integer" | "number":
            number = int if kind == "integer" else float
            inner = Annotated[
                number,
                Field(ge=schema.get("minimum"), le=schema.get("maximum")),
            ]
        case "boolean":
            inner = bool
        case "array":
            items = _annotation(schema.get("items", {}), expressions=expressions)
            inner = Annotated[
                list[items],  # type: ignore[valid-type]
                Field(min_length=schema.get("minItems"), max_length=schema.get("maxItems")),
            ]
        case "object":
            of = schema.get("additionalProperties", True)
            values = _annotation({} if of is True else of, expressions=expressions)
            inner = dict[str, values]  # type: ignore[valid-type]
    return Annotated[inner, WrapValidator(_reader(kind, expressions))] if kind else inner


def _reader(kind: str, expressions: bool) -> Callable[[Any, Callable[[Any], Any]], Any]:
    def read(value: Any, check: Callable[[Any], Any]) -> Any:
        if expressions and isinstance(value, str):
            template = _template(value)
            # What an expression answers is not known yet.
            if template is None or (template.references if kind == "string" else template.exact):
                return value
        checked = check(value)
        # 1 stays 1 where 1.0 could stand as well.
        return value if kind == "number" else checked

    return read


def _hidden(value: Any, check: Callable[[Any], Any]) -> Any:
    template = _template(value) if isinstance(value, str) else Template(())
    if template is None or any(reference.root == "env" for reference in template.references):
        return check(value)
    raise PydanticCustomError(
        "secret", "A secret is never part of a graph; write an expression such as {{env.NAME}}"
    )


def _template(text: str) -> Template | None:
    """None: it holds a mistake, which is reported as `expression.syntax`."""
    try:
        return parse_template(text)
    except ExpressionError:
        return None


def value_keys(output: dict[str, Any]) -> tuple[frozenset[str] | None, frozenset[str]]:
    """The keys that a value always has, if no others can be there, and those it may have."""
    properties = output.get("properties")
    if output.get("type") != "object" or output.get("additionalProperties", True) is not False:
        return None, frozenset()
    always = frozenset(output.get("required", ()))
    return always, frozenset(properties or ()) - always


def check_output(output: dict[str, Any], say: Say) -> None:
    """The output schema is documentation but for its keys: only those are looked at."""
    if not isinstance(output.get("type"), str | list):
        say("output.type", "An output schema says the type of the value.")
    properties, required = output.get("properties", {}), output.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        say("output", "`properties` is an object, `required` a list of their names.")
        return
    _check_required(required, properties, "output", say)


def _check_required(required: list[Any], properties: dict[str, Any], place: str, say: Say) -> None:
    for key in required:
        if not isinstance(key, str) or key not in properties:
            say(f"{place}.required", f"`{shown(key)}` is not among the properties.")
