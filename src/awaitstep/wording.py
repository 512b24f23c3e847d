"""What pydantic finds wrong with a field, as a stable code and one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

UNKNOWN: Final = "field.unknown"
MISSING: Final = "field.missing"
INVALID: Final = "field.invalid"

# What a field is, by the type of the finding.
_IS: Final = {
    "string_type": "text",
    "string_unicode": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number that is not as long",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "a list",
    "tuple_type": "a list",
    "none_required": "null",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "datetime_type": "a moment in ISO 8601 with a zone",
    "datetime_parsing": "a moment in ISO 8601 with a zone",
    "datetime_from_date_parsing": "a moment in ISO 8601 with a zone",
    "datetime_object_invalid": "a moment in ISO 8601 with a zone",
    "timezone_aware": "a moment in ISO 8601 with a zone",
}
# How much it has: the bound, its name in the finding, and of what.
_HAS: Final = {
    "string_too_short": ("at least", "min_length", "character"),
    "string_too_long": ("at most", "max_length", "character"),
    "too_short": ("at least", "min_length", "item"),
    "too_long": ("at most", "max_length", "item"),
}
_OWN: Final = "Value error, "  # stands before the words of our own validators


def field_problem(
    kind: str, message: str, context: Mapping[str, Any] | None, name: str
) -> tuple[str, str]:
    """Code and sentence of a finding (its `type`, `msg` and `ctx`) about the field `name`."""
    if kind == "extra_forbidden":
        known = (context or {}).get("known")
        if known is None:
            return UNKNOWN, f"There is no field `{name}`."
        there = ", ".join(f"`{one}`" for one in known)
        verb = "is" if len(known) == 1 else "are"
        return UNKNOWN, f"There is no parameter `{name}`; there {verb} {there}."
    if kind == "missing":
        return MISSING, f"`{name}` is missing."
    return INVALID, f"`{name}`{_wrong(kind, message, context or {})}"


def _wrong(kind: str, message: str, context: Mapping[str, Any]) -> str:
    if kind in _IS:
        told = {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in context.items()
        }
        return f" is {_IS[kind].format_map(told)}."
    if kind in _HAS:
        bound, limit, noun = _HAS[kind]
        count = context[limit]
        if bound == "at least" and count == 1:
            return " can't be empty."
        return f" has {bound} {count:,} {noun}{'s' * (count != 1)}."
    if kind == "string_pattern_mismatch":
        return " has a form or characters that are not allowed."
    return f": {message.removeprefix(_OWN).rstrip('.')}."
