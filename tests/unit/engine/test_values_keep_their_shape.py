"""Journal form: what goes in comes out the same, or is refused with its path."""

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import NamedTuple
from uuid import UUID

import pytest

from awaitstep.engine import values
from awaitstep.engine.errors import ValueRefused, ValueTooLarge
from workers.values import AttrDict


class Colour(StrEnum):
    red = "red"


class OldColour(str, Enum):  # noqa: UP042 - the older spelling prints differently
    red = "red"


class Level(IntEnum):
    high = 3


class Ratio(float):
    pass


class Point(NamedTuple):
    x: int
    y: int


class Opaque:
    pass


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, 0, -1, 1.5, -0.0, 1e308, 5e-324, "", "é😀\u2028\x00\x7f", [], {}),
        *(2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**70, -(2**63), -(2**63) - 1, 10**400),
        [1, [2.0, {"a": None, "": "empty", "é": [[]]}]],
        {"big": [2**64, -(2**70)], "text": "ü"},
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_json_values_come_back_as_they_were(value):
    data = values.encode(value)
    back = values.decode(data)
    assert back == value
    assert type(back) is type(value)
    assert values.check(data) is data
    assert json.loads(data) == value


def test_a_negative_zero_keeps_its_sign():
    assert math.copysign(1, values.decode(values.encode(-0.0))) == -1


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678, UTC), "2026-01-02T03:04:05.000678+00:00"),
        (datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (
            datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-02T00:00:00+02:00",
        ),
        (date(2026, 1, 2), "2026-01-02"),
        (Colour.red, "red"),
        (OldColour.red, "red"),
        ({OldColour.red: OldColour.red}, {"red": "red"}),
        (Level.high, 3),
        (Ratio(0.5), 0.5),
        (AttrDict(a=AttrDict(b=1)), {"a": {"b": 1}}),
    ],
    ids=repr,
)
def test_dates_and_subclasses_become_their_plain_value(value, kept):
    back = values.decode(values.encode(value))
    assert back == kept
    assert type(back) is type(kept)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ((1, 2), "$"),
        ({"a": [0, (1,)]}, "$.a[1]"),
        (Point(1, 2), "$"),
        ([{1, 2}], "$[0]"),
        ([frozenset()], "$[0]"),
        ({"b": b"bytes"}, "$.b"),
        ({"b": bytearray()}, "$.b"),
        (float("nan"), "$"),
        ([float("inf")], "$[0]"),
        ({"x": Ratio("-inf")}, "$.x"),
        ("\ud800", "$"),
        ({"a": ["x\udfff"]}, "$.a[0]"),
        ({"a": {"\ud800": 1}}, "$.a"),
        ({"a": {1: 2}}, "$.a"),
        ({None: 2}, "$"),
        ({(1, 2): 3}, "$"),
        ([Opaque()], "$[0]"),
        ([len], "$[0]"),
        (1j, "$"),
        (Decimal("1.5"), "$"),
        ([UUID(int=1)], "$[0]"),
        (time(1, 2), "$"),
        (timedelta(1), "$"),
        (range(3), "$"),
        (ValueError("x"), "$"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_json_would_change_is_refused_with_its_path(value, path):
    with pytest.raises(ValueRefused) as refused:
        values.encode(value)
    assert refused.value.path == path
    assert str(refused.value).endswith(f"(at {path})")
    assert refused.value.code == "value.refused"


def test_a_generator_is_not_consumed():
    items = (n for n in range(3))
    with pytest.raises(ValueRefused):
        values.encode(items)
    assert list(items) == [0, 1, 2]


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_nesting_has_one_limit_from_every_side():
    deepest = values.encode(nested(values.DEEPEST))
    assert values.check(deepest) is deepest
    assert values.decode(deepest) == nested(values.DEEPEST)
    for depth in (values.DEEPEST + 1, 500, 990):
        with pytest.raises(ValueRefused):
            values.encode(nested(depth))
        with pytest.raises(ValueRefused):
            values.check(b"[" * depth + b"]" * depth)
        with pytest.raises(ValueRefused):
            values.check(b'{"a":' * depth + b"1" + b"}" * depth)
    for text in (b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000):
        with pytest.raises(ValueRefused):
            values.check(text)


def test_many_brackets_are_not_depth():
    data = values.encode([[[n]] for n in range(1_000)])
    assert values.check(data) is data


def test_a_value_that_holds_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueRefused) as refused:
        values.encode(loop)
    assert len(str(refused.value)) < 400


def test_one_mebibyte_is_the_limit_in_bytes():
    fits = "x" * (values.LARGEST - 2)
    assert len(values.encode(fits)) == values.LARGEST
    assert values.check(values.encode(fits))
    for too_large in (fits + "x", "é" * (values.LARGEST // 2)):
        with pytest.raises(ValueTooLarge) as refused:
            values.encode(too_large)
        assert refused.value.code == "value.too_large"
        with pytest.raises(ValueTooLarge):
            values.check(json.dumps(too_large, ensure_ascii=False).encode())


def test_a_number_without_end_is_refused():
    with pytest.raises(ValueRefused):
        values.encode(10**10_000)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b" ", b"[1", b"1 2", b"{'a': 1}", b"nul", b"01", b"0x10", b"+1", b".5", b"1.", b"[1,]"),
        *(b"NaN", b"[NaN]", b"Infinity", b"-Infinity", b"1e400", b"[-1e999]", b"9" * 10_000),
        *(b'"\\ud800"', b'{"\\udfff":1}', b'"\xed\xa0\x80"', b'"\xff"', b'["\x00"]', b'"\\x41"'),
        *(b"\xef\xbb\xbf1", '{"a":1}'.encode("utf-16"), "[1]".encode("utf-32-le")),
    ],
    ids=lambda data: repr(data)[:24],
)  # fmt: skip
def test_what_comes_from_outside_is_strict_json_in_utf8(data):
    with pytest.raises(ValueRefused):
        values.check(data)


def test_what_is_valid_though_odd_is_kept_to_the_byte():
    for data in (b'{"a":1,"a":2}', b" [ 1.0e2 ] ", b'"\\ud83d\\ude00"', b"18446744073709551616"):
        assert values.check(data) is data
        values.decode(data)
