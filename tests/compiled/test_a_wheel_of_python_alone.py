"""A machine without a C compiler builds a wheel for every machine, and it executes runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = "from awaitstep.cli import main; main()"
WORKER = """
import sys
from workers import WorkflowEntrypoint

class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("where")
        async def where():
            return sys.modules["awaitstep.engine.execution"].__file__

        return await where()
"""


@pytest.mark.parametrize(
    "without", [{"AWAITSTEP_COMPILE": "0"}, {"CC": "no-compiler-of-this-name"}]
)
def test_it_is_built_and_executes_runs(without: dict[str, str], tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    dist = tmp_path / "dist"
    command = [uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", dist]
    built = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **without}, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = dist.glob("*.whl")  # uv writes a .gitignore beside it
    assert wheel.name.endswith("-py3-none-any.whl")
    place = tmp_path / "place"
    with zipfile.ZipFile(wheel) as packed:
        assert not [name for name in packed.namelist() if name.endswith(".so")]
        packed.extractall(place)
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER)
    told = subprocess.run(
        [sys.executable, "-c", RUN, "run", worker, "--own-journal", "--data", tmp_path / "data"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == str(place / "awaitstep/engine/execution.py")
