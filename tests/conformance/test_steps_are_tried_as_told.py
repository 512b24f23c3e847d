"""Attempts: how many, how far apart, and what ends them."""

from __future__ import annotations

import pytest

from awaitstep.engine.states import RunStatus, StepStatus

WAITING = RunStatus.waiting


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [("constant", [10, 10, 10]), ("linear", [10, 20, 30]), ("exponential", [10, 20, 40])],
)
async def test_delays_follow_the_backoff(desk, backoff, delays):
    desk.deploy(
        f"""
@step.do("flaky", config={{"retries": {{"limit": 3, "delay": "10 seconds", "backoff": "{backoff}"}}}})
async def flaky(ctx):
    mark(ctx["attempt"])
    raise ValueError(f"attempt {{ctx['attempt']}}")
await flaky()
"""
    )
    run = await desk.start()
    for attempt, delay in enumerate(delays, 1):
        waiting = await desk.until(run, WAITING)
        assert waiting.error.message == f"attempt {attempt}"
        assert waiting.next_attempt_at == desk.clock.now() + delay
        desk.clock.move(delay - 1)
        assert desk.marks() == [str(n) for n in range(1, attempt + 1)]
        desk.clock.move(1)
        await desk.seen(lambda attempt=attempt: len(desk.marks()) == attempt + 1)
    error = await desk.error(run)
    assert (error.name, error.message, error.step) == ("ValueError", "attempt 4", "flaky")
    assert len((await desk.steps(run))["flaky"].attempts) == 4


async def test_attempts_survive_a_restart(desk):
    desk.deploy(
        """
@step.do("flaky", config={"retries": {"limit": 1, "delay": "1 hour"}})
def flaky(ctx):
    mark(ctx["attempt"])
    if ctx["attempt"] == 1:
        raise RuntimeError("no")
    return ctx["attempt"]
return await flaky()
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    await desk.reopen()
    assert (await desk.view(run)).status is WAITING
    desk.clock.move(3600)
    assert await desk.output(run) == 2
    assert desk.marks() == ["1", "2"]


async def test_a_step_that_is_tried_very_often_keeps_its_first_and_last_attempts(desk):
    desk.deploy(
        """
@step.do("poll", config={"retries": {"limit": 10_000, "delay": 0, "backoff": "constant"}})
async def poll(ctx):
    if ctx["attempt"] == 101:
        mark("far")
        while not os.path.exists(self.env.EFFECTS + ".go"):
            await asyncio.sleep(0.005)
    if ctx["attempt"] == 121:
        return ctx["attempt"]
    raise ValueError(f"not yet: {ctx['attempt']}")
return await poll()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["far"])
    step = (await desk.steps(run))["poll"]
    assert [a.number for a in step.attempts] == [*range(1, 6), *range(56, 102)]
    await desk.reopen()
    desk.effects.with_suffix(".go").touch()
    assert await desk.output(run) == 121
    step = (await desk.steps(run))["poll"]
    assert [a.number for a in step.attempts] == [*range(1, 6), *range(77, 122)]
    assert step.attempts_left_out == 71
    failed = step.attempts[:-1]
    assert [a.error.message for a in failed] == [f"not yet: {a.number}" for a in failed]
    log = await desk.engine.event_log("wf", run)
    assert [e.left_out for e in log if e.left_out] == [2 * 71]


@pytest.mark.parametrize(
    ("read", "name"), [("self.env.NOTHING", "AttributeError"), ("self.env['NOTHING']", "KeyError")]
)
async def test_a_variable_that_is_not_there_is_asked_for_once(desk, read, name):
    desk.deploy(
        f"""
@step.do("lost")
async def lost():
    mark("tried")
    return {read}
return await lost()
"""
    )
    error = await desk.error(await desk.start())
    assert (error.name, error.step) == (name, "lost")
    assert "NOTHING" in error.message
    assert desk.marks() == ["tried"]


