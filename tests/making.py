"""What `make` builds, for tests that need it."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def make(target: str, places: pytest.TempPathFactory) -> str | None:
    """Build a target from the sources that are here; what was told when it failed."""
    # processes of one test session share the folder above; one builds, the others wait
    with (places.getbasetemp().parent / "make.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "--silent", target], cwd=ROOT, capture_output=True, text=True, timeout=280
        )
    return None if done.returncode == 0 else (done.stdout + done.stderr)[-3000:]
