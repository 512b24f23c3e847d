"""The disk of a server runs full, or is read-only: what was acknowledged stays, and all are told."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import COMMAND, LiveServer, environment
from tests.crash.disks import Disk, small

MODULE = """
import time
from workers import WorkflowEntrypoint


class Desk(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("one")
        async def one():
            return time.monotonic_ns()

        @step.do("two")
        async def two():
            return time.monotonic_ns()

        first = await one()
        got = await step.wait_for_event("gate", "go")
        return [first, got.payload, await two() > first]
"""
OTHER = MODULE + "# another module, of some size\n" * 1000
GRAPH = {"kind": "workflow", "metadata": {"name": "disk"}, "module": MODULE}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small(tmp_path / "data", 12) as disk:
        yield disk


@pytest.fixture
def server(disk: Disk) -> Iterator[LiveServer]:
    server = LiveServer(disk.folder.parent, ("--no-example",)).start()
    yield server
    if server.process.poll() is None:
        server.stop(signal.SIGKILL)


class Runs:
    """The runs of one workflow that the server has acknowledged."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.workflow = server.deploy(GRAPH)["id"]
        self.acknowledged: list[str] = []
        self.first: dict[str, Any] = {}
        self.asked = 0

    def start(self) -> Any:
        """Ask for one more; the answer."""
        self.asked += 1
        instance = f"r{self.asked}"
        answer = self.server.api(
            "POST", f"/workflows/{self.workflow}/trigger", {"instanceId": instance}
        )
        if answer.status == 201:
            self.acknowledged.append(instance)
        return answer

    def steps(self, instance: str) -> dict[str, Any]:
        answer = self.server.api("GET", f"/workflows/{self.workflow}/runs/{instance}/steps")
        assert answer.status == 200, answer.text
        return {step["name"]: step for step in answer.json["data"]}

    def wait(self) -> None:
        """Until each waits for its event; what its step made is noted."""
        for instance in self.acknowledged:
            self.server.until(lambda instance=instance: "gate" in self.steps(instance))
            self.first.setdefault(instance, self.steps(instance)["one"]["output"])

    def send(self, instance: str) -> Any:
        body = {"type": "go", "payload": instance}
        return self.server.api("POST", f"/workflows/{self.workflow}/runs/{instance}/events", body)

    def all_end_well(self) -> None:
        for instance in self.acknowledged:
            run = self.server.ended(self.workflow, instance)
            if instance in self.first:
                assert run["output"] == [self.first[instance], instance, True]
            assert run["status"] == "complete"
            assert [len(s["attempts"]) for s in self.steps(instance).values()] == [1, 0, 1]

    def fill(self, disk: Disk) -> None:
        """Fill the disk until runs are refused."""
        for _ in range(2000):
            disk.fill()
            answer = self.start()
            if answer.status != 201:
                assert (answer.status, answer.json["code"]) == (503, "journal.unavailable")
                assert "disk is full" in answer.json["error"], answer.text
                return
        raise AssertionError("the disk is never full")


def test_a_full_disk_refuses_and_says_why_and_loses_nothing(server: LiveServer, disk: Disk) -> None:
    runs = Runs(server)
    for _ in range(5):
        assert runs.start().status == 201
    runs.wait()
    idle = server.api("POST", "/workflows", {"name": "idle", "ir": {**GRAPH, "module": OTHER}})
    assert server.api("GET", "/health").status == 200
    runs.fill(disk)
    refused = {
        "journal.unavailable": [
            ("POST", f"/workflows/{runs.workflow}/trigger", {}),
            ("POST", f"/workflows/{runs.workflow}/runs/r1/pause", {}),
            ("POST", f"/workflows/{runs.workflow}/runs/r1/terminate", {}),
            ("POST", f"/workflows/{runs.workflow}/runs/r1/events", {"type": "go", "payload": 1}),
        ],
        "store.unavailable": [
            ("POST", "/workflows", {"name": "new", "ir": GRAPH}),
            ("POST", "/api-keys", {"name": "new", "scopes": ["read"]}),
            ("PATCH", f"/workflows/{runs.workflow}", {"entryCode": "x = 1\n" * 2000}),
        ],
    }
    for code, requests in refused.items():
        for method, path, body in requests:
            answer = server.api(method, path, body)
            assert (answer.status, answer.json["code"]) == (503, code), (path, answer.text)
            assert answer.json["error"].count("full") == 1, answer.text
            assert "retry-after" in answer.headers
    health = server.api("GET", "/health")
    assert (health.status, health.json["code"]) == (503, "journal.unavailable")
    deployed = server.api("POST", f"/workflows/{idle.json['id']}/deploy", {})
    assert (deployed.status, deployed.json["code"]) == (503, "deploy.not_stored")
    assert deployed.json["error"] == "The module can't be stored: No space left on device."
    # what only reads goes on
    assert server.api("GET", f"/workflows/{runs.workflow}/runs").status == 200
    assert runs.steps("r1")["one"]["status"] == "complete"
    disk.free()
    server.until(lambda: runs.start().status == 201)
    server.until(lambda: server.api("GET", "/health").status == 200)
    assert server.api("POST", f"/workflows/{idle.json['id']}/deploy", {}).status == 200
    runs.wait()
    for instance in runs.acknowledged:
        assert runs.send(instance).status < 300
    runs.all_end_well()
    log = server.log.read_text()
    assert log.count("the journal can't be written; runs stay where they are") == 1
    assert log.count("the journal can be written again") == 1
    assert "database or disk is full" in log
    assert "Traceback" not in log


def test_a_server_killed_on_a_full_disk_goes_on_once_there_is_room(
    server: LiveServer, disk: Disk
) -> None:
    runs = Runs(server)
    for _ in range(5):
        assert runs.start().status == 201
    runs.wait()
    runs.fill(disk)
    server.stop(signal.SIGKILL)
    disk.fill()
    said = dev(disk.folder)
    assert said == (1, f"{disk.folder} can't be written: No space left on device.")
    disk.free()
    server.start()
    assert runs.start().status == 201
    runs.wait()
    for instance in runs.acknowledged:
        assert runs.send(instance).status < 300
    runs.all_end_well()


def dev(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and the one line that `awaitstep dev` says."""
    ports = ("--port", "0", "--worker-port", "0")
    return said("dev", "--data", str(folder), "--no-open", *ports, *arguments)


def said(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, env=environment()
    )
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return done.returncode, line


def test_a_read_only_folder_is_refused_in_one_line(tmp_path: Path, disk: Disk) -> None:
    script = tmp_path / "script.py"
    script.write_text(MODULE)
    why = f"{disk.folder} can't be written: Read-only file system."
    for _ in range(2):
        disk.read_only(True)
        assert dev(disk.folder) == (1, why)
        assert dev(disk.folder, "--json") == (1, f'{{"error": "{why}", "code": "data.unusable"}}')
        assert said("run", str(script), "--data", str(disk.folder)) == (1, why)
        disk.read_only(False)
        server = LiveServer(tmp_path, ("--no-example",)).start()  # now it has files in it
        assert server.stop() == 0
