"""What the engine promises is promised of the compiled one, too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# of the crash tests, those that kill and lie most; all of them can be run in this way
CRASH = ["fencing", "no_commit_is_a_bad_moment_to_die", "supervision"]
CONFORMANCE = [str(path) for path in sorted((ROOT / "tests/conformance").glob("test_*.py"))]
PARTS = 4  # that can be run beside each other
SUITES = {
    **{f"conformance {n + 1}": CONFORMANCE[n::PARTS] for n in range(PARTS)},
    **{name: [f"tests/crash/test_{name}.py"] for name in CRASH},
}
SERVER = """
import json
from awaitstep.engine import coordinator, execution, run
from awaitstep.engine.embedded import fleet, journal
from awaitstep.runner import host
print(json.dumps([module.__file__ for module in (coordinator, execution, run, fleet, journal, host)]))
"""
RUNNER = """
import sys
from workers import WorkflowEntrypoint

class W(WorkflowEntrypoint):
    async def run(self, event, step):
        names = ["awaitstep.engine.execution", "awaitstep.engine.step", "awaitstep.runner.host"]
        return [sys.modules[name].__file__ for name in names]
"""

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")


@pytest.fixture
def place(installed: Path) -> dict[str, str]:
    """The variables with which Python takes the wheel."""
    place = {**os.environ, "PYTHONPATH": str(installed)}
    place.pop("PYTEST_XDIST_WORKER", None)
    return place


@pytest.mark.timeout(900)
def test_the_server_and_its_runners_are_compiled(
    place: dict[str, str], installed: Path, tmp_path: Path
) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(RUNNER)
    run = "from awaitstep.cli import main; main()"
    options = ["--own-journal", "--data", str(tmp_path / "data")]
    for program in (["-c", SERVER], ["-c", run, "run", str(worker), *options]):
        told = subprocess.run(
            [sys.executable, *program], env=place, capture_output=True, text=True, check=True
        )
        for file in json.loads(told.stdout):
            assert Path(file).is_relative_to(installed)
            assert file.endswith(".so")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("suite", SUITES)
def test_it_passes_the_suites_of_the_engine(place: dict[str, str], suite: str) -> None:
    options = ["-n", "0", "-p", "no:cacheprovider", "-x"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *SUITES[suite]],
        cwd=ROOT,
        env=place,
        capture_output=True,
        text=True,
        timeout=850,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    print(done.stdout.splitlines()[-1])
