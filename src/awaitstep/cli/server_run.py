"""One run of a hand-written workers module on a server, watched until it ends."""

from __future__ import annotations

import time
from typing import Any

from awaitstep.cli.endings import answer
from awaitstep.cli.module import Asked, Script
from awaitstep.cli.output import warnings
from awaitstep.cli.progress import Progress
from awaitstep.cli.rest import Rest
from awaitstep.engine.states import ENDED
from awaitstep.engine.values import decode

_POLL_SECONDS = 0.3


def run_to_end(asked: Asked, rest: Rest) -> dict[str, Any]:
    """How the run ended, in JSON. Raises Failure with one sentence."""
    deployed = deploy(rest, asked.script)
    # nobody is told of a URL here
    told = [one for one in deployed["warnings"] if one["code"] != "module.no_handler"]
    warnings({**deployed, "warnings": told})
    workflow = deployed["workflowId"]
    body: dict[str, Any] = {"instanceId": asked.instance} if asked.instance is not None else {}
    if asked.params is not None:
        body["params"] = decode(asked.params)
    run = rest.post(f"/workflows/{workflow}/trigger", body)
    at = f"/workflows/{workflow}/runs/{run['instanceId']}"
    progress = Progress(run["instanceId"])
    while True:
        ended = run["status"] in ENDED
        for step in rest.page(f"{at}/steps"):
            for attempt in step["attempts"]:
                number = attempt["number"]
                lines = [line["text"] for line in attempt["logs"]]
                progress.printed(step["name"], step["count"], number, lines)
                if (error := attempt["error"]) is not None:
                    what = (error["name"], error["message"], error.get("line"))
                    progress.failed(step["name"], step["count"], number, *what)
        if ended:
            return answer(run)
        progress.status(run["status"])
        time.sleep(_POLL_SECONDS)
        run = rest.get(at)


def deploy(rest: Rest, script: Script, connection: str | None = None) -> dict[str, Any]:
    """Make the module the active deployment of the workflow that its file names.

    Answers what deploying does, with `workflowId`. What is live already is left as it is.
    """
    name = script.name
    module = {
        "kind": "workflow",
        "metadata": {"name": name},
        "module": script.source,
        "className": script.class_name,
    }
    workflow = rest.named(name)
    newest = None
    if workflow is None:
        # checked first, so that a module with problems leaves no empty workflow behind
        rest.post("/compile", module)
        workflow = str(rest.post("/workflows", {"name": name})["id"])
    else:
        newest = rest.get(f"/workflows/{workflow}/full")["version"]
    if newest is None or newest["ir"] != module:
        newest = rest.post(f"/workflows/{workflow}/versions", {"ir": module})
    body = {"versionId": newest["id"], "unlessLive": True}
    if connection is not None:
        body["connectionId"] = connection
    return {**rest.post(f"/workflows/{workflow}/deploy", body), "workflowId": workflow}
