"""What pip installs has everything in it: packages, SQL, migrations and the example."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import awaitstep
from awaitstep.cli.example import hello
print(awaitstep.__file__)
print(hello()["metadata"]["name"])
"""


def test_the_wheel_needs_nothing_of_the_repository(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    for source in (
        *ROOT.glob("src/**/*.py"),
        *ROOT.glob("src/**/*.sql"),
        *ROOT.glob("src/awaitstep/templates/*.json"),
    ):
        assert (installed / source.relative_to(ROOT / "src")).exists(), source
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [str(installed / "awaitstep/__init__.py"), "Hello"]
