"""`awaitstep dev` and `awaitstep serve`: one process with dashboard, API, gateway and engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from awaitstep.cli.options import DEFAULT_DATA, Data, Json

Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Dashboard and API; 0 finds one.")
]
WorkerPort = Annotated[
    int, typer.Option("--worker-port", min=0, max=65535, help="Worker URLs; 0 finds one.")
]
Host = Annotated[str, typer.Option("--host", help="The address to listen on.")]
Runners = Annotated[int, typer.Option("--runners", min=1, max=64, help="Runner processes.")]
RunnerMemory = Annotated[
    int | None,
    typer.Option(
        "--runner-memory",
        envvar="AWAITSTEP_RUNNER_MEMORY",
        min=512,
        max=1 << 20,
        help="Address space of each runner (MiB); no limit by default.",
    ),
]
OpenMetrics = Annotated[
    bool,
    typer.Option(
        "--open-metrics", envvar="AWAITSTEP_OPEN_METRICS", help="Answer /metrics without a key."
    ),
]


def dev(
    data: Data = DEFAULT_DATA,
    port: Port = 8080,
    worker_port: WorkerPort = 8787,
    host: Host = "127.0.0.1",
    runners: Runners = 1,
    runner_memory: RunnerMemory = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Do not open the dashboard in a browser.")
    ] = False,
    no_example: Annotated[
        bool, typer.Option("--no-example", help="Do not deploy the example workflow.")
    ] = False,
    open_metrics: OpenMetrics = False,
    json: Json = False,
) -> None:
    """Start everything on this machine, with a key made and an example deployed."""
    from awaitstep.cli.server import Asked, start

    start(
        Asked(
            data=data,
            host=host,
            port=port,
            worker_port=worker_port,
            runners=runners,
            runner_memory=runner_memory,
            open_metrics=open_metrics,
            open_browser=not no_open,
            example=not no_example,
            json=json,
        )
    )


def serve(
    data: Data = DEFAULT_DATA,
    port: Port = 8080,
    worker_port: WorkerPort = 8787,
    host: Host = "127.0.0.1",
    runners: Runners = 1,
    runner_memory: RunnerMemory = None,
    dashboard_url: Annotated[
        str | None,
        typer.Option(
            "--dashboard-url",
            envvar="AWAITSTEP_DASHBOARD_URL",
            help="What browsers call the dashboard, e.g. https://flows.example.com.",
        ),
    ] = None,
    worker_url: Annotated[
        str | None,
        typer.Option(
            "--worker-url",
            envvar="AWAITSTEP_WORKER_URL",
            help="The base of Worker URLs; another host than the dashboard's.",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-key-file",
            envvar="AWAITSTEP_SECRET_KEY_FILE",
            help="The encryption key; else AWAITSTEP_SECRET_KEY holds it.",
        ),
    ] = None,
    open_metrics: OpenMetrics = False,
    json: Json = False,
) -> None:
    """Start a server for production: no example, no key made, no weak settings."""
    from awaitstep.cli.server import Asked, start
    from awaitstep.cli.strictness import production

    start(
        Asked(
            data=data,
            host=host,
            port=port,
            worker_port=worker_port,
            runners=runners,
            runner_memory=runner_memory,
            open_metrics=open_metrics,
            json=json,
            production=production(dashboard_url, worker_url, key_file),
        )
    )
