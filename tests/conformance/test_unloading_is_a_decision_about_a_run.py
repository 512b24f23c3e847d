"""Code that fights being unloaded, and code that tries to leave, harm nobody."""

from __future__ import annotations

import pytest

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
