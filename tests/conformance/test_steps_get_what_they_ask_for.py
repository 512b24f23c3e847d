"""Contexts, names, dependencies and configs of steps."""

from __future__ import annotations

import pytest

from awaitstep.engine.states import RunStatus, StepStatus, StepType

WAITING = RunStatus.waiting


async def test_the_context_tells_attempt_count_and_config(desk):
    desk.deploy(
        """
@step.do("plain")
async def plain(ctx): return ctx
@step.do("told", config={"retries": {"limit": 2, "delay": "1 minute", "backoff": "linear"},
                         "timeout": "5 minutes"})
def told(ctx):
    if ctx["attempt"] < 3:
        raise ValueError
    return ctx
return [await plain(), await plain(), await told()]
"""
    )
    run = await desk.start()
    for attempt, delay in ((1, 60), (2, 120)):
        await desk.tried(run, "told", attempt)
        await desk.until(run, WAITING)
        await desk.reopen()
        desk.clock.move(delay)
    plain, again, told = await desk.output(run)
    default = {
        "retries": {"limit": 5, "delay": 10_000, "backoff": "exponential"},
        "timeout": 600_000,
    }
    assert plain == {
        "step": {"name": "plain", "count": 1},
        "epoch": 1,
        "attempt": 1,
        "config": default,
    }
    assert again["step"] == {"name": "plain", "count": 2}
    assert told == {
        "step": {"name": "told", "count": 1},
        "epoch": 1,
        "attempt": 3,
        "config": {
            "retries": {"limit": 2, "delay": 60_000, "backoff": "linear"},
            "timeout": 300_000,
        },
    }


async def test_the_defaults_are_five_retries_from_ten_seconds_doubling(desk):
    desk.deploy(
        """
@step.do("flaky")
async def flaky(ctx):
    mark(ctx["attempt"])
    raise ValueError(f"attempt {ctx['attempt']}")
await flaky()
"""
    )
    run = await desk.start()
    for attempt, delay in enumerate((10, 20, 40, 80, 160), 1):
        await desk.tried(run, "flaky", attempt)
        view = await desk.until(run, WAITING)
        assert view.next_attempt_at == desk.clock.now() + delay
        await desk.reopen()
        desk.clock.move(delay - 0.001)
        assert len(desk.marks()) == attempt
        desk.clock.move(0.001)
    assert (await desk.error(run)).message == "attempt 6"
    assert desk.marks() == [str(n) for n in range(1, 7)]


async def test_a_step_is_a_decorator_named_after_its_function(desk):
    desk.deploy(
        """
@step.do()
async def by_function(): return 1
@step.do("by name")
async def other(): return 2
declared = step.do("never called")(lambda: mark("ran"))
return [await by_function(), await other()]
"""
    )
    run = await desk.start()
    assert await desk.output(run) == [1, 2]
    assert list(await desk.steps(run)) == ["by_function", "by name"]
    assert desk.marks() == []


async def test_dependencies_run_once_for_all_who_want_them(desk):
    desk.deploy(
        """
@step.do()
async def base():
    mark("base")
    return {"n": 1}
@step.do()
async def left(base): return base["n"] + 10
@step.do()
def right(base, ctx): return [base.n + 100, ctx["step"]["name"]]
@step.do("top", concurrent=True)
async def top(left, right): return [left, right]
return await top()
"""
    )
    run = await desk.start()
    assert await desk.output(run) == [11, [101, "right"]]
    assert desk.marks() == ["base"]
    assert set(await desk.steps(run)) == {"base", "left", "right", "top"}


async def test_concurrent_dependencies_wait_side_by_side(desk):
    desk.deploy(
        """
begun = set()
@step.do()
async def red():
    begun.add("red")
    while len(begun) < 2:
        await asyncio.sleep(0)
    return "red"
@step.do()
async def blue():
    begun.add("blue")
    while len(begun) < 2:
        await asyncio.sleep(0)
    return "blue"
@step.do(concurrent=True)
async def both(red, blue): return [red, blue]
return await both()
"""
    )
    assert await desk.output(await desk.start()) == ["red", "blue"]


