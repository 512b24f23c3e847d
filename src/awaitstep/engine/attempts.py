"""Executing a run's steps: each attempt from its beginning to the end that counts.

An attempt is told to the engine when it begins and when it ends, by itself or by its time limit. One
that was told to stop is waited for, so that no other begins beside it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from awaitstep.engine import outcomes, tracebacks, values
from awaitstep.engine.ask import Ask
from awaitstep.engine.clock import Clock
from awaitstep.engine.current import Attempting, attempting, label
from awaitstep.engine.eager import Eager
from awaitstep.engine.errors import ValueRefused
from awaitstep.engine.hosting import Engine, Job, Threads
from awaitstep.engine.logs import Line, Log
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.states import StepKind
from awaitstep.engine.tasks import Tasks
from workers.bindings import is_missing
from workers.workflows import NonRetryableError

# How long a step may ignore being told to stop before its process is given up.
SURVIVAL: Final = 5.0
# Stands for the attempt's context among a step's arguments.
CONTEXT: Final = object()


class Attempts:
    """Those of one run that run now, and those that were told to stop and are still at it.

    `held` is what may not begin yet: with `one_at_a_time`, the end of an attempt is its turn.
    `due`, by k, is what is to be tried again as soon as something may begin.
    """

    def __init__(
        self,
        engine: Engine,
        tasks: Tasks,
        held: deque[Ask],
        *,
        label: str,
        epoch: int,
        clock: Clock,
        threads: Threads,
        loop: asyncio.AbstractEventLoop,
        eager: Eager,
        module: str | None,
        one_at_a_time: bool,
        on_survivor: Callable[[str], None] | None,
    ) -> None:
        self._engine = engine
        self._tasks = tasks
        self._held = held
        self._label = label
        self._epoch = epoch
        self._clock = clock
        self._threads = threads
        self._loop = loop
        self._eager = eager
        self._module = module
        self._one_at_a_time = one_at_a_time
        self._on_survivor = on_survivor
        self.running: set[Ask] = set()
        self.due: set[int] = set()
        self.lingering: set[Ask] = set()  # told to stop, and not gone yet
        self._when_gone: list[Callable[[], object]] = []

    def must_wait(self, ask: Ask) -> bool:
        """Whether an attempt of it may not begin beside those that run."""
        return self._one_at_a_time and ask.kind is StepKind.do and bool(self.running)

    @property
    def at_work(self) -> bool:
        """Whether anything is executed still, be it for nobody."""
        return bool(self.running or self.lingering)

    def begin(self, ask: Ask) -> None:
        """Its first attempt, or its next."""
        assert ask.call is not None
        ask.attempt += 1
        self.running.add(ask)
        self._engine.attempt_started(ask.k, ask.name, ask.n, ask.attempt, ask.policy)
        if _is_async(ask.call):
            self._eager.soon(self._start_attempt, ask)
        else:  # it waits for a thread; not made by the task factory: an attempt's tasks are its own
            name = self._named(ask)
            ask.task = asyncio.Task(self._attempt(ask, name), loop=self._loop, name=name)

    def _named(self, ask: Ask) -> str:
        """What the task of an attempt is called."""
        return f"{self._label} {ask.k}"

    def _start_attempt(self, ask: Ask) -> None:
        if ask not in self.running:
            return  # it was told to stop before it began
        name = self._named(ask)
        began = self._clock.now()
        ask.task = self._eager.begin(self._attempt(ask, name), name)
        if ask.task is not None:  # what does not wait is over before any time limit
            self._start_timer(ask, began)

    async def _attempt(self, ask: Ask, name: str) -> None:
        assert ask.call is not None
        label.set(name)
        ask.log = Log(self._clock.now)
        attempting.set(Attempting(self._engine, ask.k, ask.log))
        args = ask.args
        if CONTEXT in args:
            context = _context(ask, self._epoch)
            args = tuple(context if arg is CONTEXT else arg for arg in args)
        try:
            if _is_async(ask.call):
                ask.code = ask.call(*args)
                value = await ask.code
            else:
                value = await self._threads.run(
                    ask.call, *args, on_start=lambda job: self._got_thread(ask, job)
                )
                if inspect.isawaitable(value):
                    ask.code = value
                    value = await value
            data = values.encode(value)
        except BaseException as error:
            self._attempt_raised(ask, error)
        else:
            if self._attempt_over(ask):
                ask.local = data
                self._engine.attempt_succeeded(ask.k, data, _printed(ask))
                self._next_in_turn()
        finally:
            ask.code = None

    def _got_thread(self, ask: Ask, job: Job) -> None:
        ask.job = job
        self._start_timer(ask, self._clock.now())

    def _start_timer(self, ask: Ask, began: float) -> None:
        if ask in self.running:
            left = max(ask.policy.timeout - (self._clock.now() - began), 0.0)
            ask.timer = self._clock.call_later(left, lambda: self._time_out(ask))

    def _attempt_raised(self, ask: Ask, error: BaseException) -> None:
        if not self._attempt_over(ask):
            return
        failed = outcomes.failure(error, self._module, ask.name)
        final = isinstance(error, (NonRetryableError, ValueRefused)) or is_missing(error)
        self._engine.attempt_failed(ask.k, failed, not final, _printed(ask))
        self._tasks.turn()  # perhaps all that is left is to wait for the next attempt

    def _attempt_over(self, ask: Ask) -> bool:
        """Whether this end of the attempt is the one that counts."""
        if ask.timer is not None:
            ask.timer.cancel()
            ask.timer = None
        if ask not in self.running:
            return False
        self.running.discard(ask)
        return not self._tasks.closed

    def _time_out(self, ask: Ask) -> None:
        """The attempt is over for the journal now, whatever its code does with the news."""
        if not self._attempt_over(ask):
            return
        failed = _timed_out(ask, self._module)
        self._engine.attempt_failed(ask.k, failed, True, _printed(ask))
        self.stop(ask)
        self._tasks.turn()

    def stop(self, ask: Ask) -> None:
        """Tell its attempt to stop, which counts no more, whatever its code does with the news."""
        self.running.discard(ask)
        if ask.timer is not None:
            ask.timer.cancel()
            ask.timer = None
        task = ask.task
        if task is None or task.done():
            return
        task.cancel()
        if not self._tasks.closed:
            self.lingering.add(ask)
            self._tasks.beside(self._see_gone(ask))
        if self._on_survivor is not None and ask.job is None:
            survived = self._on_survivor
            self._loop.call_later(
                SURVIVAL, lambda: None if task.done() else survived(f"step {ask.name!r}")
            )

    def _next_in_turn(self) -> None:
        if self._one_at_a_time and self._held:
            self._tasks.turn()

    # --- one after the other ------------------------------------------------------------------

    def retry(self, ask: Ask) -> None:
        """It is time for its next attempt, unless one runs or has succeeded."""
        if ask in self.running or ask.local is not None:
            return
        if ask.task is None or (ask.task.done() and ask.job is None):
            self.begin(ask)
        else:
            self._tasks.beside(self._retry_alone(ask))

    async def _see_gone(self, ask: Ask) -> None:
        await _gone(ask)
        self.lingering.discard(ask)
        if not self.lingering:
            calls, self._when_gone = self._when_gone, []
            for call in calls:
                call()
            self._tasks.turn()

    async def _retry_alone(self, ask: Ask) -> None:
        """Never beside the attempt before: one that ignores its timeout is waited for."""
        await _gone(ask)
        ask.job = None
        self.due.add(ask.k)  # and not begun: the run may be frozen by now, or another at work
        self._tasks.turn()

    def when_gone(self, call: Callable[[], object]) -> None:
        """Call once no attempt that was told to stop is still at it."""
        if self.lingering:
            self._when_gone.append(call)
        else:
            call()


async def _gone(ask: Ask) -> None:
    """Return once nothing of the ask's last attempt executes any more."""
    assert ask.task is not None
    await asyncio.wait([ask.task])
    if ask.job is not None:
        await ask.job.gone()