async def test_a_name_that_another_mapping_lacks_is_asked_for_again(desk):
    desk.deploy(
        """
@step.do("lost", config={"retries": {"limit": 1, "delay": "1 second"}})
async def lost():
    mark("tried")
    return {}["NOTHING"]
return await lost()
"""
    )
    run = await desk.start()
    await desk.tried(run, "lost", 1)
    desk.clock.move(1)
    assert (await desk.error(run)).name == "KeyError"
    assert desk.marks() == ["tried", "tried"]


async def test_nonretryable_and_unstorable_results_fail_at_once(desk):
    desk.deploy(
        """
@step.do("final")
async def final():
    mark("final")
    raise NonRetryableError("enough")
@step.do("tuple")
async def pair():
    mark("tuple")
    return {"a": (1, 2)}
errors = []
for call in (final, pair):
    try:
        await call()
    except Exception as error:
        errors.append([type(error).__name__, str(error)])
return errors
"""
    )
    errors = await desk.output(await desk.start())
    assert errors[0] == ["NonRetryableError", "enough"]
    assert "$.a" in errors[1][1]
    assert desk.marks() == ["final", "tuple"]


@pytest.mark.parametrize("kind", ["async def", "def"])
async def test_an_attempt_ends_at_its_timeout(desk, kind):
    pause = "await asyncio.sleep(60)" if kind == "async def" else "import time; time.sleep(0.6)"
    desk.deploy(
        f"""
@step.do("slow", config={{"retries": {{"limit": 0}}, "timeout": 200}})
{kind} slow():
    {pause}
await slow()
"""
    )
    run = await desk.start()
    if desk.kind == "inline":  # its attempts are timed by the clock that tests move
        await desk.has(run, "slow")
        await desk.seen(lambda: bool(desk.clock._alarms))
        desk.clock.move(0.2)
    error = await desk.error(run)
    assert (error.name, error.message) == ("TimeoutError", "Execution timed out after 200ms")


async def test_errors_come_back_as_themselves_or_as_steperror(desk):
    desk.deploy(
        """
class Mine(Exception): pass
once = {"retries": {"limit": 0}}
@step.do("key", config=once)
async def key(): raise KeyError("k")
@step.do("mine", config=once)
async def mine(): raise Mine("m")
seen = []
for call in (key, mine):
    try:
        await call()
    except Exception as error:
        seen.append([type(error).__name__, getattr(error, "name", None), str(error)])
return seen
"""
    )
    assert await desk.output(await desk.start()) == [
        ["KeyError", None, "'k'"],
        ["StepError", "Mine", "m"],
    ]


async def test_code_learns_the_journal_form_the_first_time_too(desk):
    desk.deploy(
        """
@step.do("made")
async def made():
    return {"at": datetime(2026, 1, 2, tzinfo=timezone.utc), "big": 10**30}
value = await made()
return [value.at, value["big"], type(value["at"]).__name__]
"""
    )
    assert await desk.output(await desk.start()) == ["2026-01-02T00:00:00+00:00", 10**30, "str"]


async def test_names_may_repeat_and_dependencies_are_awaited_once(desk):
    desk.deploy(
        """
@step.do("a")
async def a():
    mark("a")
    return 1
@step.do("b")
async def b(a, ctx):
    return [a, ctx["step"]["count"]]
return [await b(), await b(), await a()]
"""
    )
    run = await desk.start()
    assert await desk.output(run) == [[1, 1], [1, 2], 1]
    assert desk.marks() == ["a", "a"]
    history = await desk.engine.history("wf", run)
    assert [(step.name, step.count) for step in history] == [("a", 1), ("b", 1), ("b", 2), ("a", 2)]
    assert all(step.status is StepStatus.complete for step in history)


async def test_system_exit_ends_the_attempt_and_nothing_else(desk):
    desk.deploy(
        """
@step.do("leave", config={"retries": {"limit": 0}})
async def leave():
    raise SystemExit(3)
await leave()
"""
    )
    assert (await desk.error(await desk.start())).name == "SystemExit"
    assert (await desk.error(await desk.start())).message == "3"