async def test_dependencies_are_not_run_again_on_replay(desk):
    desk.deploy(
        """
@step.do()
async def base():
    mark("base")
    return 1
@step.do()
async def top(base):
    mark("top")
    return base + 1
first = await top()
await step.sleep("nap", "1 hour")
return [first, await top()]
"""
    )
    run = await desk.start()
    await desk.has(run, "nap")
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(3600)
    assert await desk.output(run) == [2, 2]
    assert desk.marks() == ["base", "top", "top"]
    assert [(s.name, s.count) for s in await desk.engine.history("wf", run)] == [
        ("base", 1),
        ("top", 1),
        ("nap", 1),
        ("top", 2),
    ]


async def test_a_failed_dependency_fails_who_wanted_it(desk):
    desk.deploy(
        """
@step.do(config={"retries": {"limit": 0}})
async def base():
    mark("base")
    raise LookupError("no")
@step.do()
async def top(base): mark("top")
try:
    await top()
except LookupError as error:
    return str(error)
"""
    )
    assert await desk.output(await desk.start()) == "no"
    assert desk.marks() == ["base"]


IMPOSSIBLE = [
        ("@step.do()\nasync def top(stranger): pass\nawait top()", "TypeError"),
        ("@step.do('second')\nasync def first(): pass\n@step.do()\ndef top(first): pass\nawait top()", "TypeError"),
        ("@step.do('')\nasync def top(): pass\nawait top()", "ValueError"),
        ("@step.do('x' * 257)\nasync def top(): pass\nawait top()", "ValueError"),
        ("@step.do('a\\nb')\nasync def top(): pass\nawait top()", "ValueError"),
        ("@step.do(config={'retry': {}})\nasync def top(): pass\nawait top()", "ValueError"),
        ("@step.do(config={'timeout': 0})\nasync def top(): pass\nawait top()", "ValueError"),
        ("await step.sleep('nap', 'a while')", "ValueError"),
        ("await step.sleep('nap', -1)", "ValueError"),
        ("await step.sleep_until('nap', float('nan'))", "ValueError"),
        ("await step.sleep_until('nap', 10**400)", "ValueError"),
        ("await step.sleep_until('nap', None)", "ValueError"),
        ("await step.sleep_until('nap', 'tomorrow')", "ValueError"),
        ("await step.wait_for_event('w', 'go', timeout='2 years')", "ValueError"),
    ]  # fmt: skip


async def test_what_cannot_be_asked_for_is_the_runs_error(desk):
    for n, (code, name) in enumerate(IMPOSSIBLE):
        desk.deploy(code, f"dep{n}")
        run = await desk.start(name=f"dep{n}")
        assert (await desk.error(run)).name == name, code
        assert await desk.steps(run) == {}


async def test_a_step_cannot_start_a_step(desk):
    desk.deploy(
        """
@step.do("inner")
async def inner(): mark("inner")
@step.do("outer", config={"retries": {"limit": 0}})
async def outer(): await inner()
await outer()
"""
    )
    error = await desk.error(await desk.start())
    assert error.name == "RuntimeError"
    assert desk.marks() == []


async def test_moments_that_have_passed_do_not_sleep(desk):
    desk.deploy(
        """
await step.sleep("nothing", 0)
await step.sleep_until("past", event.timestamp - timedelta(days=400))
await step.sleep_until("naive", event.timestamp.replace(tzinfo=None))
await step.sleep_until("text", "2001-02-03T04:05:06Z")
await step.sleep_until("number", 0)
return "awake"
"""
    )
    run = await desk.start()
    for name in ("nothing", "past", "naive", "text", "number"):
        await desk.has(run, name)
        desk.clock.move(0)  # the clock that tests move rings only when it is moved
    assert await desk.output(run) == "awake"


