"""What falls due while a run's code is being started reaches that code."""

import asyncio

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.inline import InlineEngine
from awaitstep.engine.port import StartRun
from awaitstep.engine.states import ENDED
from awaitstep.engine.workers import Bundle

MODULE = """
from workers import WorkflowEntrypoint


class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("once more", config={"retries": {"limit": 1, "delay": "60 seconds"}})
        async def again(ctx):
            if ctx["attempt"] == 1:
                raise ValueError("not yet")
            return ctx["attempt"]

        return await again()
"""
TURNS = 500


async def test_an_attempt_that_is_due_before_the_code_is_there(tmp_path):
    module = tmp_path / "worker.py"
    module.write_text(MODULE)

    class Slow:
        async def bundle(self, deployment):
            return Bundle(deployment, "wf", "w", module, "W")

    clock = ManualClock()
    engine = InlineEngine(Slow(), clock=clock)
    await engine.create(StartRun("wf", "dep", "api", None, "one"))
    for turn in range(TURNS):
        await asyncio.sleep(0)
        clock.move(60 if turn == TURNS // 2 else 0)  # the timer looks again at every turn
    run = await engine.get("wf", "one")
    await engine.close()
    assert run.status in ENDED
    assert run.output == b"2"
