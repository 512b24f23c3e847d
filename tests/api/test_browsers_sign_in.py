"""A link signs one browser in, once; its session counts for the dashboard's own pages only."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from awaitstep.api import create_api
from awaitstep.api.guesses import MOST, Guesses
from awaitstep.api.origins import Origins
from awaitstep.api.problems import Refusal
from awaitstep.app.sessions import LASTS
from awaitstep.gateway import SECURE_SESSION_COOKIE, SESSION_COOKIE

from .fakes import OUR_PAGE, Plane
from .test_every_route_is_closed import path_of, routes

SIGN_IN = "/auth/sessions"
DAY = 24 * 3600.0


async def token(plane: Plane, seconds: float = 60) -> str:
    return await plane.app.sessions.link(plane.project, seconds)


async def signed(browser: httpx.AsyncClient, token: object) -> httpx.Response:
    return await browser.post(SIGN_IN, json={"token": token})


async def test_a_link_signs_in_and_the_session_opens_every_read_and_write(plane: Plane) -> None:
    browser = await plane.signed_in()
    me = (await browser.get("/me")).json()
    assert me["project"]["id"] == plane.project
    assert me["organization"]["name"] == "Default"
    assert me["scopes"] == ["read", "write", "deploy"]
    assert me["user"] == {"name": "Owner"}
    assert me["expiresAt"].endswith("Z")
    workflow = await plane.deployed(browser)
    started = await browser.post(f"/workflows/{workflow}/trigger")
    assert (started.status_code, started.json()["trigger"]) == (201, "manual")
    made = await browser.post("/api-keys", json={"name": "k", "scopes": ["write", "deploy"]})
    assert made.status_code == 201
    key = plane.anonymous(Authorization=f"Bearer {made.json()['key']}")
    answer = (await key.get("/me")).json()
    assert (answer["user"], answer["expiresAt"]) == ({"name": "k"}, None)
    assert (await browser.delete(f"/api-keys/{made.json()['id']}")).status_code == 204


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(plane: Plane) -> None:
    answer = await signed(plane.anonymous(**OUR_PAGE), await token(plane))
    [cookie] = answer.headers.get_list("set-cookie")
    name, _, rest = cookie.partition("=")
    value, *attributes = rest.split("; ")
    assert name == SESSION_COOKIE
    assert len(value) == 43
    assert sorted(attributes) == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Strict"]
    for file in plane.folder.rglob("*"):
        assert not file.is_file() or value.encode() not in file.read_bytes()


async def test_an_https_dashboard_has_a_cookie_of_its_host_alone(plane: Plane) -> None:
    origins = Origins("https://flows.example.com", SECURE_SESSION_COOKIE)
    plane.api = create_api(plane.app, origins)
    ours = {"origin": "https://flows.example.com", "sec-fetch-site": "same-origin"}
    browser = plane.anonymous(host="flows.example.com", **ours)
    answer = await signed(browser, await token(plane))
    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert name == "__Host-awaitstep_session"
    assert rest.endswith("; Secure")
    assert "Domain" not in rest
    cookie = {"cookie": f"{name}={rest.partition(';')[0]}"}
    for host, status in (
        ("flows.example.com", 200),
        ("flows.example.com:443", 200),
        ("FLOWS.example.com", 200),
        ("flows.example.com:80", 403),
        ("flows.example.com.", 403),
        ("test", 403),
    ):
        got = await plane.anonymous(**{**ours, **cookie, "host": host}).get("/me")
        assert got.status_code == status, host


@pytest.mark.parametrize("seconds", [60, 600])
async def test_a_link_is_used_once_and_in_time(plane: Plane, seconds: float) -> None:
    browser = plane.anonymous(**OUR_PAGE)
    used, late = await token(plane, seconds), await token(plane, seconds)
    assert (await signed(browser, used)).status_code == 204
    plane.clock.move(seconds)
    for spent in (used, late):
        answer = await signed(plane.anonymous(**OUR_PAGE), spent)
        assert answer.status_code == 401
        assert answer.json()["code"] == "auth.link"
        assert "set-cookie" not in answer.headers
    assert (await browser.get("/me")).status_code == 200


async def test_of_two_that_race_for_a_link_one_gets_in(plane: Plane) -> None:
    one = await token(plane)
    answers = await asyncio.gather(*(signed(plane.anonymous(**OUR_PAGE), one) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [204] + [401] * 7


@pytest.mark.parametrize("wrong", ["", "x", "x" * 43, "é" * 43, "x" * 1000, "\0" * 43])
async def test_what_is_no_link_is_401(plane: Plane, wrong: str) -> None:
    assert (await signed(plane.anonymous(**OUR_PAGE), wrong)).status_code == 401


@pytest.mark.parametrize("wrong", [None, 1, [], {}, "x" * 1001])
async def test_what_is_no_text_is_422(plane: Plane, wrong: object) -> None:
    assert (await signed(plane.anonymous(**OUR_PAGE), wrong)).status_code == 422


async def test_a_session_ends_when_it_is_signed_out(plane: Plane) -> None:
    browser = await plane.signed_in()
    cookie = browser.cookies[SESSION_COOKIE]
    answer = await browser.delete(SIGN_IN)
    assert answer.status_code == 204
    assert answer.headers.get_list("set-cookie")[-1].startswith(f"{SESSION_COOKIE}=; ")
    assert SESSION_COOKIE not in browser.cookies
    kept = plane.anonymous(**OUR_PAGE, cookie=f"{SESSION_COOKIE}={cookie}")
    assert (await kept.get("/me")).status_code == 401
    assert (await kept.delete(SIGN_IN)).status_code == 401


async def test_a_key_has_no_session_to_end(plane: Plane) -> None:
    answer = await (await plane.client()).delete(SIGN_IN)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.no_session")


async def test_a_session_lasts_thirty_days_from_its_last_day_of_use(plane: Plane) -> None:
    browser = await plane.signed_in()
    for _ in range(3):
        first = await browser.get("/me")
        assert "set-cookie" not in first.headers  # at most once a day
        plane.clock.move(29 * DAY)
        renewed = await browser.get("/workflows")
        assert renewed.status_code == 200
        assert "Max-Age=2592000" in renewed.headers["set-cookie"]
    plane.clock.move(LASTS)
    assert (await browser.get("/me")).status_code == 401


async def test_reading_goes_on_while_nothing_can_be_written(plane: Plane) -> None:
    browser = await plane.signed_in()
    plane.clock.move(29 * DAY)
    with contextlib.closing(sqlite3.connect(plane.folder / "control.db")) as db:
        db.execute("BEGIN IMMEDIATE")  # the session's renewal has to do without its row
        answer = await browser.get("/workflows")
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        db.rollback()
    assert "set-cookie" in (await browser.get("/workflows")).headers


async def test_who_asks_is_not_known_while_the_store_is_away(plane: Plane) -> None:
    browser, key = await plane.signed_in(), await plane.client()
    with contextlib.closing(sqlite3.connect(plane.folder / "control.db")) as db:
        for table in ("sessions", "api_keys"):
            db.execute(f"ALTER TABLE {table} RENAME TO away_{table}")
    for client in (browser, key):
        answer = await client.get("/workflows")
        assert (answer.status_code, answer.json()["code"]) == (503, "store.unavailable")
        assert answer.headers["retry-after"] == "1"


async def test_what_has_expired_is_not_kept(plane: Plane) -> None:
    for _ in range(3):
        await plane.signed_in()
        await token(plane, 60)
    plane.clock.move(LASTS)
    await plane.signed_in()
    with contextlib.closing(sqlite3.connect(plane.folder / "control.db")) as db:
        assert db.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM login_links").fetchone() == (0,)


FOREIGN = [
    {"sec-fetch-site": "cross-site", "origin": "http://evil.example"},
    {"sec-fetch-site": "same-site", "origin": "http://test:8787"},
    {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "origin": "http://test"},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"sec-fetch-site": "same-origin", "origin": ""},
    {"sec-fetch-site": "same-origin", "origin": "http://test:80"},
    {"sec-fetch-site": "same-origin", "origin": "https://test"},
    {"sec-fetch-site": "same-origin", "origin": "http://test.evil.example"},
    {"sec-fetch-site": "Same-Origin", "origin": "http://test"},
    {"origin": "http://test"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=map(str, range(len(FOREIGN))))
async def test_other_pages_write_nothing(plane: Plane, headers: dict[str, str]) -> None:
    cookie = (await plane.signed_in()).cookies[SESSION_COOKIE]
    page = plane.anonymous(**headers, cookie=f"{SESSION_COOKIE}={cookie}")
    for method, path, route in routes(plane):
        if method == "GET" or not isinstance(route, APIRoute):
            continue
        answer = await page.request(method, path_of(path), json={"token": await token(plane)})
        assert answer.status_code == 403, (method, path)
        assert answer.json()["code"] == "origin.foreign"
    assert (await (await plane.client()).get("/api-keys")).json()["data"][0]["name"] == "test"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, 200),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, 200),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 403),
        ({"origin": "http://test"}, 403),
        ({}, 403),
    ],
)
async def test_reads_are_for_our_pages_and_the_address_bar(
    plane: Plane, headers: dict[str, str], status: int
) -> None:
    cookie = (await plane.signed_in()).cookies[SESSION_COOKIE]
    page = plane.anonymous(**headers, cookie=f"{SESSION_COOKIE}={cookie}")
    assert (await page.get("/workflows")).status_code == status


async def test_two_of_a_header_are_none(plane: Plane) -> None:
    cookie = f"{SESSION_COOKIE}={(await plane.signed_in()).cookies[SESSION_COOKIE]}"
    good = [("sec-fetch-site", "same-origin"), ("origin", "http://test"), ("cookie", cookie)]
    body = {"name": "k", "scopes": ["read"]}

    async def status(*more: tuple[str, str]) -> int:
        return (
            await plane.anonymous().post("/api-keys", json=body, headers=[*good, *more])
        ).status_code

    assert await status() == 201
    assert await status(("origin", "http://test")) == 403
    assert await status(("sec-fetch-site", "same-origin")) == 403
    # a cookie of the same name was planted by someone, perhaps before ours
    assert await status(("cookie", f"{SESSION_COOKIE}=planted")) == 401
    assert await status(("cookie", "other=1")) == 201


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:8787", "test:81", "", "test@evil"])
async def test_a_name_that_leads_here_is_not_ours(plane: Plane, host: str) -> None:
    """DNS rebinding: the browser believes that the page's own site is asked."""
    cookie = (await plane.signed_in()).cookies[SESSION_COOKIE]
    ours = {"sec-fetch-site": "same-origin", "origin": f"http://{host}"}
    page = plane.anonymous(**ours, host=host, cookie=f"{SESSION_COOKIE}={cookie}")
    for answer in (
        await page.get("/workflows"),
        await page.delete("/workflows/wf_x"),
        await signed(page, await token(plane)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "origin.host")
        assert "http://test" in answer.json()["error"]


async def test_a_key_beside_a_cookie_wins_and_needs_no_page(plane: Plane) -> None:
    cookie = f"{SESSION_COOKIE}={(await plane.signed_in()).cookies[SESSION_COOKIE]}"
    reader = await plane.key("read")
    program = plane.anonymous(host="evil.example", cookie=cookie, Authorization=f"Bearer {reader}")
    assert (await program.get("/me")).json()["scopes"] == ["read"]
    assert (await program.post("/api-keys", json={})).status_code == 403
    wrong = plane.anonymous(**OUR_PAGE, cookie=cookie, Authorization="Bearer ask_" + "a" * 43)
    assert (await wrong.get("/me")).status_code == 401
    # what a proxy with a password of its own passes on is not meant for us
    basic = plane.anonymous(**OUR_PAGE, cookie=cookie, Authorization="Basic YTpi")
    assert (await basic.get("/me")).status_code == 200


@pytest.mark.parametrize("name", ["AwaitStep_Session", SECURE_SESSION_COOKIE, "", "session"])
async def test_only_the_cookies_own_name_counts(plane: Plane, name: str) -> None:
    cookie = (await plane.signed_in()).cookies[SESSION_COOKIE]
    page = plane.anonymous(**OUR_PAGE, cookie=f"{name}={cookie}")
    assert (await page.get("/me")).status_code == 401


async def test_a_session_sees_its_own_project(plane: Plane) -> None:
    workflow = await plane.deployed(await plane.client())
    other = await plane.other_project()
    browser = plane.anonymous(**OUR_PAGE)
    assert (await signed(browser, await plane.app.sessions.link(other, 60))).status_code == 204
    assert (await browser.get("/me")).json()["project"]["id"] == other
    assert (await browser.get(f"/workflows/{workflow}")).status_code == 404


async def test_wrong_links_are_counted(plane: Plane) -> None:
    browser = plane.anonymous(**OUR_PAGE)
    good = await token(plane)
    for _ in range(MOST):
        assert (await signed(browser, "x" * 43)).status_code == 401
    for guess in ("x" * 43, good):
        answer = await signed(browser, guess)
        assert (answer.status_code, answer.json()["code"]) == (429, "auth.too_many")
        assert 0 < int(answer.headers["retry-after"]) <= 60
    # behind a proxy, each of its clients is counted alone
    elsewhere = {**OUR_PAGE, "x-forwarded-for": "127.0.0.1, 192.0.2.1"}
    assert (await signed(plane.anonymous(**elsewhere), good)).status_code == 204


def test_guesses_are_forgotten_after_a_minute() -> None:
    now = [0.0]
    guesses = Guesses(lambda: now[0])
    for _ in range(MOST):
        guesses.must_be_few("192.0.2.1")
        guesses.count("192.0.2.1")
        now[0] += 1
    with pytest.raises(Refusal) as refused:
        guesses.must_be_few("192.0.2.1")
    assert refused.value.headers == {"Retry-After": "50"}
    guesses.must_be_few("192.0.2.2")
    now[0] = 60.0
    guesses.must_be_few("192.0.2.1")


@pytest.mark.parametrize(
    ("url", "twins", "own", "others"),
    [
        (
            "http://127.0.0.1:8080",
            True,
            ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "LOCALHOST:8080"],
            ["127.0.0.1", "localhost:8787", "app.localhost:8080", "127.0.0.1.nip.io:8080"],
        ),
        ("http://localhost:80", True, ["localhost", "localhost:80", "127.0.0.1"], ["localhost:8"]),
        ("http://localhost:8080", False, ["localhost:8080"], ["127.0.0.1:8080", "[::1]:8080"]),
        ("http://192.0.2.7:8080", True, ["192.0.2.7:8080"], ["localhost:8080"]),
    ],
)
async def test_the_dashboards_names(
    plane: Plane, url: str, twins: bool, own: list[str], others: list[str]
) -> None:
    plane.api = create_api(plane.app, Origins(url, SESSION_COOKIE, twins=twins))
    for host in own + others:
        origin = f"http://{host.lower().removesuffix(':80')}"
        page = plane.anonymous(**{"sec-fetch-site": "same-origin", "origin": origin, "host": host})
        assert (await signed(page, await token(plane))).status_code == (
            204 if host in own else 403
        ), host


