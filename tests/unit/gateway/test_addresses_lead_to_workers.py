"""Every form of a Worker URL reaches its worker, and the worker sees no trace of the form."""

from __future__ import annotations

import pytest

from awaitstep.gateway.address import Addresses, Form

NAME = "refund-desk-abc123"


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        (f"/{NAME}", "http://127.0.0.1:8787/"),
        (f"/{NAME}/", "http://127.0.0.1:8787/"),
        (f"/{NAME}?instanceId=x", "http://127.0.0.1:8787/?instanceId=x"),
        (f"/{NAME}/a/b/?q=1&q=2", "http://127.0.0.1:8787/a/b/?q=1&q=2"),
        (f"/{NAME}/a%2Fb%20c/%252F", "http://127.0.0.1:8787/a%2Fb%20c/%252F"),
        (f"/{NAME}//double", "http://127.0.0.1:8787//double"),
        (f"/{NAME}/?next=%2F%3F%23&x=a+b", "http://127.0.0.1:8787/?next=%2F%3F%23&x=a+b"),
        (f"/{NAME}/{NAME}", f"http://127.0.0.1:8787/{NAME}"),
    ],
)
async def test_the_worker_name_never_appears_in_the_url(call, worker, target, seen):
    answer = await call(target)
    assert answer.status == 200
    assert worker.asked[-1][0] == "dep_refund"
    assert worker.request.url == seen


@pytest.mark.parametrize("host", [f"{NAME}.localhost:8787", f"{NAME.upper()}.LocalHost:8787"])
async def test_a_worker_answers_at_its_own_host(call, worker, host):
    answer = await call("/a%2Fb?x=1", host=host)
    assert answer.status == 200
    assert worker.request.url == f"http://{NAME}.localhost:8787/a%2Fb?x=1"


async def test_a_custom_route_matches_host_and_path(call, worker, directory):
    assert (await call("/orders/7", host="API.example.com.:443")).status == 200
    assert worker.asked[-1][0] == "dep_orders"
    assert worker.request.url == "http://api.example.com:443/orders/7"
    assert directory.asked_routes == [("api.example.com", "/orders/7")]
    assert (await call("/other", host="api.example.com")).status == 404


async def test_no_custom_route_takes_over_the_workers_own_host(directory):
    addresses = Addresses(directory, suffixes=(".localhost", ".example.com"), scheme="https")
    for raw in (b"example.com", b"localhost:8787", b"127.0.0.1", b"[::1]:1"):
        host = addresses.host(raw)
        target = addresses.target(host, f"/{NAME}/", f"/{NAME}/".encode(), b"")
        assert (target.deployment, target.form) == ("dep_refund", Form.path)
    assert directory.asked_routes == []
    host = addresses.host(f"{NAME}.example.com".encode())
    assert addresses.target(host, "/x", b"/x", b"").url == f"https://{NAME}.example.com/x"


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "//",
        "/unknown",
        "/unknown/x",
        "/refund%2Ddesk-abc123/",
        f"//{NAME}/",
        "*",
        f"/../{NAME}",
    ],
)
async def test_an_unknown_address_is_not_found(call, worker, target):
    answer = await call(target)
    assert (answer.status, answer.json["code"]) == (404, "worker.not_found")
    assert worker.asked == []


async def test_an_unknown_host_label_is_not_looked_up_as_a_path(call, worker):
    assert (await call(f"/{NAME}/", host="nobody.localhost:8787")).status == 404
    assert worker.asked == []


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "a b",
        "evil.com/x",
        "user@127.0.0.1",
        "127.0.0.1:99999",
        "127.0.0.1:80:80",
        "a..b",
        ".localhost",
        "-x",
        "[::1",
        "a\xe9",
        "x" * 300,
        "127.0.0.1,evil.com",
    ],
)
async def test_a_host_header_that_is_no_host_is_refused(call, worker, host):
    answer = await call(host=host)
    assert (answer.status, answer.json["code"]) == (400, "request.invalid_host")
    assert worker.asked == []


async def test_two_host_headers_are_refused(call):
    assert (await call(headers=[("host", "other")])).status == 400


@pytest.mark.parametrize("host", ["[::1]:8787", "localhost", "127.0.0.1", "box.lan:1"])
async def test_any_valid_host_serves_the_path_form(call, worker, host):
    assert (await call(host=host)).status == 200
    assert worker.request.url == f"http://{host}/"
