"""Code that fights being unloaded, and code that tries to leave, harm nobody."""

from __future__ import annotations

import pytest

from awaitstep.engine.port import Limits, Retention
from awaitstep.engine.states import RunStatus

WAITING = RunStatus.waiting


async def neighbour(desk):
    desk.deploy("return 1", "neighbour")
    assert await desk.output(await desk.start(name="neighbour")) == 1


async def test_code_that_catches_everything_and_asks_again_is_unloaded(embedded_desk):
    desk = embedded_desk
    desk.deploy(
        """
while True:
    try:
        event = await step.wait_for_event("approval", "go", timeout="30 days")
        break
    except BaseException:
        mark("caught")
        if len(open(self.env.EFFECTS).read().split()) > 1000:
            raise
return event.payload
"""
    )
    run = await desk.start()
    await desk.until(run, WAITING)
    await neighbour(desk)
    await desk.engine.send_event("wf", run, "go", b"7")
    assert await desk.output(run) == 7
    assert len(desk.marks()) <= 102
    (slot,) = desk.engine._fleet.slots
    assert slot.stall is None


ARMS = {
    "gather": "await asyncio.gather(nap('a', 1), nap('b', 2), act())",
    "group": """
async with asyncio.TaskGroup() as group:
    group.create_task(nap("a", 1))
    group.create_task(nap("b", 2))
    group.create_task(act())
""",
    "timeout": """
async with asyncio.timeout(3600):
    await asyncio.gather(nap("a", 1), nap("b", 2), act())
""",
    "wait_for": "await asyncio.wait_for(asyncio.gather(nap('a', 1), nap('b', 2), act()), 3600)",
    "shield": "await asyncio.shield(asyncio.gather(nap('a', 1), nap('b', 2), act()))",
    "as_completed": """
for first in asyncio.as_completed([nap("a", 1), nap("b", 2), act()]):
    await first
""",
    "finally": """
async def guarded():
    try:
        await nap("a", 1)
    finally:
        await nap("b", 1)
await asyncio.gather(guarded(), act())
""",
}


@pytest.mark.parametrize("arms", ARMS)
async def test_arms_of_any_kind_run_once_each(desk, arms):
    desk.deploy(
        """
@step.do("act")
async def act(): mark("act")
@step.do("after")
async def after(): mark("after")
async def nap(name, hours):
    await step.sleep(name, f"{hours} hours")
    @step.do(f"woke {name}")
    async def woke(): mark(name)
    await woke()
"""
        + ARMS[arms]
        + "\nawait after()\nreturn 'done'"
    )
    run = await desk.start()
    await desk.has(run, "a")
    await desk.seen(lambda: desk.marks() == ["act"])
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(3600)
    await desk.has(run, "woke a")
    await desk.has(run, "b")
    await desk.until(run, WAITING)
    await desk.reopen()
    assert desk.marks() == ["act", "a"]
    desk.clock.move(3600)
    assert await desk.output(run) == "done"
    assert desk.marks() == ["act", "a", "b", "after"]


LEAVING = {
    "exit in run()": "import sys\nsys.exit(3)",
    "interrupt in run()": "raise KeyboardInterrupt",
    "exit after a step": """
@step.do("one")
def one(): return 1
await one()
raise SystemExit("bye")
""",
    "exit in a thread": """
@step.do("leave", config={"retries": {"limit": 0}})
def leave(): raise SystemExit(3)
await leave()
""",
    "interrupt in a step": """
@step.do("leave", config={"retries": {"limit": 0}})
async def leave(): raise KeyboardInterrupt
await leave()
""",
    "generator exit": "raise GeneratorExit",
    "cancelled": "raise asyncio.CancelledError",
    "a group": "raise BaseExceptionGroup('all', [SystemExit(1), ValueError(2)])",
}


async def test_code_that_leaves_ends_its_own_run(desk):
    desk.deploy("await step.sleep('nap', '1 hour')\nreturn 'fine'", "other")
    other = await desk.start(name="other")
    await desk.until(other, WAITING)
    for how, code in LEAVING.items():
        desk.deploy(code, how)
        error = await desk.error(await desk.start(name=how))
        assert error.name in (
            *("SystemExit", "KeyboardInterrupt", "GeneratorExit"),
            *("CancelledError", "BaseExceptionGroup"),
        ), how
    desk.clock.move(3600)
    assert await desk.output(other) == "fine"


async def test_an_exit_in_an_arm_ends_its_own_run(embedded_desk):
    desk = embedded_desk
    desk.deploy(
        """
async def arm(): raise SystemExit(3)
await asyncio.gather(arm(), step.sleep("nap", "1 hour"))
"""
    )
    await desk.error(await desk.start())
    await neighbour(desk)
    assert len(desk.engine._fleet.slots) == 1


