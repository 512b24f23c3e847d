from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from workers import FormData, Request, Response, _fetch, fetch
from workers.request import received


async def test_a_plain_url(site: str) -> None:
    response = await fetch(f"{site}/echo/a?b=c")
    assert isinstance(response, Response)
    assert (response.status, response.ok, response.status_text) == (200, True, "OK")
    assert response.url == f"{site}/echo/a?b=c"
    assert not response.redirected
    seen = await response.json()
    assert (seen["method"], seen["path"]) == ("GET", "/echo/a?b=c")


async def test_an_object_that_stands_for_a_url(site: str) -> None:
    assert (await fetch(urlsplit(f"{site}/echo"))).ok


async def test_method_headers_and_body(site: str) -> None:
    response = await fetch(f"{site}/echo", method="PUT", headers={"X-Mine": "ü"}, body="hällo")
    seen = await response.json()
    assert (seen["method"], seen["body"]) == ("PUT", "hällo")
    assert seen["headers"]["x-mine"] == "ü"
    assert seen["headers"]["content-type"] == "text/plain;charset=UTF-8"


async def test_a_form(site: str) -> None:
    seen = await (await fetch(f"{site}/echo", method="POST", body=FormData({"name": "Ada"}))).json()
    assert seen["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    assert 'name="name"\r\n\r\nAda' in seen["body"]


async def test_a_request_and_its_body_are_used_up(site: str) -> None:
    request = Request(f"{site}/echo", method="POST", body="once")
    assert (await (await fetch(request)).json())["body"] == "once"
    assert request.body_used
    with pytest.raises(OSError, match="Body already used"):
        await fetch(request)


async def test_a_received_request_passed_on_leaves_its_connection_behind(site: str) -> None:
    incoming = received(
        f"{site}/echo",
        "POST",
        [("Host", "evil.example"), ("Content-Length", "99"), ("Accept-Encoding", "br"), ("x", "y")],
        b"body",
    )
    seen = (await (await fetch(incoming)).json())["headers"]
    assert seen["host"] == site.removeprefix("http://")
    assert (seen["content-length"], seen["x"]) == ("4", "y")
    assert "gzip" in seen["accept-encoding"]


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_an_error_status_is_no_exception(site: str, status: int) -> None:
    response = await fetch(f"{site}/status/{status}")
    assert (response.status, response.ok) == (status, False)
    with pytest.raises(OSError, match=str(status)):
        response.raise_for_status()


async def test_no_body(site: str) -> None:
    assert await (await fetch(f"{site}/status/204")).text() == ""
    assert await (await fetch(f"{site}/echo", method="HEAD")).bytes() == b""


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "GET"), (307, "POST")])
async def test_redirects_are_followed(site: str, status: int, method: str) -> None:
    response = await fetch(f"{site}/redirect/{status}/echo", method="POST", body="b")
    assert response.redirected
    assert response.url == f"{site}/echo"
    assert (await response.json())["method"] == method


async def test_a_redirect_can_be_returned_or_refused(site: str) -> None:
    response = await fetch(f"{site}/redirect/302/echo", redirect="manual")
    assert (response.status, response.headers["Location"]) == (302, "/echo")
    with pytest.raises(OSError, match="redirect"):
        await fetch(f"{site}/redirect/302/echo", redirect="error")


async def test_an_endless_redirect_ends(site: str) -> None:
    with pytest.raises(OSError, match="redirect"):
        await fetch(f"{site}/loop")


async def test_a_redirect_out_of_the_web_is_refused(site: str) -> None:
    with pytest.raises(OSError, match="ftp"):
        await fetch(f"{site}/away/ftp:~~example.com~x")


async def test_gzip_is_unpacked_and_its_fields_are_gone(site: str) -> None:
    response = await fetch(f"{site}/gzip")
    assert "content-encoding" not in response.headers
    assert "content-length" not in response.headers
    assert await response.text() == "gepackt ü"


async def test_an_unknown_coding_stays_as_it_is(site: str) -> None:
    response = await fetch(f"{site}/unknown_coding")
    assert response.headers["content-encoding"] == "x-own"
    assert await response.bytes() == b"opaque"


async def test_text_is_read_by_its_charset(site: str) -> None:
    assert await (await fetch(f"{site}/latin")).text() == "für"


async def test_cookies_are_listed_and_never_kept(site: str) -> None:
    response = await fetch(f"{site}/cookies")
    assert response.headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert "cookie" not in (await (await fetch(f"{site}/echo")).json())["headers"]


async def test_a_body_is_read_once_and_a_clone_has_its_own(site: str) -> None:
    response = await fetch(f"{site}/echo")
    copy = response.clone()
    first, second = await asyncio.gather(response.text(), copy.text())
    assert first == second
    with pytest.raises(OSError, match="Body already used"):
        await response.text()


async def test_a_response_nobody_reads_gives_its_connection_up(site: str, server: Any) -> None:
    response = await fetch(f"{site}/endless")
    assert response.ok
    del response
    gc.collect()
    assert await asyncio.to_thread(server.left.wait, 30)


async def test_a_server_that_is_not_there_is_a_connection_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ConnectionError) as caught:
            await fetch(f"http://user:pass@127.0.0.1:{port}/?token=secret")
    assert f"GET http://127.0.0.1:{port}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "pass" not in str(caught.value)
    await _fetch.aclose()


async def test_a_body_cut_short_is_an_oserror(site: str) -> None:
    response = await fetch(f"{site}/cut")
    with pytest.raises(OSError, match="GET http://127"):
        await response.bytes()


async def test_cancelling_ends_the_call(site: str, server: Any) -> None:
    call = asyncio.create_task(fetch(f"{site}/held"))
    await asyncio.to_thread(server.reached.wait, 30)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await fetch(f"{site}/echo")).ok


async def test_closing_twice_and_calling_again(site: str) -> None:
    assert (await fetch(f"{site}/echo")).ok
    await _fetch.aclose()
    await _fetch.aclose()
    assert (await fetch(f"{site}/echo")).ok


@pytest.mark.parametrize(
    "url", ["", "/path", "ftp://x.example/", "http://", "file:///etc/passwd", "http://a\nb/"]
)
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        await fetch(url)
