"""Whether this machine can run a server well, as a list of findings.

Each check looks at one thing and changes nothing that lasts.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal

from awaitstep.cli import credentials

Level = Literal["ok", "warning", "problem"]

OLDEST_PYTHON: Final = (3, 11)
OLDEST_SQLITE: Final = (3, 37, 0)  # STRICT tables
LITTLE_DISK: Final = 1024**3
NO_DISK: Final = 100 * 1024**2
EARLIEST: Final = 1_767_225_600  # 2026-01-01; a clock before that was never set


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw."""

    check: str
    level: Level
    message: str


def all_findings(data: Path, host: str, port: int, worker_port: int) -> list[Finding]:
    """What every check saw."""
    return [
        python(sys.version_info[:3]),
        sqlite(sqlite3.sqlite_version_info),
        isolation(),
        *folder(data),
        disk(data),
        packages(data),
        clock(time.time(), data),
        free_port("port", host, port, data),
        free_port("worker-port", host, worker_port, data),
    ]


def python(version: tuple[int, ...]) -> Finding:
    found = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return Finding("python", "problem", f"Python {found} is too old; 3.11 or newer is needed.")
    return Finding("python", "ok", f"Python {found}.")


def sqlite(version: tuple[int, ...]) -> Finding:
    found = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        return Finding("sqlite", "problem", f"SQLite {found} is too old; 3.37 or newer is needed.")
    return Finding("sqlite", "ok", f"SQLite {found}.")


def isolation() -> Finding:
    from awaitstep.runner.walls import supported

    found = supported()
    if found.landlock_abi is None:
        return Finding("isolation", "warning", f"Runners are not isolated: {found.reason}.")
    return Finding("isolation", "ok", f"Runners are isolated by Landlock {found.landlock_abi}.")


def folder(data: Path) -> Iterator[Finding]:
    """Whether the data folder is ours alone and can be written."""
    if not data.exists():
        parent = existing(data)
        if os.access(parent, os.W_OK | os.X_OK):
            yield Finding("folder", "ok", f"{data} does not exist yet and can be made.")
        else:
            yield Finding("folder", "problem", f"{data} can't be made: {parent} is read-only.")
        return
    if not data.is_dir():
        yield Finding("folder", "problem", f"{data} is not a folder.")
        return
    found = data.stat()
    if found.st_uid != os.getuid():
        yield Finding("folder", "warning", f"{data} belongs to another user.")
    open_to = stat.S_IMODE(found.st_mode) & 0o077
    if open_to:
        mode = stat.S_IMODE(found.st_mode)
        yield Finding(
            "folder", "warning", f"{data} is open to other users (mode {mode:o}); use chmod 700."
        )
    try:
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        yield Finding("folder", "problem", f"{data} can't be written: {error.strerror}.")
        return
    if not open_to:
        yield Finding("folder", "ok", f"{data} is private and can be written.")


def disk(data: Path) -> Finding:
    free = shutil.disk_usage(existing(data)).free
    size = f"{free / 1024**3:.1f} GiB"
    if free < NO_DISK:
        return Finding("disk", "problem", f"Only {size} free; new runs would be refused soon.")
    if free < LITTLE_DISK:
        return Finding("disk", "warning", f"Only {size} free.")
    return Finding("disk", "ok", f"{size} free.")


def packages(data: Path) -> Finding:
    """Whether packages can be installed, and the room that installed ones take."""
    from awaitstep.providers.port import PackagesUnavailable
    from awaitstep.wiring import ENVIRONMENTS, uv_version

    room = f"Packages take {_used(data / ENVIRONMENTS) / 1024**2:.0f} MiB."
    try:
        return Finding("packages", "ok", f"{uv_version()}. {room}")
    except PackagesUnavailable:
        return Finding(
            "packages", "warning", f"uv is missing: no packages can be installed. {room}"
        )


def clock(now: float, data: Path) -> Finding:
    """Whether the clock was set and agrees with the running server's."""
    if now < EARLIEST:
        return Finding("clock", "problem", "The clock was never set; sleeps would end wrongly.")
    found = credentials.read(data)
    served = _served_time(found.url) if found is not None else None
    if served is not None and abs(served - now) > 5:
        apart = abs(served - now)
        return Finding("clock", "warning", f"The server's clock is {apart:.0f} seconds apart.")
    return Finding("clock", "ok", "The clock is set.")


def free_port(check: str, host: str, port: int, data: Path) -> Finding:
    """Whether a server could listen there, or ours already does."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError:
        return Finding(check, "problem", f"Port {port} needs more rights; use one above 1023.")
    except OSError as error:
        found = credentials.read(data)
        ours = (found.url, found.worker_url) if found is not None else ()
        if any(address.endswith(f":{port}") for address in ours):
            return Finding(check, "ok", f"Port {port} is in use by this folder's server.")
        return Finding(check, "warning", f"Port {port} on {host} is not free: {error.strerror}.")
    return Finding(check, "ok", f"Port {port} is free.")


def _served_time(url: str) -> float | None:
    import httpx

    try:
        answer = httpx.get(f"{url}/api/health", timeout=2, trust_env=False)
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError, TypeError):
        return None


def _used(folder: Path) -> int:
    """Bytes on disk; a file with several names in it counts once."""
    seen: dict[tuple[int, int], int] = {}
    for place, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(OSError):
                found = os.lstat(os.path.join(place, file))
                seen[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(seen.values())


def existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
