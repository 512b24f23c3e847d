from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awaitstep.app.errors import Invalid
from awaitstep.app.ids import new_id
from awaitstep.app.names import route_pattern, slug, worker_names

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@settings(deadline=None)
@given(st.text(max_size=300))
def test_a_worker_name_is_a_dns_label(name: str) -> None:
    for worker in worker_names(name, "workflow", new_id("wf")):
        assert LABEL.fullmatch(worker)
        assert len(worker) <= 47
        assert "--" not in worker


def test_names_are_readable() -> None:
    assert slug("Refund desk", "workflow") == "refund-desk"
    assert slug("Crème brûlée №5", "workflow") == "creme-brulee-no5"
    assert slug("発注", "script") == "script"
    assert slug("a" * 39 + " b", "workflow") == "a" * 39
    assert worker_names("Orders", "workflow", "wf_V1StGXR8_Z5jdHi6B-myT")[0] == "orders-v1stgx"


def test_a_workflow_has_more_names_than_one() -> None:
    names = worker_names("Orders", "workflow", "wf_V1StGXR8_Z5jdHi6B-myT")
    assert len(set(names)) == len(names) > 10


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("api.example.com/orders/*", "api.example.com/orders/*"),
        ("API.Example.COM/*", "api.example.com/*"),
        ("example.com/", "example.com/"),
        ("example.com/a/b.json", "example.com/a/b.json"),
        ("xn--bcher-kva.example/*", "xn--bcher-kva.example/*"),
        ("a.b/x*", "a.b/x*"),
        ("Orders.Example.com", "orders.example.com"),
    ],
)
def test_good_patterns_have_one_form(pattern: str, written: str) -> None:
    assert route_pattern(pattern) == written


@settings(deadline=None)
@given(st.text(max_size=100))
def test_any_other_text_is_refused_or_clean(text: str) -> None:
    try:
        pattern = route_pattern(text)
    except Invalid:
        return
    assert pattern.isascii()
    assert pattern.count("*") <= 1


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(Invalid) as refused:
        route_pattern("localhost/*")
    assert refused.value.code == "route.invalid"
    assert refused.value.details[0]["path"] == "deployConfig.route.pattern"
