"""`awaitstep run` is a durable run like any other: retries, output, and life after kill -9."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMAND = [sys.executable, "-c", "from awaitstep.cli import main; main()", "run"]

RETRIED = """
from workers import WorkflowEntrypoint

class Flow(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("flaky", config={"retries": {"limit": 1, "delay": "1 second"}})
        async def flaky(ctx):
            if ctx["attempt"] == 1:
                raise ValueError("not yet")
            return event.payload["a"]
        return {"got": await flaky(), "env": self.env.X}
"""

FAILING = """
from workers import WorkflowEntrypoint
from workers.workflows import NonRetryableError

class Flow(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("broken")
        async def broken():
            raise NonRetryableError("no such order")
        await broken()
"""

QUICK = """
from workers import WorkflowEntrypoint

class Flow(WorkflowEntrypoint):
    async def run(self, event, step):
        return "quick"
"""

SLEEPING = """
import os
from workers import WorkflowEntrypoint

class Flow(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("once")
        def once():
            with open(os.environ["HOME"] + "/count", "a") as file:
                file.write("x")
            return "kept"
        got = await once()
        await step.sleep("nap", "3 seconds")
        return got
"""

HEADED = """
# /// script
# dependencies = ["tiny>=1"]
# ///
import tiny
from workers import WorkflowEntrypoint

class Flow(WorkflowEntrypoint):
    async def run(self, event, step):
        return tiny.V
"""


def run(tmp_path: Path, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "flow.py"
    file.write_text(source)
    return subprocess.run(
        [*COMMAND, str(file), *arguments], capture_output=True, text=True, timeout=60
    )


def test_the_first_failure_is_told_and_the_output_printed(tmp_path):
    got = run(tmp_path, RETRIED, "--params", '{"a": [1, "\u00fc"]}', "--env", "X=5")
    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout) == {"got": [1, "\u00fc"], "env": "5"}
    assert "step 'flaky', attempt 1 failed: ValueError: not yet (line 9)" in got.stderr
    assert "Traceback" not in got.stderr


def test_a_run_that_fails_exits_with_1_and_names_the_step(tmp_path):
    got = run(tmp_path, FAILING, "--json")
    assert got.returncode == 1, got.stderr
    answer = json.loads(got.stdout)
    assert answer["status"] == "errored"
    assert answer["error"]["message"] == "no such order"
    assert "step 'broken', attempt 1 failed" in got.stderr
    assert 'File "worker.py"' in answer["error"]["traceback"]
    assert "in broken" in run(tmp_path, FAILING).stdout


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    data = tmp_path / "data"
    arguments = ("--data", str(data), "--id", "mine")
    file = tmp_path / "flow.py"
    file.write_text(SLEEPING)
    first = subprocess.Popen([*COMMAND, str(file), *arguments], stderr=subprocess.PIPE, text=True)
    assert first.stderr is not None
    with contextlib.closing(first.stderr) as lines:
        until(lambda: "waiting" in lines.readline())
        first.send_signal(signal.SIGKILL)
        first.wait(10)
    second = run(tmp_path, SLEEPING, *arguments)
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout) == "kept"
    assert (data / "tmp" / "count").read_text() == "x"


def test_a_folder_in_use_is_one_sentence(tmp_path, monkeypatch):
    data = tmp_path / "data"
    file = tmp_path / "flow.py"
    file.write_text(SLEEPING.replace("3 seconds", "1 hour"))
    first = subprocess.Popen(
        [*COMMAND, str(file), "--data", str(data)], stderr=subprocess.PIPE, text=True
    )
    assert first.stderr is not None
    with contextlib.closing(first.stderr) as lines:
        until(lambda: "waiting" in lines.readline())
        second = run(tmp_path, SLEEPING, "--data", str(data))
        # that its folder is named for every command does not make it the one of such a run
        monkeypatch.setenv("AWAITSTEP_DATA", str(data))
        without = run(tmp_path, QUICK, "--own-journal")
        variable = run(tmp_path, QUICK, "--env", "X=1")
        os.kill(first.pid, signal.SIGINT)
        assert first.wait(30) == 130
    assert (without.returncode, without.stdout, without.stderr) == (0, '"quick"\n', "")
    assert (variable.returncode, variable.stdout) == (0, '"quick"\n')
    assert (second.returncode, len(second.stderr.splitlines())) == (1, 1)
    assert "Another AwaitStep server is using" in second.stderr


def test_a_script_has_the_packages_of_its_header(tmp_path, wheels, monkeypatch):
    wheels.add("tiny", "1.0", __init__="V = '1.0'")
    for name, value in wheels.variables.items():
        monkeypatch.setenv(name, value)
    got = run(tmp_path, HEADED, "--own-journal")
    assert (got.returncode, json.loads(got.stdout)) == (0, "1.0"), got.stderr
    assert "Installed tiny 1.0" in got.stderr
    refused = run(tmp_path, HEADED.replace("tiny>=1", "tiny>=2"), "--own-journal")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "tiny>=2" in refused.stderr
    assert "Traceback" not in refused.stderr
    refused = run(tmp_path, HEADED.replace("tiny>=1", "./tiny"), "--json")
    assert json.loads(refused.stderr)["code"] == "module.packages"


def until(met, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it did not happen in time"


PRINTING = """
from workers import WorkflowEntrypoint

class Flow(WorkflowEntrypoint):
    async def run(self, event, step):
        print("in the body")
        @step.do("talk")
        def talk():
            print("in the step")
        await talk()
        return 1
"""


def test_what_is_printed_is_told_beside_the_answer(tmp_path):
    done = run(tmp_path, PRINTING, "--own-journal", "--json")
    assert json.loads(done.stdout)["output"] == 1
    assert "talk: in the step\n" in done.stderr
    [outside] = [line for line in done.stderr.splitlines() if "in the body" in line]
    assert "worker=flow" in outside
    assert "instance=" in outside
