"""How much work a JSON Schema makes, known before anything is checked against it.

Counted are the schemas that are applied to one value at most, the references followed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

MOST_PATTERNS: Final = 50
_DEEPEST: Final = 100
# Counted in schemas, as are the two below: what a pattern costs, and a value that others are
# compared with.
_MOST_COST: Final = 10_000
_PATTERN_COST: Final = 400
_OBJECT_COST: Final = 10
LONGEST: Final = 300  # characters of a message or a path

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


class Refused(Exception):
    """Why a schema is not taken, and where in it."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def cost_of(schema: dict[str, Any]) -> int:
    """How many schemas are applied to one value at most. Raises Refused."""
    return _Walk(schema).cost()


def pointer(path: list[str | int]) -> str:
    """A place as JSON Pointer (RFC 6901), cut where it is long."""
    found = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return found if len(found) <= LONGEST else found[:LONGEST] + "…"


class _Walk:
    """Looks at every part of a schema that is applied, through references, once."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._root = schema
        self._draft4 = "draft-04" in str(schema.get("$schema"))
        self._costs: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()
        self._patterns = 0

    def cost(self) -> int:
        return self._schema(self._root, "")[0]

    def _schema(self, schema: object, path: str) -> tuple[int, int]:
        """Its cost and its height."""
        if not isinstance(schema, dict):
            return 1, 1
        key = id(schema)
        if key in self._costs:
            return self._costs[key]
        if key in self._open:
            raise Refused(path, "a schema can't refer to itself")
        if len(self._open) >= _DEEPEST:
            raise Refused(path, f"schemas are nested more than {_DEEPEST} deep")
        self._open.add(key)
        cost, height = self._parts(schema, path)
        self._open.discard(key)
        if cost > _MOST_COST:
            raise Refused(path, "too many schemas are applied to one value")
        if height > _DEEPEST:
            raise Refused(path, f"schemas are nested more than {_DEEPEST} deep")
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
                raise Refused(f"{path}/{name}", "this kind of reference is not offered")
        if schema is not self._root:
            for name in ("$id", "id") if self._draft4 else ("$id",):
                if isinstance(schema.get(name), str):
                    raise Refused(f"{path}/{name}", "only the whole schema may have an id")

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
            raise Refused(path, f"there are more than {MOST_PATTERNS} patterns")
        return cost + _PATTERN_COST * patterns

    def _target(self, ref: object, path: str) -> object:
        if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
            raise Refused(path, "only places in the schema itself can be referred to, as #/…")
        found: Any = self._root
        for part in ref.split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name in map(str, range(len(found))):
                found = found[int(name)]
            else:
                raise Refused(path, "there is nothing at this place")
        if not isinstance(found, (dict, bool)):
            raise Refused(path, "there is no schema at this place")
        return found


def _listed(schema: dict[str, Any], name: str, path: str) -> Iterator[tuple[object, str]]:
    if isinstance(given := schema.get(name), list):
        for index, part in enumerate(given):
            yield part, f"{path}/{name}/{index}"


def _named(schema: dict[str, Any], name: str, path: str) -> Iterator[tuple[object, str]]:
    if isinstance(given := schema.get(name), dict):
        for key, part in given.items():
            yield part, path + pointer([name, key])


def _parts_of(value: object) -> int:
    """How many values lie in it: they are compared one by one."""
    if isinstance(value, dict):
        return len(value) + sum(map(_parts_of, value.values()))
    if isinstance(value, list):
        return len(value) + sum(map(_parts_of, value))
    return 0
