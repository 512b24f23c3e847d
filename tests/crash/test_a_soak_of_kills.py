"""Half an hour of load and kill -9: nothing lost, nothing repeated, and how memory and files grow."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from awaitstep.crashtest import Suite, Victim

MINUTES = float(os.environ.get("MINUTES", "30"))
# A server lives through many deaths of its runner: else nobody could see it grow.
TURNS: Sequence[Victim] = (*["runner"] * 40, "server")
LOOKS = 6  # at memory and files, over that time


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 1800)
def test_a_soak_of_kills(tmp_path: Path, figures: Callable[[str], None]) -> None:
    suite = Suite(tmp_path, turns=TURNS, all_runners=False)
    try:
        began = time.monotonic()
        looked = 0
        while (passed := (time.monotonic() - began) / 60) < MINUTES or not looked:
            suite.round()
            if passed >= MINUTES * looked / LOOKS:
                looked += 1
                figures(f"after {passed:.1f} minutes: {suite.figures()}")
        figures(f"after {MINUTES:.1f} minutes: {suite.figures()}")
        report = suite.finish()
    finally:
        suite.close()
    for line in report.lines():
        figures(line)
    assert report.ok
