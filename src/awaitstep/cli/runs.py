"""`awaitstep runs` and `awaitstep events`: runs seen and steered through the REST API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from awaitstep.cli import eventlog
from awaitstep.cli.bulk import bulk
from awaitstep.cli.options import (
    DEFAULT_DATA,
    STATES,
    Data,
    Instance,
    Json,
    Key,
    Url,
    Workflow,
    json_value,
    known_states,
)
from awaitstep.cli.output import show, table
from awaitstep.cli.traces import error_line, traceback_lines

runs = typer.Typer(help="List runs, look into them, steer them.", rich_markup_mode=None)
events = typer.Typer(help="Send events to runs.", rich_markup_mode=None, no_args_is_help=True)

OfWorkflow = Annotated[str | None, typer.Option("--workflow", help="Only this workflow's runs.")]
Status = Annotated[str | None, typer.Option("--status", help=f"Only runs in this state: {STATES}.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")]


@runs.callback(invoke_without_command=True)
def list_by_default(
    context: typer.Context,
    workflow: OfWorkflow = None,
    status: Status = None,
    limit: Limit = 20,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    if context.invoked_subcommand is None:
        list_runs(workflow, status, limit, data, url, key, json)


@runs.command("list")
def list_runs(
    workflow: OfWorkflow = None,
    status: Status = None,
    limit: Limit = 20,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """List runs, newest first."""
    from awaitstep.cli.rest import Rest

    known_states([status] if status is not None else None)
    with Rest.find(data, url, key) as rest:
        path = f"{rest.workflow(workflow)}/runs" if workflow else "/runs"
        found = rest.page(path, limit, status=status)
    show(found, json, _list)


@runs.command("show")
def show_run(
    workflow: Workflow,
    instance: Instance,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Show a run with its output or error."""
    _verb("GET", "", workflow, instance, data, url, key, json)


@runs.command("steps")
def steps(
    workflow: Workflow,
    instance: Instance,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Show every step of a run, with its attempts."""
    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        found = rest.page(f"{rest.run(workflow, instance)}/steps")
    show(found, json, _steps)


@runs.command("pause")
def pause(
    workflow: Workflow,
    instance: Instance,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Let running attempts end and start nothing new."""
    _verb("POST", "/pause", workflow, instance, data, url, key, json)


@runs.command("resume")
def resume(
    workflow: Workflow,
    instance: Instance,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Go on with a paused run."""
    _verb("POST", "/resume", workflow, instance, data, url, key, json)


@runs.command("terminate")
def terminate(
    workflow: Workflow,
    instance: Instance,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Undo its steps first, the last one first.")
    ] = False,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """End a run now; late results are dropped."""
    body = {"rollback": True} if rollback else None
    _verb("POST", "/terminate", workflow, instance, data, url, key, json, body=body)


@runs.command("restart")
def restart(
    workflow: Workflow,
    instance: Instance,
    step: Annotated[
        str | None, typer.Option("--step", help="From this step on; else from the start.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="The step's n-th use.")] = 1,
    on_newest: Annotated[
        bool, typer.Option("--on-newest", help="With the deployment that is active now.")
    ] = False,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Run again under the same id, from the start or from a step."""
    body: dict[str, Any] = {"step": step, "count": count, "onNewest": on_newest}
    _verb("POST", "/restart", workflow, instance, data, url, key, json, body=body)


@runs.command("delete")
def delete(
    workflow: Workflow,
    instance: Instance,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Forget a run that has ended, with its history."""
    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        rest.call("DELETE", rest.run(workflow, instance))
    show({"instanceId": instance}, json, lambda _: f"{instance} is deleted")


runs.command("bulk")(bulk)
runs.command("events")(eventlog.events)


@events.command("send")
def send(
    workflow: Workflow,
    instance: Instance,
    type: Annotated[str, typer.Argument(help="The event's type.")],
    payload: Annotated[
        str | None, typer.Option("--payload", help="JSON, @FILE, or - for stdin.")
    ] = None,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Send an event; it is kept until the run takes it."""
    from awaitstep.cli.rest import Rest

    body = {"type": type, "payload": json_value(payload, "--payload")}
    with Rest.find(data, url, key) as rest:
        answer = rest.post(f"{rest.run(workflow, instance)}/events", body)
    show(answer, json, lambda _: "sent")


_COLUMNS = (
    ("instanceId", "RUN"),
    ("workflowName", "WORKFLOW"),
    ("status", "STATUS"),
    ("trigger", "TRIGGER"),
    ("createdAt", "CREATED"),
)
_FIELDS = (
    *("workflowName", "workflowId", "deploymentId", "trigger", "priority", "epoch"),
    *("createdAt", "startedAt", "endedAt", "nextAttemptAt"),
)


def _verb(
    method: str, verb: str, workflow: str, instance: str, *where: Any, body: Any = None
) -> None:
    from awaitstep.cli.rest import Rest

    data, url, key, as_json = where
    with Rest.find(data, url, key) as rest:
        answer = rest.call(method, f"{rest.run(workflow, instance)}{verb}", body=body)
    show(answer, as_json, _run)


def _list(rows: list[dict[str, Any]]) -> str:
    stale = any(run.get("stale") for run in rows)
    return table(rows, [*_COLUMNS, *([("readAt", "STALE, AS READ")] if stale else [])])


def _run(run: dict[str, Any]) -> str:
    import json

    lines = [f"{run['instanceId']}  {run['status']}"]
    if run.get("stale"):
        lines[0] += f"  (stale: as read at {run['readAt']})"
    for name in _FIELDS:
        if run.get(name) is not None:
            lines.append(f"  {name}: {run[name]}")
    for name in ("params", "output"):
        if run.get(name) is not None:
            lines.append(f"  {name}: {json.dumps(run[name], ensure_ascii=False)}")
    if run.get("error"):
        lines.append("  error: " + error_line(run["error"]))
        lines += traceback_lines(run["error"], "    ")
    return "\n".join(lines)


def _steps(found: list[dict[str, Any]]) -> str:
    rows = [
        {**step, "tries": len(step.get("attempts") or []) + step.get("attemptsLeftOut", 0)}
        for step in found
    ]
    columns = (
        ("name", "STEP"),
        ("type", "TYPE"),
        ("status", "STATUS"),
        ("tries", "ATTEMPTS"),
        ("endedAt", "ENDED"),
    )
    return table(rows, columns)
