"""Runs that verbs are used on beside the load; what is to become of each is known beforehand.

A verb that was acknowledged holds whoever is killed afterwards: a paused run goes on where it was,
a terminated one does nothing more, one that is rolled back is undone to its end, a restarted one
does again what comes after the step it was restarted from, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from awaitstep.crashtest.scene import Scene
from awaitstep.crashtest.server import Server

Fate = Literal["paused", "ended", "undone", "again"]
FATES: Final[tuple[Fate, ...]] = ("paused", "ended", "undone", "again")
# What their restart drops is not what was acknowledged any more.
RESTARTED: Final = "again"
# The step that has ended by then, and the one they are restarted from.
_FIRST: Final = "first"
_LAST: Final = "second"


class Steered:
    """One run and its fate. `go_on` does what is next, once it is time for that."""

    def __init__(self, server: Server, fate: Fate, number: int) -> None:
        """Starts it. Raises ServerFailed."""
        self.name = f"{fate}{number}"
        self.fate = fate
        self.steered = False  # all verbs were acknowledged
        self._paused = False
        self._begun = 0  # how often its first step had, when the last verb was acknowledged
        server.start(self.name, number)

    def go_on(self, server: Server, scene: Scene) -> None:
        """Raises ServerFailed."""
        if self.steered:
            return
        if self.fate == "paused":
            if not self._paused:
                server.steer(self.name, "pause")
                self._paused = True
                return
            server.steer(self.name, "resume")
            server.send(self.name)
        elif self.fate == "again":
            if self.name not in scene.completed():
                return
            server.steer(self.name, "restart", {"step": _LAST})
        elif (self.name, _FIRST) in scene.ended:
            server.steer(self.name, "terminate", {"rollback": self.fate == "undone"})
        else:
            return
        scene.look()
        self._begun = scene.begun[self.name, _FIRST]
        self.steered = True

    def is_settled(self, scene: Scene) -> bool:
        """Whether it has come to where it was steered."""
        status, epoch = scene.state(self.name)
        if self.fate in ("ended", "undone"):
            return self.steered and status == "terminated"
        return self.steered and status == "complete" and epoch == 1 + (self.fate == "again")

    def is_astray(self, scene: Scene) -> bool:
        """Whether something else became of it, or it did what it should not."""
        if not self.is_settled(scene):
            return True
        if self.fate != "paused" and scene.begun[self.name, _FIRST] != self._begun:
            return True
        undone = scene.undone(self.name)
        return undone != ([_FIRST] if self.fate == "undone" else [])


class Steering:
    """All of them."""

    def __init__(self) -> None:
        self._runs: list[Steered] = []
        self._open: list[Steered] = []

    def __len__(self) -> int:
        return len(self._runs)

    def start(self, server: Server) -> None:
        """One more of each fate. Raises ServerFailed."""
        number = len(self._runs) // len(FATES)
        for fate in FATES:
            run = Steered(server, fate, number)
            self._runs.append(run)
            self._open.append(run)
            if fate == "again":
                server.send(run.name)

    def go_on(self, server: Server, scene: Scene) -> None:
        """Raises ServerFailed."""
        for run in self._open:
            run.go_on(server, scene)

    def is_settled(self, scene: Scene) -> bool:
        """Whether all have come to where they were steered; those that have are not asked again."""
        self._open = [run for run in self._open if not run.is_settled(scene)]
        return not self._open

    def astray(self, scene: Scene) -> Iterator[str]:
        """Those that became something else than they were steered to."""
        return (run.name for run in self._runs if run.is_astray(scene))
