"""What README, how-tos and reference tell a person to type works, typed as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import LiveServer, environment

ROOT = Path(__file__).parents[2]
# Blocks that install something, start a server of their own, or want what is not in this folder.
ELSEWHERE = ("make run", "uv run", "uv pip", "/var/lib/awaitstep", "rescued.sqlite")
# Wrong statuses are failures here, and nothing goes through a proxy.
CURL = 'curl() { command curl --silent --show-error --fail-with-body --noproxy "*" "$@"; }'


def typed(page: Path) -> list[str]:
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [
        textwrap.dedent(block) for block in blocks if not any(other in block for other in ELSEWHERE)
    ]


PAGES = {
    str(page.relative_to(ROOT)): blocks
    for page in (
        ROOT / "README.md",
        *ROOT.glob("docs/how-to/*.md"),
        *ROOT.glob("docs/reference/*.md"),
    )
    if (blocks := typed(page))
}


def test_most_pages_have_something_to_type() -> None:
    assert {"README.md", "docs/how-to/trigger-a-workflow.md", "docs/reference/api.md"} <= set(PAGES)
    assert len(PAGES) >= 8


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_typed_from_top_to_bottom_works(
    page: str, new_server: Callable[..., LiveServer], tmp_path: Path
) -> None:
    server = new_server("--no-example")
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / ".awaitstep").symlink_to(server.data)
    script = "\n".join(["set -eu -o pipefail", CURL, *PAGES[page]])
    script = script.replace("http://127.0.0.1:8080", server.url)
    script = script.replace("http://127.0.0.1:8787", server.credentials["workerUrl"])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-x", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        env={**environment(), "PATH": path},
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-2000:]
