"""A deployed step tries to open everything that is the server's; a real server, a real workflow.

The graph comes in over REST and runs like any other. The test itself opens every path, so that a
refusal cannot come from a path that does not exist.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from awaitstep.runner import walls

pytestmark = pytest.mark.skipif(
    walls.supported().landlock_abi is None, reason=f"no Landlock: {walls.supported().reason}"
)
SECRET = "SERVERS_OWN_SECRET"
FILES = (
    "secret.key",
    "control.db",
    "control.db-wal",
    "control.db-shm",
    "credentials.json",
    "journal.sqlite",
    "journal.sqlite-wal",
    "journal.sqlite-shm",
    "journal.lock",
)
# What the step does, and answers: the outcome of every try by its path.
CODE = """
import os

def outcome(call, *args):
    try:
        call(*args)
    except BaseException as error:
        return type(error).__name__
    return "allowed"

def read(path):
    with open(path, "rb") as file:
        return file.read(1)

def write(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))

def make(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))

def through_a_link(path):
    link = os.path.join(os.environ["HOME"], "link")
    os.symlink(path, link)
    try:
        read(link)
    finally:
        os.unlink(link)

found = {"read": {}, "write": {}, "list": {}}
for path in event["payload"]["read"]:
    found["read"][path] = outcome(read, path)
for path in event["payload"]["write"]:
    found["write"][path] = outcome(write, path)
for path in event["payload"]["list"]:
    found["list"][path] = outcome(os.listdir, path)
found["links"] = {path: outcome(through_a_link, path) for path in event["payload"]["write"]}
found["made"] = outcome(make, os.path.join(event["payload"]["list"][0], "new"))
found["parent"] = outcome(read, f"/proc/{os.getppid()}/environ")
found["environment"] = dict(os.environ)
found["own"] = outcome(read, "/proc/self/environ")
found["descriptors"] = []
for number in range(3, 256):
    try:
        information = os.fstat(number)
    except OSError:
        continue
    found["descriptors"].append([information.st_dev, information.st_ino])
return found
"""


def graph(code: str) -> dict[str, Any]:
    return {
        "kind": "workflow",
        "metadata": {"name": "Curious"},
        "entryNodeId": "look",
        "nodes": [{"id": "look", "type": "step", "name": "Look", "data": {"code": code}}],
        "edges": [],
    }


@pytest.fixture
def server(new_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(SECRET, "hunter2")
    return new_server("--no-example")


def test_a_step_opens_nothing_of_the_servers(server: Any) -> None:
    data, pid = server.data, server.process.pid
    files = [str(data / name) for name in FILES]
    processes = [f"/proc/{pid}/{name}" for name in ("environ", "mem", "maps", "cmdline", "fd/0")]
    folders = [str(data), f"/proc/{pid}/fd", f"/proc/{pid}/task"]
    assert b"hunter2" in Path(f"/proc/{pid}/environ").read_bytes()
    for path in files:
        assert Path(path).exists(), path
        os.close(os.open(path, os.O_RDWR))
    for path in processes:
        os.close(os.open(path, os.O_RDONLY))
    for folder in folders:
        assert os.listdir(folder)

    deployed = server.deploy(graph(CODE))
    payload = {"read": [*files, *processes], "write": files, "list": folders}
    workflow = deployed["id"]
    started = server.api("POST", f"/workflows/{workflow}/trigger", {"params": payload})
    assert started.status == 201, started.text
    run = server.ended(workflow, started.json["instanceId"])
    assert run["status"] == "complete", run["error"]
    found = run["output"]

    refused = "PermissionError"
    for kind, tried in payload.items():
        assert found[kind] == dict.fromkeys(tried, refused), kind
    assert found["links"] == dict.fromkeys(files, refused)
    assert (found["made"], found["parent"], found["own"]) == (refused, refused, refused)
    assert not (data / "new").exists()
    assert SECRET not in found["environment"]
    assert "hunter2" not in json.dumps(found)
    assert not [name for name in found["environment"] if name.startswith("AWAITSTEP")]
    inodes = {(os.stat(path).st_dev, os.stat(path).st_ino) for path in files}
    assert inodes.isdisjoint(map(tuple, found["descriptors"]))
    assert found["descriptors"]  # it has some, the link among them
