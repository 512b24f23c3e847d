"""The server process: sockets, engine, applications, signals, in that order and back.

What `dev` adds to `serve` is in `bootstrap.py`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvloop

from awaitstep.app.errors import AppError
from awaitstep.cli import credentials, listeners, logs
from awaitstep.cli.bootstrap import Prepared, prepare
from awaitstep.cli.failures import Failure
from awaitstep.cli.folders import usable
from awaitstep.cli.listeners import Listeners
from awaitstep.cli.rest import Rest
from awaitstep.cli.strictness import Production
from awaitstep.engine.errors import JournalDamaged, JournalLocked, JournalUnavailable
from awaitstep.interpreter import tune
from awaitstep.wiring import Settings, SetupRefused, open_server

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for; `production` is None for `dev`."""

    data: Path
    host: str
    port: int
    worker_port: int
    runners: int
    json: bool
    runner_memory: int | None = None  # MiB
    open_browser: bool = False
    example: bool = False
    production: Production | None = None
    open_metrics: bool = False


def start(asked: Asked) -> None:
    """Run until a signal. Raises Failure with one sentence."""
    logs.configure(as_json=asked.production is not None)
    os.umask(0o077)  # databases and journals are nobody else's business
    folder = usable(asked.data).absolute()
    with (
        _bind(asked, folder, asked.port, "--port") as api,
        _bind(asked, folder, asked.worker_port, "--worker-port") as gateway,
    ):
        listeners.allow_many_connections()
        try:
            uvloop.run(_serve(asked, folder, api, gateway))
        except JournalLocked:
            raise _already_running(folder) from None
        except JournalDamaged as error:
            raise Failure(str(error), error.code) from None
        except JournalUnavailable as error:
            raise Failure(f"{folder} can't be used: {error}", error.code) from None
        except AppError as error:
            raise Failure(str(error), error.code) from None
        except SetupRefused as error:
            raise Failure(str(error), "setup.refused") from None


async def _serve(asked: Asked, folder: Path, api: socket.socket, gateway: socket.socket) -> None:
    both = Listeners()
    both.catch_signals()
    own = (_address(asked.host, api), _address(asked.host, gateway))
    production = asked.production
    settings = Settings(
        data=folder,
        runners=asked.runners,
        runner_bytes=None if asked.runner_memory is None else asked.runner_memory << 20,
        dashboard_url=production.dashboard_url if production else own[0],
        worker_url=production.worker_url if production else own[1],
        host_form=production is not None,
        key=production.key if production else None,
        open_metrics=asked.open_metrics,
    )
    async with open_server(settings) as server:
        if production is None:
            opens = asked.open_browser and _has_screen()
            prepared = await prepare(server, folder, own, example=asked.example, browser=opens)
            _announce(prepared, asked)
        else:
            structlog.get_logger("awaitstep").info("serving", url=own[0], worker_url=own[1])
        tune()
        both.serve(server.api, api)
        both.serve(server.gateway, gateway)
        await both.until_stopped()


def _announce(prepared: Prepared, asked: Asked) -> None:
    found = prepared.credentials
    if asked.json:
        value = {
            "url": found.url,
            "workerUrl": found.worker_url,
            "apiKey": found.api_key,
            "loginUrl": found.login_url,
            "exampleUrl": prepared.example_url,
            "curl": prepared.curl,
        }
        print(json.dumps(value), flush=True)
    else:
        print("\n".join(prepared.lines()), flush=True)
    if prepared.browser_url is not None:
        # some browsers return only when they are closed
        opened = (prepared.browser_url,)
        threading.Thread(target=webbrowser.open, args=opened, daemon=True).start()


def _has_screen() -> bool:
    """Whether a browser would open in a window, not take over a terminal or a server's log."""
    screen = sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return sys.stdout.isatty() and screen


def _bind(asked: Asked, folder: Path, port: int, option: str) -> socket.socket:
    try:
        return listeners.bind(asked.host, port, option)
    except Failure:
        if _answers(folder):
            raise _already_running(folder) from None
        raise


def _answers(folder: Path) -> bool:
    """Whether the server of this folder runs: only it knows the folder's key."""
    rest = Rest.of_folder(folder)
    if rest is not None:
        rest.close()
    return rest is not None


def _already_running(folder: Path) -> Failure:
    found = credentials.read(folder)
    where = f", at {found.url}" if found is not None else ""
    return Failure(f"Another AwaitStep server is using {folder}{where}.", "journal.locked")


def _address(host: str, listener: socket.socket) -> str:
    name = _ANY.get(host, host)
    shown = f"[{name}]" if ":" in name else name
    return f"http://{shown}:{listener.getsockname()[1]}"
