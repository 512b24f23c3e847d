"""The wheel that `make build` makes, installed in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from making import ROOT, make


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed."""
    told = make("build/wheel/.installed", tmp_path_factory)
    assert told is None, told
    return ROOT / "build" / "wheel"
