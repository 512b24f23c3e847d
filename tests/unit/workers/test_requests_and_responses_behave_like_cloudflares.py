from __future__ import annotations

from http import HTTPMethod, HTTPStatus
from typing import Any

import pytest

from workers import Blob, FetchResponse, File, FormData, Request, Response
from workers.request import received

URL = "https://shop.example/"


async def test_json_makes_a_response_and_reads_one() -> None:
    made = Response.json({"instanceId": "abc"}, status=201, headers={"X-A": "1"})
    assert (made.status, made.headers["content-type"]) == (201, "application/json")
    assert made.headers["x-a"] == "1"
    assert await made.json() == {"instanceId": "abc"}
    assert await Response.from_json([1], headers={"content-type": "text/x"}).text() == "[1]"


def test_json_keeps_a_content_type_that_is_given() -> None:
    made = Response.json(1, headers={"Content-Type": "application/problem+json"})
    assert made.headers.get_all("content-type") == ["application/problem+json"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"a": float("-inf")}]])
def test_json_refuses_what_json_cannot_say(value: Any) -> None:
    with pytest.raises(ValueError):
        Response.json(value)


def test_json_refuses_what_it_cannot_hold_and_what_is_too_deep() -> None:
    with pytest.raises(TypeError):
        Response.json({1, 2})
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="deep"):
        Response.json(deep)


@pytest.mark.parametrize(
    ("body", "content_type", "data"),
    [
        ("ü", "text/plain;charset=UTF-8", "ü".encode()),
        (b"\xff", None, b"\xff"),
        (Blob("x", "text/css"), "text/css", b"x"),
        (None, None, b""),
        ("", "text/plain;charset=UTF-8", b""),
        ("half \ud800 pair", "text/plain;charset=UTF-8", "half \ufffd pair".encode()),
    ],
)
async def test_bodies_bring_their_content_type(
    body: Any, content_type: str | None, data: bytes
) -> None:
    response = Response(body)
    assert response.headers["content-type"] == content_type
    assert await response.bytes() == data


@pytest.mark.parametrize("body", [5, {"a": 1}, ["a"], object(), bytearray(b"x")])
def test_other_bodies_are_refused_by_type(body: Any) -> None:
    with pytest.raises(TypeError, match="Unsupported type in Response"):
        Response(body)
    with pytest.raises(TypeError, match="Unsupported type in Request"):
        Request(URL, method="POST", body=body)


async def test_a_body_is_read_once() -> None:
    for message in (Response("x"), Request(URL, method="POST", body="x")):
        assert not message.body_used
        assert await message.text() == "x"
        assert message.body_used
        for again in (message.text, message.json, message.bytes, message.blob, message.form_data):
            with pytest.raises(OSError, match="Body already used"):
                await again()
        with pytest.raises(OSError, match="Body already used"):
            message.clone()


async def test_no_body_reads_as_empty_again_and_again() -> None:
    response = Response(None, status=204)
    assert await response.text() == await response.text() == ""
    assert not response.body_used


async def test_a_clone_reads_on_its_own() -> None:
    response = Response("x", status=418, headers={"a": "b"})
    copy = response.clone()
    assert await response.text() == await copy.text() == "x"
    assert (copy.status, copy.headers["A"]) == (418, "b")
    request = Request(URL, method="POST", body="y")
    assert await request.clone().text() == await request.text() == "y"


async def test_buffer_and_blob() -> None:
    assert (await Response("x").buffer()).to_bytes() == b"x"
    blob = await Response("x", headers={"content-type": "text/html"}).blob()
    assert (blob.content_type, await blob.text()) == ("text/html", "x")


@pytest.mark.parametrize("status", [0, 99, 100, 101, 199, 600, -1, 10**30])
def test_a_status_no_response_has_is_refused(status: int) -> None:
    with pytest.raises(ValueError):
        Response(None, status=status)


@pytest.mark.parametrize("status", ["200", 200.0, True])
def test_a_status_is_a_number(status: Any) -> None:
    with pytest.raises(TypeError):
        Response(None, status=status)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    assert Response(None, status=status).status == status
    with pytest.raises(ValueError):
        Response("", status=status)


def test_a_status_may_be_named() -> None:
    response = Response(status=HTTPStatus.CREATED, status_text="Made")
    assert (response.status, response.ok, response.status_text) == (201, True, "Made")
    assert not Response(status=300).ok
    with pytest.raises(ValueError):
        Response(status_text="a\r\nset-cookie: x=1")


def test_redirect() -> None:
    response = Response.redirect("https://ü.example/a b", 303)
    assert response.status == 303
    assert response.headers["location"] == "https://xn--tda.example/a%20b"
    assert Response.redirect(URL).status == 302
    for status in (200, 304, 300, 400):
        with pytest.raises(ValueError):
            Response.redirect(URL, status)
    for url in ("/relative", "javascript:alert(1)", "https://x.example/\r\nset-cookie: a=1"):
        with pytest.raises(ValueError):
            Response.redirect(url)


