"""Timers of the system's clock that are far off, on a loop whose time is moved."""

from __future__ import annotations

import asyncio

import pytest

from awaitstep.engine import timers
from awaitstep.engine.clock import SystemClock


@pytest.fixture
def rung(monkeypatch):
    monkeypatch.setattr(timers, "SHARED_FROM", 0.0)
    return []


async def test_they_ring_in_time_each_once_and_in_order(rung):
    clock = SystemClock()
    for delay in (0.3, 0.1, 0.2, 0.1):
        clock.call_later(delay, lambda delay=delay: rung.append(delay))
    await asyncio.sleep(0.6)
    assert rung == [0.1, 0.1, 0.2, 0.3]


async def test_one_that_is_cancelled_does_not_ring(rung):
    clock = SystemClock()
    first = clock.call_later(0.01, lambda: rung.append("first"))
    clock.call_later(0.02, lambda: rung.append("second"))
    first.cancel()
    first.cancel()
    await asyncio.sleep(0.1)
    assert rung == ["second"]


async def test_one_may_cancel_another_that_is_due_with_it(rung):
    clock = SystemClock()
    both = []
    for other in (1, 0):
        both.append(
            clock.call_later(0.01, lambda other=other: (rung.append(other), both[other].cancel()))
        )
    await asyncio.sleep(0.1)
    assert rung == [1]


async def test_one_may_set_another(rung):
    clock = SystemClock()
    clock.call_later(0.01, lambda: clock.call_later(0.01, lambda: rung.append("after")))
    clock.call_later(0.3, lambda: rung.append("last"))
    await asyncio.sleep(0.6)
    assert rung == ["after", "last"]


async def test_an_earlier_one_is_not_kept_by_a_later_one(rung):
    clock = SystemClock()
    clock.call_later(3600.0, lambda: rung.append("never"))
    clock.call_later(0.01, lambda: rung.append("soon"))
    await asyncio.sleep(0.1)
    assert rung == ["soon"]
