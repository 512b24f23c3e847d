"""What pip installs has everything in it: packages, SQL, migrations, example and dashboard."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import awaitstep
from awaitstep.cli.example import hello
print(awaitstep.__file__)
print(hello()["metadata"]["name"])
from awaitstep.api.dashboard import FOLDER
print((FOLDER / "index.html").is_file())
"""


def test_the_wheel_needs_nothing_of_the_repository(installed, tmp_path):
    static = ROOT / "src/awaitstep/static"
    built = [path for path in static.rglob("*") if path.is_file() and path.name != ".built"]
    assert static / "index.html" in built, "The dashboard is not built; run `make setup`."
    patterns = ("src/**/*.py", "src/**/*.sql", "src/awaitstep/templates/*.json")
    sources = [path for pattern in patterns for path in ROOT.glob(pattern)]
    for source in (*sources, *built):
        assert (installed / source.relative_to(ROOT / "src")).exists(), source
    assert not (installed / "awaitstep/static/.built").exists()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [str(installed / "awaitstep/__init__.py"), "Hello", "True"]
