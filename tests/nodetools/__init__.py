"""Cloudflare's own tools, from npm, for tests alone: Wrangler, Miniflare and Pyodide, pinned by the lock
file.

`make test` installs them. Wrangler wants Node 22; where the machine's is older, one from PyPI stands
in .venv/node.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
WRANGLER = MODULES / "wrangler/bin/wrangler.js"
_OWN = FOLDER.parents[1] / ".venv/node/bin/node"


@cache
def node() -> str:
    """A Node that is new enough. Skips the test where there is none."""
    if not (MODULES / ".package-lock.json").is_file():
        pytest.skip("npm's packages could not be installed here; `make test` tries to")
    for found in (shutil.which("node"), str(_OWN)):
        if found is not None and Path(found).exists() and _version(found) >= (22, 12):
            return found
    pytest.skip("there is no Node 22.12 or newer here, nor could one be installed")


def environment() -> dict[str, str]:
    """Of a tool that asks nobody anything."""
    path = os.pathsep.join([str(Path(node()).parent), os.environ["PATH"]])
    return {"PATH": path, "CI": "1", "WRANGLER_SEND_METRICS": "false"}


def _version(path: str) -> tuple[int, ...]:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, told.strip().lstrip("v").split(".")))
