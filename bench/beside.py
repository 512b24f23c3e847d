"""The products measured beside ours: which can be here, and one measurement of one.

They live in `.venv/peers`, which `make bench` fills. A peer that is not there, does not start or
takes too long is told with its reason; it never ends the benchmark.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.postgres import Postgres, PostgresAbsentError, postgres

PYTHON = Path(".venv/peers/bin/python")
READY = Path(".venv/peers/ready")
INSTALLATION = Path(".venv/peers.log")
SCRIPTS = {
    "dbos_sqlite": "bench.peers.dbos_three_steps",
    "dbos_postgres": "bench.peers.dbos_three_steps",
    "prefect": "bench.peers.prefect_three_steps",
}
KILLED = {
    "dbos_sqlite": "bench.peers.dbos_killed",
    "dbos_postgres": "bench.peers.dbos_killed",
    "prefect": "bench.peers.prefect_killed",
}
LIMIT_SECONDS = 120


class PeerAbsentError(Exception):
    """This peer gives no figures; the message says why, in one line."""


class Peers:
    """One measurement after another, each on a database of its own."""

    def __init__(self, seconds: float, server: Postgres | None, lacking: str) -> None:
        self._seconds = seconds
        self._server = server
        self._lacking = lacking
        self._count = 0
        self.reasons: dict[str, str] = {}

    def measure(self, name: str) -> dict[str, Any] | None:
        """Figures with `version` and `durability`, or None once `reasons` says why not."""
        return self._call(name, SCRIPTS[name], str(self._seconds))

    def kill(self, name: str) -> dict[str, Any] | None:
        """What became of a run after kill -9, as `bench.killed` tells it."""
        with tempfile.NamedTemporaryFile() as effects:
            return self._call(name, KILLED[name], effects.name)

    def _call(self, name: str, script: str, argument: str) -> dict[str, Any] | None:
        if name in self.reasons:
            return None
        self._count += 1
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                return call(script, self._database(name, folder), argument)
        except PeerAbsentError as reason:
            self.reasons[name] = str(reason)
            return None

    def _database(self, name: str, folder: str) -> str:
        if self._server is None and name == "dbos_postgres":
            raise PeerAbsentError(self._lacking)
        if self._server is None or name == "dbos_sqlite":
            return f"sqlite:///{folder}/peer.sqlite"
        try:
            return self._server.database(f"peer_{self._count}")
        except PostgresAbsentError as reason:
            raise PeerAbsentError(str(reason)) from None


@contextmanager
def peers(seconds: float) -> Iterator[Peers]:
    """The peers, with a Postgres server for them where there is one."""
    with ExitStack() as stack:
        server, lacking = None, ""
        try:
            server = stack.enter_context(postgres())
        except PostgresAbsentError as reason:
            lacking = str(reason)
        yield Peers(seconds, server, lacking)


def call(script: str, *arguments: str) -> dict[str, Any]:
    """Run one in a process group of its own, so that nothing it started outlives it.

    Raises:
        PeerAbsentError: it is not installed, failed, or took too long.
    """
    if not READY.exists():
        said = INSTALLATION.read_text().split("\n") if INSTALLATION.exists() else []
        why = next((line.strip() for line in said if line.strip()), "make bench installs it")
        raise PeerAbsentError(f"not installed: {why}")
    process = subprocess.Popen(
        [str(PYTHON), "-m", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise PeerAbsentError(f"no figures within {LIMIT_SECONDS} s") from None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    if process.returncode:
        last = (err.strip().splitlines() or ["no reason given"])[-1]
        raise PeerAbsentError(f"ended with status {process.returncode}: {last[:200]}")
    figures: dict[str, Any] = json.loads(out.splitlines()[-1])
    return figures
