"""What stands around a run in these proofs: the time it starts at, the network, and who it calls."""

from __future__ import annotations

import json

START = 1_800_000_000.0
# Stands for the id of a run that another one started.
CHILD = "c" * 32

# What random graphs call: a workflow that takes its time, and a function.
CALLED = {
    "wf_child": """
from workers import WorkflowEntrypoint


class Child(WorkflowEntrypoint):
    async def run(self, event, step):
        asked = event["payload"]
        await step.sleep("grow", f"{asked['told']['takes']} seconds")
        if asked["told"]["fails"]:
            raise LookupError(asked["node"])
        return {"node": asked["node"]}
""",
    "wf_function": """
import json

from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        asked = await request.json()
        body = json.dumps({"node": asked["node"]})
        headers = {"content-type": "application/json", "content-length": str(len(body))}
        return Response(body, status=asked["status"], headers=headers)
""",
}


def answer(url: str) -> tuple[str, dict[str, str], int]:
    """What a server answers to …/NUMBER/STATUS: body, headers and status."""
    number, status = url.split("/")[-2:]
    body = json.dumps({"node": f"n{number}"})
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    return body, headers, int(status)
