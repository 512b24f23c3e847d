"""`env.WORKFLOW` and the handles of instances, from inside a run."""

from __future__ import annotations

import pytest

from awaitstep.engine.errors import RunNotFound
from awaitstep.engine.states import RunStatus

WAITING = RunStatus.waiting
CHILD = """
if event["payload"].get("child"):
    return (await step.wait_for_event("gate", "go")).payload
once = {"retries": {"limit": 0}}
count = iter(range(100))
async def durably(call, *given, **named):
    @step.do(f"call {next(count)}", config=once)
    async def act():
        try:
            answer = await call(*given, **named)
            return answer if isinstance(answer, (dict, list, str)) else None
        except Exception as error:
            return [type(error).__name__, getattr(error, "code", None), str(error)]
    return await act()
flow = self.env.WORKFLOW
"""


async def test_handles_do_what_the_verbs_do(desk):
    desk.deploy(
        CHILD
        + """
async def create():
    made = await flow.create(id="child", params={"child": True})
    return made.id
async def handle(verb, **named):
    child = await flow.get("child")
    return await getattr(child, verb)(**named)
said = [await durably(create)]
await step.wait_for_event("child waits", "child waits")
for verb in ("status", "pause", "status", "pause", "resume", "restart", "terminate", "status"):
    said.append(await durably(handle, verb))
said.append(await durably(handle, "restart"))
said.append(await durably(handle, "send_event", type="go", payload={"a": 1}))
return said
"""
    )
    run = await desk.start({})
    await desk.has(run, "child waits")
    await desk.until("child", WAITING)
    await desk.engine.send_event("wf", run, "child waits", b"null")
    output = await desk.output(run)
    assert output[0] == "child"
    assert output[1] == {"status": "waiting"}
    assert output[2] is None
    assert output[3] == {"status": "paused"}
    assert output[4][:2] == ["WorkflowError", "run.state"]
    assert output[5:8] == [None, None, None]
    assert output[8] == {"status": "terminated"}
    assert output[9:] == [None, None]
    assert await desk.output("child") == {"a": 1}
    child = await desk.view("child")
    assert (child.epoch, child.trigger) == (3, "workflow")


async def test_refusals_carry_their_codes(desk):
    desk.deploy(
        CHILD
        + """
async def missing():
    await flow.get("nobody")
async def create(id):
    return (await flow.create(id=id, params={"child": True})).id
async def not_json():
    await flow.create(params={"at": (1, 2)})
return [await durably(missing), await durably(create, "a b"), await durably(create, "one"),
        await durably(create, "one"), await durably(not_json)]
"""
    )
    answers = await desk.output(await desk.start({}))
    assert answers[0][:2] == ["WorkflowError", "run.not_found"]
    assert answers[0][2].startswith("(instance.not_found)")
    assert answers[1][:2] == ["WorkflowError", "instance.invalid_id"]
    assert answers[2] == "one"
    assert answers[3][:2] == ["WorkflowError", "instance.already_exists"]
    assert answers[4][1] == "value.refused"


async def test_a_batch_answers_for_each(desk):
    desk.deploy(
        CHILD
        + """
async def batch():
    made = await flow.create_batch(instances=[
        {"id": "a", "params": {"child": True}},
        {"id": "no good", "params": {"child": True}},
        {"id": "a", "params": {"child": True}},
        {"params": {"child": True}},
    ])
    return [[one.id for one in made.created], [[e["index"], e["code"]] for e in made.errors]]
return await durably(batch)
"""
    )
    created, errors = await desk.output(await desk.start({}))
    assert created[0] == "a"
    assert len(created) == 2
    assert sorted(errors) == [[1, "instance.invalid_id"], [2, "instance.already_exists"]]
    for child in created:
        await desk.engine.send_event("wf", child, "go", b"1")
        assert await desk.output(child) == 1


async def test_a_run_may_ask_outside_of_steps_too(desk):
    desk.deploy(
        """
if event["payload"].get("child"):
    return "grown"
child = await self.env.WORKFLOW.create(params={"child": True})
status = await child.status()
while status["status"] != "complete":
    await asyncio.sleep(0.005)
    status = await child.status()
return status
"""
    )
    assert await desk.output(await desk.start({})) == {"status": "complete", "output": "grown"}


async def test_a_failed_instance_tells_its_error(desk):
    desk.deploy(
        """
if event["payload"].get("child"):
    raise LookupError("lost")
child = await self.env.WORKFLOW.create(id="child", params={"child": True})
status = await child.status()
while status["status"] != "errored":
    await asyncio.sleep(0.005)
    status = await child.status()
return status["error"]
"""
    )
    answer = await desk.output(await desk.start({}))
    assert answer == {"name": "LookupError", "message": "lost"}
    assert (await desk.view("child")).error.line is not None


async def test_a_run_that_ends_itself_is_ended(desk):
    desk.deploy(
        """
me = await self.env.WORKFLOW.get(event.instanceId)
await me.terminate()
mark("went on")
await step.sleep("nap", "1 hour")
"""
    )
    run = await desk.start()
    await desk.until(run, RunStatus.terminated)
    await desk.engine.delete("wf", run)
    with pytest.raises(RunNotFound):
        await desk.view(run)


async def test_variables_are_there_and_nothing_else_is(desk):
    desk.deploy(
        """
seen = sorted(self.env)
try:
    self.env.NOTHING
except AttributeError as error:
    seen.append(str(error))
return seen
"""
    )
    assert await desk.output(await desk.start()) == [
        "EFFECTS",
        "WORKFLOW",
        "env has no variable or binding 'NOTHING'; set it and deploy again",
    ]
