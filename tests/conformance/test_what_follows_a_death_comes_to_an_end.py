"""After deaths, refusals and requests given up: everything goes on, and once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
from collections import Counter
from dataclasses import replace

import pytest

from awaitstep.engine.embedded import expiry
from awaitstep.engine.embedded.blame import Unit
from awaitstep.engine.errors import EngineError
from awaitstep.engine.port import Limits, Parent, Retention, StartRun
from awaitstep.engine.states import ENDED, RunStatus
from awaitstep.engine.workers import WorkerRequest

FETCHER = """

from workers import Response, WorkerEntrypoint
class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response(self.env.WORD if hasattr(self.env, "WORD") else "x")
"""


def suspect(desk, refs, times=2, *, fetch=False, load=False):
    """As if the runs with these numbers had been there at so many deaths."""
    units = [Unit("attempt", "dep", ref, 1) for ref in refs]
    if fetch:
        units.append(Unit("fetch", "dep"))
    if load:
        units.append(Unit("load", "dep"))
    units += [Unit("attempt", "other", 10_000_000, 1), Unit("attempt", "other", 10_000_001, 1)]
    for _ in range(times):
        desk.engine._blame.verdict(units, None, desk.clock.now())


def add_fetch(desk, name="dep"):
    module = desk.bundles[name].module
    module.write_text(module.read_text() + FETCHER)


def begun(desk):
    return [int(m.removeprefix("begun-")) for m in desk.marks() if m.startswith("begun-")]


def go(desk, n):
    desk.effects.with_suffix(f".go{n}").touch()


def get(desk):
    return asyncio.ensure_future(
        desk.engine.fetch("dep", WorkerRequest("GET", "http://dep.localhost/", []))
    )


async def soon(what, seconds=3.0):
    stop = asyncio.get_running_loop().time() + seconds
    while not what():
        if asyncio.get_running_loop().time() > stop:
            return False
        await asyncio.sleep(0.005)
    return True


HELD = """
n = event["payload"]
@step.do("held")
async def held():
    mark(f"begun-{n}")
    while not os.path.exists(f"{self.env.EFFECTS}.go{n}"):
        await asyncio.sleep(0.005)
    return n
return await held()
"""
STUBBORN = """
@step.do("quick")
async def quick():
    mark("quick")
    return 1
@step.do("held", config={"timeout": "1 second", "retries": {"limit": 3, "delay": 0}})
async def held(ctx):
    mark(f"attempt-{ctx['attempt']}")
    while ctx["attempt"] == 1 and not os.path.exists(f"{self.env.EFFECTS}.go1"):
        try:
            await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            mark("stubborn")
    return 2
return await asyncio.gather(quick(), held())
"""


async def test_a_run_that_was_to_make_room_for_a_request_that_gave_up_tries_again(embedded_desk):
    desk = embedded_desk
    desk.deploy(STUBBORN)
    add_fetch(desk)
    suspect(desk, [1], fetch=True)
    run = await desk.start(1)
    await desk.seen(lambda: "stubborn" in desk.marks())
    [known] = desk.engine._runs.values()
    await desk.seen(lambda: any(o.released for o in known.inflight.values()))
    await asyncio.sleep(0.1)
    asking = get(desk)
    await desk.seen(lambda: known.freezes > 0)
    await asyncio.sleep(0.1)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    go(desk, 1)
    done = await soon(lambda: "attempt-2" in desk.marks(), 3)
    for _ in range(20):
        desk.clock.move(6)
        await asyncio.sleep(0.05)
    state = (known.frozen, known.freezes, [(o.released, o.status) for o in known.inflight.values()])
    assert done, (desk.marks(), state)
    await desk.ended(run)


async def test_a_child_whose_row_was_refused_is_not_executed_once_more(embedded_desk):
    desk = embedded_desk
    desk.deploy("""
if event["payload"] == "child":
    @step.do("held")
    async def held():
        mark("begun-1")
        while not os.path.exists(f"{self.env.EFFECTS}.go1"):
            await asyncio.sleep(0.005)
        return 1
    return await held()
