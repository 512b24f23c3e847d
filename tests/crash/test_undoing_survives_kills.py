"""A runner or the server dies in the middle of a handler: it is called again, and the others are
called all the same, each that ended never again."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from awaitstep.engine.states import RunStatus

from .house import House

TRIP = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        async def undo(output, error, ctx):
            name = ctx["step"]["name"]
            if name == "two":
                HANDLER
            mark(f"undone {name} {output} {type(error).__name__}")

        for name in ("one", "two", "three"):

            @step.do(name, rollback=undo, rollback_config=CONFIG)
            async def work():
                return name

            await work()
        if event["payload"] == "fail":
            raise LookupError("lost")
        await step.sleep("nap", 300)
"""
THREE, TWO, ONE = (f"undone {name} {name} " for name in ("three", "two", "one"))


def trip(handler: str, config: str = "ONCE") -> str:
    """Three steps; what undoes the second does this first."""
    return TRIP.replace("HANDLER", handler.strip()).replace("CONFIG", config)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path) as house:
        await house.ready()
        yield house


async def undone(house: House, what: str, meanwhile: Callable[[], Any] | None = None) -> str:
    """A run whose undoing has come to the handler of `two`."""
    instance = await house.start("trip", what)
    if what != "fail":
        await house.reached("trip", instance, RunStatus.waiting)
        await house.engine.terminate("trip", instance, rollback=True)
    await house.marked("two")
    return instance


WAYS = pytest.mark.parametrize(
    ("what", "error", "status"),
    [
        ("fail", "LookupError", RunStatus.errored),
        ("stop", "RunTerminated", RunStatus.terminated),
    ],
)


@WAYS
async def test_a_runner_killed_inside_a_handler(
    house: House, what: str, error: str, status: RunStatus
) -> None:
    house.deploy("trip", trip('await hold("two", "go")'))
    instance = await undone(house, what)
    (pid,) = house.runners()
    os.kill(pid, signal.SIGKILL)
    await house.marked("two", 2)
    house.release("go")
    assert (await house.ended("trip", instance)).status is status
    marks = [mark for mark in house.marks() if mark.startswith("undone")]
    assert marks == [THREE + error, TWO + error, ONE + error]
    step = await house.step("trip", instance, "two · rollback")
    assert [attempt.error and attempt.error.code for attempt in step.attempts] == [
        "runner.died",
        None,
    ]


@WAYS
async def test_a_handler_that_ends_its_runner_each_time(
    house: House, what: str, error: str, status: RunStatus
) -> None:
    """It fails for good, is shown so, and the others are called."""
    house.deploy("trip", trip('mark("two"); os._exit(3)'))
    instance = await undone(house, what)
    assert (await house.ended("trip", instance)).status is status
    marks = [mark for mark in house.marks() if mark.startswith("undone")]
    assert marks == [THREE + error, ONE + error]
    step = await house.step("trip", instance, "two · rollback")
    assert (step.status, len(step.attempts)) == ("errored", 2)
    assert step.error is not None
    assert step.error.code == "runner.died"


async def test_a_handler_that_waits_long_for_its_next_attempt_is_not_in_memory(
    house: House,
) -> None:
    """Nor after the server was opened again; it goes on when somebody lets it, or ends it."""
    config = '{"retries": {"limit": 1, "delay": "30 days"}}'
    house.deploy("trip", trip('mark("two"); raise ValueError("no")', config))
    instance = await undone(house, "fail")

    async def gone() -> bool:
        return not house.engine._runs

    for _ in range(2):
        await house.reached("trip", instance, RunStatus.waiting)
        await house.until(gone, "it stays in memory")
        view = await house.view("trip", instance)
        assert (view.rolling_back, view.error and view.error.message) == (True, "no")
        await house.engine.close()
        await house.open()
    await house.engine.terminate("trip", instance, rollback=True)
    assert (await house.view("trip", instance)).rolling_back
    await house.engine.terminate("trip", instance)
    assert (await house.view("trip", instance)).status is RunStatus.terminated
    assert [mark for mark in house.marks() if mark.startswith("undone")] == [THREE + "LookupError"]


@WAYS
async def test_a_runner_that_is_replaced_takes_no_handler_with_it(
    house: House, what: str, error: str, status: RunStatus
) -> None:
    """A handler ignores its timeout: its runner is replaced, and no other handler runs beside it."""
    handler = """
                mark("two")
                while marks("two") == 1:
                    try:
                        await asyncio.sleep(0.01)
                    except asyncio.CancelledError:
                        mark("told")
"""
    config = '{"retries": {"limit": 1, "delay": 0}, "timeout": 200}'
    house.deploy("trip", trip(handler, config))
    instance = await undone(house, what)
    assert (await house.ended("trip", instance)).status is status
    marks = [mark for mark in house.marks() if mark.startswith("undone")]
    assert marks == [THREE + error, TWO + error, ONE + error]
    step = await house.step("trip", instance, "two · rollback")
    assert [a.error and a.error.name for a in step.attempts] == ["TimeoutError", None]


SERVED = """
import os, time
from workers import WorkflowEntrypoint


class Trip(WorkflowEntrypoint):
    async def run(self, event, step):
        path = event["payload"]

        def mark(text):
            with open(path + "/marks", "a") as marks:
                marks.write(text + "\\n")

        def undo(output, ctx):
            mark(f"undo {output}")
            while output == "two" and not os.path.exists(path + "/go"):
                time.sleep(0.01)
            mark(f"undone {output}")

        for name in ("one", "two", "three"):

            @step.do(name, rollback=undo)
            def work():
                return name

            await work()
        raise LookupError("lost")
"""


def test_a_server_killed_inside_a_handler(new_server: Callable[..., Any]) -> None:
    server = new_server("--no-example")
    graph = {"kind": "workflow", "metadata": {"name": "T"}, "module": SERVED, "className": "Trip"}
    workflow = server.deploy(graph)["id"]
    place = server.data / "tmp"
    body = {"instanceId": "trip", "params": str(place)}
    assert server.api("POST", f"/workflows/{workflow}/trigger", body).status == 201

    def marks() -> list[str]:
        file = place / "marks"
        return file.read_text().splitlines() if file.exists() else []

    for life in (1, 2, 3):
        server.until(lambda life=life: marks().count("undo two") == life)
        server.stop(9)
        server.start()
    (place / "go").touch()
    run = server.ended(workflow, "trip")
    assert (run["status"], run["error"]["message"]) == ("errored", "lost")
    assert marks()[:2] == ["undo three", "undone three"]
    rest = [mark for mark in marks()[2:] if mark != "undo two"]
    assert rest == ["undone two", "undo one", "undone one"]
