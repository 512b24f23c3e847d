from __future__ import annotations

from typing import Any

import pytest

from workers import backend as seam
from workers.bindings import Env, WorkflowBinding
from workers.workflows import WorkflowError


@pytest.fixture
def workflow(backend: Any) -> WorkflowBinding:
    return WorkflowBinding("WORKFLOW", backend)


async def test_create_with_keywords_or_one_dict(workflow: WorkflowBinding, backend: Any) -> None:
    first = await workflow.create(id="one", params={"a": 1}, retention={"x": 1}, location_hint="eu")
    second = await workflow.create({"id": "two", "params": [2]})
    assert (first.id, second.id) == ("one", "two")
    assert backend.instances == {"one": {"a": 1}, "two": [2]}
    assert (await workflow.create()).id == "new-2"
    assert (await workflow.create({"params": 1}, id="three")).id == "three"


async def test_create_refuses_what_it_does_not_know(workflow: WorkflowBinding) -> None:
    with pytest.raises(TypeError, match="unknown option of a new instance: parms"):
        await workflow.create(parms={})
    with pytest.raises(TypeError, match="id is text"):
        await workflow.create(id=5)
    with pytest.raises(TypeError, match="id is text"):
        await workflow.get(None)  # type: ignore[arg-type]


async def test_a_taken_id_and_an_unknown_one_are_workflow_errors(workflow: WorkflowBinding) -> None:
    await workflow.create(id="one")
    with pytest.raises(WorkflowError) as taken:
        await workflow.create(id="one")
    assert taken.value.code == "instance.already_exists"
    assert "(instance.already_exists)" in str(taken.value)
    with pytest.raises(WorkflowError) as unknown:
        await workflow.get("two")
    assert unknown.value.code == "run.not_found"
    assert "(instance.not_found)" in str(unknown.value)


async def test_status_reads_as_dict_and_as_attributes(workflow: WorkflowBinding) -> None:
    status = await (await workflow.create(id="one", params={"a": 1})).status()
    assert status == {"status": "complete", "output": {"params": {"a": 1}}}
    assert status.output.params.a == 1


async def test_a_list_gives_the_instances_that_were_started(workflow: WorkflowBinding) -> None:
    await workflow.create(id="taken")
    started = await workflow.create_batch([{"id": "a"}, {"id": "taken"}, {"params": 1}])
    assert [instance.id for instance in started] == ["a", "new-2"]
    with pytest.raises(WorkflowError, match="too much"):
        await workflow.createBatch([{"params": "refuse"}])


async def test_a_dict_gives_what_was_started_and_what_was_not(
    workflow: WorkflowBinding, backend: Any
) -> None:
    answer = await workflow.create_batch({"instances": [{"id": "a"}, {"id": "a"}]})
    assert [instance.id for instance in answer.created] == ["a"]
    assert answer["errors"][0].code == "instance.already_exists"
    answer = await workflow.create_batch(count=3, params={"n": 1})
    assert [backend.instances[instance.id] for instance in answer.created] == [{"n": 1}] * 3


@pytest.mark.parametrize(
    ("batch", "error"),
    [
        ({"count": 101}, ValueError),
        ({"count": 10**12}, ValueError),
        ({"count": -1}, ValueError),
        ({"count": True}, TypeError),
        ({}, TypeError),
        ({"count": 2, "id": "same"}, TypeError),
        ({"count": 2, "instances": []}, TypeError),
        ({"instances": 5}, TypeError),
        ({"instances": "ab"}, TypeError),
        ("ab", TypeError),
        ([5], TypeError),
        ([{"id": "a", "extra": 1}], TypeError),
        ([{}] * 101, ValueError),
    ],
)
async def test_a_batch_that_makes_no_sense_starts_nothing(
    workflow: WorkflowBinding, backend: Any, batch: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await workflow.create_batch(batch)
    assert backend.instances == {}


async def test_verbs(workflow: WorkflowBinding, backend: Any) -> None:
    one = await workflow.create(id="one")
    await one.pause()
    await one.resume()
    await one.terminate()
    await one.terminate({"rollback": True})
    await one.restart()
    await one.restart({"from": {"name": "ship", "count": 2, "type": "do"}})
    await one.restart(from_="ship")
    assert backend.asked == [
        ("pause", "one", {}),
        ("resume", "one", {}),
        ("terminate", "one", {}),
        ("terminate", "one", {"rollback": True}),
        ("restart", "one", {}),
        ("restart", "one", {"from_step": {"name": "ship", "count": 2, "type": "do"}}),
        ("restart", "one", {"from_step": {"name": "ship", "count": 1}}),
    ]


@pytest.mark.parametrize(
    "start",
    [
        {},
        {"name": 5},
        {"name": "a", "count": 0},
        {"name": "a", "type": "nap"},
        {"name": "a", "x": 1},
    ],
)
async def test_a_restart_from_nowhere_is_refused(
    workflow: WorkflowBinding, backend: Any, start: Any
) -> None:
    one = await workflow.create(id="one")
    with pytest.raises((TypeError, ValueError)):
        await one.restart(from_=start)
    with pytest.raises(TypeError):
        await one.restart({"form": "a"})
    assert backend.asked == []


async def test_events(workflow: WorkflowBinding, backend: Any) -> None:
    one = await workflow.create(id="one")
    await one.send_event({"type": "approval", "payload": {"ok": True}})
    await one.sendEvent(type="approval")
    assert backend.asked == [
        ("send_event", "one", "approval", {"ok": True}),
        ("send_event", "one", "approval", None),
    ]
    for event in ({}, {"type": 5}, {"type": "a", "body": 1}):
        with pytest.raises(TypeError):
            await one.send_event(event)


async def test_the_installed_backend_serves_bindings_without_one(backend: Any) -> None:
    workflow = WorkflowBinding("WORKFLOW")
    with pytest.raises(RuntimeError, match="inside a running worker"):
        await workflow.create()
    seam.install(backend)
    try:
        assert (await workflow.create(id="one")).id == "one"
    finally:
        seam.install(None)


def test_env_reads_by_attribute_and_item_and_never_shows_values(backend: Any) -> None:
    workflow = WorkflowBinding("WORKFLOW", backend)
    env = Env({"API_KEY": "secret", "WORKFLOW": "shadowed"}, {"WORKFLOW": workflow})
    assert env.API_KEY == env["API_KEY"] == "secret"
    assert env.WORKFLOW is workflow
    assert ("API_KEY" in env, "OTHER" in env, list(env)) == (True, False, ["API_KEY", "WORKFLOW"])
    with pytest.raises(AttributeError, match="'MISSING'"):
        env.MISSING  # noqa: B018
    with pytest.raises(KeyError):
        env["MISSING"]
    assert repr(env) == f"{env}" == "Env(API_KEY, WORKFLOW)"
    with pytest.raises(TypeError):
        vars(env)
    with pytest.raises(AttributeError, match="read-only"):
        env.API_KEY = "other"
    with pytest.raises(AttributeError, match="read-only"):
        del env.API_KEY
