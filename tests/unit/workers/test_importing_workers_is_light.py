from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import workers


def test_the_heavy_libraries_wait_for_their_first_use() -> None:
    script = "import sys, workers; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"httpx", "asyncio", "python_multipart", "ssl", "email", "inspect", "awaitstep"}
    assert heavy.isdisjoint(loaded)


def test_all_that_is_offered_is_there() -> None:
    for name in workers.__all__:
        assert getattr(workers, name) is not None


def test_all_that_is_offered_is_described() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "workers.md"
    text = page.read_text()
    assert [name for name in workers.__all__ if name not in text] == []
