"""What is recorded of a run may be more than one message holds."""

from __future__ import annotations

import pytest

from awaitstep.engine import recorded
from awaitstep.engine.states import RunStatus

BODY = """
@step.do("much")
async def much():
    mark("much")
    return "x" * 400
got = [await much() for _ in range(20)]
await step.wait_for_event("gate", "go")
return [len(each) for each in got]
"""


@pytest.mark.interpreted
@pytest.mark.parametrize("largest", [1, 1_000, 10_000])
async def test_a_replay_is_told_all_of_it(embedded_desk, monkeypatch, largest):
    monkeypatch.setattr(recorded, "LARGEST_PART", largest)
    desk = embedded_desk
    desk.deploy(BODY)
    run = await desk.start()
    await desk.until(run, RunStatus.waiting)
    await desk.reopen()
    await desk.engine.send_event("wf", run, "go", b"1")
    assert await desk.output(run) == [400] * 20
    assert desk.marks() == ["much"] * 20
