"""Limits say what they mean, or every problem of theirs is told with its place."""

from __future__ import annotations

import pytest

from awaitstep.app import limits
from awaitstep.engine.port import Limits, Retention

ALL = {
    "concurrency": 5,
    "starts": {"limit": 100, "period": "1 minute"},
    "retention": {"completed": "30 days", "failed": "90 days", "most": 1000},
}


def test_limits_are_kept_as_they_were_written() -> None:
    assert limits.read(ALL) == (ALL, [])


def test_what_is_null_or_empty_is_no_limit() -> None:
    kept, problems = limits.read(
        {"concurrency": 1, "starts": None, "retention": {"completed": None, "most": 3}}
    )
    assert (kept, problems) == ({"concurrency": 1, "retention": {"most": 3}}, [])
    for nothing in (None, {}, {"concurrency": None}, {"retention": {"failed": None}}):
        assert limits.read(nothing) == (None, [])


def test_the_engine_is_told_seconds() -> None:
    assert limits.for_engine(ALL) == (
        Limits(concurrency=5, starts=100, period=60.0),
        Retention(completed=30 * 86_400.0, failed=90 * 86_400.0, most=1000),
    )
    assert limits.for_engine(None) == (Limits(), Retention())
    assert limits.for_engine({"retention": {"most": 3}}) == (Limits(), Retention(most=3))


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ([], "limits.shape", "limits"),
        ("5", "limits.shape", "limits"),
        ({"parallel": 5}, "limits.unknown_field", "limits.parallel"),
        *[
            ({"concurrency": number}, "limits.number", "limits.concurrency")
            for number in (0, -1, 1.5, True, "5", 10**300)
        ],
        ({"starts": 5}, "limits.shape", "limits.starts"),
        ({"starts": {}}, "limits.incomplete", "limits.starts"),
        ({"starts": {"limit": 5}}, "limits.incomplete", "limits.starts"),
        ({"starts": {"limit": 5, "period": None}}, "limits.incomplete", "limits.starts"),
        ({"starts": {"limit": 0, "period": "1 day"}}, "limits.number", "limits.starts.limit"),
        *[
            ({"starts": {"limit": 1, "period": period}}, "limits.duration", "limits.starts.period")
            for period in ("", "soon", "0 seconds", "2 years", "-1 day", 60, "1" * 70 + " days")
        ],
        ({"retention": {"most": 0}}, "limits.number", "limits.retention.most"),
        ({"retention": {"failed": "a day"}}, "limits.duration", "limits.retention.failed"),
        ({"retention": {"all": "1 day"}}, "limits.unknown_field", "limits.retention.all"),
    ],
)
def test_a_problem_is_told_with_its_place(given: object, code: str, path: str) -> None:
    _, problems = limits.read(given)
    assert [(problem["code"], problem["path"]) for problem in problems] == [(code, path)]


def test_all_problems_are_told_at_once() -> None:
    _, problems = limits.read(
        {"concurrency": 0, "starts": {"limit": 0, "period": "x"}, "retention": {"most": -1}}
    )
    assert len(problems) == 4
