from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from workers.urls import absolute, origin


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://EXAMPLE.com", "http://example.com/"),
        ("  https://example.com:443/a#b ", "https://example.com/a#b"),
        ("http://example.com:8080?q", "http://example.com:8080/?q"),
        ("http://example.com/a b/ü?x=ü y", "http://example.com/a%20b/%C3%BC?x=%C3%BC%20y"),
        ("http://example.com/%2F%C3", "http://example.com/%2F%C3"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://user:p@example.com/", "http://user:p@example.com/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        (r"http://good.example\@evil.example/", "http://good.example/@evil.example/"),
        ("http://example.com//a//b", "http://example.com//a//b"),
        (urlsplit("http://example.com/x"), "http://example.com/x"),
    ],
)
def test_an_address_is_made_whole(given: object, read: str) -> None:
    assert absolute(given) == read
    assert absolute(read) == read


@pytest.mark.parametrize(
    "given",
    [
        "",
        "example.com",
        "//example.com",
        "/path",
        "http:",
        "http:///path",
        "http://:80/",
        "ftp://example.com/",
        "javascript:alert(1)",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://exa mple.com/",
        "http://[::1/",
        "http://a\x00b/",
        "http://example.com/\r\nx",
        "http://" + "ü" * 70 + ".example/",
        "x" * 10_000,
        b"http://example.com/",
        None,
        5,
    ],
)
def test_what_is_no_address_is_a_short_value_error(given: object) -> None:
    with pytest.raises(ValueError) as caught:
        absolute(given)
    assert len(str(caught.value)) < 300


def test_an_origin_shows_no_credentials() -> None:
    assert origin("http://user:p@example.com:81/a?token=x") == "http://example.com:81"
