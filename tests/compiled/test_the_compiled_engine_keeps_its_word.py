"""What the engine promises is promised of the compiled one, too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITES = ["tests/conformance"]
COMPILED = """
from awaitstep.engine import coordinator, execution, run
from awaitstep.engine.embedded import journal
from awaitstep.runner import host
print(*(module.__file__ for module in (coordinator, execution, run, journal, host)))
"""


@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
def test_it_passes_the_suites_of_the_engine(installed):
    place = {**os.environ, "PYTHONPATH": str(installed)}
    place.pop("PYTEST_XDIST_WORKER", None)
    told = subprocess.run(
        [sys.executable, "-c", COMPILED], env=place, capture_output=True, text=True, check=True
    )
    assert all(file.startswith(str(installed)) for file in told.stdout.split())
    assert all(file.endswith(".so") for file in told.stdout.split())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "-x", *SUITES],
        cwd=ROOT,
        env=place,
        capture_output=True,
        text=True,
        timeout=850,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    print(done.stdout.splitlines()[-1])
