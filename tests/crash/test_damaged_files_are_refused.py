"""The last page of a journal, or of its log, is not what was written: a start refuses, says what is
broken, and changes nothing. Nothing that was acknowledged goes missing without a word.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.conftest import COMMAND, environment

from awaitstep.engine.embedded import queries
from awaitstep.engine.embedded.journal import Journal
from awaitstep.engine.embedded.rows import Kind
from awaitstep.engine.errors import JournalDamaged, JournalUnavailable
from awaitstep.storage.port import StoreDamaged
from awaitstep.storage.sql import open_store

PAGE = 4096
NOISE = random.Random(1).randbytes(PAGE)
Break = Callable[[bytes], bytes]
BREAKS: dict[str, Break] = {
    "zeros": lambda file: file[:-PAGE] + bytes(PAGE),
    "noise": lambda file: file[:-PAGE] + NOISE,
    "cut off": lambda file: file[:-PAGE],
}
LOG_BREAKS: dict[str, Break] = {
    **BREAKS,
    "one bit": lambda file: file[:-1] + bytes([file[-1] ^ 1]),
    "one bit in the middle": lambda file: (
        file[: len(file) // 2] + bytes([file[len(file) // 2] ^ 1]) + file[len(file) // 2 + 1 :]
    ),
    "one bit of its head": lambda file: bytes([file[0] ^ 1]) + file[1:],
    "emptied": lambda file: b"",
}


class Books:
    """The files of one journal, as they are after a clean end or after a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, bytes] = {}

    def take(self, source: Path) -> None:
        """What a killed server leaves behind is what is there while it lives."""
        for path in source.glob("journal.sqlite*"):
            self.files[path.name] = path.read_bytes()

    def lay_out(self, name: str = "", broken: Break | None = None) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        for file, content in self.files.items():
            (self.folder / file).write_bytes(
                broken(content) if broken and file == name else content
            )

    def as_laid_out(self, name: str, broken: Break) -> bool:
        return (self.folder / name).read_bytes() == broken(self.files[name])


async def texts(folder: Path) -> list[str]:
    """What a journal of this folder holds, once it could be opened."""
    journal = Journal(folder)
    try:
        return [text for _, text in await journal.read(queries.names)]
    finally:
        await journal.close()


@pytest.fixture
async def written(tmp_path: Path) -> AsyncIterator[Journal]:
    """An open journal with some pages in it, each write committed by itself."""
    journal = Journal(tmp_path / "source")
    for n in range(40):
        await write(journal, n, f"{n} " + "x" * 500)
    yield journal
    await journal.close()


async def write(journal: Journal, n: int, text: str) -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    journal.write([(Kind.text, (n, text))], lambda error: done.set_result(error))
    assert await done is None


@pytest.mark.parametrize("how", BREAKS)
async def test_a_broken_last_page_is_refused_each_time(
    tmp_path: Path, written: Journal, how: str
) -> None:
    await written.close()
    books = Books(tmp_path / "data")
    books.take(tmp_path / "source")
    assert set(books.files) == {"journal.sqlite"}
    books.lay_out("journal.sqlite", BREAKS[how])
    for _ in range(2):
        with pytest.raises(JournalDamaged) as refused:
            Journal(books.folder)
        assert str(refused.value).startswith(
            f"The journal {books.folder}/journal.sqlite is damaged"
        )
        assert refused.value.code == "journal.damaged"
    books.lay_out()
    assert len(await texts(books.folder)) == 40


@pytest.mark.parametrize("how", LOG_BREAKS)
async def test_a_log_that_lost_commits_is_refused_each_time(
    tmp_path: Path, written: Journal, how: str
) -> None:
    books = Books(tmp_path / "data")
    books.take(tmp_path / "source")
    books.lay_out("journal.sqlite-wal", LOG_BREAKS[how])
    for _ in range(2):
        with pytest.raises(JournalDamaged, match="its log is broken after frame"):
            Journal(books.folder)
        assert books.as_laid_out("journal.sqlite-wal", LOG_BREAKS[how])
    books.lay_out()
    assert len(await texts(books.folder)) == 40
    # whoever decides to go on without them can
    books.lay_out("journal.sqlite-wal", LOG_BREAKS[how])
    (books.folder / "journal.sqlite-shm").unlink()
    assert len(await texts(books.folder)) < 40


async def test_a_commit_that_was_under_way_is_no_damage(tmp_path: Path, written: Journal) -> None:
    books = Books(tmp_path / "data")
    books.take(tmp_path / "source")
    await write(written, 99, "under way " + "x" * 500)
    books.files["journal.sqlite-wal"] = (tmp_path / "source/journal.sqlite-wal").read_bytes()
    books.lay_out("journal.sqlite-wal", LOG_BREAKS["one bit"])  # it was not acknowledged yet
    assert len(await texts(books.folder)) == 40


async def test_damage_found_later_is_told_and_is_no_bug(tmp_path: Path, written: Journal) -> None:
    def broken(db: sqlite3.Connection) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with pytest.raises(JournalUnavailable, match="database disk image is malformed"):
        await written.read(broken)


def test_a_broken_control_database_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/control.db"
    store = open_store(url)
    live = {path: path.read_bytes() for path in tmp_path.glob("control.db*")}
    store.close()
    whole = (tmp_path / "control.db").read_bytes()
    for how in BREAKS.values():
        (tmp_path / "control.db").write_bytes(how(whole))
        with pytest.raises(StoreDamaged):
            open_store(url)
    for path, content in live.items():
        path.write_bytes(content)
    log = tmp_path / "control.db-wal"
    for how in LOG_BREAKS.values():
        log.write_bytes(how(live[log]))
        for _ in range(2):
            with pytest.raises(StoreDamaged, match="its log is broken after frame"):
                open_store(url)
    log.write_bytes(live[log])
    open_store(url).close()


def test_a_person_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(NOISE)
    done = subprocess.run(
        [
            *(*COMMAND, "dev", "--data", str(tmp_path), "--no-open", "--json"),
            *("--port", "0", "--worker-port", "0"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    told = json.loads(line)
    assert told["code"] == "journal.damaged"
    assert told["error"] == (
        f"The journal {tmp_path}/journal.sqlite is damaged: file is not a database. It is left as "
        "it is. Go on with a backup, or see docs/how-to/recover-from-disk-faults.md."
    )