async def test_a_module_that_cannot_be_loaded_ends_its_run(desk):
    for name, source in {
        "syntax": "def (",
        "raises": "raise LookupError('no')",
        "empty": "",
        "exits": "import sys; sys.exit(0)",
        "making": "class W(WorkflowEntrypoint):\n    def __init__(self, *_): raise LookupError('no')",
    }.items():
        desk.deploy("", name)
        head = "from workers import WorkflowEntrypoint\n"
        desk.bundles[name].module.write_text(head + source)
        error = await desk.error(await desk.start(name=name))
        assert error.name in ("SyntaxError", "LookupError", "TypeError", "SystemExit")
    await neighbour(desk)


async def test_a_deployment_that_is_not_there_ends_its_run(desk):
    error = await desk.error(await desk.start(name="gone"))
    assert (error.name, error.code) == ("DeploymentMissing", "deployment.not_found")
    await neighbour(desk)


async def test_a_run_that_waits_for_something_of_its_own_stays(desk):
    desk.deploy(
        """
async def own():
    while not os.path.exists(self.env.EFFECTS):
        await asyncio.sleep(0.002)
    return "own"
return await asyncio.gather(own(), step.sleep("nap", "1 hour"))
"""
    )
    run = await desk.start()
    await desk.has(run, "nap")
    assert (await desk.view(run)).status is RunStatus.running
    desk.effects.touch()
    await desk.until(run, WAITING)
    await desk.reopen()
    desk.clock.move(3600)
    assert await desk.output(run) == ["own", None]


LONG_RUN = """
mark("executed")
@step.do("work")
async def work():
    return 1
for _ in range(200):
    await work()
for n in range(3):
    await step.sleep(f"nap {n}", "1 hour")
    mark(f"woke-{n}")
return (await step.wait_for_event("gate", "go")).payload
"""


async def sleep_on(desk, run, n):
    """The run sleeps for the n-th time."""
    await desk.has(run, f"nap {n}")
    await desk.until(run, WAITING)


async def sleep_out(desk, run):
    for n in range(3):
        await sleep_on(desk, run, n)
        desk.clock.move(3600)
    await desk.has(run, "gate")
    await desk.until(run, WAITING)
    await desk.engine.send_event("wf", run, "go", b"7")
    assert await desk.output(run) == 7
    assert [mark for mark in desk.marks() if mark != "executed"][-3:] == [
        "woke-0", "woke-1", "woke-2",
    ]  # fmt: skip


async def test_a_long_run_is_not_executed_anew_after_each_sleep(desk):
    desk.deploy(LONG_RUN)
    await sleep_out(desk, await desk.start())
    assert desk.marks().count("executed") == 1


async def test_a_long_run_that_rests_survives_the_server(embedded_desk):
    desk = embedded_desk
    desk.deploy(LONG_RUN)
    run = await desk.start()
    await sleep_on(desk, run, 0)
    await desk.reopen()
    await sleep_out(desk, run)
    assert desk.marks().count("executed") == 2


async def test_a_long_run_that_rests_can_be_paused_and_keeps_its_rest(desk):
    desk.deploy(LONG_RUN)
    run = await desk.start()
    await sleep_on(desk, run, 0)
    desk.clock.move(1800)
    await desk.engine.pause("wf", run)
    await desk.until(run, RunStatus.paused)
    desk.clock.move(7200)
    assert (await desk.view(run)).status is RunStatus.paused
    await desk.engine.resume("wf", run)
    await sleep_on(desk, run, 0)
    desk.clock.move(1799)
    await desk.until(run, WAITING)
    assert "woke-0" not in desk.marks()
    desk.clock.move(1)
    await desk.seen(lambda: "woke-0" in desk.marks())
    for n in (1, 2):
        await sleep_on(desk, run, n)
        desk.clock.move(3600)
    await desk.has(run, "gate")


async def test_a_long_run_of_a_workflow_with_limits_keeps_nobody_out(desk):
    desk.deploy(LONG_RUN)
    desk.engine.limit("wf", Limits(concurrency=1), Retention())
    runs = [await desk.start() for _ in range(2)]
    for run in runs:
        await sleep_on(desk, run, 0)
    desk.engine.limit("wf", Limits(), Retention())
    desk.clock.move(3600)
    for run in runs:
        await sleep_on(desk, run, 1)
    # one that rests when the limit comes makes room too
    desk.engine.limit("wf", Limits(concurrency=1), Retention())
    third = await desk.start()
    await sleep_on(desk, third, 0)
