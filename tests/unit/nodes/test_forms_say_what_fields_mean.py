"""What a palette, a canvas and a form are made from: nothing about a type is left to be guessed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from awaitstep.ir import NodeType
from awaitstep.language import CompiledGraphs
from awaitstep.nodes import registry

TYPES = {node.type: node for node in registry()}
BUILT_IN = [node for node in TYPES.values() if node.family != "custom"]
SENTENCE = re.compile(r"[A-Z].*\.", re.DOTALL)


def fields(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every field, of nested objects too, by a path."""
    found = {}
    for where, part in [("", schema), *schema.get("$defs", {}).items()]:
        for key, field in part.get("properties", {}).items():
            found[f"{where}.{key}"] = field
    return found


@pytest.mark.parametrize("node", TYPES.values(), ids=TYPES)
def test_every_field_has_a_title_a_person_would_write(node: NodeType) -> None:
    schema = node.data_schema()
    assert (schema["title"], schema["description"]) == (node.title, node.summary)
    for path, field in fields(schema).items():
        title = field["title"]
        words = title.split()
        assert title[0].isupper(), path
        # one word stays one, several stand apart: not "Retrylimit"
        key = path.rpartition(".")[2]
        assert len(words) > 1 or not (title.lower() == key.lower() and key != key.lower()), path
        if "description" in field:
            assert len(field["description"]) < 120


@pytest.mark.parametrize("node", BUILT_IN, ids=lambda node: node.type)
def test_built_in_types_explain_their_fields(node: NodeType) -> None:
    schema = node.data_schema()
    for key, field in schema["properties"].items():
        if key not in ("method",):
            assert SENTENCE.fullmatch(field["description"]), key
    assert node.icon != "box"


@pytest.mark.parametrize("node", TYPES.values(), ids=TYPES)
def test_what_is_shown_of_a_node_is_a_field_of_it(node: NodeType) -> None:
    schema = node.data_schema()
    for key in node.shows:
        assert key in schema["properties"]
        assert "x-secret" not in schema["properties"][key]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", node.icon)


@pytest.mark.parametrize("node", TYPES.values(), ids=TYPES)
def test_fields_of_ones_own_come_before_what_all_have(node: NodeType) -> None:
    keys = list(node.data_schema()["properties"])
    grouped = {key for key, field in fields(node.data_schema()).items() if "x-group" in field}
    common = [key for key in keys if f".{key}" in grouped or key == "output"]
    assert keys[len(keys) - len(common) :] == common
    if "output" in keys:
        assert keys[-1] == "output"


def test_retries_are_a_group() -> None:
    schema = TYPES["http_request"].data_schema()
    grouped = {key for key, field in schema["properties"].items() if "x-group" in field}
    assert grouped == {"retryLimit", "retryDelay", "backoff", "timeout"}
    assert schema["properties"]["retryLimit"]["title"] == "Retry limit"
    assert schema["properties"]["url"]["x-role"] == "template"


def test_arms_are_those_that_the_language_knows() -> None:
    for node in TYPES.values():
        assert (node.drawn is not None) == node.is_container
        if node.drawn is None:
            continue
        if node.drawn.source == "fixed":
            assert node.arms is not None
            assert [arm.label for arm in node.arms(None)] == list(node.drawn.labels)
            assert set(node.needs) <= set(node.drawn.labels)
        elif node.drawn.source == "data":
            assert node.drawn.field in node.data_schema()["properties"]
        else:
            assert node.arms is None
        for key in node.drawn.fields:
            assert key in node.data_schema()["properties"]
    loop = TYPES["loop"]
    default = loop.data.model_validate({"collection": "[1]"})
    names = [getattr(default, "item_var"), getattr(default, "index_var")]  # noqa: B009
    assert list(loop.binds(default, "body")) == names


def test_the_api_tells_all_of_it() -> None:
    told = {node["type"]: node for node in CompiledGraphs().node_types()}
    assert told["try_catch"]["arms"] == {
        "source": "fixed",
        "labels": ["try", "catch", "finally"],
        "required": ["try"],
        "field": None,
        "names": ["error"],
        "nameFields": [],
    }
    assert told["branch"]["arms"]["field"] == "branches"
    assert told["step"]["arms"] is None
    assert (told["slack_message"]["family"], told["slack_message"]["icon"]) == ("custom", "hash")
    assert told["http_request"]["summaryFields"] == ["method", "url"]
