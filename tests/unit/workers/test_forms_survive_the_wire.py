from __future__ import annotations

from typing import Any

import pytest

from workers import Blob, File, FormData, Request, Response

URL = "https://shop.example/"
HOSTILE = ['a"b', "a\r\nContent-Type: x", "日本", "", "a;b=c", "--boundary", "\\", "a/../b"]


def sent(form: FormData) -> Request:
    return Request(URL, method="POST", body=form)


def posted(body: bytes | str, content_type: str) -> Response:
    return Response(body, headers={"content-type": content_type})


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_name_value_and_file_name(name: str) -> None:
    form = FormData({name: name})
    form.append(name, File(b"\x00\r\n--x", name, "image/png"))
    back = await sent(form).form_data()
    text, file = back.get_all(name)
    assert text == name
    assert (file.name, file.content_type) == (name, "image/png")
    assert await file.bytes() == b"\x00\r\n--x"


async def test_an_empty_form_and_order() -> None:
    assert len(await sent(FormData()).form_data()) == 0
    form = FormData({"a": "1"})
    form.append("b", "2")
    form.append("a", "3")
    back = await sent(form).form_data()
    assert list(back.items()) == [("a", "1"), ("b", "2"), ("a", "3")]
    assert back == form


async def test_urlencoded() -> None:
    form = await posted(
        "a=1&a=%C3%BC&empty=&b+c=d+e", "application/x-www-form-urlencoded"
    ).form_data()
    assert list(form.items()) == [("a", "1"), ("a", "ü"), ("empty", ""), ("b c", "d e")]


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", "multipart/mixed"])
async def test_another_content_type_is_no_form(content_type: str) -> None:
    with pytest.raises(TypeError):
        await posted(b"a=1", content_type).form_data()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"--x\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut',
        b"--x\r\nContent-Type: text/plain\r\n\r\nno name\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x',
        b"--x\r\n" + b"a: b\r\n" * 10_000 + b"\r\n1\r\n--x--\r\n",
    ],
)
async def test_a_malformed_form_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        await posted(body, "multipart/form-data; boundary=x").form_data()


async def test_a_form_without_boundary_or_with_too_many_fields_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        await posted(b"", "multipart/form-data").form_data()
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    with pytest.raises(ValueError, match="10000 fields"):
        await posted(part * 10_001 + b"--x--\r\n", "multipart/form-data; boundary=x").form_data()
    with pytest.raises(ValueError):
        await posted("a&" * 10_001, "application/x-www-form-urlencoded").form_data()


def test_fields_can_be_read_replaced_and_removed() -> None:
    form = FormData({"a": "1", "b": "2"})
    form.append("a", "3")
    assert (form["a"], form.get("c"), "b" in form, len(form)) == ("1", None, True, 3)
    form["a"] = "4"
    assert list(form.items()) == [("a", "4"), ("b", "2")]
    form["c"] = "5"
    del form["a"]
    form.delete("missing")
    assert list(form.keys()) == ["b", "c"]
    assert list(form.values()) == ["2", "5"]
    with pytest.raises(KeyError):
        form["a"]
    with pytest.raises(KeyError):
        del form["a"]
    assert FormData(form) == form


async def test_a_blob_becomes_a_file() -> None:
    form = FormData()
    form.append("f", Blob("x", "text/css"), "style.css")
    form.append("g", Blob("x"))
    assert (form["f"].name, form["f"].content_type, form["g"].name) == (
        "style.css",
        "text/css",
        "blob",
    )


@pytest.mark.parametrize("value", [5, None, b"x", ["a"]])
def test_only_text_and_blobs_are_fields(value: Any) -> None:
    with pytest.raises(TypeError):
        FormData({"a": value})
    with pytest.raises(TypeError):
        FormData([("a", "b")])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        FormData().append("a", "text", "name.txt")
