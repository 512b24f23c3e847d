"""The wheel that `make build` makes, installed in a folder of its own."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed."""
    # processes of one test session share the folder above; one builds, the others wait
    shared = tmp_path_factory.getbasetemp().parent
    with (shared / "wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "--silent", "build/wheel/.installed"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=280,
        )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return ROOT / "build" / "wheel"
