"""What neither a start nor the first run needs is loaded later, or never."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from awaitstep.language import CompiledGraphs
from awaitstep.late import LateLanguage

OPENS = """
import asyncio, sys
from pathlib import Path

import awaitstep.cli.server
from awaitstep.wiring import Settings, open_server

async def main():
    here = "http://127.0.0.1:1"
    async with open_server(Settings(Path(sys.argv[1]), here, here)):
        print(*sys.modules)

asyncio.run(main())
"""
HELPS = """
import contextlib, io, sys
from awaitstep.cli import main

with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(["--help"])
print(*sys.modules)
"""


def modules(program: str, *arguments: str) -> set[str]:
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_a_server_answers_before_it_loads_what_only_some_ask_for(tmp_path: Path) -> None:
    modules(OPENS, str(tmp_path))  # makes the tables
    loaded = modules(OPENS, str(tmp_path))
    assert "awaitstep.api" in loaded
    later = {"alembic", "awaitstep.compiler", "awaitstep.nodes", "httpx", "prometheus_client"}
    assert not later & loaded


def test_help_needs_no_server() -> None:
    loaded = modules(HELPS)
    assert "awaitstep.cli" in loaded
    assert not {"asyncio", "fastapi", "httpx", "pydantic", "sqlalchemy"} & loaded


def test_the_language_is_loaded_once_for_all_who_ask_at_the_same_time() -> None:
    loads: list[int] = []
    asking = threading.Barrier(8)

    def load() -> CompiledGraphs:
        loads.append(1)
        return CompiledGraphs()

    language = LateLanguage(load)

    def ask(_: int) -> int:
        asking.wait(10)
        return len(language.node_types())

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1
    assert loads == [1]


def test_who_asks_again_after_it_could_not_be_loaded_has_it_loaded() -> None:
    fails = True

    def load() -> CompiledGraphs:
        if fails:
            raise OSError("no more files can be opened")
        return CompiledGraphs()

    language = LateLanguage(load)
    with pytest.raises(OSError):
        language.check_entry("")
    fails = False
    assert language.validate({})
