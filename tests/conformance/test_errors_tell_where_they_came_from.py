"""A failed attempt and a failed run carry a traceback in the module's own lines, on every engine."""

from __future__ import annotations

import re

import pytest

MODULE = """
import json as parser
def parse(text):
    return parser.loads(text)
@step.do("read", config={"retries": {"limit": 0}})
async def read():
    return parse("{")
%s
"""


def lines_of(desk, name="dep"):
    return (desk.folder / "deployments" / f"{name}.py").read_text().splitlines()


def frames(traceback):
    return re.findall(r'File "(.*)", line (\d+), in (\w+)\n    (.*)', traceback)


async def test_a_failed_step_names_the_lines_that_led_to_it(desk):
    desk.deploy(MODULE % "await read()")
    run = await desk.start()
    error = await desk.error(run)
    await desk.reopen()
    assert (await desk.view(run)).error == error
    step = (await desk.steps(run))["read"]
    assert step.error.traceback == step.attempts[0].error.traceback == error.traceback
    told = frames(error.traceback)
    assert [(file, function) for file, _, function, _ in told] == [
        ("worker.py", "read"),
        ("worker.py", "parse"),
    ]
    source = lines_of(desk)
    assert all(source[int(line) - 1].strip() == text for _, line, _, text in told)
    assert error.line == int(told[-1][1])
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert error.traceback.splitlines()[-1] == f"JSONDecodeError: {error.message}"


async def test_an_error_of_the_body_has_those_it_came_from(desk):
    desk.deploy(
        MODULE
        % """
try:
    parse("[")
except ValueError as error:
    raise RuntimeError("nothing to read") from error
"""
    )
    error = await desk.error(await desk.start())
    assert error.traceback.count("Traceback") == 2
    assert "direct cause" in error.traceback
    assert error.traceback.index("JSONDecodeError") < error.traceback.index("RuntimeError")
    assert str(desk.folder) not in error.traceback
    assert {file for file, *_ in frames(error.traceback)} == {"worker.py"}


async def test_errors_of_arms_are_all_told(desk):
    desk.deploy(
        MODULE
        % """
async def arm(name):
    raise ValueError(name)
async with asyncio.TaskGroup() as arms:
    arms.create_task(arm("left"))
    arms.create_task(arm("right"))
"""
    )
    error = await desk.error(await desk.start())
    assert "ValueError: left" in error.traceback
    assert "ValueError: right" in error.traceback


async def test_a_blocking_step_tells_as_much(desk):
    desk.deploy(
        MODULE
        % """
@step.do("blocks", config={"retries": {"limit": 0}})
def blocks():
    return parse("")
await blocks()
"""
    )
    error = await desk.error(await desk.start())
    assert [function for _, _, function, _ in frames(error.traceback)] == ["blocks", "parse"]


@pytest.mark.parametrize(("body", "said"), [("return {1, 2}", "set"), ("exit(3)", "3")])
async def test_an_error_of_nobodys_lines_says_what_it_knows(desk, body, said):
    desk.deploy(body)
    error = await desk.error(await desk.start())
    assert said in error.message
    assert error.traceback is None or "awaitstep" not in error.traceback


async def test_an_attempt_that_timed_out_says_where_it_was(desk):
    desk.deploy(
        """
import time
ONCE = {"retries": {"limit": 0}, "timeout": 300}
async def inner():
    mark("waits")
    await asyncio.sleep(1000)
@step.do("waits", config=ONCE)
async def waits():
    await inner()
def block(until):
    mark("blocks")
    while not os.path.exists(until):
        time.sleep(0.001)
@step.do("blocks", config=ONCE)
def blocks():
    block(self.env.EFFECTS + ".done")
await asyncio.gather(waits(), blocks(), return_exceptions=True)
"""
    )
    run = await desk.start()
    await desk.seen(lambda: set(desk.marks()) == {"waits", "blocks"})
    desk.clock.move(1)  # a runner has a clock of its own
    await desk.output(run)
    (desk.folder / "tmp" / "effects.done").touch()
    steps = await desk.steps(run)
    for name, inner in (("waits", "inner"), ("blocks", "block")):
        error = steps[name].error
        told = frames(error.traceback)
        assert [function for _, _, function, _ in told] == [name, inner]
        assert error.line == int(told[-1][1])
        assert error.traceback.endswith(f"TimeoutError: {error.message}\n")
