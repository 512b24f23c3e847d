"""Hop-by-hop and invalid headers stop at the gateway, in both directions."""

from __future__ import annotations

import pytest

from awaitstep.engine.workers import WorkerResponse


async def test_a_request_loses_its_hop_by_hop_headers(call, worker):
    await call(
        method="POST",
        headers=[
            ("Connection", "keep-alive, X-Hop"),
            ("X-Hop", "1"),
            ("Transfer-Encoding", "chunked"),
            ("TE", "trailers"),
            ("Upgrade", "h2c"),
            ("Proxy-Authorization", "Basic x"),
            ("Expect", "100-continue"),
            ("X-Signature", "abc"),
            ("bad name", "1"),
            ("X-Ctl", "a\x00b"),
        ],
        chunks=[b"{}"],
    )
    assert worker.request.headers == [("host", "127.0.0.1:8787"), ("x-signature", "abc")]
    assert worker.request.body == b"{}"


async def test_a_host_header_survives_a_connection_header_that_names_it(call, worker):
    await call(headers=[("connection", "host")])
    assert worker.headers["host"] == "127.0.0.1:8787"


async def test_repeated_headers_keep_their_order(call, worker):
    await call(headers=[("x-a", "1"), ("x-b", "2"), ("x-a", "3")])
    assert worker.request.headers[1:] == [("x-a", "1"), ("x-b", "2"), ("x-a", "3")]


async def test_an_answer_loses_hop_by_hop_and_invalid_headers(call, worker):
    worker.response = WorkerResponse(
        201,
        [
            ("Content-Type", "text/plain"),
            ("Connection", "close, X-Hop"),
            ("X-Hop", "1"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "999"),
            ("X-Split", "a\r\nSet-Cookie: b=1"),
            ("X\r\nY", "1"),
            ("", "1"),
            ("X-Snow", "\u2603"),
            ("X-Latin", "caf\xe9"),
            ("Date", "yesterday"),
        ],
        b"made",
    )
    answer = await call("/", host="refund-desk-abc123.localhost")
    assert answer.status == 201
    assert answer.headers == [
        (b"content-type", b"text/plain"),
        (b"x-latin", b"caf\xe9"),
        (b"content-length", b"4"),
    ]
    assert answer.body == b"made"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_has_no_length(call, worker, status):
    worker.response = WorkerResponse(status, [("content-length", "3")], b"abc")
    answer = await call("/", host="refund-desk-abc123.localhost")
    assert (answer.status, answer.headers, answer.body) == (status, [], b"")


async def test_head_keeps_the_length_the_worker_gives(call, worker):
    worker.response = WorkerResponse(200, [("content-length", "12")], b"")
    answer = await call(method="HEAD")
    assert worker.request.method == "HEAD"
    assert answer.all("content-length") == ["12"]


@pytest.mark.parametrize("method", ["OPTIONS", "PATCH", "DELETE", "PUT"])
async def test_every_method_is_passed_through(call, worker, method):
    assert (await call(method=method)).status == 200
    assert worker.request.method == method
