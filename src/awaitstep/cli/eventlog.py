"""`awaitstep runs events`: what happened to a run, and what happens while one looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import quote

import typer

from awaitstep.cli.options import DEFAULT_DATA, Data, Instance, Json, Key, Url, Workflow
from awaitstep.cli.output import show, tell
from awaitstep.cli.traces import error_line, traceback_lines


def events(
    workflow: Workflow,
    instance: Instance,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")
    ] = False,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Show the event log of a run: what happened to it, oldest first."""
    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        run = quote(instance, safe="")
        path = f"/workflows/{rest.workflow_id(workflow)}/runs/{run}/events"
        if not follow:
            show(rest.page(path), json, _plain)
            return
        told: list[dict[str, Any]] = []
        for name, entry in rest.events(f"{path}/stream", method="GET"):
            if name != "entry":
                continue
            if json:
                told.append(entry)
            else:
                tell(_plain([entry]))
    if json:
        show(told, json, _plain)


def _plain(log: Iterable[dict[str, Any]]) -> str:
    return "\n".join(line for entry in log for line in _lines(entry))


def _lines(entry: dict[str, Any]) -> list[str]:
    what = [f"{entry['at']}  {entry['type']:<17}"]
    if entry.get("step") is not None:
        use = f" ({entry['count']})" if entry.get("count", 1) != 1 else ""
        what.append(("from " if entry["type"] == "run.restarted" else "") + entry["step"] + use)
    if entry.get("attempt") is not None:
        what.append(f"attempt {entry['attempt']}")
    if entry.get("eventType") is not None:
        what.append(f"event {entry['eventType']}")
    if entry.get("until") is not None:
        what.append(f"until {entry['until']}")
    if entry.get("delay") is not None:
        what.append(f"next in {entry['delay']:g} s")
    if entry.get("deploymentId") is not None:
        what.append(f"with {entry['deploymentId']}")
    if entry.get("leftOut"):
        what.append(f"{entry['leftOut']:,} entries before it were not kept")
    first = ("  ".join([what[0], ", ".join(what[1:])])).rstrip()
    error = entry.get("error")
    if error is None:
        return [first]
    inner = {**error, "step": None}
    return [first, "    " + error_line(inner), *traceback_lines(error, "      ")]
