"""`awaitstep runs events`: what happened to a run, and what happens while one looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

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
        path = f"{rest.run(workflow, instance)}/events"
        if not follow:
            show(rest.page(path), json, _plain)
            return
        told: list[dict[str, Any]] = []
        plain = _Plain()
        for name, entry in rest.events(f"{path}/stream", method="GET"):
            if name != "entry":
                continue
            if json:
                told.append(entry)
            else:
                tell(plain.lines([entry]))
    if json:
        show(told, json, _plain)


def _plain(log: Iterable[dict[str, Any]]) -> str:
    return _Plain().lines(log)


class _Plain:
    """Lines of a log that is told in one or several parts: each traceback stands there once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def lines(self, log: Iterable[dict[str, Any]]) -> str:
        return "\n".join(line for entry in log for line in self._entry(entry))

    def _entry(self, entry: dict[str, Any]) -> list[str]:
        error = entry.get("error")
        if error is None:
            return [_line(entry)]
        told = [_line(entry), "    " + error_line({**error, "step": None})]
        traceback = error.get("traceback")
        if traceback and traceback not in self._told:
            self._told.add(traceback)
            told += traceback_lines(error, "      ")
        return told


def _line(entry: dict[str, Any]) -> str:
    what = [f"{entry['at']}  {entry['type']:<19}"]
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
    return ("  ".join([what[0], ", ".join(what[1:])])).rstrip()
