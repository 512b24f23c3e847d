from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from workers.values import AttrDict, wrap


def test_keys_are_attributes_all_the_way_down() -> None:
    event = wrap({"payload": {"items": [{"sku": "a"}], "n": 1}})
    assert event.payload["items"][0].sku == "a"
    assert event == {"payload": {"items": [{"sku": "a"}], "n": 1}}
    assert json.loads(json.dumps(event)) == event


def test_a_missing_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'missing'"):
        AttrDict().missing  # noqa: B018
    with pytest.raises(AttributeError, match="'missing'"):
        del AttrDict().missing
    assert not hasattr(AttrDict(), "missing")


def test_setting_and_deleting_an_attribute_changes_the_key() -> None:
    values = AttrDict(a=1)
    values.b = 2
    del values.a
    assert values == {"b": 2}


def test_wrap_copies_and_leaves_other_values_alone() -> None:
    source: dict[str, Any] = {"a": [1, (2,)], "b": {}}
    wrapped = wrap(source)
    wrapped.a.append(3)
    wrapped.b.c = 1
    assert source == {"a": [1, (2,)], "b": {}}
    assert wrap(5) == 5
    assert wrap(None) is None
    assert wrap([{"a": 1}])[0].a == 1


def test_any_depth_is_wrapped() -> None:
    deep: Any = {"end": True}
    for _ in range(100_000):
        deep = {"d": [deep]}
    walk = wrap(deep)
    for _ in range(100_000):
        walk = walk.d[0]
    assert walk.end


def test_data_cannot_pose_as_a_python_protocol() -> None:
    hostile = wrap({"__deepcopy__": 1, "__class__": "x", "__len__": 5})
    assert copy.deepcopy(hostile) == hostile
    assert copy.copy(hostile) == hostile
    assert isinstance(hostile, AttrDict)
    assert not hasattr(hostile, "__array__")