def _printed(ask: Ask) -> Sequence[Line]:
    """What the attempt printed; from here on it prints for nobody."""
    return () if ask.log is None else ask.log.close()


def _is_async(call: Callable[..., Any]) -> bool:
    code = getattr(call, "__code__", None)
    if code is None:
        return inspect.iscoroutinefunction(call)
    return bool(code.co_flags & inspect.CO_COROUTINE)


def _context(ask: Ask, epoch: int) -> dict[str, Any]:
    """What an attempt gets as `ctx`: a handler that of the step it undoes, and its own attempt."""
    about = ask if ask.undoes is None else ask.undoes
    policy = about.policy
    return {
        "step": {"name": about.name, "count": about.n},
        "epoch": epoch,
        "attempt": ask.attempt,
        "config": {
            "retries": {
                "limit": policy.limit,
                "delay": int(policy.delay * 1000),
                "backoff": policy.backoff,
            },
            "timeout": int(policy.timeout * 1000),
        },
    }


def _timed_out(ask: Ask, module: str | None) -> Failure:
    """With the place in the module where the attempt was just then."""
    message = f"Execution timed out after {ask.policy.timeout * 1000:.0f}ms"
    frames: list[tracebacks.Frame] = []
    if module is not None:
        frames = tracebacks.of_coroutine(ask.code, module)
        if not frames and ask.job is not None:
            frames = tracebacks.of_thread(ask.job.frame(), module)
    if not frames:
        return Failure("TimeoutError", message, step=ask.name)
    trace = tracebacks.stopped(frames, f"TimeoutError: {message}")
    return Failure("TimeoutError", message, line=frames[-1][1], step=ask.name, trace=trace)
