"""Runs that are suspects of deaths, for the tests of what becomes of them."""

from __future__ import annotations

import asyncio
from typing import Any

from awaitstep.engine.embedded.blame import Unit
from awaitstep.engine.workers import WorkerRequest, WorkerResponse

# Begins, and ends when told: see `begun` and `let_go`.
_STEP = """
n = event["payload"]
@step.do("held")
async def held():
    mark(f"begun-{n}")
    while not os.path.exists(f"{self.env.EFFECTS}.go{n}"):
        await asyncio.sleep(0.005)
    return n
"""
HELD = _STEP + "return await held()\n"
# The same beside a step that ends at once.
ARMS = f"""{_STEP}
@step.do("quick")
async def quick():
    return n
await asyncio.gather(quick(), held())
"""
HANDLER = """

from workers import Response, WorkerEntrypoint
class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response("answered")
"""


def answer_requests(desk: Any) -> None:
    """Give the module a fetch handler."""
    module = desk.bundles["dep"].module
    module.write_text(module.read_text() + HANDLER)


def suspect(desk: Any, runs: range, *, fetch: bool = False, load: bool = False) -> None:
    """As if the runs with these numbers, counted from 1, had been there at two deaths."""
    units = [Unit("attempt", "dep", run, 1) for run in runs]
    units += [Unit("fetch", "dep")] * fetch + [Unit("load", "dep")] * load
    units += [Unit("attempt", "other", 10**6 + n, 1) for n in range(2)]  # never one alone
    for _ in range(2):
        desk.engine._blame.verdict(units, None, desk.clock.now())


def begun(desk: Any) -> list[int]:
    marks = [mark for mark in desk.marks() if mark.startswith("begun-")]
    return [int(mark.removeprefix("begun-")) for mark in marks]


def let_go(desk: Any, *runs: int) -> None:
    for n in runs:
        desk.effects.with_suffix(f".go{n}").touch()


def ask(desk: Any) -> asyncio.Future[WorkerResponse]:
    """A request to the worker."""
    request = WorkerRequest("GET", "http://dep.localhost/", [])
    return asyncio.ensure_future(desk.engine.fetch("dep", request))


async def give_up(asking: asyncio.Future[WorkerResponse]) -> None:
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