await step.wait_for_event("gate", "gate", timeout="1 hour")
return 1
""")
    given, give = [], desk.engine._give
    desk.engine._give = lambda run: (given.append(run.instance), give(run))[1]
    parent = await desk.start("parent", instance="parent")
    await desk.until("parent", RunStatus.waiting)
    known = await desk.engine._open("wf", "parent")
    desk.engine._held[known.ref] += 1
    await desk.engine.create(
        StartRun(
            "wf",
            "dep",
            "api",
            params=b'"child"',
            instance="child",
            parent=Parent("wf", "parent", 1),
        )
    )
    desk.engine._let_go(known.ref)
    await desk.seen(lambda: begun(desk) == [1])
    await desk.seen(lambda: ("wf", "parent") not in desk.engine._index)
    with sqlite3.connect(desk.folder / "journal.sqlite") as db:
        db.execute(
            "create trigger poison before insert on operations when new.run ="
            " (select ref from runs where instance = 'child')"
            " begin select raise(abort, 'poisoned'); end"
        )
    db.close()
    fail, seen_by = desk.engine._fail, []
    desk.engine._fail = lambda run, f: (
        seen_by.append((run.instance, run.status, desk.engine._lacks_parent(run))),
        fail(run, f),
    )[1]
    go(desk, 1)
    with contextlib.suppress(AssertionError):
        await desk.until("child", *ENDED)
    print(len(seen_by), seen_by[:6])
    view = await desk.view("child")
    await asyncio.sleep(0.3)
    assert (view.status, view.error and view.error.code) == (RunStatus.errored, "journal.refused")
    assert begun(desk) == [1], desk.marks()
    assert given.count("child") == 1
    assert parent


async def test_a_child_whose_row_was_refused_ends_though_its_parent_is_read_late(embedded_desk):
    desk = embedded_desk
    desk.deploy("""
if event["payload"] == "child":
    @step.do("held")
    async def held():
        mark("begun-1")
        while not os.path.exists(f"{self.env.EFFECTS}.go1"):
            await asyncio.sleep(0.005)
        return 1
    return await held()
