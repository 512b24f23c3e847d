"""Rounds of load and a kill, and what must hold after all of them.

Just before each kill the outcomes in the journal are noted: they are what the engine has
acknowledged, so those steps must never begin again and their rows never change.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from awaitstep.crashtest.disk import examine
from awaitstep.crashtest.processes import memory
from awaitstep.crashtest.report import Report
from awaitstep.crashtest.scene import KINDS, STEPS, Outcome, Scene, Step
from awaitstep.crashtest.server import LOOK_AGAIN, Server, ServerFailed

Victim = Literal["runner", "server"]
# Who is killed, in turn.
TURNS: Final[tuple[Victim, ...]] = ("runner", "runner", "server")
AT_ONCE: Final = 50  # runs before the first kill
PER_ROUND: Final = 10
WAITING: Final = 25  # runs whose event is not sent yet
LATE: Final = 5  # of the runs of a round: they are in their first step at its kill
LEAST_OPEN: Final = 20  # things that every kill interrupts, of each kind some
RECENT: Final = 50  # notes of steps, to see which runners are at it
NEW_OUTCOMES: Final = 20  # between two kills
PATIENCE: Final = 120.0


class Suite:
    """One crash test in one empty folder. Make it, do rounds, `finish` and `close`."""

    def __init__(
        self,
        folder: Path,
        *,
        turns: Sequence[Victim] = TURNS,
        all_runners: bool = True,
        patience: float = PATIENCE,
    ) -> None:
        """Kill by `turns`, and wait for nothing longer than `patience` (seconds).

        Without `all_runners` the busiest one alone is killed when it is their turn. Three times in
        ten minutes the one in which a suspect is executed alone, and the server rightly takes that
        for the suspect's doing and closes its deployment.

        Raises ServerFailed, OSError.
        """
        (folder / "data").mkdir(mode=0o700)
        self._folder = folder
        self._patience = patience
        self._turns = turns
        self._all_runners = all_runners
        self._spared: set[int] = set()
        self._disk = examine(folder)
        self.scene = Scene(folder / "data")
        self.kills: Counter[Victim] = Counter()
        self.open_at_kills: list[Counter[str]] = []
        self._acknowledged: dict[Step, Outcome] = {}
        self._begun_by_then: dict[Step, int] = {}
        self._serving_again: list[float] = []
        self._changed: set[Step] = set()
        self._created = self._sent = self._since = 0
        self._memory: dict[Victim, int] = {}
        self._first_memory: dict[Victim, int] = {}
        self._last_memory: dict[Victim, int] = {}
        self._server = Server(folder, 0)

    def round(self) -> None:
        """Start runs, wait until much is going on, and kill whose turn it is.

        Raises ServerFailed.
        """
        known = len(self._acknowledged)
        last = self._created + (PER_ROUND if self._created else AT_ONCE)
        self._start_until(last - LATE)
        self._send_until(self._created - WAITING)
        self._until(lambda: self._note() >= known + NEW_OUTCOMES, "steps to finish")
        self._start_until(last)
        self._until(self._much_is_open, "every kind of thing to be open")
        self._note()
        # what has begun since the kill before counts too, so the latest number is noted only for
        # steps that were not acknowledged then
        for step in self._acknowledged:
            self._begun_by_then.setdefault(step, self.scene.begun[step])
        self.open_at_kills.append(self.scene.open(self._since))
        self._since = self.scene.oldest_live()
        self._kill(self._turns[self.kills.total() % len(self._turns)])

    def finish(self) -> Report:
        """Let every run end, and say what became of them. Raises ServerFailed."""
        self._send_until(self._created)
        names = {f"r{n}" for n in range(self._created)}
        with contextlib.suppress(ServerFailed):  # then they are lost, which the report says
            self._until(lambda: self.scene.completed() >= names, "the runs to complete")
        self._measure()
        self._server.stop()
        scene = self.scene
        scene.look()
        for step, outcome in scene.outcomes().items():
            if self._acknowledged.get(step, outcome) != outcome:
                self._changed.add(step)
        self._changed |= self._acknowledged.keys() - scene.outcomes().keys()
        whole = {
            run for run in scene.completed() & names if all(scene.begun[run, s] for s in STEPS)
        }
        repeated = [s for s, count in self._begun_by_then.items() if scene.begun[s] != count]
        return Report(
            runner_kills=self.kills["runner"],
            server_kills=self.kills["server"],
            acknowledged=self._created,
            completed=len(whole),
            lost=self._created - len(whole),
            outcomes=len(self._acknowledged),
            repeated=len(repeated),
            changed=len(self._changed),
            overtaken=scene.handed_back(self._spared),
            cut_short=scene.begun.total() - len(scene.begun),
            serving_again=self._serving_again,
            server_memory=_growth("server", self._first_memory, self._memory),
            runner_memory=_growth("runner", self._first_memory, self._memory),
            journal_bytes=scene.journal_bytes(),
            disk=self._disk,
        )

    def figures(self) -> str:
        """How far it has come, and what that takes, in one line."""
        sizes = {victim: f"{size / 1024**2:.0f} MiB" for victim, size in self._last_memory.items()}
        memory = ", ".join(f"{victim} {size}" for victim, size in sizes.items())
        return (
            f"{self.kills.total()} kills, {self._created} runs acknowledged, memory {memory}, "
            f"journal {self.scene.journal_bytes() / 1024**2:.1f} MiB, "
            f"all files {_size(self._folder / 'data') / 1024**2:.1f} MiB"
        )

    def close(self) -> None:
        """End the server, however far the test has come."""
        self._server.kill()

    def _start_until(self, count: int) -> None:
        while self._created < count:
            self._server.start(self._created)
            self._created += 1

    def _send_until(self, count: int) -> None:
        while self._sent < count:
            self._server.send(self._sent)
            self._sent += 1

    def _note(self) -> int:
        """Take in what the journal has acknowledged; how much that is."""
        self.scene.look()
        for step, outcome in self.scene.outcomes(self._since).items():
            if self._acknowledged.setdefault(step, outcome) != outcome:
                self._changed.add(step)
        return len(self._acknowledged)

    def _much_is_open(self) -> bool:
        self.scene.look()
        found = self.scene.open(self._since)
        return found.total() >= LEAST_OPEN and set(+found) == KINDS

    def _kill(self, victim: Victim) -> None:
        self._until(lambda: bool(self._server.runners()), "a runner")
        self._measure()
        began, seen = time.monotonic(), len(self.scene.marks)
        # of the latest only: the system gives the numbers of long gone processes to new ones
        past = {mark.pid for mark in self.scene.marks[-RECENT:]} | self._server.runners()
        if victim == "runner":
            victims = self._victims()
            self._spared |= self._server.runners() - victims
            for runner in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(runner, signal.SIGKILL)
        else:
            self._server.kill()
            number = self.kills["server"] + 1
            self._server = Server(self._folder, number, self._server.workflow)
        self.kills[victim] += 1

        def again() -> bool:
            self.scene.look()
            return any(mark.pid not in past for mark in self.scene.marks[seen:])

        self._until(again, "steps to be executed again")
        self._serving_again.append(time.monotonic() - began)

    def _victims(self) -> set[int]:
        runners = self._server.runners()
        if self._all_runners:
            return runners
        did = Counter(mark.pid for mark in self.scene.marks[-RECENT:] if mark.pid in runners)
        return {pid for pid, _ in did.most_common(1)} or runners

    def _measure(self) -> None:
        found = {"server": [self._server.pid], "runner": list(self._server.runners())}
        victim: Victim
        for victim in ("server", "runner"):
            for pid in found[victim]:
                used = memory(pid)
                if used is not None:
                    self._first_memory.setdefault(victim, used)
                    self._last_memory[victim] = used
                    self._memory[victim] = max(used, self._memory.get(victim, 0))

    def _until(self, met: Callable[[], bool], what: str) -> None:
        stop = time.monotonic() + self._patience
        while not met():
            if time.monotonic() > stop:
                raise ServerFailed(f"Waited {self._patience:.0f} seconds in vain for {what}.")
            time.sleep(LOOK_AGAIN)


def _growth(
    victim: Victim, first: dict[Victim, int], most: dict[Victim, int]
) -> tuple[int, int] | None:
    return (first[victim], most[victim]) if victim in most else None


def _size(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(place, file)).st_size
    return total