class Listener:
    """Reads a stream as it comes, and stays until the server ends it."""

    def __init__(self, plane: Plane, client: httpx.AsyncClient, path: str) -> None:
        self.heard = asyncio.Event()
        self.text = ""
        headers = {**client.headers, "host": "test"}
        if cookies := "; ".join(f"{name}={value}" for name, value in client.cookies.items()):
            headers["cookie"] = cookies
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/api{path}",
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
        self.task = asyncio.create_task(plane.api(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.text += message.get("body", b"").decode()
        if "event: run" in self.text:
            self.heard.set()


@pytest.mark.parametrize("by", ["signing out", "deleting the key"])
async def test_streams_end_when_who_listens_has_left(plane: Plane, by: str) -> None:
    browser = await plane.signed_in()
    workflow = await plane.deployed(browser)
    run = (await browser.post(f"/workflows/{workflow}/trigger")).json()["instanceId"]
    made = (await browser.post("/api-keys", json={"name": "k", "scopes": ["read"]})).json()
    with_key = plane.anonymous(Authorization=f"Bearer {made['key']}")
    path = f"/workflows/{workflow}/runs/{run}/stream"
    listeners = {
        "signing out": Listener(plane, browser, path),
        "deleting the key": Listener(plane, with_key, path),
    }
    for listener in listeners.values():
        await asyncio.wait_for(listener.heard.wait(), 10)
    left = listeners.pop(by)
    [other] = listeners.values()
    where = SIGN_IN if by == "signing out" else f"/api-keys/{made['id']}"
    assert (await browser.delete(where)).status_code == 204
    await asyncio.wait_for(left.task, 10)
    assert "event: end" not in left.text
    assert not other.task.done()
    other.task.cancel()
    await asyncio.gather(other.task, return_exceptions=True)
