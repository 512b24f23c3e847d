"""Executing a run's code against its recorded outcomes, live and on replay alike.

Owns the order in which code learns things: an outcome is delivered only after all lower ones, and
only once every task of the run is blocked again, so concurrent arms interleave after a crash as
they did before it. Nothing new starts while recorded outcomes are still to be delivered.

Knows nothing of journals, processes or what an outcome costs: it speaks to an `Engine`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from awaitstep.engine import outcomes, values
from awaitstep.engine.ask import Ask
from awaitstep.engine.asks import Asks
from awaitstep.engine.attempts import Attempts
from awaitstep.engine.clock import Clock
from awaitstep.engine.eager import Eager
from awaitstep.engine.errors import ValueRefused
from awaitstep.engine.hosting import Engine, Threads
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.recorded import Recorded
from awaitstep.engine.retry import RetryPolicy
from awaitstep.engine.rollback import SUFFIX, Handler, is_handler
from awaitstep.engine.states import STOP, StepKind
from awaitstep.engine.tasks import Tasks, follow_tasks
from awaitstep.engine.undoing import Undoing


class Execution:
    """One run's code in one process, from its start (or replay) until it ends or is unloaded."""

    def __init__(
        self,
        engine: Engine,
        *,
        label: str,
        recorded: list[Recorded],
        clock: Clock,
        threads: Threads,
        loop: asyncio.AbstractEventLoop,
        eager: Eager,
        module: str | None = None,
        epoch: int = 1,
        one_at_a_time: bool = False,
        on_survivor: Callable[[str], None] | None = None,
    ) -> None:
        self._engine = engine
        self._loop = loop
        self._module = module
        self._tasks = Tasks(
            label, loop, at_rest=self._pump, ended=self._code_ended, over=self._forget
        )
        held: deque[Ask] = deque()
        self._attempts = Attempts(
            engine,
            self._tasks,
            held,
            label=label,
            epoch=epoch,
            clock=clock,
            threads=threads,
            loop=loop,
            eager=eager,
            module=module,
            one_at_a_time=one_at_a_time,
            on_survivor=on_survivor,
        )
        self._asks = Asks(engine, self._tasks, self._attempts, held, recorded=recorded, loop=loop)
        self._undoing = Undoing(
            engine, self._tasks, self._attempts, self._asks, is_replay=bool(recorded)
        )
        self._queue: deque[tuple[int, int, bool, bytes | None]] = deque(
            sorted((r.seq, r.k, r.ok, r.value) for r in recorded if r.seq)
        )
        self._when_over: Callable[[], object] | None = None

    # --- from outside -------------------------------------------------------------------------

    def start(self, code: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Run the code. It ends in `Engine.ended`, unless it is closed before."""
        follow_tasks(self._loop)
        self._tasks.begin(code())

    def deliver(self, seq: int, k: int, ok: bool, value: bytes | None) -> None:
        """The outcome of `k` is durable. `value` None: the result this execution sent itself."""
        if self._tasks.closed:
            return
        self._queue.append((seq, k, ok, value))
        if k == STOP:
            self._asks.ending = True
        if len(self._tasks.alive) == 1 and len(self._queue) == 1 and not self._tasks.turning:
            self._pump()
        else:
            self._tasks.turn()

    def retry(self, k: int) -> None:
        """It is time for the next attempt of `k`."""
        if not self._tasks.closed:
            self._attempts.due.add(k)
            self._tasks.turn()

    def freeze(self) -> None:
        """Start and deliver nothing more; attempts that run may end."""
        self._tasks.frozen = True

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self._tasks.frozen = False
        self._tasks.turn()

    def close(self) -> None:
        """Unload: from here on every step call raises, and nothing the code does has effect."""
        if self._tasks.closed:
            return
        self._tasks.close()
        for ask in list(self._attempts.running):
            self._attempts.stop(ask)
        self._tasks.unwind()
        self._queue.clear()
        self._asks.held.clear()

    def when_gone(self, call: Callable[[], object]) -> None:
        """Call once no attempt that was told to stop is still at it."""
        self._attempts.when_gone(call)

    def when_over(self, call: Callable[[], object]) -> None:
        """Call once no task of the run is left. One caller only."""
        self._when_over = call

    @property
    def closed(self) -> bool:
        return self._tasks.closed

    @property
    def attempts_running(self) -> int:
        return len(self._attempts.running)

    # --- from the step object -----------------------------------------------------------------

    async def do(
        self,
        name: object,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        policy: RetryPolicy,
        rollback: Handler | None = None,
    ) -> Any:
        """One step: `call(*args)` at least once, its outcome exactly once.

        `CONTEXT` among the args stands for the attempt's context. `rollback` undoes it should the
        run fail.
        """
        if self._tasks.refusing:
            await self._tasks.refuse()
        if isinstance(name, str) and is_handler(name):
            raise ValueError(
                f"A step's name may not end in {SUFFIX!r}: that is how its undoing is called."
            )
        ask = self._asks.ask(StepKind.do, name)
        ask.call = call
        ask.args = args
        ask.policy = policy
        if rollback is not None:
            self._undoing.add(ask, rollback)
        return await self._asks.answer(ask)

    async def sleep(self, kind: StepKind, name: object, seconds: float) -> None:
        if self._tasks.refusing:
            await self._tasks.refuse()
        ask = self._asks.ask(kind, name)
        ask.seconds = seconds
        await self._asks.answer(ask)

    async def wait(self, name: object, event_type: str, timeout: float) -> Any:
        if self._tasks.refusing:
            await self._tasks.refuse()
        ask = self._asks.ask(StepKind.wait, name)
        ask.event_type = event_type
        ask.seconds = timeout
        return await self._asks.answer(ask)

    # --- the order of things ------------------------------------------------------------------

    def _pump(self) -> None:
        """Deliver the next outcome; without one, start what was held back."""
        if self._tasks.frozen:
            return
        if self._queue:
            seq, k, ok, value = self._queue[0]
            ask = self._asks.by_k.get(k)
            if ask is None and k != STOP:
                self._not_asked(k)
                return
            self._queue.popleft()
            self._asks.seen = seq
            known = self._asks.replaying or self._asks.awaited
            if self._asks.replaying:
                self._asks.replaying -= 1
            if ask is None:
                self._undoing.stop_here(ok, value)
            elif self._undoing.over or self._undoing.stopping:
                ask.keep_output(ok, value)
                self._asks.unanswered.pop(ask.future, None)
                self._tasks.turn()
            else:
                heard = self._asks.settle(ask, ok, value)
                if (
                    not heard
                    or known
                    or len(self._tasks.alive) > 1
                    or self._queue
                    or self._asks.held
                ):
                    self._tasks.turn()  # else the only task tells by what it does next
            return
        if self._undoing.stopping:
            self._undoing.wind_up()
            return
        if self._undoing.over:
            return  # until the stop is recorded
        if self._asks.awaited and self._tasks.wait_only_for(self._asks.unanswered):
            self._unasked(min(self._asks.awaited))
            return
        started = False
        while self._asks.held and not self._attempts.must_wait(self._asks.held[0]):
            self._asks.begin(self._asks.held.popleft())
            started = True
        if self._attempts.due:
            for k in list(self._attempts.due):
                ask = self._asks.by_k.get(k)
                if ask is None or self._attempts.must_wait(ask):
                    continue
                self._attempts.due.discard(k)
                if not (ask.future.done() or ask.cancelled):
                    self._attempts.retry(ask)
                    started = True
        # who is told to try again elsewhere must not meet the attempt before
        if self._attempts.at_work:
            return
        if started:
            self._tasks.turn()  # perhaps nothing is left but to wait for it
        elif self._tasks.wait_only_for(self._asks.unanswered):
            self._engine.blocked(self._asks.seen)

    def _not_asked(self, k: int) -> None:
        """The next outcome is of something the code has not asked for yet."""
        if self._undoing.begun:  # of another code's step: there is nothing to undo here
            seq, _, _, _ = self._queue.popleft()
            self._asks.seen = seq
            self._asks.replaying = max(self._asks.replaying - 1, 0)
            self._tasks.turn()
        elif self._undoing.stopping and is_handler(self._asks.recorded(k).name):
            self._undoing.leave()
        else:
            self._unasked(k)

    def _unasked(self, k: int) -> None:
        """All is at rest and the code has not asked for what is recorded next."""
        if self._tasks.alive and not self._tasks.wait_only_for(self._asks.unanswered):
            self._loop.call_later(0.05, self._tasks.turn)  # it waits for something of its own
            return
        asked = self._asks.held[0] if self._asks.held else None
        self._nondeterministic(
            self._asks.recorded(k),
            f"asks for {asked.kind.name} {asked.name!r}" if asked else "waits for nothing",
        )

    def _nondeterministic(self, known: Recorded, instead: str) -> None:
        failed = Failure(
            "NondeterministicError",
            f"The run recorded {known.kind.name} {known.name!r} ({known.n}) here, "
            f"but its code now {instead}.",
            code="run.nondeterministic",
            step=known.name,
        )
        self._end(None, failed, None)

    # --- its end ------------------------------------------------------------------------------

    def _code_ended(self, root: asyncio.Task[Any]) -> None:
        if self._undoing.begun:
            self._end(None, None, self._asks.seen)
            return
        output, failed = self._result(root)
        if self._asks.ending:  # the stop is known, and decides
            self._undoing.over = True
            self._tasks.turn()
            return
        for k in (*(k for _, k, _, _ in self._queue), *self._asks.awaited):
            if k not in self._asks.by_k:
                self._nondeterministic(self._asks.recorded(k), "ends without it")
                return
        if failed is not None and self._undoing.is_needed():
            self._undoing.over = self._asks.ending = True
            self._engine.failing(failed)
            self._tasks.turn()
        else:
            self._end(output, failed, self._asks.seen)

    def _result(self, root: asyncio.Task[Any]) -> tuple[bytes | None, Failure | None]:
        """What the code returned, or how it failed."""
        if root.cancelled():
            error: BaseException | None = asyncio.CancelledError("The run cancelled itself.")
        else:
            error = root.exception()
        if error is not None:
            return None, outcomes.failure(error, self._module)
        try:
            return values.encode(root.result()), None
        except ValueRefused as refused:
            return None, outcomes.failure(refused)

    def _end(self, output: bytes | None, failed: Failure | None, seen: int | None) -> None:
        self.close()
        self._engine.ended(output, failed, seen)
        self._forget()

    def _forget(self) -> None:
        """Untie what refers to each other once the run's tasks are over.

        Without the ties it is freed at once; the collector took a quarter of a short run's time.
        """
        if self._tasks.alive:
            return
        self._tasks.forget()
        self._asks.forget()
        if self._when_over is not None:
            self._when_over()
            self._when_over = None
