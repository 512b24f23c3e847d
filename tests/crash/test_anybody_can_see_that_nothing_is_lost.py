"""`awaitstep doctor --crash-test` kills, counts, and says so when something is lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import COMMAND, environment

from awaitstep.crashtest import Disk, Report, Suite
from awaitstep.crashtest.processes import children

FINE = Report(
    runner_kills=2,
    server_kills=1,
    acknowledged=60,
    completed=60,
    lost=0,
    outcomes=100,
    repeated=0,
    changed=0,
    overtaken=0,
    cut_short=9,
    steered=12,
    astray=0,
    serving_again=[0.5, 1.5],
    server_memory=(100 << 20, 120 << 20, 110 << 20),
    runner_memory=None,
    journal_bytes=60_000,
    file_bytes=(2 << 20, 3 << 20),
    disk=Disk("ext4", 0.001),
)


def test_it_prints_what_it_found_and_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "mine").write_text("untouched")
    done = subprocess.run(
        [*COMMAND, "doctor", "--crash-test", "--seconds", "1", "--data", str(data), "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["ok"] is True
    assert found["kills"]["runner"] >= 2
    assert found["kills"]["server"] >= 1
    assert found["acknowledged"] == found["completed"] >= 50
    assert found["lost"] == found["finishedStepsThatRanTwice"] == found["outcomesThatChanged"] == 0
    assert found["outcomes"] > 0
    assert found["cutShort"] > 0
    assert found["steered"] >= 12
    assert found["astray"] == 0
    assert found["fileBytes"]["first"] > 0
    assert found["fileBytes"]["last"] > found["journalBytes"] > 0
    assert [path.name for path in data.iterdir()] == ["mine"]


def all_below(pid: int) -> set[int]:
    found = children(pid)
    return found.union(*(all_below(child) for child in found))


def began(pid: int) -> str | None:
    """When a process was started, by which it is told from a later one of the same number."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else rest[18]


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGTERM, "server-0.json"),  # it is only started
        (signal.SIGTERM, "data/tmp/effects"),
        (signal.SIGTERM, "server-1.json"),  # the first one was killed
        (signal.SIGHUP, "data/tmp/effects"),
    ],
)
def test_a_signal_that_ends_it_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    test = subprocess.Popen(
        [*COMMAND, "doctor", "--crash-test", "--seconds", "100", "--data", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    started: dict[int, str | None] = {}
    try:
        stop = time.monotonic() + 120
        while not (started and list(tmp_path.glob(f".awaitstep-crash-test-*/{moment}"))):
            assert time.monotonic() < stop
            assert test.poll() is None
            time.sleep(0.01)
            started = {pid: began(pid) for pid in all_below(test.pid)}
        test.send_signal(number)
        _, said = test.communicate(timeout=60)
        assert test.returncode == 128 + number, said
        assert "Traceback" not in said
        assert [pid for pid, at in started.items() if at and began(pid) == at] == []
        assert list(tmp_path.iterdir()) == []
    finally:
        for pid, at in started.items():
            if at and began(pid) == at:
                os.kill(pid, signal.SIGKILL)
        test.kill()
        test.wait()


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    suite = Suite(tmp_path, patience=30)
    yield suite
    suite.close()


def test_what_is_lost_is_seen(tmp_path: Path, suite: Suite) -> None:
    suite.round()
    while not suite.scene.completed():
        suite.round()
    suite.round()
    journal = tmp_path / "data" / "journal.sqlite"
    with contextlib.closing(sqlite3.connect(journal, isolation_level=None)) as db:
        # outcomes of finished runs go missing, and one is not what it was
        (run,) = db.execute(
            "select min(ref) from runs where status = 4 and instance glob 'r*'"
        ).fetchone()
        db.execute("delete from operations where run = ? and name = 'first'", (run,))
        db.execute("update operations set value = '7' where run = ? and name = 'second'", (run,))
        # a step that is over begins again
        (instance,) = db.execute("select instance from runs where ref = ?", (run,)).fetchone()
    with (tmp_path / "data" / "tmp" / "effects").open("a") as effects:
        effects.write(json.dumps([instance, "arm 0", "begin", 1]) + "\n")
    report = suite.finish()
    assert not report.ok
    assert report.astray == 0
    assert report.changed == 2
    assert report.repeated == 1


def test_a_run_that_was_steered_and_went_astray_is_seen(tmp_path: Path, suite: Suite) -> None:
    for _ in range(3):
        suite.round()
    journal = tmp_path / "data" / "journal.sqlite"
    report = suite.finish()
    assert (report.ok, report.steered, report.astray) == (True, 12, 0)
    wrong = {
        "paused0": "update runs set status = 6 where instance = 'paused0'",
        "ended0": "update runs set status = 4 where instance = 'ended0'",
        "undone0": "delete from operations where name glob '* rollback'",
        "again0": "update runs set epoch = 1 where instance = 'again0'",
    }
    for name, change in wrong.items():
        with contextlib.closing(sqlite3.connect(journal, isolation_level=None)) as db:
            db.execute(change)
        assert name in suite.astray()


def test_no_kill_is_taken_for_the_doing_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as on a machine so busy that steps end sooner than others begin
    few = {"AT_ONCE": 3, "PER_ROUND": 1, "WAITING": 1, "LATE": 1, "LEAST_OPEN": 3}
    for name, number in (few | {"NEW_OUTCOMES": 1}).items():
        monkeypatch.setattr(f"awaitstep.crashtest.suite.{name}", number)
    suite = Suite(tmp_path, turns=["runner"], all_runners=False)
    try:
        for _ in range(8):
            suite.round()
        report = suite.finish()
    finally:
        suite.close()
    log = (tmp_path / "server-0.log").read_text()
    deaths = [line for line in log.splitlines() if "a runner died" in line]
    assert len(deaths) == report.runner_kills == 8
    assert [line for line in deaths if "charged=None" not in line] == []
    assert report.ok


def test_growth_is_told() -> None:
    lines = "\n".join(FINE.lines())
    assert "100 MiB at the first kill, 120 at most, 110 at the end" in lines
    assert "2.0 MiB at the first kill, 3.0 at the end" in lines
    found = FINE.to_json()
    assert found["memoryBytes"]["server"] == {
        "first": 100 << 20,
        "most": 120 << 20,
        "last": 110 << 20,
    }
    assert found["memoryBytes"]["runner"] is None
    assert found["fileBytes"] == {"first": 2 << 20, "last": 3 << 20}


@pytest.mark.parametrize("what", ["lost", "repeated", "changed", "overtaken", "astray"])
def test_one_of_anything_is_a_loss(what: str) -> None:
    assert FINE.ok
    assert FINE.lines()[-1] == "Nothing was lost."
    found = replace(FINE, **{what: 1})
    assert not found.ok
    assert found.to_json()["ok"] is False
    assert found.lines()[-1] == "SOMETHING WAS LOST."


def test_a_loss_is_a_failure_and_its_folder_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from awaitstep.cli import crashing, main

    lost: Callable[..., Report] = lambda folder, seconds: replace(FINE, lost=1)  # noqa: E731
    monkeypatch.setattr(crashing, "_kill", lost)
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--crash-test", "--data", str(tmp_path)])
    assert ended.value.code == 1
    [kept] = tmp_path.iterdir()
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == ["SOMETHING WAS LOST.", f"What was there is kept in {kept}."]


@pytest.mark.parametrize(
    ("disk", "told"),
    [
        (Disk("ext4", 0.0005), None),
        (Disk("tmpfs", 0.0005), "memory"),
        (Disk("ext4", 0.000001), "which no disk can do"),
    ],
)
def test_a_disk_that_may_not_keep_its_word_is_named(disk: Disk, told: str | None) -> None:
    lines = replace(FINE, disk=disk).lines()
    warned = [line for line in lines if line.startswith("warning")]
    assert bool(warned) is (told is not None)
    assert told is None or told in warned[0]
