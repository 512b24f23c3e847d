"""`--runner-memory` limits every runner of a server, and who wants more is told so."""

from __future__ import annotations

GRAPH = {
    "kind": "workflow",
    "metadata": {"name": "Greedy"},
    "entryNodeId": "take",
    "nodes": [
        {
            "id": "take",
            "type": "step",
            "name": "Take",
            "position": {"x": 0, "y": 0},
            "data": {
                "code": "return len(bytearray(event['payload'] << 20))",
                "retryLimit": 0,
            },
        },
    ],
    "edges": [],
}


def test_a_step_that_wants_more_fails_and_says_where(new_server):
    server = new_server("--no-example", AWAITSTEP_RUNNER_MEMORY="768")
    workflow = server.deploy(GRAPH)["id"]
    for name, size in (("small", 16), ("large", 2048)):
        body = {"params": size, "instanceId": name}
        assert server.api("POST", f"/workflows/{workflow}/trigger", body).status == 201
    assert server.ended(workflow, "small")["output"] == 16 << 20
    error = server.ended(workflow, "large")["error"]
    assert error["name"] == "MemoryError"
    assert error["line"] is not None
