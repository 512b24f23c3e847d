"""What a run's code asks for: matched with what is recorded, begun when it may, and answered.

Live and on replay alike, an answer is made from the journal form of a value or an error. Whose turn
it is to be answered is not known here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from awaitstep.engine import outcomes, values
from awaitstep.engine.ask import Ask
from awaitstep.engine.attempts import Attempts
from awaitstep.engine.hosting import Engine
from awaitstep.engine.recorded import Recorded
from awaitstep.engine.states import StepKind
from awaitstep.engine.tasks import Tasks

Key = tuple[StepKind, str, int]


class Asks:
    """Those of one run. `held` may not begin yet: while recorded outcomes are still to be told or
    awaited, once the run is `ending`, or while another attempt runs and it is one at a time."""

    def __init__(
        self,
        engine: Engine,
        tasks: Tasks,
        attempts: Attempts,
        held: deque[Ask],
        *,
        recorded: list[Recorded],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._engine = engine
        self._tasks = tasks
        self._attempts = attempts
        self._loop = loop
        self.held = held
        self.known: dict[Key, Recorded] = {(r.kind, r.name, r.n): r for r in recorded}
        # recorded, still without outcome, and not asked for again yet
        self.awaited = {r.k for r in recorded if not r.seq and not r.cancelled}
        self._next_k = max((r.k for r in recorded), default=0) + 1
        self._counts: dict[tuple[int, str], int] = {}
        self.by_k: dict[int, Ask] = {}
        self.unanswered: dict[asyncio.Future[Any], Ask] = {}
        # recorded outcomes that are still to be told
        self.replaying = len([r for r in recorded if r.seq])
        self.seen = 0  # the last outcome the code was told of
        self.ending = any(r.kind is StepKind.stop for r in recorded)

    def ask(self, kind: StepKind, name: object, n: int | None = None) -> Ask:
        """The next use of a name, or its `n`th. Raises ValueError for what is no name."""
        if asyncio.current_task(self._loop) not in self._tasks.alive:
            raise RuntimeError("A step can't be started from inside another step.")
        if not isinstance(name, str) or not 1 <= len(name) <= 256 or not name.isprintable():
            raise ValueError("A step's name is 1 to 256 printable characters.")
        if n is None:
            n = self._counts[kind, name] = self._counts.get((kind, name), 0) + 1
        known = self.known.get((kind, name, n))
        if known is None:
            k = self._next_k
            self._next_k += 1
        else:
            k = known.k
        ask = Ask(k, kind, name, n, self._loop.create_future())
        if known is not None:
            ask.known = known
            ask.attempt = known.attempts
            self.awaited.discard(k)
        self.by_k[k] = ask
        self.unanswered[ask.future] = ask
        return ask

    async def answer(self, ask: Ask) -> Any:
        """What comes of it. Begins it when it may, and gives it up when the code does."""
        if ask.known is None:
            if (
                self.replaying
                or self.awaited
                or self._tasks.frozen
                or self.ending
                or self._attempts.must_wait(ask)
            ):
                self.held.append(ask)
                self._tasks.turn()
            else:
                self.begin(ask)
                if ask.kind is StepKind.do:
                    self._tasks.quiet = 0  # its attempt runs: what follows comes with the outcome
                else:
                    self._tasks.turn()
        else:
            self._tasks.turn()
        try:
            return await ask.future
        except asyncio.CancelledError:
            if not self._tasks.closed and not ask.cancelled and ask.future.cancelled():
                self.give_up(ask)
            raise
        finally:
            self.unanswered.pop(ask.future, None)

    def begin(self, ask: Ask) -> None:
        if ask.kind is StepKind.do:
            self._attempts.begin(ask)
        elif ask.kind is StepKind.wait:
            self._engine.wait(ask.k, ask.name, ask.n, ask.event_type, ask.seconds)
        else:
            self._engine.sleep(ask.k, ask.kind, ask.name, ask.n, ask.seconds)

    def give_up(self, ask: Ask) -> None:
        """The code cancelled the task that waited, or is to be left."""
        ask.cancelled = True
        if ask in self._attempts.running:
            self._attempts.stop(ask)
        if ask in self.held:
            self.held.remove(ask)
            return
        if ask.known is None or not ask.known.cancelled:
            self._engine.cancel(ask.k, self.seen)

    def settle(self, ask: Ask, ok: bool, value: bytes | None) -> bool:
        """Give the code its answer; False when it no longer waits for one."""
        future = ask.future
        data = ask.local if value is None else value
        if ask.handler is not None:
            ask.keep_output(ok, data)
        ask.local = None
        self.unanswered.pop(future, None)
        if future.done() or data is None:
            return False
        if ok:
            future.set_result(values.decode(data))
        else:
            future.set_exception(outcomes.rebuild(outcomes.unpack(data)))
            future.exception()  # seen: code that looks away is not warned about it
        return True

    def recorded(self, k: int) -> Recorded:
        return next(r for r in self.known.values() if r.k == k)

    def forget(self) -> None:
        self.by_k.clear()
        self.unanswered.clear()
