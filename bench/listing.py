"""Lists of very many ended runs, and what a run costs beside them.

The ended runs are written into the journal as the engine would have written them, which takes
seconds instead of minutes; what is measured are the engine's own answers and runs.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import time
from collections.abc import Iterator
from typing import Any

from awaitstep.engine import ids
from awaitstep.engine.embedded import Embedded, rows
from awaitstep.engine.port import RunQuery, StartRun
from awaitstep.engine.states import RunStatus
from bench.load import at_once
from bench.rig import Rig, memory_mb, rig

STEPS = """
@step.do("one")
async def one():
    return 1

@step.do("two")
async def two():
    return 2

@step.do("three")
async def three():
    return 3

await one()
await two()
return await three()
"""
TRIGGERS = ("api", "http", "schedule")
DEPLOYMENTS = 20
RARE = 50
DAY = 86_400.0


def _ended(
    first: int, count: int, began: float, texts: dict[str, int]
) -> Iterator[tuple[Any, ...]]:
    """Rows of runs a tenth of a second apart. The first few differ from all others in everything
    one can ask for, so that a filter for them matches the very oldest only."""
    for ref in range(first, first + count):
        at = began + ref / 10
        old = ref <= RARE
        n = ref % DEPLOYMENTS
        yield (
            ref, texts["wf"], ids.pack(ids.new_instance(at), True),
            texts["dep-old" if old else f"dep{n}"], texts["ver-old" if old else f"ver{n}"],
            texts["manual" if old else TRIGGERS[ref % 3]],
            6 if old else 5 if ref % 10 == 0 else 4,
            1, False, b"{}", b"3", at, at, at + 0.01,
        )  # fmt: skip


def fill(house: Rig, first: int, count: int, *, began: float, steps: bool) -> None:
    """Add `count` ended runs of three steps to a journal that no engine has open."""
    db = sqlite3.connect(house.journal, isolation_level=None)
    db.execute("begin immediate")
    names = ["wf", "dep-old", "ver-old", "manual", *TRIGGERS]
    names += [f"{what}{n}" for what in ("dep", "ver") for n in range(DEPLOYMENTS)]
    known = rows.Names(db.execute("select id, text from names"))
    new: list[Any] = []
    texts = {name: known.of(name, new) for name in names}
    for kind, row in new:
        db.execute(rows.STATEMENTS[kind], row)
    db.executemany(
        "insert into runs (ref, workflow, instance, deployment, version, trigger, status, epoch,"
        " pause_requested, params, output, created, started, ended)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _ended(first, count, began, texts),
    )
    if steps:
        db.executemany(
            "insert into operations (run, k, kind, name, n, after, seq, status, started, ended,"
            " value) values (?, ?, 0, ?, 1, ?, ?, 2, ?, ?, ?)",
            (
                (ref, k, name, k - 1, k, began + ref / 10, began + ref / 10, b"1")
                for ref in range(first, first + count)
                for k, name in ((1, "one"), (2, "two"), (3, "three"))
            ),
        )
    db.execute("commit")
    db.close()


async def pages(count: int, folder: str | None) -> dict[str, float]:
    """The slowest of several times of asking, in ms, for each kind of page."""
    async with rig(STEPS, folder) as house:
        await (await house.open()).close()
        began = time.time() - count / 10
        empty = house.file_size()
        fill(house, 1, count, began=began, steps=False)
        size = house.file_size()
        engine = await house.open()
        figures: dict[str, float] = {"runs": count, "bytes_each": (size - empty) / count}
        deep = await engine.list(RunQuery(["wf"], created_before=began + RARE / 5, limit=1))
        for name, given in _queries(began, count, deep.next_cursor).items():
            figures[f"{name}_ms"] = await _ask(engine, RunQuery(limit=50, **given))
        begun = time.perf_counter()
        await engine.live("wf")
        figures["count_live_ms"] = (time.perf_counter() - begun) * 1000
        await engine.close()
    return figures


def _queries(began: float, count: int, deep: str | None) -> dict[str, dict[str, Any]]:
    """Every filter where it matches much, only the oldest, and nothing."""
    wf = {"workflows": ["wf"]}
    last = began + count / 10
    old = {
        "status": [RunStatus.terminated],
        "trigger": ["manual"],
        "version": "ver-old",
        "deployment": "dep-old",
    }
    asked: dict[str, dict[str, Any]] = {
        "newest": wf,
        "deepest": {**wf, "cursor": deep},
        "in_a_project_of_200": {"workflows": ["wf", *(f"other{n}" for n in range(199))]},
        "complete": {**wf, "status": [RunStatus.complete]},
        "live": {**wf, "status": [RunStatus.queued, RunStatus.running, RunStatus.waiting]},
        "from_the_middle": {**wf, "created_before": began + count / 20},
        "oldest_day_only": {**wf, "created_before": began + RARE / 10},
        "after_the_last": {**wf, "created_after": last + DAY},
        "before_the_first": {**wf, "created_before": began - DAY},
        "oldest_by_all": {**wf, **old},
        "two_that_never_meet": {**wf, "status": [RunStatus.errored], "deployment": "dep1"},
        "unknown_version": {**wf, "version": "never"},
        "errored_and_old": {
            **wf, "status": [RunStatus.errored], "created_before": began + RARE / 10,
        },
    }  # fmt: skip
    for column, value in old.items():
        asked[f"oldest_by_{column}"] = {**wf, column: value}
    return asked


async def _ask(engine: Embedded, query: RunQuery) -> float:
    slowest = 0.0
    for _ in range(3):
        begun = time.perf_counter()
        await engine.list(query)
        slowest = max(slowest, (time.perf_counter() - begun) * 1000)
    return slowest


async def growth(most: int, folder: str | None) -> dict[str, list[float]]:
    """What a run of three steps costs beside 1,000, 10,000, … ended ones."""
    sizes = [10**n for n in range(3, 10) if 10**n <= most]
    table: dict[str, list[float]] = {"ended": [float(size) for size in sizes]}
    async with rig(STEPS, folder) as house:
        await (await house.open()).close()
        there, began = 0, time.time() - most / 10
        for size in sizes:
            fill(house, there + 1, size - there, began=began, steps=True)
            before = house.file_size()
            figures, made = await _cost(house)
            figures["bytes_each"] = (house.file_size() - before) / made
            there = size + made
            for name, value in figures.items():
                table.setdefault(name, []).append(value)
            # the next decade is counted from what is there
            there = house.ask("select max(ref) from runs")
    return table


async def _cost(house: Rig) -> tuple[dict[str, float], int]:
    engine = await house.open()
    made = 0

    async def execute() -> None:
        nonlocal made
        created = await engine.create(StartRun("wf", "dep", "api"))
        await engine.wait("wf", created.run.instance, 60)
        made += 1

    await at_once(execute, 100, 0.5)  # warm
    speeds, cpu, before = [], sum(os.times()[:2]), made
    for _ in range(5):
        speeds.append(await at_once(execute, 100, 1.0))
    spent = (sum(os.times()[:2]) - cpu) * 1e6 / (made - before)
    page = statistics.median([await _ask(engine, RunQuery(["wf"])) for _ in range(5)])
    memory = memory_mb()
    await engine.close()
    await asyncio.sleep(0)
    figures = {
        "runs_per_s": statistics.median(speeds),
        "server_cpu_us_each": spent,
        "newest_page_ms": page,
        "server_mb": memory,
    }
    return figures, made
