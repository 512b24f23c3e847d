"""Retry policies and durations."""

from datetime import timedelta

import pytest

from awaitstep.engine.durations import LONGEST, seconds
from awaitstep.engine.retry import DEFAULT, MOST_RETRIES, RetryPolicy, delay_after, policy


def test_the_defaults_are_cloudflares():
    assert RetryPolicy(limit=5, delay=10.0, backoff="exponential", timeout=600.0) == DEFAULT
    for nothing in (None, {}, {"retries": {}}, {"retries": None}, {"sensitive": "output"}):
        assert policy(nothing) == DEFAULT


def test_what_a_config_does_not_name_keeps_its_default():
    assert policy({"retries": {"limit": 2}}) == RetryPolicy(2, 10.0, "exponential", 600.0)
    assert policy({"retries": {"delay": "1 minute"}}) == RetryPolicy(5, 60.0, "exponential", 600.0)
    assert policy({"timeout": 1500}) == RetryPolicy(5, 10.0, "exponential", 1.5)
    assert policy({"retries": {"limit": float("inf")}}).limit == MOST_RETRIES


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        ("constant", [3, 3, 3, 3, 3]),
        ("linear", [3, 6, 9, 12, 15]),
        ("exponential", [3, 6, 12, 24, 48]),
    ],
)
def test_delays_follow_the_backoff_until_the_last_attempt(backoff, delays):
    retry = RetryPolicy(limit=5, delay=3.0, backoff=backoff)
    assert [delay_after(retry, failed) for failed in range(1, 6)] == delays
    assert delay_after(retry, 6) is None


def test_no_retries_means_one_attempt():
    assert delay_after(RetryPolicy(limit=0), 1) is None


def test_a_delay_never_grows_over_a_year():
    assert delay_after(RetryPolicy(limit=MOST_RETRIES), 9_999) == LONGEST
    assert delay_after(RetryPolicy(limit=9, delay=LONGEST, backoff="linear"), 9) == LONGEST


@pytest.mark.parametrize(
    "config",
    [
        "5 minutes",
        ["retries"],
        {"retry": {}},
        {1: 2},
        {"retries": 3},
        {"retries": {"limits": 3}},
        {"retries": {"limit": -1}},
        {"retries": {"limit": MOST_RETRIES + 1}},
        {"retries": {"limit": 1.5}},
        {"retries": {"limit": True}},
        {"retries": {"limit": "3"}},
        {"retries": {"limit": None}},
        {"retries": {"limit": float("nan")}},
        {"retries": {"backoff": "quadratic"}},
        {"retries": {"backoff": None}},
        {"retries": {"delay": -1}},
        {"retries": {"delay": None}},
        {"retries": {"delay": "soon"}},
        {"timeout": 0},
        {"timeout": "0 seconds"},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
    ],
    ids=str,
)
def test_a_config_that_cannot_be_is_refused(config):
    with pytest.raises(ValueError):
        policy(config)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 second", 1),
        ("10 seconds", 10),
        ("  2 minutes ", 120),
        ("1.5 hours", 5400),
        ("1 day", 86_400),
        ("2 weeks", 1_209_600),
        ("1 month", 2_592_000),
        ("1 year", 31_536_000),
        ("0 seconds", 0),
        ("5minutes", 300),
        (0, 0),
        (1, 0.001),
        (2500, 2.5),
        (0.5, 0.0005),
        (timedelta(days=1, milliseconds=1), 86_400.001),
    ],
)
def test_durations_are_text_milliseconds_or_timedeltas(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "10", "seconds", "ten seconds", "-1 second", "1 fortnight", "1 second 2", "1e3 seconds"),
        *("1 second\n1 day", "٣ parsecs", "9999999999999 seconds", "2 years", "\ud800 seconds"),
        *(-1, -0.5, float("nan"), float("inf"), 400 * 86_400_000, 10**400),
        *(None, True, [], {}, b"1 second", timedelta(seconds=-1), timedelta.max),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError):
        seconds(text)
