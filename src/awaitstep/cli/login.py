"""`awaitstep login-link`: a way in to the dashboard for whoever may read the data folder."""

from __future__ import annotations

from typing import Annotated

import typer

from awaitstep.cli.failures import Failure
from awaitstep.cli.options import DEFAULT_DATA, Data, Json
from awaitstep.cli.output import moment, say, show


def login_link(
    data: Data = DEFAULT_DATA,
    dashboard_url: Annotated[
        str | None,
        typer.Option(
            "--dashboard-url",
            envvar="AWAITSTEP_DASHBOARD_URL",
            help="What browsers call the dashboard; else where the server was last.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Print a link that signs one browser in to the dashboard, once, within 10 minutes."""
    from awaitstep import wiring
    from awaitstep.cli.strictness import dashboard

    if dashboard_url is not None:
        dashboard_url = dashboard(dashboard_url)
    try:
        link = wiring.login_link(data, dashboard_url)
    except wiring.SetupRefused as error:
        raise Failure(str(error), "setup.refused") from None
    show(
        {"url": link.url, "expiresAt": moment(link.expires_at)}, json, lambda made: str(made["url"])
    )
    if not json:
        say("It signs one browser in, once, within 10 minutes.")
