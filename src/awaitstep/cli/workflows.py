"""`awaitstep deploy`, `trigger`, `import` and `export`, through the REST API."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awaitstep.cli import graph_file
from awaitstep.cli.failures import Failure
from awaitstep.cli.options import (
    DEFAULT_DATA,
    Data,
    Json,
    Key,
    Url,
    Workflow,
    json_value,
    read_json,
)
from awaitstep.cli.output import adoption, say, show

if TYPE_CHECKING:
    from awaitstep.cli.rest import Rest

# A trigger answers after so many seconds at the latest; from then on the run is asked for (seconds).
_LONGEST_ANSWER = 60
_LOOK_AGAIN = 1.0
# What a file may hold beside its graph and entry code, and an existing workflow takes over.
_BESIDE = ("dependencies", "limits", "payloadSchema")
_ENDED = ("complete", "errored", "terminated")

Connection = Annotated[
    str | None, typer.Option("--connection", help="Connection id; else the project's default.")
]


def deploy(
    what: Annotated[
        str, typer.Argument(help="A graph, export or module file, or a workflow's id or name.")
    ],
    connection: Connection = None,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Put a workflow live and print its Worker URL.

    A graph or export file becomes a new version of the workflow named in it, a Python module one
    of the workflow named like the file; it is made when there is none. An id or a name deploys
    the newest version.
    """
    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        body: dict[str, Any] = {}
        path = Path(what)
        if path.suffix == ".py":
            from awaitstep.cli import module, server_run

            answer = server_run.deploy(rest, module.load(path), connection)
            show(answer, json, _live)
            return
        if path.suffix == ".json" or path.is_file():
            workflow, version = _save(rest, path)
            if version is not None:
                body["versionId"] = version
        else:
            workflow = rest.workflow_id(what)
        if connection is not None:
            body["connectionId"] = connection
        answer = rest.post(f"/workflows/{workflow}/deploy", body)
    answer["workflowId"] = workflow
    show(answer, json, _live)


def trigger(
    workflow: Workflow,
    params: Annotated[
        str | None, typer.Option("--params", help="JSON, @FILE, or - for stdin.")
    ] = None,
    instance: Annotated[str | None, typer.Option("--id", help="The run's instanceId.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same key starts one run only.")
    ] = None,
    priority: Annotated[
        int, typer.Option("--priority", min=-100, max=100, help="Where runs stand in line.")
    ] = 0,
    wait: Annotated[
        int | None, typer.Option("--wait", min=1, help="Seconds to wait for the output.")
    ] = None,
    connection: Connection = None,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Start a run and print its instanceId."""
    from awaitstep.cli.rest import Rest

    body: dict[str, Any] = {}
    if params is not None:
        body["params"] = json_value(params, "--params")
    if instance is not None:
        body["instanceId"] = instance
    if connection is not None:
        body["connectionId"] = connection
    if priority:
        body["priority"] = priority
    headers = {"idempotency-key": idempotency_key} if idempotency_key is not None else None
    asked = time.monotonic()
    with Rest.find(data, url, key) as rest:
        runs = f"/workflows/{rest.workflow_id(workflow)}"
        patience = None if wait is None else min(wait, _LONGEST_ANSWER)
        answer = rest.call(
            "POST",
            f"{runs}/trigger",
            body=body,
            params={"wait": patience},
            headers=headers,
            seconds=30 + (patience or 0),
        )
        while wait and answer["status"] not in _ENDED and time.monotonic() < asked + wait:
            time.sleep(_LOOK_AGAIN)
            answer = rest.get(f"{runs}/runs/{answer['instanceId']}")
    show(answer, json, lambda run: f"{run['instanceId']}  {run['status']}")
    if wait is not None and answer.get("status") in ("errored", "terminated"):
        raise typer.Exit(1)


def import_(
    file: Annotated[Path, typer.Argument(help="An export file.")],
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Make a workflow from an export file, and tell what was changed in it."""
    from awaitstep.cli.rest import Rest

    exported = read_json(file)
    with Rest.find(data, url, key) as rest:
        answer = rest.post("/workflows/import", exported)
    show(answer, json, lambda made: f"{made['id']}  {made['name']}")
    if not json:
        for line in adoption(answer):
            say(line)


def export(
    workflow: Workflow,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, not to stdout.")
    ] = None,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Print a workflow as an export file; it holds no secrets."""
    from json import dumps

    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        answer = rest.get(f"/workflows/{rest.workflow_id(workflow)}/export")
    text = dumps(answer, ensure_ascii=False, indent=2)
    if output is None:
        show(answer, True, str)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise Failure(f"{output} can't be written: {error.strerror}.", "file.unwritable") from None
    show({"file": str(output)}, json, lambda made: f"written to {made['file']}")


def _live(made: dict[str, Any]) -> str:
    return f"{made['workflowId']} is live at {made['url']}"


def _save(rest: Rest, path: Path) -> tuple[str, str | None]:
    """Store what the file holds; returns workflow id, and version id unless that is the newest.

    All of it is checked before any of it is stored.
    """
    file = graph_file.read(path)
    if file.name is None:
        raise Failure(f"{path} names no workflow: it has no metadata.name.", "graph.invalid")
    found = rest.named(file.name)
    if len(found) > 1:
        raise Failure(
            f"Several workflows are named {file.name!r}; deploy by id.", "workflow.ambiguous"
        )
    if not found:
        return str(rest.post("/workflows/import", file.given)["id"]), None
    workflow = f"/workflows/{found[0]['id']}"
    beside = {name: file.given[name] for name in _BESIDE if file.given.get(name) is not None}
    if file.entry_code is not None:
        beside["entryCode"] = file.entry_code
        rest.post("/compile", {"ir": file.graph, "entryCode": file.entry_code})
    version = rest.post(f"{workflow}/versions", {"ir": file.graph})
    if beside:
        rest.call("PATCH", workflow, body=beside)
    return str(found[0]["id"]), str(version["id"])
