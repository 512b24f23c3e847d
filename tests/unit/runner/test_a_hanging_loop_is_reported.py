"""The watchdog speaks while the loop cannot, and never waits for anyone."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awaitstep.runner.stacks import where
from awaitstep.runner.watchdog import Watchdog, current_task_label

WAIT = 30.0


class Pipe:
    """The server's end of a control pipe."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        self._rest = b""
        self.lines: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        try:
            *lines, self._rest = (self._rest + os.read(self.reading, 65536)).split(b"\n")
        except BlockingIOError:
            return self.lines
        self.lines += [json.loads(line) for line in lines]
        return self.lines

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.read() if line["type"] == kind]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    for thread in threading.enumerate():
        if thread.name == "watchdog":
            thread.join(WAIT)
    os.close(pipe.reading)
    os.close(pipe.writing)


def block_until_stalled(pipe: Pipe, count: int = 1) -> None:
    end = time.monotonic() + WAIT
    while len(pipe.of("stall")) < count and time.monotonic() < end:
        pass


def start(pipe: Pipe, *, code: Path | None = None, label: str | None = "label") -> Watchdog:
    dog = Watchdog(
        asyncio.get_running_loop(),
        pipe.writing,
        code=code,
        current=lambda: label,
        interval=0.01,
        stall_after=0.1,
    )
    dog.start()
    return dog


async def beats(pipe: Pipe, count: int) -> None:
    async with asyncio.timeout(WAIT):
        while len(pipe.of("beat")) < count:  # noqa: ASYNC110 - the watchdog's thread writes them
            await asyncio.sleep(0.001)


async def test_a_turning_loop_is_no_stall(pipe: Pipe) -> None:
    dog = start(pipe)
    await beats(pipe, 20)
    dog.stop()
    turns = [beat["loop"] for beat in pipe.of("beat")]
    assert turns == sorted(turns)
    assert turns[-1] > turns[0]
    assert pipe.of("stall") == []


async def test_each_stall_is_reported_once(pipe: Pipe) -> None:
    dog = start(pipe, code=Path(__file__).parent)
    block_until_stalled(pipe)
    before = len(pipe.of("beat"))
    while len(pipe.of("beat")) < before + 10:
        pass
    assert len(pipe.of("stall")) == 1
    await beats(pipe, len(pipe.of("beat")) + 5)
    block_until_stalled(pipe, 2)
    dog.stop()
    first, second = pipe.of("stall")
    assert first["file"] == second["file"] == __file__
    assert first["task"] == "label"
    assert first["seconds"] >= 0.1
    assert first["line"] > 0


async def test_a_full_pipe_does_not_hold_it_up(pipe: Pipe) -> None:
    os.set_blocking(pipe.writing, False)
    filler = b'{"type":"filler","text":"' + b"x" * 4000 + b'"}\n'
    try:
        while True:
            os.write(pipe.writing, filler)
    except BlockingIOError:
        pass
    dog = start(pipe)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    # There is room again: the stall that could not be told is told now.
    block_until_stalled(pipe)
    dog.stop()
    assert len(pipe.of("stall")) == 1


@pytest.mark.parametrize("label", ["x" * 10_000, "\0" * 2000, "\ud800", "\n", '"', None])
async def test_any_label_leaves_one_whole_line(pipe: Pipe, label: str | None) -> None:
    dog = start(pipe, label=label)
    block_until_stalled(pipe)
    dog.stop()
    [stall] = pipe.of("stall")
    assert stall["task"] in (label, None, "?")
    assert stall["line"] > 0


async def test_a_failing_label_does_not_cost_the_report(pipe: Pipe) -> None:
    def fail() -> str:
        raise LookupError

    dog = Watchdog(
        asyncio.get_running_loop(),
        pipe.writing,
        code=None,
        current=fail,
        interval=0.01,
        stall_after=0.1,
    )
    dog.start()
    block_until_stalled(pipe)
    dog.stop()
    assert pipe.of("stall")[0]["task"] is None


def test_without_its_server_a_spinning_runner_ends() -> None:
    reading, writing = os.pipe()
    code = """
import asyncio, sys
from awaitstep.runner.watchdog import Watchdog
async def main():
    dog = Watchdog(asyncio.get_running_loop(), int(sys.argv[1]), code=None,
                   current=lambda: None, interval=0.01)
    dog.start()
    while True: pass
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(writing)], pass_fds=[writing])
    os.close(writing)
    try:
        assert os.read(reading, 10)
        os.close(reading)
        assert process.wait(WAIT) == 1
    finally:
        process.kill()
        process.wait(WAIT)


async def test_the_task_of_a_loop_is_named_from_another_thread() -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    task.set_name("the attempt")
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(current_task_label(loop)))
    thread.start()
    thread.join(WAIT)
    assert found == ["the attempt"]


def test_an_idle_loop_has_no_task() -> None:
    loop = asyncio.new_event_loop()
    assert current_task_label(loop) is None
    loop.close()


def test_a_thread_that_has_ended_is_nowhere() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join(WAIT)
    assert thread.ident is not None
    assert where(thread.ident, None) is None


def test_a_folder_whose_name_begins_alike_is_not_the_deployed_code(tmp_path: Path) -> None:
    here = threading.get_ident()
    beside = Path(__file__).with_suffix("")
    place = where(here, beside)
    assert place is not None
    assert place.function == "where"
