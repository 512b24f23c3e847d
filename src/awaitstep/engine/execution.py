"""Executing a run's code against its recorded outcomes, live and on replay alike.

Owns the order in which code learns things: an outcome is delivered only after all lower ones, and
only once every task of the run is blocked again, so concurrent arms interleave after a crash as
they did before it. Nothing new starts while recorded outcomes are still to be delivered.

Knows nothing of journals, processes or what an outcome costs: it speaks to an `Engine`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from types import FrameType
from typing import Any, Final, Protocol

from awaitstep.engine import outcomes, tracebacks, values
from awaitstep.engine.clock import Clock
from awaitstep.engine.eager import Eager
from awaitstep.engine.errors import ValueRefused
from awaitstep.engine.logs import Line, Log
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.recorded import Recorded
from awaitstep.engine.retry import DEFAULT, RetryPolicy
from awaitstep.engine.rollback import SUFFIX, Handler, RunTerminated, handler_name, is_handler
from awaitstep.engine.run import child_told_of
from awaitstep.engine.states import STOP, StepKind
from awaitstep.engine.timers import Timer
from workers.bindings import is_missing
from workers.workflows import NonRetryableError

# A task that waits on another task's end looks blocked for one turn of the loop per link of the
# chain between them (gather, task groups); longer chains than this without a task are not known.
QUIET_TURNS: Final = 8
# How long a step may ignore being told to stop before its process is given up.
SURVIVAL: Final = 5.0
# How often unloaded code may ask for a step before it is left waiting.
MOST_REFUSALS: Final = 100
_abandoned: Final[set[asyncio.Future[Any]]] = set()

_execution: contextvars.ContextVar[Execution | None] = contextvars.ContextVar(
    "awaitstep_execution", default=None
)


class Attempting:
    """An attempt as its own code sees it: the run's engine, the operation, what is printed."""

    __slots__ = ("engine", "k", "log")

    def __init__(self, engine: Engine, k: int, log: Log) -> None:
        self.engine = engine
        self.k = k
        self.log = log


# Which attempt the current task or thread is of.
attempting: contextvars.ContextVar[Attempting | None] = contextvars.ContextVar(
    "awaitstep_attempting", default=None
)

# What the current task belongs to, for who asks what the loop hangs in.
label: contextvars.ContextVar[str | None] = contextvars.ContextVar("awaitstep_label", default=None)

# Stands for the attempt's context among a step's arguments.
CONTEXT: Final = object()


class Unloaded(BaseException):
    """The run left this process: its code is being unwound and may start nothing more."""


class Engine(Protocol):
    """What an execution tells its engine. Every call returns at once; answers come back through
    `deliver` and `retry`."""

    def attempt_started(
        self, k: int, name: str, n: int, attempt: int, policy: RetryPolicy
    ) -> None: ...
    def attempt_succeeded(self, k: int, value: bytes, log: Sequence[Line]) -> None: ...
    def attempt_failed(
        self, k: int, failure: Failure, retryable: bool, log: Sequence[Line]
    ) -> None: ...
    def sleep(self, k: int, kind: StepKind, name: str, n: int, seconds: float) -> None:
        """`seconds` from now for a sleep; the moment itself for a sleep until."""
        ...

    def wait(self, k: int, name: str, n: int, event_type: str, timeout: float) -> None: ...
    def cancel(self, k: int, seen: int) -> None: ...
    def blocked(self, seen: int) -> None: ...
    def failing(self, failure: Failure) -> None:
        """The code ended with an error, and there is something to undo: record that it stops."""
        ...

    def ended(self, output: bytes | None, failure: Failure | None, seen: int | None) -> None:
        """`seen` is the last outcome the code was told of, None when it can't be executed.

        Neither output nor failure: what was to be undone is.
        """
        ...


class Job(Protocol):
    """A call that has its thread."""

    def frame(self) -> FrameType | None:
        """Where its thread is now, None when that is not inside the call."""
        ...

    async def gone(self) -> None:
        """Returns once no thread is inside the call any more."""
        ...


