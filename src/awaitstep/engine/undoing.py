"""How a run is rolled back: its code is left where it is, and its steps are undone, last one first.

Live and on replay alike. Why and when a run is to be rolled back is recorded, and decided elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Sequence

from awaitstep.engine import outcomes
from awaitstep.engine.ask import Ask
from awaitstep.engine.asks import Asks
from awaitstep.engine.attempts import CONTEXT, Attempts
from awaitstep.engine.hosting import Engine
from awaitstep.engine.rollback import Handler, RunTerminated, handler_name, is_handler
from awaitstep.engine.states import StepKind
from awaitstep.engine.tasks import Tasks


class Undoing:
    """Of one run. First its code is `over`, or its stop is reached (`stopping`): what runs may end,
    and nothing new starts. Then the code is left and the undoing has `begun`."""

    def __init__(
        self, engine: Engine, tasks: Tasks, attempts: Attempts, asks: Asks, *, is_replay: bool
    ) -> None:
        self._engine = engine
        self._tasks = tasks
        self._attempts = attempts
        self._asks = asks
        self._is_replay = is_replay
        self._undos: list[Ask] = []  # those with a handler, in the order of asking
        self._why: Exception = RunTerminated()
        self.over = False
        self.stopping = False
        self.begun = False

    def add(self, ask: Ask, handler: Handler) -> None:
        """What is asked for is to be undone by `handler`."""
        if not (self.over or self.stopping):
            ask.handler = handler
            self._undos.append(ask)

    def is_needed(self) -> bool:
        """Whether there is anything to undo."""
        return any(map(self._has_begun, self._undos))

    def stop_here(self, ok: bool, value: bytes | None) -> None:
        """From here on, live and on replay alike, the code hears of nothing more.

        Attempts may end, so that their outputs are known to who undoes them, and so may children,
        which undo themselves; whatever else is waited for is given up.
        """
        if not ok:
            self._why = outcomes.rebuild(outcomes.unpack(value or b""))
        self.stopping = self._asks.ending = True
        for ask in list(self._asks.unanswered.values()):
            known = ask.known
            decided = ask.local or (known is not None and (known.seq or known.cancelled))
            if (
                not (
                    decided
                    or ask.cancelled
                    or ask in self._attempts.running
                    or ask in self._asks.held
                )
                and not ask.waits_for_child()
            ):
                self._asks.give_up(ask)
        self._tasks.turn()

    def wind_up(self) -> None:
        """Leave the code once nothing of it is at work any more."""
        unanswered = self._asks.unanswered.values()
        if (
            self._attempts.running
            or self._attempts.lingering
            or any(ask.local for ask in unanswered)
        ):
            return
        children = [ask for ask in unanswered if ask.waits_for_child() and not ask.cancelled]
        for ask in children:
            if ask in self._asks.held:
                self._asks.held.remove(ask)
                self._asks.begin(ask)
        if children:
            self._engine.blocked(self._asks.seen)
        else:
            self.leave()

    def leave(self) -> None:
        """Nothing that the code still does has effect; what can be undone is, last step first."""
        self.stopping = self._asks.ending = self.over = False
        self.begun = True
        self._tasks.leave()
        undos, self._undos = self._to_undo(), []
        for ask in self._asks.held:
            ask.cancelled = True
        self._asks.held.clear()
        # what the code did not ask for again will never be asked for
        self._asks.awaited = {
            k for k in self._asks.awaited if is_handler(self._asks.recorded(k).name)
        }
        self._tasks.begin(self._roll_back(undos))

    def _to_undo(self) -> list[Ask]:
        """Those that began, the last first; those whose undoing is recorded before all others.

        One that was held back while a replay went on may have run before, which only the journal
        of a step that ended can tell: it is among them.
        """
        began = [ask for ask in reversed(self._undos) if self._has_begun(ask)]

        def place(ask: Ask) -> float:
            known = self._asks.known.get((StepKind.do, handler_name(ask.name), ask.n))
            return float("inf") if known is None else known.k

        return sorted(began, key=place)

    def _has_begun(self, ask: Ask) -> bool:
        return ask.attempt > 0 or ask.known is not None or self._is_replay

    async def _roll_back(self, asks: Sequence[Ask]) -> None:
        """Call the handlers, one after another. One that fails for good is in the history, and the
        others go on."""
        for ask in asks:
            handler = ask.handler
            assert handler is not None
            if self._tasks.refusing:
                await self._tasks.refuse()
            undoing = self._asks.ask(StepKind.do, handler_name(ask.name), ask.n)
            undoing.call = handler.call
            undoing.args = (ask.output, self._why, CONTEXT)
            undoing.policy = handler.policy
            undoing.undoes = ask
            with contextlib.suppress(Exception):
                await self._asks.answer(undoing)
            if self._attempts.lingering:  # it has timed out, and is still at it
                gone = asyncio.get_running_loop().create_future()
                self._attempts.when_gone(functools.partial(_resolve, gone))
                await gone


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
