"""What a crash test found, as data and as lines."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from awaitstep.crashtest.disk import Disk


@dataclass(frozen=True, slots=True)
class Report:
    """Times are seconds, sizes bytes.

    `lost` are acknowledged runs that did not complete, `repeated` finished steps that ran again,
    `changed` outcomes that were acknowledged and are not what they were, `overtaken` things a
    process did for a run after another had taken it over. `cut_short` are attempts that a kill
    ended and that were made again, which is as it should be; restarted runs make some again, too.
    `astray` are those of the `steered` runs, which were paused, terminated, rolled back or restarted
    beside the load, that did not become what they were told to. `serving_again` holds, for each kill,
    the time until steps were executed again. Memory is what was used at the first kill, at most,
    and at the end; None where the system does not tell. `file_bytes` is what the whole data folder
    took at the first kill, and at the end, the server still running; `journal_bytes` what the journal
    takes after it has stopped.
    """

    runner_kills: int
    server_kills: int
    acknowledged: int
    completed: int
    lost: int
    outcomes: int
    repeated: int
    changed: int
    overtaken: int
    cut_short: int
    steered: int
    astray: int
    serving_again: list[float]
    server_memory: tuple[int, int, int] | None
    runner_memory: tuple[int, int, int] | None
    journal_bytes: int
    file_bytes: tuple[int, int]
    disk: Disk

    @property
    def ok(self) -> bool:
        wrong = self.lost or self.repeated or self.changed or self.overtaken or self.astray
        return not wrong

    def to_json(self) -> dict[str, Any]:
        """The answer of `awaitstep doctor --crash-test --json`."""
        again = self.serving_again
        return {
            "ok": self.ok,
            "kills": {"runner": self.runner_kills, "server": self.server_kills},
            "acknowledged": self.acknowledged,
            "completed": self.completed,
            "lost": self.lost,
            "outcomes": self.outcomes,
            "finishedStepsThatRanTwice": self.repeated,
            "outcomesThatChanged": self.changed,
            "overtaken": self.overtaken,
            "cutShort": self.cut_short,
            "steered": self.steered,
            "astray": self.astray,
            "secondsToServeAgain": {
                "median": round(statistics.median(again), 3) if again else None,
                "worst": round(max(again), 3) if again else None,
            },
            "memoryBytes": {
                "server": _first_most_and_last(self.server_memory),
                "runner": _first_most_and_last(self.runner_memory),
            },
            "journalBytes": self.journal_bytes,
            "fileBytes": dict(zip(("first", "last"), self.file_bytes, strict=True)),
            "fileSystem": self.disk.file_system,
            "flushSeconds": round(self.disk.flush_seconds, 6),
            "warning": self.disk.warning,
        }

    def lines(self) -> list[str]:
        """For people."""
        again = self.serving_again
        lines = [
            f"kills                          {self.runner_kills} of the runner, "
            f"{self.server_kills} of the server, by SIGKILL",
            f"runs acknowledged              {self.acknowledged}",
            f"runs completed                 {self.completed}",
            f"runs lost                      {self.lost}",
            f"outcomes on disk before a kill {self.outcomes}",
            f"finished steps that ran twice  {self.repeated}",
            f"outcomes that changed          {self.changed}",
            f"done by two processes at once  {self.overtaken}",
            f"attempts cut short, done again {self.cut_short}",
            f"runs steered meanwhile         {self.steered}",
            f"of these not as they were told {self.astray}",
        ]
        if again:
            lines.append(
                f"time to serve again            {statistics.median(again):.2f} s median, "
                f"{max(again):.2f} s worst"
            )
        for name, memory in (("server", self.server_memory), ("runner", self.runner_memory)):
            if memory is not None:
                first, most, last = (size / 1024**2 for size in memory)
                lines.append(
                    f"memory of the {name}           {first:.0f} MiB at the first kill, "
                    f"{most:.0f} at most, {last:.0f} at the end"
                )
        lines.append(
            f"journal                        {self.journal_bytes / 1024**2:.1f} MiB, "
            f"{self.journal_bytes / max(self.acknowledged, 1):.0f} bytes per run"
        )
        first, last = (size / 1024**2 for size in self.file_bytes)
        lines.append(
            f"all files                      {first:.1f} MiB at the first kill, {last:.1f} at the end"
        )
        lines.append(
            f"disk                           {self.disk.file_system or 'unknown file system'}, "
            f"a flush takes {self.disk.flush_seconds * 1000:.3f} ms"
        )
        if self.disk.warning is not None:
            lines.append(f"warning                        {self.disk.warning}")
        lines.append("Nothing was lost." if self.ok else "SOMETHING WAS LOST.")
        return lines


def _first_most_and_last(memory: tuple[int, int, int] | None) -> dict[str, int] | None:
    return None if memory is None else dict(zip(("first", "most", "last"), memory, strict=True))
