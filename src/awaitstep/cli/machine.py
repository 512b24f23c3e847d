"""`awaitstep doctor`: what would go wrong on this machine, before it does."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from awaitstep.cli.options import DEFAULT_DATA, Data, Json
from awaitstep.cli.output import show


def doctor(
    data: Data = DEFAULT_DATA,
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Dashboard and API.")
    ] = 8080,
    worker_port: Annotated[
        int, typer.Option("--worker-port", min=1, max=65535, help="Worker URLs.")
    ] = 8787,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    crash_test: Annotated[
        bool,
        typer.Option(
            "--crash-test",
            help="Kill a server of its own again and again; see that nothing is lost.",
        ),
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, max=86_400, help="How long the crash test kills.")
    ] = 45,
    json: Json = False,
) -> None:
    """Check Python, SQLite, isolation, the data folder, ports, clock and disk."""
    if crash_test:
        from awaitstep.cli.crashing import crash_and_report

        crash_and_report(data, seconds, json)
        return
    from awaitstep.cli.checks import all_findings

    findings = all_findings(data, host, port, worker_port)
    healthy = all(finding.level != "problem" for finding in findings)
    lines = [f"{finding.level:8} {finding.check}: {finding.message}" for finding in findings]
    answer = {"ok": healthy, "checks": [asdict(finding) for finding in findings]}
    show(answer, json, lambda _: "\n".join(lines))
    if not healthy:
        raise typer.Exit(1)