async def test_replace_body_keeps_the_rest() -> None:
    response = Response("a", status=201, headers={"x": "y"}).replace_body("b")
    assert (response.status, response.headers["x"], await response.text()) == (201, "y", "b")
    assert isinstance(response, FetchResponse)


def test_raise_for_status() -> None:
    Response(status=399).raise_for_status()
    with pytest.raises(OSError, match="503 Server Error: Busy"):
        Response(status=503, status_text="Busy").raise_for_status()


def test_a_request_has_method_url_and_headers() -> None:
    request = Request("HTTPS://Shop.Example:443?q=1", method="post", headers=[("A", "1")])
    assert (request.url, request.method) == ("https://shop.example/?q=1", HTTPMethod.POST)
    assert request.method == "POST"
    assert (request.headers["a"], request.cf, request.redirect) == ("1", None, "follow")
    assert repr(request) == "Request(method='POST', url='https://shop.example/?q=1')"


def test_a_request_refuses_what_makes_no_sense() -> None:
    for options in ({"method": "BREW"}, {"method": "GET\r\n"}, {"redirect": "maybe"}):
        with pytest.raises(ValueError):
            Request(URL, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="GET request has no body"):
        Request(URL, body="x")
    with pytest.raises(TypeError, match="unknown request option: timeout"):
        Request(URL, timeout=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Request(URL, method=5)  # type: ignore[arg-type]


async def test_a_request_made_from_another_takes_its_body_over() -> None:
    first = Request(URL, method="POST", body="x", headers={"a": "1"}, redirect="manual")
    second = Request(first, headers={"b": "2"})
    assert first.body_used
    assert (second.url, second.method, second.redirect) == (URL, "POST", "manual")
    assert (second.headers["a"], second.headers["b"]) == (None, "2")
    third = Request(second, body="y")
    assert not second.body_used
    assert await third.text() == "y"
    with pytest.raises(ValueError, match="no body"):
        Request(second, method="GET")
    assert not second.body_used


async def test_a_received_request_keeps_what_is_valid() -> None:
    fields = [("Good", "1"), ("Bad Name", "2"), ("bad-value", "a\r\nb"), ("good", "3")]
    request = received("http://h.example/p", "GET", fields, b"body")
    assert request.headers.items() == [("good", "1, 3")]
    assert await Request(request).text() == "body"
    with pytest.raises(ValueError):
        received("http://h.example/", "BREW", [], None)


async def test_request_json_is_strict_and_takes_the_options_of_the_library() -> None:
    def request(text: str) -> Request:
        return Request(URL, method="POST", body=text)

    assert await request('\ufeff{"a": 1.5}').json() == {"a": 1.5}
    assert await request("1.5").json(parse_float=str) == "1.5"
    for text in ("", "{", "NaN", "Infinity", "1e400", "[" * 100_000, "9" * 10_000, "\x00"):
        with pytest.raises(ValueError):
            await request(text).json()


@pytest.mark.parametrize(
    ("content_type", "data", "text"),
    [
        ("text/plain; charset=ISO-8859-1", b"\xfc", "ü"),
        ('text/plain; charset="windows-1252"', b"\x80", "€"),
        ("text/plain; charset=shift_jis", "日本".encode("shift_jis"), "日本"),
        ("text/plain", b"\xef\xbb\xbfx\xff", "x\ufffd"),
        ("text/plain; charset=zlib", b"x", "x"),
        ("text/plain; charset=unicode_escape", b"\\n", "\\n"),
        ("text/plain; charset=iso-8859-99", b"x", "x"),
        ("text/plain; charset=", b"x", "x"),
    ],
)
async def test_text_is_read_by_a_charset_of_the_web(
    content_type: str, data: bytes, text: str
) -> None:
    assert await Response(data, headers={"content-type": content_type}).text() == text


async def test_blobs() -> None:
    blob = Blob(["a", b"b", Blob("c"), memoryview(b"d")], "Text/Plain")
    assert (blob.size, blob.content_type, await blob.bytes()) == (4, "text/plain", b"abcd")
    assert await blob.slice(1, -1, "x/y").text() == "bc"
    assert Blob(blob).content_type == "text/plain"
    assert Blob("x", "a\nb").content_type == ""
    assert await Blob("a\r\nb\rc", endings="native").text() == "a\nb\nc"
    with pytest.raises(TypeError):
        Blob([5])  # type: ignore[list-item]
    file = File("x", "a.txt", last_modified=5)
    assert (file.name, file.last_modified, File(file, "b").last_modified) == ("a.txt", 5, 5)


def test_a_form_as_body_names_its_boundary() -> None:
    content_type = Response(FormData({"a": "b"})).headers["content-type"]
    assert content_type.startswith("multipart/form-data; boundary=")
