from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from .fakes import Plane


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    plane = await Plane(tmp_path).open()
    yield plane
    plane.close()


@pytest.fixture
async def client(plane: Plane) -> httpx.AsyncClient:
    """A client whose key may do everything in the plane's project."""
    return await plane.client()
