"""A private Postgres server in a folder of its own, with fsync on, for as long as it is needed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class PostgresAbsentError(Exception):
    """There is no Postgres here, or it does not work; the message says which."""


LOGIN = "bench"


@dataclass(frozen=True)
class Postgres:
    """A running server, reached through a socket in its folder."""

    folder: Path
    bin: Path

    def database(self, name: str) -> str:
        """Create a database, and answer its URL. Raises PostgresAbsentError."""
        call(None, str(self.bin / "createdb"), "-h", str(self.folder), "-U", LOGIN, name)
        return f"postgresql://{LOGIN}@/{name}?host={self.folder}"


def programs() -> Path:
    """The newest folder with `initdb` and `pg_ctl`: Debian keeps them off the PATH."""
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    found = sorted(installed, key=lambda folder: float(folder.parent.name), reverse=True)
    if on_path := shutil.which("pg_ctl"):
        found.append(Path(on_path).resolve().parent)
    for folder in found:
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "createdb")):
            return folder
    raise PostgresAbsentError("Postgres is not present")


def owner() -> str | None:
    """Who must run it when we are root, because Postgres refuses root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise PostgresAbsentError("Postgres does not run as root, and there is no other user")


def call(user: str | None, *arguments: str) -> None:
    done = subprocess.run(
        arguments,
        user=user,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise PostgresAbsentError(f"Postgres does not work: {said[-1]}")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server on a socket in a temporary folder; it listens on no port.

    Raises:
        PostgresAbsentError: there is none.
    """
    bin = programs()
    user = owner()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder, data = Path(name), Path(name) / "data"
        data.mkdir(mode=0o700)
        if user is not None:
            shutil.chown(folder, user)
            shutil.chown(data, user)
        call(user, str(bin / "initdb"), "-D", str(data), "-U", LOGIN, "-A", "trust", "-E", "UTF8")
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=on"
        control = [str(bin / "pg_ctl"), "-D", str(data), "-w"]
        call(user, *control, "-l", str(folder / "log"), "-o", settings, "start")
        try:
            yield Postgres(folder, bin)
        finally:
            call(user, *control, "-m", "immediate", "stop")