async def test_the_history_shows_every_step_in_the_order_of_asking(desk):
    desk.deploy(
        """
retry = {"retries": {"limit": 1, "delay": "1 minute", "backoff": "constant"}}
@step.do("fine")
async def fine(): return {"a": 1}
@step.do("flaky", config=retry)
async def flaky(ctx):
    if ctx["attempt"] == 1:
        raise ValueError("first")
    return 2
@step.do("broken", config={"retries": {"limit": 0}})
def broken():
    raise LookupError("never")
await fine()
await flaky()
try:
    await broken()
except LookupError:
    pass
await step.sleep("nap", "1 hour")
await step.sleep_until("until", event.timestamp + timedelta(days=1))
await step.wait_for_event("gate", "go", timeout="1 day")
"""
    )
    run = await desk.start()
    begun = desk.clock.now()
    await desk.tried(run, "flaky", 1)
    await desk.until(run, WAITING)
    flaky = (await desk.steps(run))["flaky"]
    assert (flaky.status, flaky.due_at) == (StepStatus.waiting, begun + 60)
    desk.clock.move(60)
    await desk.has(run, "nap")
    await desk.until(run, WAITING)
    desk.clock.move(3600)
    await desk.has(run, "until")
    await desk.until(run, WAITING)
    desk.clock.move(86_400)
    await desk.has(run, "gate")
    await desk.until(run, WAITING)
    await desk.reopen()
    history = await desk.engine.history("wf", run)
    do, sleep, wait = StepType.do, StepType.sleep, StepType.wait
    complete, errored = StepStatus.complete, StepStatus.errored
    assert [(s.name, s.type, s.status, s.output) for s in history] == [
        ("fine", do, complete, b'{"a":1}'),
        ("flaky", do, complete, b"2"),
        ("broken", do, errored, None),
        ("nap", sleep, complete, b"null"),
        ("until", sleep, complete, b"null"),
        ("gate", wait, StepStatus.waiting, None),
    ]
    fine, flaky, broken, nap, until, gate = history
    assert [a.error for a in fine.attempts] == [None]
    assert [(a.error and a.error.message, a.started_at) for a in flaky.attempts] == [
        ("first", begun),
        (None, begun + 60),
    ]
    assert (broken.error.name, broken.error.message, broken.error.step) == (
        "LookupError",
        "never",
        "broken",
    )
    assert broken.error.line is not None
    assert (nap.started_at, nap.ended_at) == (begun + 60, begun + 3660)
    assert until.ended_at == begun + 90_060
    assert (gate.event_type, gate.due_at, gate.ended_at) == ("go", begun + 176_460, None)
    await desk.engine.send_event("wf", run, "go", b"1")
    await desk.output(run)
    view = await desk.view(run)
    assert (view.created_at, view.started_at, view.ended_at) == (begun, begun, begun + 90_060)


async def test_a_timed_out_attempt_is_tried_again(desk):
    desk.deploy(
        """
@step.do("slow", config={"retries": {"limit": 1, "delay": "1 minute"}, "timeout": 100})
async def slow(ctx):
    mark(ctx["attempt"])
    if ctx["attempt"] == 1:
        await asyncio.Event().wait()
    return ctx["attempt"]
return await slow()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["1"])
    if desk.kind == "inline":  # its attempts are timed by the clock that tests move
        desk.clock.move(0.1)
    view = await desk.until(run, WAITING)
    assert (view.error.name, view.error.message) == (
        "TimeoutError",
        "Execution timed out after 100ms",
    )
    await desk.reopen()
    desk.clock.move(60)
    assert await desk.output(run) == 2
    assert desk.marks() == ["1", "2"]


async def test_the_time_limit_of_an_attempt_runs_from_its_start(embedded_desk):
    desk = embedded_desk
    desk.deploy(
        """
import time
@step.do("slow", config={"retries": {"limit": 0}, "timeout": "1 hour"})
async def slow():
    mark("computes")
    clock = time.monotonic()
    while time.monotonic() < clock + 0.3: pass
    await asyncio.sleep(0.05)
    return 1
@step.do("slower", config={"retries": {"limit": 0}, "timeout": 400})
async def slower():
    mark("computes")
    clock = time.monotonic()
    while time.monotonic() < clock + 0.3: pass
    await asyncio.sleep(0.25)
await slow()
return await slower()
"""
    )
    view = await desk.until(await desk.start(), RunStatus.errored)
    assert view.error.message == "Execution timed out after 400ms"
    assert desk.marks() == ["computes", "computes"]


@pytest.mark.parametrize(
    "forgotten", ["one()", 'step.sleep("nap", 1)', 'step.wait_for_event("w", "go")']
)
@pytest.mark.parametrize("desk", ["inline"], indirect=True)  # the other's warnings are its runner's
async def test_who_forgets_to_await_is_warned(desk, forgotten):
    desk.deploy(
        f"""
@step.do("one")
async def one(): mark("one")
{forgotten}
return 1
"""
    )
    with pytest.warns(RuntimeWarning, match="never awaited"):
        assert await desk.output(await desk.start()) == 1
    assert desk.marks() == []
