"""Compiles what every step of a run passes through, by mypyc, when a wheel is built.

Only the wheel gets extensions: in the working tree, and in an editable installation, there are none
that could be older than their source. `AWAITSTEP_COMPILE=0` builds a wheel of Python alone, and so
does a machine without a C compiler, saying so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SETUP = """
from mypyc.build import mypycify
from setuptools import setup

options = ["--ignore-missing-imports", "--follow-imports=silent"]
setup(name="awaitstep", ext_modules=mypycify(options + {modules}, group_name="awaitstep"))
"""


class Compile(BuildHookInterface):
    """For wheels; `modules` in `pyproject.toml` says which."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or os.environ.get("AWAITSTEP_COMPILE") == "0":
            return
        if shutil.which(os.environ.get("CC", "cc")) is None:
            self.app.display_warning("No C compiler: the engine is not compiled, and slower.")
            return
        self._folder = tempfile.TemporaryDirectory(prefix="awaitstep-build-")
        extensions = compiled(Path(self.root) / "src", self.config["modules"], self._folder.name)
        for path, place in extensions.items():
            build_data["force_include"][str(path)] = place
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if not build_data["pure_python"]:
            self._folder.cleanup()


def compiled(source: Path, modules: list[str], folder: str) -> dict[Path, str]:
    """The extensions, and where each belongs. Works on a copy of the sources in `folder`."""
    here = Path(folder) / "src"
    shutil.copytree(
        source, here, ignore=lambda at, names: [n for n in names if not _is_source(Path(at, n))]
    )
    (here / "setup.py").write_text(SETUP.format(modules=modules))
    # what a newer compiler warns about is no reason to stop; without line numbers of C
    flags = f"{os.environ.get('CFLAGS', '')} -Wno-error -g0"
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=here,
        env={**os.environ, "CFLAGS": flags},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"The engine could not be compiled.\n{done.stdout[-5000:]}")
    found = {path: path.relative_to(here) for path in here.rglob("*.so")}
    return {path: str(place) for path, place in found.items() if place.parts[0] != "build"}


def _is_source(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".py"