await step.wait_for_event("gate", "gate", timeout="1 hour")
return 1
""")
    given, give = [], desk.engine._give
    desk.engine._give = lambda run: (given.append(run.instance), give(run))[1]
    parent = await desk.start("parent", instance="parent")
    await desk.until("parent", RunStatus.waiting)
    known = await desk.engine._open("wf", "parent")
    desk.engine._held[known.ref] += 1
    await desk.engine.create(
        StartRun(
            "wf",
            "dep",
            "api",
            params=b'"child"',
            instance="child",
            parent=Parent("wf", "parent", 1),
        )
    )
    desk.engine._let_go(known.ref)
    await desk.seen(lambda: begun(desk) == [1])
    await desk.seen(lambda: ("wf", "parent") not in desk.engine._index)
    with sqlite3.connect(desk.folder / "journal.sqlite") as db:
        db.execute(
            "create trigger poison before insert on operations when new.run ="
            " (select ref from runs where instance = 'child')"
            " begin select raise(abort, 'poisoned'); end"
        )
    db.close()
    fail, seen_by = desk.engine._fail, []
    desk.engine._fail = lambda run, f: (
        seen_by.append((run.instance, run.status, desk.engine._lacks_parent(run))),
        fail(run, f),
    )[1]
    bring = desk.engine._bring_parent

    async def late(run):
        await asyncio.sleep(0.2)
        return await bring(run)

    desk.engine._bring_parent = late
    desk.effects.with_suffix(".go1").touch()
    await asyncio.sleep(4)
    os.unlink(desk.effects.with_suffix(".go1"))
    print(len(desk.marks()), given[:9])
    with contextlib.suppress(AssertionError):
        await desk.until("child", *ENDED)
    print(len(seen_by), seen_by[:6])
    view = await desk.view("child")
    await asyncio.sleep(0.3)
    assert (view.status, view.error and view.error.code) == (RunStatus.errored, "journal.refused")
    assert begun(desk) == [1], desk.marks()
    assert given.count("child") == 1
    assert parent


SOLO = """
import fcntl
n = event["payload"]
async def work(name):
    fd = os.open(f"{self.env.EFFECTS}.lock-{n}-{name}", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        mark(f"twice-{n}-{name}")
    try:
        await asyncio.sleep(0.05 + (n % 5) * 0.03)
    finally:
        os.close(fd)
    return name
@step.do("a")
async def a():
    return await work("a")
@step.do("b")
async def b():
    return await work("b")
@step.do("c")
async def c():
    mark(f"c-{n}")
    return await work("c")
got = await asyncio.gather(a(), b())
if n % 3 == 0:
    await step.sleep("nap", "2 seconds")
if n % 4 == 0:
    await step.wait_for_event("gate", "gate", timeout="1 hour")
return [*got, await c()]
"""


@pytest.mark.parametrize("seed", range(1))
async def test_chaos(embedded_desk, seed):
    desk = embedded_desk
    chance = random.Random(seed)
    desk.deploy(SOLO)
    add_fetch(desk)
    runs = [await desk.start(n) for n in range(60)]
    engine = desk.engine
    kills = Counter()
    loop = asyncio.get_running_loop()
    stop = loop.time() + 12
    fetches = []
    while loop.time() < stop:
        await asyncio.sleep(chance.random() * 0.06)
        desk.clock.move(chance.random())
        what = chance.random()
        if what < 0.25:
            # never a death with one attempt alone: nobody is to be charged
            slots = [
                s
                for s in engine._fleet.slots
                if s.ready
                and sum(
                    len([o for o in engine._assigned[x].inflight.values() if not o.released])
                    for x in s.assignments
                )
                >= (2 if s.alone else 3)
            ]
            if slots:
                slot = next((s for s in slots if s.alone), None) or chance.choice(slots)
                kills[slot.alone] += 1
                with contextlib.suppress(ProcessLookupError):
                    os.kill(slot.process.pid, signal.SIGKILL)
        elif what < 0.3:
            fetches.append(get(desk))
        elif what < 0.35 and fetches:
            fetches.pop().cancel()
        else:
            some = chance.sample(runs, 3)
            for run in some:
                verb = chance.choice(
                    ["pause", "resume", "pause", "resume", "restart", "event", "get"]
                )

                async def act(verb=verb, run=run):
                    with contextlib.suppress(EngineError):
                        if verb == "event":
                            await engine.send_event("wf", run, "gate", b"1")
                        else:
                            await getattr(engine, verb)("wf", run)

                engine._spawn(act())
    for fetch in fetches:
        fetch.cancel()
    await asyncio.gather(*fetches, return_exceptions=True)
    views = {}
    quiet = loop.time() + 60
    while loop.time() < quiet:
        desk.clock.move(1)
        await asyncio.sleep(0.02)
        for n, run in enumerate(runs):
            if run in views:
                continue
            view = await desk.view(run)
            if view.status in ENDED:
                views[run] = view
                continue
            with contextlib.suppress(EngineError):
                if view.status is RunStatus.paused or view.pause_requested:
                    await engine.resume("wf", run)
            if n % 4 == 0 and view.status is RunStatus.waiting:
                with contextlib.suppress(EngineError):
                    await engine.send_event("wf", run, "gate", b"1")
        if len(views) == len(runs):
            break
    left = {}
    for run in runs:
        if run not in views:
            known = next((r for r in engine._runs.values() if r.instance == run), None)
            left[run] = (
                (await desk.view(run)).status,
                known
                and (
                    known.frozen,
                    known.freezes,
                    known.assignment,
                    known.status,
                    known.uncommitted,
                    [(o.name, o.released, o.status) for o in known.operations.values()],
                ),
            )
    assert not left, (left, kills)
    assert not [m for m in desk.marks() if m.startswith("twice")]
    failed = {
        run: view.error for run, view in views.items() if view.status is not RunStatus.complete
    }
    assert not failed, failed
    await asyncio.sleep(0.3)
    group = engine._fleet.group(None)
    assert (len(engine._assigned), len(group.suspects), group.at_once) == (0, 0, 1)


async def test_a_round_keeps_what_is_to_be_kept_since_it_began(embedded_desk, monkeypatch):
    desk = embedded_desk
    desk.deploy("return 1")
    run = await desk.start()
    await desk.output(run)
    desk.engine.limit("wf", Limits(), Retention(completed=10))
    read, looks, go_on = desk.engine.journal.read, [], asyncio.Event()

    async def slow(question):
        if isinstance(getattr(question, "__self__", None), expiry.Expiry):
            looks.append(question)
            await go_on.wait()
        return await read(question)

    monkeypatch.setattr(desk.engine.journal, "read", slow)
    desk.clock.move(100)
    await desk.passes(lambda: bool(looks))
    desk.engine.limit("wf", Limits(), Retention())  # all is kept from here on
    go_on.set()
    await desk.seen(lambda: not desk.engine._retiring)
    assert (await desk.view(run)).status is RunStatus.complete


async def test_the_found_culprit_clears_those_with_packages_too(embedded_desk):
    desk = embedded_desk
    site = desk.folder / "environments" / "one" / "site"
    site.mkdir(parents=True)
    desk.deploy(HELD)
    desk.bundles["dep"] = replace(desk.bundles["dep"], environment=site)
    desk.deploy(
        '@step.do("bad", config={"retries": {"limit": 0, "delay": 0}})\n'
        "async def bad():\n    os._exit(3)\nreturn await bad()",
        name="bad",
    )
    units = [Unit("attempt", "dep", ref, 1) for ref in (1, 2, 3)] + [Unit("attempt", "bad", 4, 1)]
    for _ in range(2):
        desk.engine._blame.verdict(units, None, 0.0)
    for n in range(1, 4):
        await desk.start(n)
    await desk.seen(lambda: begun(desk) == [1])
    bad = await desk.start(name="bad")
    assert (await desk.ended(bad)).error.code == "runner.died"
    assert not desk.engine._blame.suspects(2)
    went_on = await soon(lambda: len(begun(desk)) == 3)
    for n in range(1, 4):
        go(desk, n)
    assert went_on


SLOW_FETCH = """

from workers import Response, WorkerEntrypoint
class Default(WorkerEntrypoint):
    async def fetch(self, request):
        import asyncio
        await asyncio.sleep(60)
        return Response("x")
"""


@pytest.mark.parametrize("fetching", [False, True])
async def test_suspects_go_on_when_the_server_stopped_meanwhile(embedded_desk, fetching):
    desk = embedded_desk
    desk.deploy(HELD)
    module = desk.bundles["dep"].module
    module.write_text(module.read_text() + SLOW_FETCH)
    suspect(desk, range(1, 8), fetch=True)
    asking = get(desk) if fetching else None
    if fetching:
        await desk.seen(lambda: any(slot.fetches for slot in desk.engine._fleet.slots))
    runs = [await desk.start(n) for n in range(1, 8)]
    if not fetching:
        await desk.seen(lambda: begun(desk) == [1])
        go(desk, 1)
        await desk.seen(lambda: len(begun(desk)) == 3)
    await desk.reopen()
    if asking:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    for n in range(1, 8):
        go(desk, n)
    for run in runs:
        await desk.output(run)
    await asyncio.sleep(0.1)


DEPENDENT = """
ready = asyncio.Event()
@step.do("first", config={"timeout": "3 seconds", "retries": {"limit": 1, "delay": 0}})
async def one():
    await ready.wait()
    return 1
@step.do("second")
async def two():
    ready.set()
    return 2
return await asyncio.gather(one(), two())
"""


async def test_a_suspect_whose_arms_need_each_other_ends(embedded_desk):
    desk = embedded_desk
    desk.deploy(DEPENDENT)
    suspect(desk, [1])
    assert await desk.output(await desk.start(1)) == [1, 2]
