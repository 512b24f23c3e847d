"""A worker never sees the dashboard's cookie and can't set it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awaitstep.engine.workers import WorkerResponse
from awaitstep.gateway.cookies import may_set, without_session

OWN_HOST = "refund-desk-abc123.localhost:8787"


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("a=1; b=2", "a=1; b=2"),
        ("awaitstep_session=s", None),
        ("__Host-awaitstep_session=s; a=1", "a=1"),
        ("a=1; AwaitStep_Session=s ;__HOST-awaitstep_session=t;b=2", "a=1; b=2"),
        ("awaitstep_session", None),
        ("=awaitstep_session=s", None),
        ("a=awaitstep_session; b=1", "a=awaitstep_session; b=1"),
        ("my_awaitstep_session=1", "my_awaitstep_session=1"),
        ("__Secure-awaitstep_session=1", None),
    ],
)
async def test_the_session_is_dropped_from_requests(call, worker, sent, seen):
    await call("/", host=OWN_HOST, headers=[("cookie", sent)])
    assert worker.headers.get("cookie") == seen


async def test_the_path_form_has_no_cookies_at_all(call, worker):
    worker.response = WorkerResponse(
        200, [("Set-Cookie", "a=1"), ("Clear-Site-Data", '"cookies"'), ("X-Own", "1")], b""
    )
    answer = await call(headers=[("cookie", "a=1")])
    assert "cookie" not in worker.headers
    assert answer.all("set-cookie") == []
    assert answer.all("clear-site-data") == []
    assert answer.all("x-own") == ["1"]


async def test_the_path_form_is_sandboxed_beside_the_workers_own_policy(call, worker):
    worker.response = WorkerResponse(200, [("Content-Security-Policy", "default-src *")], b"")
    answer = await call()
    assert answer.all("content-security-policy") == ["default-src *", "sandbox"]


async def test_the_host_form_keeps_the_workers_cookies_but_not_the_sessions(call, worker):
    worker.response = WorkerResponse(
        200,
        [
            ("set-cookie", "a=1; Path=/"),
            ("set-cookie", "b=2"),
            ("set-cookie", "awaitstep_session=evil"),
            ("set-cookie", " __host-AWAITSTEP_session =evil; Secure"),
            ("set-cookie", "=awaitstep_session=evil"),
            ("set-cookie", "awaitstep_session"),
        ],
        b"",
    )
    answer = await call("/", host=OWN_HOST)
    assert answer.all("set-cookie") == ["a=1; Path=/", "b=2"]
    assert answer.all("content-security-policy") == []


@given(st.text(st.sampled_from("=; \tawitsep_nHo-"), max_size=40))
def test_no_spelling_gets_the_session_through(noise):
    for spelled in (f"{noise};awaitstep_session=s", f"awaitstep_session=s;{noise}"):
        left = without_session(spelled) or ""
        assert "awaitstep_session" not in [
            pair.split("=")[0].strip().lower() for pair in left.split(";")
        ]
    assert not may_set(f"awaitstep_session=s;{noise}")
