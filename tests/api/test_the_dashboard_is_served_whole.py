"""The built dashboard is there at every address that is not the API's, and nothing else of the disk."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from awaitstep.api.dashboard import Dashboard

from .fakes import Plane

PAGE = "<!doctype html><title>AwaitStep</title>"
SCRIPT = "console.log(1)"


@pytest.fixture
def static(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / ".built").write_text("stamp")
    script = folder / "assets/index-a1b2.js"
    script.write_text(SCRIPT)
    script.with_name("index-a1b2.js.br").write_bytes(b"brotli")
    script.with_name("index-a1b2.js.gz").write_bytes(b"gzip")
    (folder / "assets/inter.woff2").write_bytes(b"font")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "assets/link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    return folder


@pytest.fixture
def site(plane: Plane, static: Path) -> httpx.AsyncClient:
    return client(plane, static)


def client(plane: Plane, static: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Dashboard(plane.api, static), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/workflows/wf_x/canvas", "/API/x", "/runs/a.b/c", "/apis", "//x"]
)
async def test_the_page_is_at_every_address_of_its_router(
    site: httpx.AsyncClient, path: str
) -> None:
    answer = await site.get(f"http://test{path}")
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


async def test_files_are_what_they_are(site: httpx.AsyncClient) -> None:
    script = await site.get("/assets/index-a1b2.js", headers={"accept-encoding": "identity"})
    assert (script.status_code, script.text) == (200, SCRIPT)
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await site.get("/assets/inter.woff2")).headers["content-type"] == "font/woff2"
    icon = await site.get("/favicon.svg")
    assert (icon.headers["content-type"], icon.headers["cache-control"]) == (
        "image/svg+xml",
        "no-cache",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/assets/gone-a1b2.js",
        "/assets/",
        "/assets/%2e%2e/index.html",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/link.txt",
        "/link.txt",
        "/.built",
        "/favicon.ico",
        "/index.html.br",
        "/assets/index-a1b2.js.br",
        "/assets/index-a1b2.js%00",
    ],
)
async def test_what_is_not_there_is_404(site: httpx.AsyncClient, path: str) -> None:
    request = site.build_request("GET", "http://test/")
    request.url = httpx.URL("http://test/").copy_with(raw_path=path.encode())
    answer = await site.send(request)
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/up/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/x/../../secret.txt"]
)
async def test_nothing_else_of_the_disk_is_served(site: httpx.AsyncClient, path: str) -> None:
    request = site.build_request("GET", "http://test/")
    request.url = httpx.URL("http://test/").copy_with(raw_path=path.encode())
    answer = await site.send(request)
    assert answer.text != "secret"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000", None),
        ("br;q=x", None),
        ("identity", None),
        ("", None),
        ("*", None),
    ],
)
async def test_packed_files_are_for_who_takes_them(
    site: httpx.AsyncClient, accepted: str, coding: str | None
) -> None:
    path, headers = "/assets/index-a1b2.js", {"accept-encoding": accepted}
    answer = await site.head(path, headers=headers)
    bodies = {"br": b"brotli", "gzip": b"gzip", None: SCRIPT.encode()}
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["content-length"] == str(len(bodies[coding]))
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == b""
    async with site.stream("GET", path, headers=headers) as got:
        assert b"".join([chunk async for chunk in got.aiter_raw()]) == bodies[coding]


async def test_what_a_browser_has_is_not_sent_again(site: httpx.AsyncClient) -> None:
    for path, accepted in (("/", ""), ("/assets/index-a1b2.js", "br")):
        headers = {"accept-encoding": accepted}
        tag = (await site.head(path, headers=headers)).headers["etag"]
        for known in (tag, f"W/{tag}", f'"x", {tag}'):
            again = await site.get(path, headers={**headers, "if-none-match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            assert "content-length" not in again.headers
        other = await site.get(path, headers={**headers, "if-none-match": '"x"'})
        assert other.status_code == 200
    gzipped = await site.head("/assets/index-a1b2.js", headers={"accept-encoding": "gzip"})
    assert gzipped.headers["etag"] != tag


async def test_every_answer_is_safe(site: httpx.AsyncClient) -> None:
    for path in ("/", "/assets/index-a1b2.js", "/assets/gone.js", "/favicon.svg"):
        headers = (await site.get(path, headers={"accept-encoding": ""})).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["script-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


async def test_the_api_stays_closed_behind_it(site: httpx.AsyncClient) -> None:
    for path in ("/api/workflows", "/api/", "/api/assets/index-a1b2.js", "/metrics"):
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            assert (await site.request(method, path)).status_code == 401, (method, path)
    assert (await site.get("/api")).json()["code"] == "route.not_found"
    assert (await site.get("/api/health")).status_code == 200
    assert (await site.post("/workflows")).json()["code"] == "route.not_found"


async def test_a_dashboard_that_was_not_built_says_so(plane: Plane, tmp_path: Path) -> None:
    site = client(plane, tmp_path / "nowhere")
    for path in ("/", "/sign-in"):
        answer = await site.get(path)
        assert answer.status_code == 200
        assert "make setup" in answer.text
        assert answer.headers["cache-control"] == "no-cache"
    assert (await site.get("/assets/index-a1b2.js")).status_code == 404


async def test_what_was_there_at_the_start_is_served(plane: Plane, static: Path) -> None:
    site = client(plane, static)
    (static / "index.html").write_text("half of a new bui")
    (static / "assets/index-a1b2.js").unlink()
    assert (await site.get("/")).text == PAGE
    answer = await site.get("/assets/index-a1b2.js", headers={"accept-encoding": ""})
    assert answer.text == SCRIPT
