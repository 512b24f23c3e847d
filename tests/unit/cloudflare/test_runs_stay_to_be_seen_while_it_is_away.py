"""Cloudflare is not asked more often than it wants, and runs stay to be seen while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.errors import EngineUnavailable
from awaitstep.engine.port import RunQuery, RunView
from awaitstep.engine.states import RunStatus
from awaitstep.providers.cloudflare import readings
from awaitstep.providers.cloudflare.client import Client
from awaitstep.providers.cloudflare.places import NoPlace, Place, Whereabouts
from awaitstep.providers.cloudflare.readings import Readings
from awaitstep.providers.cloudflare.runs import CloudflareRuns
from fakecloud.instances import Instances
from fakecloud.server import ACCOUNT, TOKEN, Cloudflare, serving

SOURCE = """
from workers import WorkflowEntrypoint


class W(WorkflowEntrypoint):
    async def run(self, event, step):
        approved = await step.wait_for_event("approval", "approve", timeout="1 hour")
        return approved["payload"]
"""


@dataclass
class Edge:
    """Workflows on Cloudflare, by two connections, and the time that readings go by."""

    cloudflare: Cloudflare
    places: Mapping[str, Place]
    at: float = 1_000.0
    runs: CloudflareRuns = field(init=False)

    def __post_init__(self) -> None:
        self.runs = CloudflareRuns(self, Readings(lambda: self.at, lambda: self.at))

    async def of(self, connection: str) -> Place:
        raise NotImplementedError

    async def whereabouts(self, workflow: str) -> Whereabouts | None:
        if workflow not in self.places:
            raise NoPlace("The connection is gone.")
        return Whereabouts(self.places[workflow], workflow, "dep", "ver")

    @property
    def reads(self) -> int:
        return sum(method == "GET" for method, _ in self.cloudflare.calls)

    async def start(self, workflow: str, instance: str) -> None:
        """By its Worker URL, say: nothing here knows of it."""
        await self.cloudflare.instances.create(workflow, instance, {})
        engine = self.cloudflare.instances.engine
        async with asyncio.timeout(20):
            run = await engine.get(workflow, instance)
            while run.status is not RunStatus.waiting:
                await asyncio.sleep(0.005)
                run = await engine.get(workflow, instance)

    async def listed(self, *workflows: str, **more: Any) -> list[RunView]:
        return (await self.runs.list(RunQuery([*workflows], **more))).runs

    def away(self, ending: str = "", status: int = 503, **headers: str) -> None:
        self.cloudflare.fail("GET", ending, status, times=1_000_000, **headers)


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    instances = Instances(tmp_path, ManualClock())
    async with serving(instances) as cloudflare, httpx.AsyncClient(trust_env=False) as http:
        places = {}
        for name in ("one", "two"):
            instances.put(name, f"v-{name}", SOURCE, "W", {}, {})
            cloudflare.workflows[name] = {"id": name, "name": name, "script_name": name}

            async def pause(seconds: float) -> None:
                """Waiting is not what is tested."""

            client = Client(http, TOKEN, cloudflare.address, pause)
            places[name] = Place(client, ACCOUNT, "paid", f"conn-{name}")
        yield Edge(cloudflare, places)


async def test_what_was_just_read_is_not_asked_for_again(edge: Edge) -> None:
    await edge.start("one", "r1")

    async def all_of_it() -> None:
        await edge.runs.get("one", "r1")
        await edge.runs.history("one", "r1")
        await edge.runs.event_log("one", "r1")
        await edge.listed("one")

    await asyncio.gather(*(all_of_it() for _ in range(5)))
    assert edge.reads == 2
    edge.at += readings.MOMENT
    await all_of_it()
    assert edge.reads == 4


async def test_what_is_changed_here_is_read_anew(edge: Edge) -> None:
    await edge.start("one", "r1")
    assert [run.status for run in await edge.listed("one")] == [RunStatus.waiting]
    assert (await edge.runs.get("one", "r1")).status is RunStatus.waiting
    await edge.runs.terminate("one", "r1")
    assert [run.status for run in await edge.listed("one")] == [RunStatus.terminated]
    assert (await edge.runs.get("one", "r1")).status is RunStatus.terminated


async def test_runs_are_shown_as_they_were_read_last(edge: Edge) -> None:
    for name in ("r1", "r2"):
        await edge.start("one", name)
    seen = await edge.listed("one")
    assert {run.read_at for run in seen} == {None}
    run, steps = await edge.runs.get("one", "r1"), await edge.runs.history("one", "r1")
    edge.at += 60
    edge.away()
    page = await edge.runs.list(RunQuery(["one"]))
    assert page.away == ["one"]
    assert [(old.instance, old.read_at) for old in page.runs] == [
        (one.instance, 1_000.0) for one in seen
    ]
    old = await edge.runs.get("one", "r1")
    assert (old.status, old.params, old.read_at) == (run.status, run.params, 1_000.0)
    assert await edge.runs.history("one", "r1") == steps
    # only a list told of this one
    assert (await edge.runs.get("one", "r2")).read_at == 1_000.0
    assert (await edge.runs.newest(["one", "two"]))["one"].read_at == 1_000.0
    assert await edge.listed("one", status=[RunStatus.complete]) == []
    [second] = await edge.listed("one", text="r1")
    assert second.instance == "r1"
    with pytest.raises(EngineUnavailable):
        await edge.runs.history("one", "r2")
    with pytest.raises(EngineUnavailable):
        await edge.runs.live("one")
    # back again
    edge.cloudflare.failing.clear()
    edge.at += 600
    page = await edge.runs.list(RunQuery(["one"]))
    assert (page.away, {run.read_at for run in page.runs}) == ([], {None})
    assert (await edge.runs.get("one", "r1")).read_at is None


async def test_pages_go_on_where_they_ended_though_it_went_away(edge: Edge) -> None:
    for name in ("r1", "r2", "r3"):
        await edge.start("one", name)
    whole = [run.instance for run in await edge.listed("one")]
    first = await edge.runs.list(RunQuery(["one"], limit=2))
    edge.at += 60
    edge.away()
    rest = await edge.runs.list(RunQuery(["one"], limit=2, cursor=first.next_cursor))
    assert [run.instance for run in [*first.runs, *rest.runs]] == whole
    assert rest.next_cursor is None


async def test_what_is_away_keeps_nothing_else_from_being_listed(edge: Edge) -> None:
    for name in ("one", "two"):
        await edge.start(name, name)
    edge.away("/workflows/one/instances")
    page = await edge.runs.list(RunQuery(["one", "two", "without-a-token"]))
    assert [run.instance for run in page.runs] == ["two"]
    assert page.away == ["one", "without-a-token"]
    # the other connection is asked as ever
    edge.at += 0.5
    assert (await edge.runs.get("two", "two")).read_at is None
    with pytest.raises(EngineUnavailable):
        await edge.runs.list(RunQuery(["one"]))


@pytest.mark.parametrize("lost", [False, True])
async def test_who_is_away_is_asked_ever_more_seldom(edge: Edge, lost: bool) -> None:
    await edge.start("one", "r1")
    await edge.runs.get("one", "r1")
    if lost:
        edge.cloudflare.lose("GET", "", done=False, times=1_000_000)
    else:
        edge.away()
    asked = []
    for _ in range(200):
        edge.at += 1
        before = edge.reads
        # several look at once; they are one failure
        found = await asyncio.gather(*(edge.runs.get("one", "r1") for _ in range(3)))
        assert [run.read_at for run in found] == [1_000.0] * 3
        if edge.reads > before:
            asked.append(edge.at - 1_000)
    assert asked == [1, 2, 4, 8, 16, 32, 64, 124, 184]
    edge.cloudflare.failing.clear()
    edge.cloudflare.lost.clear()
    edge.at += 60
    assert (await edge.runs.get("one", "r1")).read_at is None
    # what failed before counts no more
    edge.at += 10
    edge.away()
    await edge.runs.get("one", "r1")
    edge.cloudflare.failing.clear()
    edge.at += 1
    assert (await edge.runs.get("one", "r1")).read_at is None


@pytest.mark.parametrize(
    ("told", "kept"), [("30", 30), ("0", 1), ("soon", 1), ("99999999", 600), ("-4", 1)]
)
async def test_a_limit_is_kept_as_long_as_it_says(edge: Edge, told: str, kept: int) -> None:
    await edge.start("one", "r1")
    await edge.runs.get("one", "r1")
    edge.at += 10
    edge.away(status=429, Retry_After=told)
    assert (await edge.runs.get("one", "r1")).read_at == 1_000.0
    edge.cloudflare.failing.clear()
    before = edge.reads
    edge.at += kept - 0.5
    assert (await edge.runs.get("one", "r1")).read_at == 1_000.0
    assert (await edge.listed("one"))[0].read_at == 1_000.0
    assert edge.reads == before
    edge.at += 0.5
    assert (await edge.runs.get("one", "r1")).read_at is None


async def test_nothing_is_done_where_it_is_not_known_what_is(edge: Edge) -> None:
    await edge.start("one", "r1")
    await edge.runs.get("one", "r1")
    edge.cloudflare.fail("PATCH", "/status", 503, times=9)
    for verb in (edge.runs.pause, edge.runs.terminate):
        with pytest.raises(EngineUnavailable):
            await verb("one", "r1")


def _most(name: str, count: int) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(readings, name, count)


@pytest.mark.parametrize("bound", [_most("_MOST_ANSWERS", 3), _most("_MOST_BYTES", 1500)])
async def test_only_so_much_is_kept(
    edge: Edge, bound: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bound(monkeypatch)
    monkeypatch.setattr(readings, "_MOST_RUNS", 4)
    ids = [f"r{number}" for number in range(10)]
    for id in ids:
        await edge.start("one", id)
        await edge.runs.get("one", id)
    edge.at += 60
    edge.away()
    assert {run.instance for run in await edge.listed("one")} == {*ids[-4:]}
    assert len(await edge.runs.history("one", ids[-1])) == 1
    with pytest.raises(EngineUnavailable):
        await edge.runs.get("one", ids[0])
