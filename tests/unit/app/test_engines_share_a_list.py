"""Runs that several engines hold are one list: each run once, newest first, page by page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from awaitstep.app.runpages import page_of
from awaitstep.engine.errors import EngineUnavailable, JournalUnavailable, ValueRefused
from awaitstep.engine.port import RunPage, RunQuery, RunView
from awaitstep.engine.states import RunStatus


def run(instance: str, workflow: str, created: float) -> RunView:
    return RunView(
        instance, workflow, "dep", "ver", "api", RunStatus.complete, 1, None, None, None, created,
        created, created,
    )  # fmt: skip


class Listed:
    """An engine that can list: its cursor is how many were shown."""

    def __init__(self, workflow: str, times: list[float]) -> None:
        self.runs = [run(f"{workflow}-{n}", workflow, at) for n, at in enumerate(times)]
        self.asked = 0

    async def list(self, query: RunQuery) -> RunPage:
        self.asked += 1
        assert {found.workflow for found in self.runs} <= {*query.workflows}
        start = int(query.cursor or 0)
        end = start + query.limit
        return RunPage(self.runs[start:end], str(end) if end < len(self.runs) else None)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("here", "there"),
    [
        ([9.0, 8.0, 7.0, 6.0], [8.5, 6.5]),
        ([9.0, 8.0], [5.0, 5.0, 5.0, 4.0, 3.0, 2.0]),
        ([5.0, 5.0, 5.0], [5.0, 5.0]),
        ([], [1.0]),
    ],
)
async def test_every_run_is_there_once(here: list[float], there: list[float], limit: int) -> None:
    engines: Any = {"a": (Listed("a", here), ["a"]), "b": (Listed("b", there), ["b"])}
    query = RunQuery([], limit=limit)
    found: list[RunView] = []
    while True:
        page = await page_of(engines, query)
        assert len(page.runs) <= limit
        found += page.runs
        if page.next_cursor is None:
            break
        query = replace(query, cursor=page.next_cursor)
    times = [one.created_at for one in found]
    assert times == sorted(here + there, reverse=True)
    assert len({one.instance for one in found}) == len(here + there)


@pytest.mark.parametrize("cursor", ["", "!", "e30", "WzFd", "eyJhIjpbbnVsbCwtMV19"])
async def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    engines: Any = {"a": (Listed("a", [1.0]), ["a"]), "b": (Listed("b", [2.0]), ["b"])}
    with pytest.raises(ValueRefused):
        await page_of(engines, RunQuery([], cursor=cursor))


async def test_an_engine_that_is_through_is_not_asked_again() -> None:
    short, long = Listed("a", [9.0]), Listed("b", [5.0, 4.0, 3.0, 2.0])
    engines: Any = {"a": (short, ["a"]), "b": (long, ["b"])}
    first = await page_of(engines, RunQuery([], limit=2))
    await page_of(engines, RunQuery([], limit=2, cursor=first.next_cursor))
    assert (short.asked, long.asked) == (1, 2)


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def list(self, query: RunQuery) -> RunPage:
        raise self.error


async def test_an_engine_that_is_away_keeps_no_other_from_being_listed() -> None:
    away, here = Failing(EngineUnavailable("away")), Listed("b", [3.0, 2.0, 1.0])
    engines: Any = {"a": (away, ["a", "x"]), "b": (here, ["b"])}
    first = await page_of(engines, RunQuery([], limit=2))
    assert ([one.created_at for one in first.runs], first.away) == ([3.0, 2.0], ["a", "x"])
    # back again, its runs would be out of order in this list: another one has them
    engines["a"] = (Listed("a", [9.0]), ["a", "x"])
    rest = await page_of(engines, RunQuery([], limit=2, cursor=first.next_cursor))
    assert ([one.created_at for one in rest.runs], rest.next_cursor) == ([1.0], None)
    anew = await page_of(engines, RunQuery([], limit=2))
    assert ([one.created_at for one in anew.runs], anew.away) == ([9.0, 3.0], [])


async def test_a_list_fails_where_nobody_can_be_asked_or_the_journal_is_out_of_use() -> None:
    away = Failing(EngineUnavailable("away"))
    engines: Any = {"a": (away, ["a"]), "b": (away, ["b"])}
    with pytest.raises(EngineUnavailable):
        await page_of(engines, RunQuery([]))
    engines["b"] = (Failing(JournalUnavailable("disk full")), ["b"])
    with pytest.raises(JournalUnavailable):
        await page_of(engines, RunQuery([]))
