from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from workers import Request, Response
from workers.headers import HeaderMap


def test_names_are_found_in_any_case_and_missing_ones_are_none() -> None:
    headers = HeaderMap({"X-Signature": " abc\t"})
    assert headers["x-signature"] == headers["X-SIGNATURE"] == "abc"
    assert "X-signature" in headers
    assert 5 not in headers
    assert headers["missing"] is None
    assert headers.get("missing", "default") == "default"
    assert headers.get_all("missing") is None
    assert headers.get_all("missing", []) == []


def test_fields_of_one_name_are_joined_but_cookies_are_listed() -> None:
    headers = HeaderMap([("Accept", "a"), ("Set-Cookie", "x=1"), ("accept", "b")])
    more = HeaderMap([*headers.items(), ("set-cookie", "y=2, z")])
    assert more["accept"] == "a, b"
    assert more.get_all("Set-Cookie") == ["x=1", "y=2, z"]
    assert more.items() == [("accept", "a, b"), ("set-cookie", "x=1"), ("set-cookie", "y=2, z")]
    assert (len(more), list(more)) == (3, ["accept", "set-cookie", "set-cookie"])
    assert Response(headers=more).headers == more


def test_it_is_a_mapping_that_nobody_can_change() -> None:
    headers = Response(headers={"a": "1"}).headers
    assert isinstance(headers, Mapping)
    assert dict(headers) == {"a": "1"}
    with pytest.raises(TypeError):
        headers["a"] = "2"  # type: ignore[index]
    with pytest.raises(AttributeError):
        headers.extra = 1  # type: ignore[attr-defined]


def test_values_never_show_in_its_repr() -> None:
    assert repr(HeaderMap({"authorization": "secret"})) == "HeaderMap(authorization)"


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\x00", "a\x7f", "\u2028", "日"])
def test_a_value_that_would_split_the_message_is_refused(value: str) -> None:
    with pytest.raises(ValueError):
        Response(headers={"x": value})
    with pytest.raises(ValueError):
        Request("http://x.example", headers=[("x", value)])
    assert HeaderMap.received([("x", value)]).items() == []


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\n", "ä", "a\x00"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        Response(headers={name: "x"})


@pytest.mark.parametrize("headers", [{"a": 1}, {"a": None}, {1: "a"}, "a: b", {"a": b"x"}])
def test_only_text_is_taken(headers: Any) -> None:
    with pytest.raises(TypeError):
        Response(headers=headers)
