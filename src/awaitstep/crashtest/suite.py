"""Rounds of load and a kill, and what must hold after all of them.

Just before each kill the outcomes in the journal are noted: they are what the engine has
acknowledged, so those steps must never begin again and their rows never change. Beside the load,
some runs are paused, terminated, rolled back and restarted (`verbs.py`).
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
from awaitstep.crashtest.scene import KINDS, STEPS, Mark, Outcome, Scene, Step
from awaitstep.crashtest.server import LOOK_AGAIN, Server, ServerFailed
from awaitstep.crashtest.verbs import RESTARTED, Steering

Victim = Literal["runner", "server"]
# Who is killed, in turn.
TURNS: Final[tuple[Victim, ...]] = ("runner", "runner", "server")
AT_ONCE: Final = 50  # runs before the first kill
PER_ROUND: Final = 10
WAITING: Final = 25  # runs whose event is not sent yet
LATE: Final = 5  # of the runs of a round: they are in their first step at its kill
LEAST_OPEN: Final = 20  # things that every kill interrupts, of each kind some
MANY: Final = 3  # steps that the kill of one runner interrupts: of one run there are two at most
RECENT: Final = 50  # notes of steps, to see which runners are at it
NEW_OUTCOMES: Final = 20  # between two kills
# Steps are short: on a busy machine they may be over before many are open, then more begin.
MORE: Final = 10
MORE_AFTER: Final = 2.0
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
        """Kill by `turns`, and wait no longer than `patience` (seconds) while no step ends.

        When it is the turn of the runners, one of them is in the middle of many steps. One that
        dies in the middle of a single step dies by that step's doing, as far as the server can
        tell, and after three such deaths in ten minutes it rightly closes the deployment. Without
        `all_runners` that one alone is killed: the one for suspects has a single step at times.

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
        self._first_files = self._last_files = 0
        self._steering = Steering()
        self._server = Server(folder, 0)

    def round(self) -> None:
        """Start runs, wait until much is going on, and kill whose turn it is.

        Raises ServerFailed.
        """
        known = len(self._acknowledged)
        last = self._created + (PER_ROUND if self._created else AT_ONCE)
        self._start_until(last - LATE)
        self._send_until(self._created - WAITING)
        self._steering.start(self._server)
        self._steering.go_on(self._server, self.scene)
        self._until(lambda: self._note() >= known + NEW_OUTCOMES, "steps to finish")
        self._start_until(last)
        victim = self._turns[self.kills.total() % len(self._turns)]
        killed = False
        while not killed:
            self._until_much_is_open(victim)
            self._note()
            # what has begun since the kill before counts too, so the latest number is noted only
            # for steps that were not acknowledged then
            for step in self._acknowledged:
                self._begun_by_then.setdefault(step, self.scene.begun[step])
            opened = self.scene.open(self._since)
            self._since = self.scene.oldest_live()
            killed = self._kill(victim)
        self.open_at_kills.append(opened)

    def finish(self) -> Report:
        """Let every run end, and say what became of them. Raises ServerFailed."""
        self._send_until(self._created)
        names = {f"r{n}" for n in range(self._created)}
        with contextlib.suppress(ServerFailed):  # then they are lost, which the report says
            self._until(lambda: self.scene.completed() >= names, "the runs to complete")
            self._until(self._all_settled, "the runs that were steered to end as told")
        self._measure()
        self._server.stop()
        scene = self.scene
        scene.look()
        outcomes = scene.outcomes(besides=RESTARTED)
        for step, outcome in outcomes.items():
            if self._acknowledged.get(step, outcome) != outcome:
                self._changed.add(step)
        self._changed |= self._acknowledged.keys() - outcomes.keys()
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
            steered=len(self._steering),
            astray=len(self.astray()),
            serving_again=self._serving_again,
            server_memory=self._growth("server"),
            runner_memory=self._growth("runner"),
            journal_bytes=scene.journal_bytes(),
            file_bytes=(self._first_files, self._last_files),
            disk=self._disk,
        )

    def astray(self) -> list[str]:
        """The runs that verbs were used on and that did not become what they were told to."""
        return list(self._steering.astray(self.scene))

    def figures(self) -> str:
        """How far it has come, and what that takes, in one line."""
        sizes = {victim: f"{size / 1024**2:.0f} MiB" for victim, size in self._last_memory.items()}
        memory = ", ".join(f"{victim} {size}" for victim, size in sizes.items())
        return (
            f"{self.kills.total()} kills, {self._created} runs acknowledged, memory {memory}, "
            f"journal {self.scene.journal_bytes() / 1024**2:.1f} MiB, "
            f"all files {self._last_files / 1024**2:.1f} MiB"
        )

    def close(self) -> None:
        """End the server, however far the test has come."""
        self._server.kill()

    def _start_until(self, count: int) -> None:
        while self._created < count:
            self._server.start(f"r{self._created}", self._created)
            self._created += 1

    def _send_until(self, count: int) -> None:
        while self._sent < count:
            self._server.send(f"r{self._sent}")
            self._sent += 1

    def _note(self) -> int:
        """Take in what the journal has acknowledged; how much that is."""
        self.scene.look()
        for step, outcome in self.scene.outcomes(self._since, RESTARTED).items():
            if self._acknowledged.setdefault(step, outcome) != outcome:
                self._changed.add(step)
        return len(self._acknowledged)

    def _all_settled(self) -> bool:
        self._steering.go_on(self._server, self.scene)
        return self._steering.is_settled(self.scene)

    def _until_much_is_open(self, victim: Victim) -> None:
        more = time.monotonic() + MORE_AFTER

        def met() -> bool:
            nonlocal more
            if time.monotonic() > more:
                self._start_until(self._created + MORE)
                self._send_until(self._created - WAITING)
                more = time.monotonic() + MORE_AFTER
            return self._much_is_open(victim)

        self._until(met, "every kind of thing to be open")

    def _much_is_open(self, victim: Victim) -> bool:
        self.scene.look()
        found = self.scene.open(self._since)
        much = found.total() >= LEAST_OPEN and set(+found) == KINDS
        return much and (victim == "server" or bool(self._busy()))

    def _kill(self, victim: Victim) -> bool:
        """Kill, and wait until steps are executed again; False when no runner was busy any more."""
        self._until(lambda: bool(self._server.runners()), "a runner")
        self._measure()
        began = time.monotonic()
        # of the latest only: the system gives the numbers of long gone processes to new ones
        past = {mark.pid for mark in self.scene.marks[-RECENT:]} | self._server.runners()
        cut: set[Step] = set()
        if victim == "server":
            self._server.kill()
            number = self.kills["server"] + 1
            self._server = Server(self._folder, number, self._server.workflow)
        elif not (cut := self._kill_runners()):
            return False
        self.kills[victim] += 1
        seen = len(self.scene.marks)

        def goes_on(mark: Mark) -> bool:
            # what was interrupted may go on in a runner that lived on
            again = mark.what == "begin" and (mark.instance, mark.step) in cut
            return again or mark.pid not in past

        def again() -> bool:
            self.scene.look()
            return any(goes_on(mark) for mark in self.scene.marks[seen:])

        self._until(again, "steps to be executed again")
        self._serving_again.append(time.monotonic() - began)
        return True

    def _busy(self) -> list[int]:
        """The runners in the middle of many steps, the busiest first."""
        found = {r: len(self.scene.in_the_middle(r)) for r in self._server.runners()}
        busy = [runner for runner, steps in found.items() if steps >= MANY]
        return sorted(busy, key=lambda runner: found[runner], reverse=True)

    def _kill_runners(self) -> set[Step]:
        """Kill in the middle of many steps, and say which; none when no runner is busy any more.

        The busy one is stopped first: else its steps might end between the look and its death.
        """
        for busy in self._busy():
            _signal(busy, signal.SIGSTOP)
            self.scene.look()
            cut = self.scene.in_the_middle(busy)
            if len(cut) >= MANY:
                runners = self._server.runners()
                victims = runners if self._all_runners else {busy}
                self._spared |= runners - victims
                for runner in victims:
                    _signal(runner, signal.SIGKILL)
                return cut
            _signal(busy, signal.SIGCONT)
        return set()

    def _measure(self) -> None:
        self._last_files = _size(self._folder / "data")
        self._first_files = self._first_files or self._last_files
        found = {"server": [self._server.pid], "runner": list(self._server.runners())}
        victim: Victim
        for victim in ("server", "runner"):
            for pid in found[victim]:
                used = memory(pid)
                if used is not None:
                    self._first_memory.setdefault(victim, used)
                    self._last_memory[victim] = used
                    self._memory[victim] = max(used, self._memory.get(victim, 0))

    def _growth(self, of: Victim) -> tuple[int, int, int] | None:
        if of not in self._memory:
            return None
        return self._first_memory[of], self._memory[of], self._last_memory[of]

    def _until(self, met: Callable[[], bool], what: str) -> None:
        """Raises ServerFailed once no step has ended for too long: what is slow is not lost."""
        ended, stop = -1, 0.0
        while not met():
            self.scene.look()
            if len(self.scene.ended) > ended:
                ended, stop = len(self.scene.ended), time.monotonic() + self._patience
            elif time.monotonic() > stop:
                raise ServerFailed(
                    f"Waited {self._patience:.0f} seconds in vain for {what}; "
                    f"of the runs are {self.scene.standing()}."
                )
            time.sleep(LOOK_AGAIN)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _size(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(place, file)).st_size
    return total
