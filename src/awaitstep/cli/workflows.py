"""`awaitstep deploy`, `trigger`, `import` and `export`, through the REST API."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from awaitstep.cli import graph_file
from awaitstep.cli.endings import answer as how_it_ended
from awaitstep.cli.endings import plain
from awaitstep.cli.failures import Failure
from awaitstep.cli.files import read_json, write_text
from awaitstep.cli.options import DEFAULT_DATA, Data, Json, Key, Url, Workflow, json_value
from awaitstep.cli.output import adoption, say, show, warnings

if TYPE_CHECKING:
    from awaitstep.cli.rest import Rest

# A trigger answers after so many seconds at the latest; from then on the run is asked for (seconds).
_LONGEST_ANSWER = 60
_LOOK_AGAIN = 1.0
# What a file may hold beside its graph and entry code, and an existing workflow takes over.
_BESIDE = ("dependencies", "limits", "payloadSchema")

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
    of the workflow named like the file, or like its folder when the file is called worker.py,
    main.py or the like; it is made when there is none. An id or a name deploys the newest version.
    """
    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        body: dict[str, Any] = {}
        path = Path(what)
        if path.suffix == ".py":
            from awaitstep.cli import module, server_run

            _show_deployed(server_run.deploy(rest, module.load(path), connection), json)
            return
        if graph_file.is_one(what):
            at, version = _save(rest, path, data)
            if version is not None:
                body["versionId"] = version
        else:
            at = rest.workflow(what)
        if connection is not None:
            body["connectionId"] = connection
        answer = rest.post(f"{at}/deploy", body)
    _show_deployed({**answer, "workflowId": at.removeprefix("/workflows/")}, json)


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
    with Rest.find(data, url, key) as rest:
        at = rest.workflow(workflow)
        if wait is not None:
            _wait(rest, at, body, headers, wait, json)
            return
        answer = rest.call("POST", f"{at}/trigger", body=body, headers=headers)
    show(answer, json, lambda run: f"{run['instanceId']}  {run['status']}")


def _wait(
    rest: Rest,
    at: str,
    body: dict[str, Any],
    headers: dict[str, str] | None,
    seconds: int,
    as_json: bool,
) -> None:
    """Start a run and print how it ended. Raises Failure when it has not by then."""
    from awaitstep.engine.states import ENDED

    asked = time.monotonic()
    patience = min(seconds, _LONGEST_ANSWER)
    run = rest.call(
        "POST",
        f"{at}/trigger",
        body=body,
        params={"wait": patience},
        headers=headers,
        seconds=30 + patience,
    )
    while run["status"] not in ENDED and time.monotonic() < asked + seconds:
        time.sleep(_LOOK_AGAIN)
        run = rest.get(f"{at}/runs/{quote(run['instanceId'], safe='')}")
    if not as_json:
        say(f"{run['instanceId']}  {run['status']}")
    show(how_it_ended(run), as_json, plain)
    if run["status"] not in ENDED:
        raise Failure(
            f"Run {run['instanceId']} has not ended within {seconds} s; it goes on.", "wait.timeout"
        )
    if run["status"] != "complete":
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
        answer = rest.get(f"{rest.workflow(workflow)}/export")
    text = dumps(answer, ensure_ascii=False, indent=2)
    if output is None:
        show(answer, True, str)
        return
    write_text(output, text + "\n")
    show({"file": str(output)}, json, lambda made: f"written to {made['file']}")


def _show_deployed(made: dict[str, Any], as_json: bool) -> None:
    if not as_json:
        warnings(made)
    show(made, as_json, lambda made: f"{made['workflowId']} is live at {made['url']}")


def _save(rest: Rest, path: Path, data: Path) -> tuple[str, str | None]:
    """Store what the file holds; returns the workflow's address, and the version's id unless that
    is the newest.

    All of it is checked before any of it is stored.
    """
    file = graph_file.read(path, graph_file.node_types(data))
    if file.name is None:
        raise Failure(f"{path} names no workflow: it has no metadata.name.", "graph.invalid")
    found = rest.named(file.name)
    if found is None:
        return rest.workflow(rest.post("/workflows/import", file.given)["id"]), None
    at = rest.workflow(found)
    beside = {name: file.given[name] for name in _BESIDE if file.given.get(name) is not None}
    if file.entry_code is not None:
        beside["entryCode"] = file.entry_code
        rest.post("/compile", {"ir": file.graph, "entryCode": file.entry_code})
    version = rest.post(f"{at}/versions", {"ir": file.graph})
    if beside:
        rest.call("PATCH", at, body=beside)
    return at, str(version["id"])
