"""A real server: whatever is asked of a run that is to be undone, is being or was undone gets an
answer with a code, never a 500, and in the end everything is undone."""

from __future__ import annotations

import json
from typing import Any

import pytest

MODULE = """
import os
from workers import WorkflowEntrypoint


class Trip(WorkflowEntrypoint):
    async def run(self, event, step):
        path = event["payload"]

        def mark(text):
            with open(path + "/marks", "a") as marks:
                marks.write(f"{event['instanceId']} {text}\\n")

        def undo(*, output, error, ctx):
            mark(f"undo {output} {type(error).__name__}")

        for name in ("flight", "hotel"):

            @step.do(name, rollback=undo)
            async def book():
                mark(name)
                return name

            await book()
        await step.wait_for_event("gate", "go")
        raise LookupError("lost")
"""
GRAPH = {"kind": "workflow", "metadata": {"name": "Trip"}, "module": MODULE, "className": "Trip"}
# What a body may be; none of them is a reason to fall over.
BODIES: list[Any] = [
    None, b"", b"null", b"{}", b"[]", b"true", b"0", b'"rollback"', b"{", b"\xff", b'{"rollback"',
    b'{"rollback": true, "rollback": true}', b'{"rollback": NaN}', b"[" * 100_000,
    *({"rollback": value} for value in (None, 0, 1, "", "true", [], {}, [True], 1e308)),
    {"Rollback": True}, {"rollback": True, "step": "flight"}, {"rollback": False, "": 1},
    *({"step": value} for value in ("", 7, [], {}, "\0", "a" * 10_000, "no such", "stop", "\u202e")),
    *({"step": "flight", "count": value} for value in (0, -1, 1.5, "1", None, 2**63, 10**30, 99)),
    {"step": "hotel · rollback"}, {"onNewest": "yes"}, {"count": 3}, {"step": None, "count": 1},
]  # fmt: skip
VERBS = ("terminate", "restart", "pause", "resume")


@pytest.fixture(scope="module")
def trip(live_server: Any) -> tuple[Any, str, str]:
    place = live_server.data / "tmp"
    return live_server, live_server.deploy(GRAPH)["id"], str(place)


def begun(trip: Any, instance: str) -> str:
    """A run that waits at its gate."""
    server, workflow, place = trip
    body = {"instanceId": instance, "params": place}
    path = f"/workflows/{workflow}/runs/{instance}"
    assert server.api("POST", f"/workflows/{workflow}/trigger", body).status == 201
    server.until(lambda: server.api("GET", path).json["status"] == "waiting")
    return path


def marks(trip: Any, instance: str) -> list[str]:
    with open(f"{trip[2]}/marks") as lines:
        return [line.partition(" ")[2].strip() for line in lines if line.startswith(f"{instance} ")]


@pytest.mark.parametrize("verb", VERBS)
def test_no_body_is_a_reason_to_fall_over(trip: Any, verb: str) -> None:
    server, workflow, _ = trip
    path = begun(trip, f"bad-{verb}")
    for body in BODIES:
        answer = server.api("POST", f"{path}/{verb}", body)
        assert answer.status in (200, 400, 404, 409, 415, 422), (body, answer.text)
        if answer.status != 200:
            assert answer.json["code"]
        shown = server.api("GET", path)
        assert shown.status == 200, shown.text
        assert isinstance(shown.json["rollingBack"], bool)
    for unknown in (f"/workflows/{workflow}/runs/nobody", "/workflows/wf_x/runs/nobody"):
        assert server.api("POST", f"{unknown}/{verb}", {}).status in (404, 422)
    log = server.api("GET", f"{path}/events")
    assert log.status == 200


def test_a_run_is_undone_whatever_it_is_asked_meanwhile(trip: Any) -> None:
    server, workflow, _ = trip
    path = begun(trip, "whole")
    assert server.api("POST", f"{path}/pause").status == 200
    server.until(lambda: server.api("GET", path).json["status"] == "paused")
    told = server.api("POST", f"{path}/terminate", {"rollback": True})
    assert (told.status, told.json["status"] == "paused") == (200, False)
    assert server.api("POST", f"{path}/terminate", {"rollback": True}).status in (200, 409)
    run = server.ended(workflow, "whole")
    assert (run["status"], run["rollingBack"]) == ("terminated", False)
    undone = ["undo hotel RunTerminated", "undo flight RunTerminated"]
    assert marks(trip, "whole") == ["flight", "hotel", *undone]
    assert server.api("POST", f"{path}/restart", {"step": "flight · rollback"}).status == 200
    assert server.ended(workflow, "whole")["status"] == "terminated"
    assert marks(trip, "whole")[4:] == undone[1:]
    types = [entry["type"] for entry in server.api("GET", f"{path}/events").json["data"]]
    assert types.count("run.rolling_back") == 1


def test_many_runs_are_undone_with_one_command(trip: Any) -> None:
    server, workflow, _ = trip
    names = [f"many-{n}" for n in range(12)]
    for name in names:
        begun(trip, name)
    done = server.awaitstep(
        "runs",
        "bulk",
        "terminate",
        workflow,
        "--status",
        "waiting",
        "--rollback",
        "--yes",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["done"] >= len(names)
    for name in names:
        assert server.ended(workflow, name)["status"] == "terminated"
        assert marks(trip, name)[2:] == ["undo hotel RunTerminated", "undo flight RunTerminated"]
