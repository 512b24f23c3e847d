"""What `dev` prepares before it serves: a key, the example put live, and a line to paste."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from awaitstep.app import AwaitStep
from awaitstep.app.errors import AppError
from awaitstep.app.sessions import sign_in_url
from awaitstep.cli import credentials, example
from awaitstep.cli.credentials import Credentials
from awaitstep.cli.output import say
from awaitstep.wiring import Server

KEY_NAME: Final = "awaitstep dev"
_LINK_LASTS: Final = 24 * 3600.0
_PARAMS: Final = {"params": {"name": "Ada"}}


@dataclass(frozen=True, slots=True)
class Prepared:
    """`example_url` is None when no example is deployed.

    `browser_url` signs in the browser that is opened, so that the printed link stays good.
    """

    credentials: Credentials
    curl: str
    example_url: str | None
    browser_url: str | None

    def lines(self) -> list[str]:
        """What a person is told; the curl line is one line that works when pasted."""
        found = self.credentials
        return [
            "AwaitStep is starting.",
            "",
            f"  Dashboard   {found.login_url}",
            f"  API         {found.url}/api/docs",
            f"  API key     {found.api_key}",
            f"  Worker URL  {self.example_url or found.worker_url + '/<worker>/'}",
            "",
            "  Start a run:" if self.example_url else "  List workflows:",
            f"  {self.curl}",
            "",
        ]


async def prepare(
    server: Server, folder: Path, addresses: tuple[str, str], *, example: bool, browser: bool
) -> Prepared:
    """Make or reuse key and example, make sign-in links, and write `credentials.json`.

    `addresses` are those of API and Worker URLs. An example that can't go live, say because its
    entry code was broken since, is no reason not to start.
    """
    url, worker_url = addresses
    app, project = server.app, server.home.project.id
    key = await _key(app, project, folder)
    found = Credentials(url, worker_url, key, await _link(app, project, url))
    browser_url = await _link(app, project, url) if browser else None
    deployed = None
    if example:
        try:
            deployed = await _example(app, project)
        except AppError as error:
            say(f"The example is not live: {error}")
    credentials.write(folder, found)
    authorization = shlex.quote(f"Authorization: Bearer {found.api_key}")
    if deployed is None:
        return Prepared(
            found, f"curl -sS {url}/api/workflows -H {authorization}", None, browser_url
        )
    workflow, example_url = deployed
    curl = (
        f"curl -sS -X POST {url}/api/workflows/{workflow}/trigger -H {authorization} "
        f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(_PARAMS))}"
    )
    return Prepared(found, curl, example_url, browser_url)


async def _key(app: AwaitStep, project: str, folder: Path) -> str:
    """The key of the last start while it still opens the project, else a new one in its place."""
    last = credentials.read(folder)
    if last is not None:
        identity = await app.keys.authenticate(last.api_key)
        if identity is not None and identity.project == project:
            return last.api_key
    _, text = await app.keys.replace(project, name=KEY_NAME, scopes=["read", "write", "deploy"])
    return text


async def _link(app: AwaitStep, project: str, url: str) -> str:
    return sign_in_url(url, await app.sessions.link(project, _LINK_LASTS))


async def _example(app: AwaitStep, project: str) -> tuple[str, str]:
    """Workflow id and Worker URL of the example; an earlier start's is kept as it is."""
    graph = example.hello()
    name = graph["metadata"]["name"]
    named = await app.workflows.page(project, 1, None, name)
    if named.items:
        workflow = named.items[0]
    else:
        workflow = await app.workflows.create(project, name=name, ir=graph)
    url = await app.deployments.live_url(workflow)
    return workflow.id, url or (await app.deployments.deploy(project, workflow.id)).url
