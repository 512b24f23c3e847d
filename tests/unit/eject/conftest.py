"""`ejected` makes a project of a graph in a folder; `tested` runs its tests as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from awaitstep.cli import main

Ejected = Callable[..., Path]


@pytest.fixture
def ejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ejected:
    def eject(graph: Any, *options: str) -> Path:
        file, folder = tmp_path / "graph.json", tmp_path / "project"
        file.write_text(json.dumps(graph), encoding="utf-8")
        with pytest.raises(SystemExit) as exit:
            main(["eject", str(file), str(folder), *options])
        assert not exit.value.code, capsys.readouterr().err
        return folder

    return eject


@pytest.fixture
def tested(tmp_path: Path) -> Callable[[Path], subprocess.CompletedProcess[str]]:
    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        # -S would hide pytest; -I keeps this repository's settings and folders out.
        command = [sys.executable, "-I", "-m", "pytest", "-p", "no:cacheprovider", "-p"]
        return subprocess.run(
            [*command, "no:asyncio", "-W", "error", "-rs"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
