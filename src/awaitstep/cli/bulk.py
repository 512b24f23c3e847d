"""`awaitstep runs bulk`: one verb on many runs, told beforehand, confirmed once, shown meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awaitstep.cli.failures import Failure, WrongUse
from awaitstep.cli.options import (
    DEFAULT_DATA,
    Data,
    Json,
    Key,
    Url,
    Workflow,
    known,
    known_states,
    known_triggers,
)
from awaitstep.cli.output import say, show

if TYPE_CHECKING:
    from awaitstep.cli.rest import Rest

# A verb, and what it has done to runs.
_DONE = {
    "pause": "paused",
    "resume": "resumed",
    "terminate": "terminated",
    "restart": "restarted",
    "delete": "deleted",
}


def bulk(
    verb: Annotated[str, typer.Argument(help="pause, resume, terminate, restart or delete.")],
    workflow: Workflow,
    status: Annotated[
        list[str] | None, typer.Option("--status", help="Only runs in this state; repeatable.")
    ] = None,
    trigger: Annotated[
        list[str] | None, typer.Option("--trigger", help="Only runs it started; repeatable.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version-id", help="Only runs of this version.")
    ] = None,
    deployment: Annotated[
        str | None, typer.Option("--deployment-id", help="Only runs of this deployment.")
    ] = None,
    created_after: Annotated[
        str | None, typer.Option("--created-after", help="ISO 8601 with a zone.")
    ] = None,
    created_before: Annotated[
        str | None, typer.Option("--created-before", help="ISO 8601 with a zone.")
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="With terminate: undo their steps first.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell how many runs it would change.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Pause, resume, terminate, restart or delete many runs of a workflow."""
    from awaitstep.cli.rest import Rest

    known("verb", [verb], _DONE)
    known_states(status)
    known_triggers(trigger)
    if rollback and verb != "terminate":
        raise WrongUse("Only terminate has a rollback.")
    done = "told to roll back" if rollback else _DONE[verb]
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    if not (yes or dry_run or asks):
        raise WrongUse("Nobody can be asked here; give --yes, or --dry-run first.")
    found = {
        "status": status or None,
        "trigger": trigger or None,
        "versionId": version,
        "deploymentId": deployment,
        "createdAfter": created_after,
        "createdBefore": created_before,
    }
    chosen = {name: value for name, value in found.items() if value is not None}
    with Rest.find(data, url, key) as rest:
        path = f"{rest.workflow(workflow)}/runs/bulk"
        body: dict[str, Any] = {"verb": verb, "filter": chosen}
        if rollback:
            body["rollback"] = True
        outcome = _run(rest, path, {**body, "dryRun": True})
        if not dry_run:
            say(f"{_runs(outcome['done'])} can be {done}, {outcome['skipped']} can't.")
            if not outcome["done"]:
                outcome = {**outcome, "dryRun": False}
            elif yes or _agrees():
                outcome = _run(rest, path, body)
            else:
                raise typer.Exit(1)
    show(outcome, json, lambda outcome: _told(done, outcome))
    if outcome["failed"]:
        raise typer.Exit(1)


def _agrees() -> bool:
    """Typer's own question leaves a blank on stdout, which is for the answer alone."""
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _run(rest: Rest, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The outcome, with a bar until then when a terminal is there."""
    with _bar(sys.stderr.isatty() and "dryRun" not in body) as advance:
        for name, told in rest.events(path, body):
            advance(told)
            if name == "result":
                outcome: dict[str, Any] = told
                return outcome
    raise Failure("The server went away; not all runs were looked at.", "server.away")


@contextmanager
def _bar(shown: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    if not shown:
        yield lambda _: None
        return
    with typer.progressbar(length=1, file=sys.stderr) as bar:

        def advance(told: dict[str, Any]) -> None:
            over = told["done"] + told["failed"] + told["skipped"]
            bar.length = max(told.get("total", over), 1)
            bar.update(over - bar.pos)

        yield advance


def _told(done: str, outcome: dict[str, Any]) -> str:
    if outcome["dryRun"]:
        return f"{_runs(outcome['done'])} can be {done}, {outcome['skipped']} can't"
    lines = [f"{outcome['done']} {done}, {outcome['failed']} failed, {outcome['skipped']} skipped"]
    for error in outcome["errors"]:
        lines.append(f"  {error['instanceId']}: {error['message']} [{error['code']}]")
    return "\n".join(lines)


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
