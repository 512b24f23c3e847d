"""One run of a hand-written workers module on a server, watched until it ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from awaitstep.cli import credentials
from awaitstep.cli.failures import Failure
from awaitstep.cli.module import Asked, Script
from awaitstep.cli.progress import Progress
from awaitstep.cli.rest import Rest
from awaitstep.engine.states import ENDED
from awaitstep.engine.values import decode

_POLL_SECONDS = 0.3
_HEALTH_SECONDS = 2.0


def server_of(data: Path) -> Rest | None:
    """The server that a data folder's credentials lead to, when it answers."""
    if credentials.read(data) is None:
        return None
    rest = Rest.find(data, None, None)
    try:
        rest.call("GET", "/health", seconds=_HEALTH_SECONDS)
    except Failure:
        rest.close()
        return None
    return rest


def run_to_end(asked: Asked, rest: Rest) -> dict[str, Any]:
    """How the run ended, in JSON. Raises Failure with one sentence."""
    workflow = deploy(rest, asked.script)["workflowId"]
    body: dict[str, Any] = {"instanceId": asked.instance} if asked.instance is not None else {}
    if asked.params is not None:
        body["params"] = decode(asked.params)
    run = rest.post(f"/workflows/{workflow}/trigger", body)
    at = f"/workflows/{workflow}/runs/{run['instanceId']}"
    progress = Progress(run["instanceId"])
    while True:
        ended = run["status"] in ENDED
        for step in rest.get(f"{at}/steps")["data"]:
            for number, attempt in enumerate(step["attempts"], start=1):
                lines = [line["text"] for line in attempt["logs"]]
                progress.printed(step["name"], step["count"], number, lines)
                if (error := attempt["error"]) is not None:
                    what = (error["name"], error["message"], error.get("line"))
                    progress.failed(step["name"], step["count"], number, *what)
        if ended:
            return _answer(run)
        progress.status(run["status"])
        time.sleep(_POLL_SECONDS)
        run = rest.get(at)


def deploy(rest: Rest, script: Script, connection: str | None = None) -> dict[str, Any]:
    """Make the module the active deployment of the workflow named like its file.

    Answers the deployment, with `workflowId`. What is live already is left as it is.
    """
    name = script.path.stem
    module = {
        "kind": "workflow",
        "metadata": {"name": name},
        "module": script.source,
        "className": script.class_name,
    }
    found = rest.named(name)
    if len(found) > 1:
        raise Failure(
            f"Several workflows are named {name!r}; rename the file.", "workflow.ambiguous"
        )
    if found:
        workflow = str(found[0]["id"])
        live = _live(rest, workflow)
        if live is not None and connection in (None, live["connectionId"]):
            version = rest.get(f"/workflows/{workflow}/versions/{live['versionId']}")
            if version["ir"] == module:
                return {**live, "workflowId": workflow}
    else:
        # checked first, so that a module with problems leaves no empty workflow behind
        rest.post("/compile", module)
        workflow = str(rest.post("/workflows", {"name": name})["id"])
    version = rest.post(f"/workflows/{workflow}/versions", {"ir": module})
    body = {"versionId": version["id"]}
    if connection is not None:
        body["connectionId"] = connection
    return {**rest.post(f"/workflows/{workflow}/deploy", body), "workflowId": workflow}


def _live(rest: Rest, workflow: str) -> dict[str, Any] | None:
    for deployment in rest.get(f"/workflows/{workflow}/deployments", limit=1)["data"]:
        if deployment["status"] == "active" and deployment["crashed"] is None:
            found: dict[str, Any] = deployment
            return found
    return None


def _answer(run: dict[str, Any]) -> dict[str, Any]:
    error = run["error"]
    fields = ("name", "message", "step", "line", "traceback")
    return {
        "instanceId": run["instanceId"],
        "status": run["status"],
        "output": run["output"],
        "error": None if error is None else {field: error.get(field) for field in fields},
    }
