"""What code learns does not depend on whether it learns it live or again."""

from __future__ import annotations

import pytest

from awaitstep.engine.states import RunStatus

WAITING = RunStatus.waiting

LOOKED_AT_TWICE = """
once = {"retries": {"limit": 0}}
looks = []

async def look(call):
    try:
        value = await call()
        looks.append([type(value).__name__, repr(value)])
    except Exception as error:
        looks.append([type(error).__name__, str(error), getattr(error, "name", None)])

class Custom(Exception):
    pass

@step.do("date", config=once)
async def date(): return {"at": datetime(2026, 5, 6, tzinfo=timezone.utc)}
@step.do("numbers", config=once)
def numbers(): return [1, 1.0, -0.0, 2**64, 10**40, True, None]
@step.do("nested", config=once)
async def nested(): return {"a": [{"b": "é😀"}]}
@step.do("tuple", config=once)
async def pair(): return {"a": [(1, 2)]}
@step.do("bytes", config=once)
def data(): return b"x"
@step.do("half", config=once)
async def half(): return "\\ud800"
@step.do("nan", config=once)
async def nan(): return [float("nan")]
@step.do("key", config=once)
def key(): raise KeyError("k")
@step.do("os", config=once)
def missing(): open("/nowhere/at/all")
@step.do("custom", config=once)
async def custom(): raise Custom("mine")
@step.do("final")
async def final(): raise NonRetryableError("enough")
@step.do("stop", config=once)
def stop(): next(iter([]))
@step.do("exit", config=once)
async def leave(): sys.exit(3)
@step.do("interrupt", config=once)
def interrupt(): raise KeyboardInterrupt
@step.do("group", config=once)
async def group(): raise ExceptionGroup("several", [ValueError(1)])

for call in (
    date, numbers, nested, pair, data, half, nan,
    key, missing, custom, final, stop, leave, interrupt, group,
):
    await look(call)
try:
    await step.wait_for_event("late", "never", timeout="1 minute")
except TimeoutError as error:
    looks.append([type(error).__name__, str(error)])
event = await step.wait_for_event("news", "go")
looks.append([repr(event), type(event).__name__, type(event["timestamp"]).__name__])

@step.do("live looks")
async def keep(): return looks
live = await keep()
await step.sleep("night", "8 hours")
return [live, looks]
"""


async def test_values_and_errors_are_the_same_the_first_time(desk):
    desk.deploy("import sys\n" + LOOKED_AT_TWICE)
    run = await desk.start()
    await desk.has(run, "late")
    await desk.until(run, WAITING)
    desk.clock.move(60)
    await desk.has(run, "news")
    await desk.engine.send_event("wf", run, "go", b'{"a": [1.50]}')
    await desk.has(run, "night")
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(8 * 3600)
    live, again = await desk.output(run)
    assert again == live
    kinds = [kind for kind, *_ in live]
    assert kinds[:3] == ["AttrDict", "list", "AttrDict"]
    assert live[0][1] == "{'at': '2026-05-06T00:00:00+00:00'}"
    assert live[1][1] == f"[1, 1.0, -0.0, {2**64}, {10**40}, True, None]"
    assert [look[2] for look in live[3:7]] == ["ValueRefused"] * 4
    assert "$.a[0]" in live[3][1]
    assert kinds[7:9] == ["KeyError", "FileNotFoundError"]
    assert live[9] == ["StepError", "mine", "Custom"]
    assert live[10][:2] == ["NonRetryableError", "enough"]
    assert [look[2] for look in live[12:15]] == [
        "SystemExit",
        "KeyboardInterrupt",
        "ExceptionGroup",
    ]
    assert live[15] == ["TimeoutError", "Execution timed out after 60000ms"]
    assert live[16][1:] == ["AttrDict", "datetime"]


async def test_a_changed_value_changes_nothing_kept(desk):
    desk.deploy(
        """
@step.do("made")
async def made(): return {"list": [1]}
value = await made()
value["list"].append(2)
await step.sleep("night", "8 hours")
return value
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(8 * 3600)
    assert await desk.output(run) == {"list": [1, 2]}
    assert (await desk.steps(run))["made"].output == b'{"list":[1]}'


async def test_the_event_of_a_run_is_the_same_in_every_life(desk):
    desk.deploy(
        """
def look(): return [event.payload, event.timestamp.isoformat(), event.instanceId, event.workflowName]
before = look()
@step.do("kept")
async def kept(): return before
before = await kept()
await step.sleep("night", "8 hours")
return [before, look()]
"""
    )
    run = await desk.start({"a": 1}, instance="mine")
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(8 * 3600)
    live, again = await desk.output(run)
    assert live == again == [{"a": 1}, "2027-01-15T08:00:00+00:00", "mine", "desk"]


@pytest.mark.parametrize("size", [1024 * 1024 - 2, 1024 * 1024 - 1], ids=["fits", "too large"])
async def test_a_result_is_at_most_a_mebibyte(desk, size):
    desk.deploy(
        f"""
@step.do("large")
async def large():
    mark("ran")
    return "x" * {size}
try:
    return len(await large())
except StepError as error:
    return error.name
"""
    )
    run = await desk.start()
    fits = size == 1024 * 1024 - 2
    assert await desk.output(run) == (size if fits else "ValueTooLarge")
    assert desk.marks() == ["ran"]  # trying again would not make it smaller
    error = (await desk.steps(run))["large"].error
    assert fits or error.code == "value.too_large"


async def test_an_output_that_cannot_be_kept_is_the_runs_error(desk):
    desk.deploy("return {'a': {1, 2}}")
    error = await desk.error(await desk.start())
    assert (error.name, error.code) == ("ValueRefused", "value.refused")
    assert "$.a" in error.message


OPEN = {
    "sleep": 'await step.sleep("open", "1 hour")',
    "wait": 'await step.wait_for_event("open", "go", timeout="1 hour")',
    "step": """
@step.do("open", config={"retries": {"limit": 1, "delay": "1 hour"}})
async def flaky(ctx):
    raise ValueError
await flaky()
""",
}


@pytest.mark.parametrize("kind", OPEN)
async def test_a_replay_that_leaves_out_what_is_open_is_another_path(embedded_desk, kind):
    desk = embedded_desk
    desk.deploy(OPEN[kind])
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.engine.close()
    desk.deploy(
        """
@step.do("new")
async def new(): mark("new")
await new()
"""
    )
    await desk.open()
    desk.clock.move(3600)
    error = await desk.error(run)
    assert error.code == "run.nondeterministic"
    assert "'open'" in error.message
    assert "'new'" in error.message
    assert desk.marks() == []


async def test_a_run_keeps_the_code_it_was_started_with(desk):
    desk.deploy("await step.sleep('nap', '1 hour')\nreturn 'old'", "first")
    run = await desk.start(name="first")
    await desk.until(run, WAITING)
    desk.deploy("await step.sleep('nap', '1 hour')\nreturn 'new'", "second")
    await desk.reopen()
    desk.clock.move(3600)
    assert await desk.output(run) == "old"
    assert (await desk.view(run)).deployment == "first"
