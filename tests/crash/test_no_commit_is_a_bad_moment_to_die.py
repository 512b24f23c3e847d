"""The server dies by SIGKILL at each commit of its journal: right before it, between two rows of
it, and right after it, before anybody is told. Opened again, it comes to the same end.

The scenario (steps, retries, sleeps, an event, parallel arms, child runs, pause, resume,
terminate, restart, a batch, rollbacks) is played by `commit_script.py`. What the steps did is noted outside.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from awaitstep.engine.states import STEP_CODES, StepStatus

SCRIPT = Path(__file__).with_name("commit_script.py")
MOMENTS = ("before", "within", "after")
SAMPLES = 7  # commits per moment when there is little time
SECONDS = 120
Step = tuple[str, int, str]  # instance, epoch, name


class Life:
    """One server in one folder, from its start to its death or to the end of all runs."""

    def __init__(self, folder: Path, when: str, number: int, count: int) -> None:
        done = subprocess.run(
            [sys.executable, SCRIPT, folder, when, str(number), str(count)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        self.killed = done.returncode != 0
        answer = {} if self.killed else json.loads(done.stdout)
        self.found: dict[str, Any] = answer.get("found", {})
        self.commits: int = answer.get("commits", 0)


def begun(folder: Path, what: str = "begin") -> Counter[Step]:
    """How often each step began, as it noted itself."""
    effects = folder / "tmp" / "effects"
    if not effects.exists():
        return Counter()
    lines = [json.loads(line) for line in effects.read_text().splitlines()]
    return Counter(
        (_named(instance), epoch, name) for instance, epoch, name, said, _ in lines if said == what
    )


def _named(instance: str) -> str:
    """The child's id tells when its parent was made, which is another moment each time."""
    return instance if instance.startswith("r-") else "child"


def finished(folder: Path) -> set[Step]:
    """The steps whose outcome the journal holds."""
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as db:
        if not db.execute("select 1 from sqlite_master where name = 'runs'").fetchone():
            return set()
        return {
            (_named(instance), epoch, name)
            for instance, epoch, name in db.execute(
                "select instance, epoch, name from operations join runs on ref = run"
                " where seq > 0 and operations.status in (?, ?)",
                (STEP_CODES.index(StepStatus.complete), STEP_CODES.index(StepStatus.errored)),
            )
        }


def dies_well(folder: Path, when: str, number: int, undisturbed: Undisturbed) -> bool:
    """Kill a server there and open it again. False when it ended before that commit; one of no row
    has nothing to die within."""
    folder.mkdir()
    first = Life(folder, when, number, 0)
    if not first.killed:
        assert first.found == undisturbed.found
        return number <= first.commits
    done, before = finished(folder), begun(folder)
    last = Life(folder, "never", 0, 1)
    assert not last.killed
    assert last.found == undisturbed.found
    after = begun(folder)
    assert {step: after[step] for step in done} == {step: before[step] for step in done}
    for step, count in after.items():
        again = count - undisturbed.begun[step]
        # only an attempt that had begun, and whose outcome was not on disk, is repeated, once
        assert again == 0 or (again == 1 and before[step] and step not in done), step
    assert set(after) == set(undisturbed.begun)
    return True


class Undisturbed:
    """The same scenario when nobody dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        life = Life(folder, "never", 0, 0)
        self.found, self.commits, self.begun = life.found, life.commits, begun(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("commits") / "undisturbed")


def test_the_scenario_has_everything_in_it(undisturbed: Undisturbed) -> None:
    found = undisturbed.found
    assert Counter(status for status, *_ in found.values()) == {
        "complete": 6, "terminated": 3, "errored": 1
    }  # fmt: skip
    undone = [name for name in found["r-stopped"][4] if "rollback" in name]
    assert undone == ["two · rollback 1", "one · rollback 1"]
    assert found["held"][4]["one · rollback 1"][4] == 2
    assert found["r-undone"][4]["hopeless · rollback 1"][1] == "errored"
    assert found["r-all"][2] == [1, 2, "went", [11, 22], "attempt 4"]
    assert found["r-again"][1] == 2
    assert found["r-parent"][2] == [{"status": "complete", "output": "grown"}, None]
    assert found["r-waits"][2] == ["went", 2]
    assert undisturbed.begun["r-all", 1, "hopeless"] == 4
    assert undisturbed.commits > 3 * SAMPLES


@pytest.mark.parametrize("when", MOMENTS)
def test_a_server_that_dies_there_loses_and_repeats_nothing(
    tmp_path: Path, when: str, undisturbed: Undisturbed
) -> None:
    last = undisturbed.commits - 3  # how many there are depends on what is written together
    for sample in range(SAMPLES):
        number = 1 + (last - 1) * sample // (SAMPLES - 1)
        dies_well(tmp_path / str(number), when, number, undisturbed)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("when", MOMENTS)
def test_no_commit_is_a_bad_moment(
    tmp_path: Path, when: str, undisturbed: Undisturbed, figures: Callable[[str], None]
) -> None:
    number = 1
    while dies_well(tmp_path / str(number), when, number, undisturbed):
        number += 1
    assert number >= undisturbed.commits // 2
    figures(f"killed {when} each of {number - 1} commits: nothing lost, nothing finished repeated")