class Threads(Protocol):
    """Where steps without `await` run."""

    async def run(self, fn: Callable[..., Any], *args: Any, on_start: Callable[[Any], None]) -> Any:
        """The call's result. `on_start` gets the `Job` once there is a thread for it.

        Cancelling tells the thread to stop.
        """
        ...


class Ask:
    """One thing the code asked for and waits on."""

    __slots__ = (
        "args", "attempt", "call", "cancelled", "code", "event_type", "future", "handler", "job", "k", "kind",
        "known", "local", "log", "n", "name", "output", "policy", "seconds", "task", "timer", "undoes",
    )  # fmt: skip

    def __init__(
        self, k: int, kind: StepKind, name: str, n: int, future: asyncio.Future[Any]
    ) -> None:
        self.k = k
        self.kind = kind
        self.name = name
        self.n = n
        self.future = future
        self.known: Recorded | None = None
        self.call: Callable[..., Any] | None = None
        self.args: tuple[Any, ...] = ()
        self.code: Any = None  # the attempt's coroutine
        self.policy: RetryPolicy = DEFAULT
        self.attempt = 0
        self.local: bytes | None = None  # a result on its way through the journal
        self.seconds = 0.0
        self.event_type = ""
        self.task: asyncio.Task[None] | None = None
        self.timer: Timer | None = None
        self.job: Job | None = None
        self.log: Log | None = None
        self.handler: Handler | None = None  # undoes it
        self.output: Any = None  # for its handler
        self.undoes: Ask | None = None
        self.cancelled = False


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
        self._label = label
        self._epoch = epoch
        self._clock = clock
        self._threads = threads
        self._eager = eager
        self._module = module
        self._one_at_a_time = one_at_a_time
        self._on_survivor = on_survivor
        self._known = {(r.kind, r.name, r.n): r for r in recorded}
        self._queue: deque[tuple[int, int, bool, bytes | None]] = deque(
            sorted((r.seq, r.k, r.ok, r.value) for r in recorded if r.seq)
        )
        self._replaying = len(self._queue)
        self._is_replay = bool(recorded)
        # recorded, still without outcome, and not asked for again yet
        self._awaited = {r.k for r in recorded if not r.seq and not r.cancelled}
        self._next_k = max((r.k for r in recorded), default=0) + 1
        self._counts: dict[tuple[int, str], int] = {}
        self._asks: dict[int, Ask] = {}
        self._futures: dict[asyncio.Future[Any], Ask] = {}  # not yet answered
        self._held: deque[Ask] = deque()  # may not start yet
        self._retries: set[int] = set()
        self._running: set[Ask] = set()
        self._tasks: dict[asyncio.Task[Any], asyncio.Task[Any] | None] = {}  # task -> its parent
        self._seen = 0
        self._quiet = 0
        self._turning = False
        self.closed = False
        # Rolling back: the code is over or the stop is known (`ending`: nothing new starts), the
        # stop is reached (`stopping`: what runs may end), the code is left (`undoing`).
        self._undos: list[Ask] = []  # those with a handler, in the order of asking
        self._ending = any(r.kind is StepKind.stop for r in recorded)
        self._over = False
        self._stopping = False
        self._undoing = False
        self._why: Exception = RunTerminated()
        self._left: set[asyncio.Task[Any]] = set()  # tasks whose code has no effect any more
        self._refusing = False
        self._refusals = 0
        self._frozen = False
        self._root: asyncio.Task[Any] | None = None
        self._waiters: set[asyncio.Task[None]] = set()
        self._lingering: set[Ask] = set()  # told to stop, and not gone yet
        self._when_gone: list[Callable[[], object]] = []
        self._when_over: Callable[[], object] | None = None
        self._loop = loop

    # --- from outside -------------------------------------------------------------------------

    def start(self, code: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Run the code. It ends in `Engine.ended`, unless it is closed before."""
        follow_tasks(self._loop)
        context = contextvars.copy_context()
        context.run(_execution.set, self)
        context.run(label.set, self._label)
        self._root = asyncio.Task(code(), loop=self._loop, context=context, name=self._label)
        self._tasks[self._root] = None
        self._root.add_done_callback(self._root_done)
        self._turn()

    def deliver(self, seq: int, k: int, ok: bool, value: bytes | None) -> None:
        """The outcome of `k` is durable. `value` None: the result this execution sent itself."""
        if self.closed:
            return
        self._queue.append((seq, k, ok, value))
        if k == STOP:
            self._ending = True
        if len(self._tasks) == 1 and len(self._queue) == 1 and not self._turning:
            self._pump()
        else:
            self._turn()

    def retry(self, k: int) -> None:
        """It is time for the next attempt of `k`."""
        if not self.closed:
            self._retries.add(k)
            self._turn()

    def freeze(self) -> None:
        """Start and deliver nothing more; attempts that run may end."""
        self._frozen = True

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self._frozen = False
        self._turn()

    def close(self) -> None:
        """Unload: from here on every step call raises, and nothing the code does has effect."""
        if self.closed:
            return
        self.closed = self._refusing = True
        for ask in list(self._running):
            self._stop(ask)
        for task in list(self._tasks):
            task.cancel()
        self._queue.clear()
        self._held.clear()

    def when_gone(self, call: Callable[[], object]) -> None:
        """Call once no attempt that was told to stop is still at it."""
        if self._lingering:
            self._when_gone.append(call)
        else:
            call()

    def when_over(self, call: Callable[[], object]) -> None:
        """Call once no task of the run is left. One caller only."""
        self._when_over = call

    @property
    def attempts_running(self) -> int:
        return len(self._running)

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
        if self._refusing:
            await self._refuse()
        if isinstance(name, str) and is_handler(name):
            raise ValueError(
                f"A step's name may not end in {SUFFIX!r}: that is how its undoing is called."
            )
        ask = self._ask(StepKind.do, name)
        ask.call = call
        ask.args = args
        ask.policy = policy
        if rollback is not None and not (self._over or self._stopping):
            ask.handler = rollback
            self._undos.append(ask)
        return await self._answer(ask)

    async def sleep(self, kind: StepKind, name: object, seconds: float) -> None:
        if self._refusing:
            await self._refuse()
        ask = self._ask(kind, name)
        ask.seconds = seconds
        await self._answer(ask)

    async def wait(self, name: object, event_type: str, timeout: float) -> Any:
        if self._refusing:
            await self._refuse()
        ask = self._ask(StepKind.wait, name)
        ask.event_type = event_type
        ask.seconds = timeout
        return await self._answer(ask)

    def _ask(self, kind: StepKind, name: object, n: int | None = None) -> Ask:
        if asyncio.current_task(self._loop) not in self._tasks:
            raise RuntimeError("A step can't be started from inside another step.")
        if not isinstance(name, str) or not 1 <= len(name) <= 256 or not name.isprintable():
            raise ValueError("A step's name is 1 to 256 printable characters.")
        if n is None:
            n = self._counts[kind, name] = self._counts.get((kind, name), 0) + 1
        known = self._known.get((kind, name, n))
        if known is None:
            k = self._next_k
            self._next_k += 1
        else:
            k = known.k
        ask = Ask(k, kind, name, n, self._loop.create_future())
        if known is not None:
            ask.known = known
            ask.attempt = known.attempts
            self._awaited.discard(k)
        self._asks[k] = ask
        self._futures[ask.future] = ask
        return ask

    async def _refuse(self) -> None:
        """Code that was left raises Unloaded here; what rolls it back goes on.

        Code that catches this and asks again for ever would never let go of the loop: after enough
        refusals it is left waiting for nothing.
        """
        if not self.closed and asyncio.current_task(self._loop) not in self._left:
            return
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            nothing = self._loop.create_future()
            _abandoned.add(nothing)  # or the code would be woken once more to be collected
            await nothing
        raise Unloaded

    async def _answer(self, ask: Ask) -> Any:
        if ask.known is None:
            if (
                self._replaying
                or self._awaited
                or self._frozen
                or self._ending
                or self._waits_its_turn(ask)
            ):
                self._held.append(ask)
                self._turn()
            else:
                self._begin(ask)
                if ask.kind is StepKind.do:
                    self._quiet = 0  # its attempt runs: what follows comes with the outcome
                else:
                    self._turn()
        else:
            self._turn()
        try:
            return await ask.future
        except asyncio.CancelledError:
            if not self.closed and not ask.cancelled and ask.future.cancelled():
                self._give_up(ask)
            raise
        finally:
            self._futures.pop(ask.future, None)

    def _waits_its_turn(self, ask: Ask) -> bool:
        return self._one_at_a_time and ask.kind is StepKind.do and bool(self._running)

    def _begin(self, ask: Ask) -> None:
        if ask.kind is StepKind.do:
            self._begin_attempt(ask)
        elif ask.kind is StepKind.wait:
            self._engine.wait(ask.k, ask.name, ask.n, ask.event_type, ask.seconds)
        else:
            self._engine.sleep(ask.k, ask.kind, ask.name, ask.n, ask.seconds)

    def _give_up(self, ask: Ask) -> None:
        """The code cancelled the task that waited, or is to be left."""
        ask.cancelled = True
        if ask in self._running:
            self._stop(ask)
        if ask in self._held:
            self._held.remove(ask)
            return
        if ask.known is None or not ask.known.cancelled:
            self._engine.cancel(ask.k, self._seen)

    # --- attempts -----------------------------------------------------------------------------

    def _begin_attempt(self, ask: Ask) -> None:
        assert ask.call is not None
        ask.attempt += 1
        self._running.add(ask)
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
        if ask not in self._running:
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
        if ask in self._running:
            left = max(ask.policy.timeout - (self._clock.now() - began), 0.0)
            ask.timer = self._clock.call_later(left, lambda: self._time_out(ask))

    def _attempt_raised(self, ask: Ask, error: BaseException) -> None:
        if not self._attempt_over(ask):
            return
        failed = outcomes.failure(error, self._module, ask.name)
        final = isinstance(error, (NonRetryableError, ValueRefused)) or is_missing(error)
        self._engine.attempt_failed(ask.k, failed, not final, _printed(ask))
        self._turn()  # perhaps all that is left is to wait for the next attempt

    def _attempt_over(self, ask: Ask) -> bool:
        """Whether this end of the attempt is the one that counts."""
        if ask.timer is not None:
            ask.timer.cancel()
            ask.timer = None
        if ask not in self._running:
            return False
        self._running.discard(ask)
        return not self.closed

    def _time_out(self, ask: Ask) -> None:
        """The attempt is over for the journal now, whatever its code does with the news."""
        if not self._attempt_over(ask):
            return
        failed = _timed_out(ask, self._module)
        self._engine.attempt_failed(ask.k, failed, True, _printed(ask))
        self._stop(ask)
        self._turn()

    def _stop(self, ask: Ask) -> None:
        self._running.discard(ask)
        if ask.timer is not None:
            ask.timer.cancel()
            ask.timer = None
        task = ask.task
        if task is None or task.done():
            return
        task.cancel()
        if not self.closed:
            self._lingering.add(ask)
            self._beside(self._see_gone(ask))
        if self._on_survivor is not None and ask.job is None:
            survived = self._on_survivor
            self._loop.call_later(
                SURVIVAL, lambda: None if task.done() else survived(f"step {ask.name!r}")
            )

    def _next_in_turn(self) -> None:
        if self._one_at_a_time and self._held:
            self._turn()

    # --- the order of things ------------------------------------------------------------------

    def _turn(self) -> None:
        """Look again once the run's tasks have come to rest."""
        self._quiet = 0
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._turning = False
        if self.closed or self._frozen:
            return
        tasks = self._tasks.keys() - self._left if self._left else self._tasks
        if len(self._tasks) > 1:
            if not all(map(_at_rest, tasks)):
                self._turn()
                return
            self._quiet += 1
            if self._quiet < QUIET_TURNS:
                self._turning = True
                self._loop.call_soon(self._look)
                return
        elif not all(map(_at_rest, tasks)):
            self._turn()
            return
        self._pump()

    def _pump(self) -> None:
        """Deliver the next outcome; without one, start what was held back."""
        if self._frozen:
            return
        if self._queue:
            seq, k, ok, value = self._queue[0]
            ask = self._asks.get(k)
            if ask is None and k != STOP:
                self._not_asked(k)
                return
            self._queue.popleft()
            self._seen = seq
            known = self._replaying or self._awaited
            if self._replaying:
                self._replaying -= 1
            if ask is None:
                self._stop_here(ok, value)
            elif self._over or self._stopping:
                self._keep_output(ask, ok, value)
                self._futures.pop(ask.future, None)
                self._turn()
            else:
                heard = self._settle(ask, ok, value)
                if not heard or known or len(self._tasks) > 1 or self._queue or self._held:
                    self._turn()  # else the only task tells by what it does next
            return
        if self._stopping:
            self._wind_up()
            return
        if self._over:
            return  # until the stop is recorded
        if self._awaited and self._waits_for_durable_things():
            self._unasked(min(self._awaited))
            return
        started = False
        while self._held and not self._waits_its_turn(self._held[0]):
            self._begin(self._held.popleft())
            started = True
        if self._retries:
            for k in list(self._retries):
                ask = self._asks.get(k)
                if ask is None or self._waits_its_turn(ask):
                    continue
                self._retries.discard(k)
                if not (ask.future.done() or ask.cancelled):
                    self._retry(ask)
                    started = True
        # who is told to try again elsewhere must not meet the attempt before
        if self._running or self._lingering:
            return
        if started:
            self._turn()  # perhaps nothing is left but to wait for it
        elif self._waits_for_durable_things():
            self._engine.blocked(self._seen)

    def _settle(self, ask: Ask, ok: bool, value: bytes | None) -> bool:
        """Give the code its answer; False when it no longer waits for one."""
        future = ask.future
        data = ask.local if value is None else value
        if ask.handler is not None:
            self._keep_output(ask, ok, data)
        ask.local = None
        self._futures.pop(future, None)
        if future.done() or data is None:
            return False
        if ok:
            future.set_result(values.decode(data))
        else:
            future.set_exception(outcomes.rebuild(outcomes.unpack(data)))
            future.exception()  # seen: code that looks away is not warned about it
        return True

    # --- rolling back -------------------------------------------------------------------------

    def _keep_output(self, ask: Ask, ok: bool, value: bytes | None) -> None:
        """For the step's handler, should it come to that."""
        data = ask.local if value is None else value
        ask.local = None
        if ok and data is not None and ask.handler is not None:
            ask.output = values.decode(data)

    def _stop_here(self, ok: bool, value: bytes | None) -> None:
        """From here on, live and on replay alike, the code hears of nothing more.

        Attempts may end, so that their outputs are known to who undoes them, and so may children,
        which undo themselves; whatever else is waited for is given up.
        """
        if not ok:
            self._why = outcomes.rebuild(outcomes.unpack(value or b""))
        self._stopping = self._ending = True
        for ask in list(self._futures.values()):
            known = ask.known
            decided = ask.local or (known is not None and (known.seq or known.cancelled))
            if not (
                decided or ask.cancelled or ask in self._running or ask in self._held
            ) and not _waits_for_child(ask):
                self._give_up(ask)
        self._turn()

    def _wind_up(self) -> None:
        """Leave the code once nothing of it is at work any more."""
        unanswered = self._futures.values()
        if self._running or self._lingering or any(ask.local for ask in unanswered):
            return
        children = [ask for ask in unanswered if _waits_for_child(ask) and not ask.cancelled]
        for ask in children:
            if ask in self._held:
                self._held.remove(ask)
                self._begin(ask)
        if children:
            self._engine.blocked(self._seen)
        else:
            self._leave()

    def _leave(self) -> None:
        """Nothing that the code still does has effect; what can be undone is, last step first."""
        self._stopping = self._ending = self._over = False
        self._undoing = self._refusing = True
        self._left = set(self._tasks)
        undos, self._undos = self._to_undo(), []
        for ask in self._held:
            ask.cancelled = True
        self._held.clear()
        # what the code did not ask for again will never be asked for
        self._awaited = {k for k in self._awaited if is_handler(self._recorded(k).name)}
        for task in self._left:
            task.cancel()
        context = contextvars.copy_context()
        context.run(_execution.set, self)
        context.run(label.set, self._label)
        work = self._roll_back(undos)
        self._root = asyncio.Task(work, loop=self._loop, context=context, name=self._label)
        self._tasks[self._root] = None
        self._root.add_done_callback(self._root_done)
        self._turn()

    def _to_undo(self) -> list[Ask]:
        """Those that began, the last first; those whose undoing is recorded before all others.

        One that was held back while a replay went on may have run before, which only the journal
        of a step that ended can tell: it is among them.
        """
        began = [ask for ask in reversed(self._undos) if self._has_begun(ask)]

        def place(ask: Ask) -> float:
            known = self._known.get((StepKind.do, handler_name(ask.name), ask.n))
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
            if self._refusing:
                await self._refuse()
            undoing = self._ask(StepKind.do, handler_name(ask.name), ask.n)
            undoing.call = handler.call
            undoing.args = (ask.output, self._why, CONTEXT)
            undoing.policy = handler.policy
            undoing.undoes = ask
            with contextlib.suppress(Exception):
                await self._answer(undoing)
            if self._lingering:  # it has timed out, and is still at it
                gone = self._loop.create_future()
                self.when_gone(functools.partial(_resolve, gone))
                await gone

    def _retry(self, ask: Ask) -> None:
        if ask.task is None or (ask.task.done() and ask.job is None):
            self._begin_attempt(ask)
        else:
            self._beside(self._retry_alone(ask))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """A task of the execution's own, which is none of the run's."""
        context = contextvars.copy_context()
        context.run(_execution.set, None)
        self._waiters.add(waiter := asyncio.Task(work, loop=self._loop, context=context))
        waiter.add_done_callback(self._waiters.discard)

    async def _see_gone(self, ask: Ask) -> None:
        await _gone(ask)
        self._lingering.discard(ask)
        if not self._lingering:
            calls, self._when_gone = self._when_gone, []
            for call in calls:
                call()
            self._turn()

    async def _retry_alone(self, ask: Ask) -> None:
        """Never beside the attempt before: one that ignores its timeout is waited for."""
        await _gone(ask)
        if not (self.closed or self._frozen or ask.future.done() or ask.cancelled):
            self._begin_attempt(ask)

    def _recorded(self, k: int) -> Recorded:
        return next(r for r in self._known.values() if r.k == k)

    def _not_asked(self, k: int) -> None:
        """The next outcome is of something the code has not asked for yet."""
        if self._undoing:  # of another code's step: there is nothing to undo here
            seq, _, _, _ = self._queue.popleft()
            self._seen = seq
            self._replaying = max(self._replaying - 1, 0)
            self._turn()
        elif self._stopping and is_handler(self._recorded(k).name):
            self._leave()
        else:
            self._unasked(k)

    def _unasked(self, k: int) -> None:
        """All is at rest and the code has not asked for what is recorded next."""
        if self._tasks and not self._waits_for_durable_things():
            self._loop.call_later(0.05, self._turn)  # it waits for something of its own
            return
        asked = self._held[0] if self._held else None
        self._nondeterministic(
            self._recorded(k),
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

    def _waits_for_durable_things(self) -> bool:
        """Whether no task of the run waits for anything that unloading would lose.

        A task without living children must wait on a durable future; a parent may wait on what
        its children will do.
        """
        if not self._tasks:
            return False
        parents = {parent for parent in self._tasks.values() if parent is not None}
        for task in self._tasks.keys() - self._left if self._left else self._tasks:
            waiter = _waiter(task)
            if waiter in self._futures or waiter in self._tasks or task in parents:
                continue
            return False
        return True

    # --- tasks --------------------------------------------------------------------------------

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task that the run's code made; what attempts make is their own."""
        parent = asyncio.current_task(self._loop)
        if parent not in self._tasks:
            return
        self._tasks[task] = parent
        task.add_done_callback(self._task_done)
        if parent in self._left:
            self._left.add(task)
            task.cancel()
        elif self.closed:
            task.cancel()

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not self.closed:
            self._turn()
        else:
            if not task.cancelled():
                task.exception()  # seen: what unwinding code raises has no effect
            self._forget()

    def _root_done(self, root: asyncio.Task[Any]) -> None:
        self._tasks.pop(root, None)
        if self.closed:
            if not root.cancelled():
                root.exception()  # seen: what unwinding code raises has no effect
            self._forget()
            return
        if root in self._left:
            if not root.cancelled():
                root.exception()
            self._turn()
            return
        if self._undoing:
            self._end(None, None, self._seen)
            return
        output, failed = self._result(root)
        if self._ending:  # the stop is known, and decides
            self._over = True
            self._turn()
            return
        for k in (*(k for _, k, _, _ in self._queue), *self._awaited):
            if k not in self._asks:
                self._nondeterministic(self._recorded(k), "ends without it")
                return
        if failed is not None and any(map(self._has_begun, self._undos)):
            self._over = self._ending = True
            self._engine.failing(failed)
            self._turn()
        else:
            self._end(output, failed, self._seen)

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
        if self._tasks:
            return
        self._root = None
        self._asks.clear()
        self._futures.clear()
        if self._when_over is not None:
            self._when_over()
            self._when_over = None


def _waits_for_child(ask: Ask) -> bool:
    if ask.kind is not StepKind.wait or child_told_of(ask.event_type) is None:
        return False
    return ask.known is None or not ask.known.cancelled


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _gone(ask: Ask) -> None:
    """Return once nothing of the ask's last attempt executes any more."""
    assert ask.task is not None
    await asyncio.wait([ask.task])
    if ask.job is not None:
        await ask.job.gone()


def _printed(ask: Ask) -> Sequence[Line]:
    """What the attempt printed; from here on it prints for nobody."""
    return () if ask.log is None else ask.log.close()


def follow_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Let executions on this loop see the tasks their code makes."""
    if loop.get_task_factory() is not _make_task:
        loop.set_task_factory(_make_task)


def _make_task(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    context: contextvars.Context | None = options.get("context")
    if options.get("name") is None:
        options["name"] = label.get() if context is None else context.get(label)
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
    owner = _execution.get() if context is None else context.get(_execution)
    if owner is not None:
        owner.adopt(task)
    return task


def _is_async(call: Callable[..., Any]) -> bool:
    code = getattr(call, "__code__", None)
    if code is None:
        return inspect.iscoroutinefunction(call)
    return bool(code.co_flags & inspect.CO_COROUTINE)


def _waiter(task: asyncio.Task[Any]) -> Any:
    return getattr(task, "_fut_waiter", None)


def _at_rest(task: asyncio.Task[Any]) -> bool:
    waiter = _waiter(task)
    return waiter is not None and not waiter.done()


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
