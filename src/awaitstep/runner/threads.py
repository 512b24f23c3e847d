"""Runs `def` steps: a bounded pool of threads whose jobs can be told to stop.

Owns its threads, their slots, and the exception sent into a thread that must stop. Knows nothing
of runs, steps or the link. All of it runs on the loop's thread, except what a worker calls:
`_work` and below.

A thread cannot be killed. One that was told to stop ends when its call lets go, serves no other
call, and keeps its slot until then.
"""

import asyncio
import contextvars
import ctypes
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any, Protocol, TypeVar, TypeVarTuple

from awaitstep.runner.stacks import where

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Seconds after the first order to stop at which it is repeated: code may swallow the exception,
# but what it does in `finally` deserves a moment.
_REPEATED_AFTER = (1.0, 2.0, 4.0)
_SURVIVES_AFTER = 5.0
# What the names of these threads begin with.
STEP_THREAD = "step-"

_set_async_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)
_NOTHING: Any = ctypes.py_object()


class AttemptAborted(BaseException):
    """Raised inside a step's thread when its attempt has timed out or was cancelled."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class CallLater(Protocol):
    def __call__(self, delay: float, callback: Callable[..., object], /, *args: Any) -> Timer: ...


class Job:
    """One call in the pool, from the moment it has its slot."""

    __slots__ = (
        "alive",
        "args",
        "claim",
        "context",
        "fn",
        "outcome",
        "released",
        "signed_off",
        "thread",
        "timers",
    )

    def __init__(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        outcome: "asyncio.Future[tuple[Any, BaseException | None]]",
    ) -> None:
        self.fn = fn
        self.args = args
        self.context = contextvars.copy_context()
        self.outcome = outcome
        # Taken once and never given back, by the worker (the call has finished) or by the loop
        # (it is aborted). So an order to stop never reaches a worker that is on to its next call.
        self.claim = threading.Lock()
        self.thread: int | None = None
        self.signed_off = False
        self.timers: list[Timer] = []
        self.released: asyncio.Future[None] | None = None
        self.alive = True
        """Whether a thread is, or may yet be, inside the call."""

    def frame(self) -> FrameType | None:
        """Where its thread is now, None when that is not inside the call."""
        frame = None if self.thread is None else sys._current_frames().get(self.thread)
        # asked last: who has finished may be on to another call
        return None if self.claim.locked() else frame

    async def gone(self) -> None:
        """Wait until no thread is inside the call any more."""
        if not self.alive:
            return
        if self.released is None:
            self.released = asyncio.get_running_loop().create_future()
        # Several may wait, and one of them may be cancelled.
        await asyncio.shield(self.released)


class StepThreads:
    """At most `limit` calls at once, counting those that were told to stop and have not.

    `on_survivor` hears once of each thread that still runs 5 s after it was told to stop: the
    place it is at, preferring code beneath `code`. `call_later` and `now` are the loop's unless
    given. Make it where the loop runs.
    """

    def __init__(
        self,
        limit: int = 32,
        *,
        on_survivor: Callable[[str], None],
        code: Path | None = None,
        call_later: CallLater | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._call_later: CallLater = call_later or self._loop.call_later
        self._now = now or self._loop.time
        self._on_survivor = on_survivor
        self._code = code
        self._limit = limit
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = 0
        self._started = 0
        # Deadline and timeout of the calls that have one. A single timer watches the next of them:
        # a timer for each call would cost a third of the hop.
        self._deadlines: dict[Job, tuple[float, float]] = {}
        self._alarm: tuple[float, Timer] | None = None
        self._finished: deque[tuple[Job, Any, BaseException | None]] = deque()
        self._wake_up_sent = False
        # Held while an order is sent and while a worker signs off, so that no order goes to an id
        # that has passed to another thread.
        self._ordering = threading.Lock()

    async def run(
        self,
        fn: Callable[[*Ts], T],
        *args: *Ts,
        timeout: float | None = None,
        on_start: Callable[[Job], None] | None = None,
    ) -> T:
        """Call `fn(*args)` in a thread, with the caller's context variables.

        First waits for a slot. `on_start` is called when there is one; `timeout`, in seconds,
        counts from there. Raises what `fn` raises, SystemExit included, and TimeoutError as soon
        as the time is up, whether or not the thread has stopped. Cancelling the caller tells the
        thread to stop, too, without waiting for it; `Job.gone` waits.
        """
        if self._in_flight < self._limit and not self._waiting:
            self._in_flight += 1
        else:
            await self._slot()
        try:
            job = Job(fn, args, self._loop.create_future())
            if on_start is not None:
                on_start(job)
            if self._threads < self._in_flight:
                self._add_thread()
        except BaseException:
            self._give_slot_back()
            raise
        self._jobs.put(job)
        if timeout is not None:
            deadline = self._now() + timeout
            self._deadlines[job] = (deadline, timeout)
            self._wake_by(deadline)
        try:
            value: T
            value, error = await job.outcome
        except asyncio.CancelledError:
            self._abort(job)
            raise
        finally:
            if timeout is not None:
                del self._deadlines[job]
        if error is None:
            return value
        try:
            if isinstance(error, asyncio.CancelledError):
                # Raised as it is, it would look as if the caller had been cancelled.
                raise RuntimeError("the function raised CancelledError") from error
            raise error
        finally:
            # The traceback holds this frame.
            del error, job

    def close(self) -> None:
        """Let the threads end, each after its call. Nothing can be run afterwards."""
        for _ in range(self._threads):
            self._jobs.put(None)

    async def _slot(self) -> None:
        turn = self._loop.create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_slot_back()
            raise

    def _give_slot_back(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._in_flight -= 1

    def _add_thread(self) -> None:
        name = f"{STEP_THREAD}{self._started + 1}"
        threading.Thread(target=self._work, name=name, daemon=True).start()
        self._started += 1
        self._threads += 1

    def _wake_by(self, deadline: float) -> None:
        if self._alarm is not None:
            at, timer = self._alarm
            if at <= deadline:
                return
            timer.cancel()
        delay = max(0.0, deadline - self._now())
        self._alarm = (deadline, self._call_later(delay, self._expire))

    def _expire(self) -> None:
        self._alarm = None
        now = self._now()
        for job, (deadline, timeout) in self._deadlines.items():
            if job.outcome.done():
                continue
            if deadline > now:
                self._wake_by(deadline)
            elif self._abort(job):
                job.outcome.set_result((None, TimeoutError(f"timed out after {timeout:g} s")))

    def _abort(self, job: Job) -> bool:
        """Tell the job's thread to stop. False when the call has already finished."""
        if not job.claim.acquire(blocking=False):
            return False
        self._order(job)
        for delay in _REPEATED_AFTER:
            job.timers.append(self._call_later(delay, self._order, job))
        job.timers.append(self._call_later(_SURVIVES_AFTER, self._survived, job))
        return True

    def _order(self, job: Job) -> None:
        with self._ordering:
            if job.thread is not None and not job.signed_off:
                _set_async_exception(job.thread, AttemptAborted)

    def _survived(self, job: Job) -> None:
        place = None if job.thread is None else where(job.thread, self._code)
        if place is not None:
            self._on_survivor(str(place))

    def _deliver(self) -> None:
        # Cleared before looking, so that who finishes from here on sends another wake-up.
        self._wake_up_sent = False
        while self._finished:
            job, value, error = self._finished.popleft()
            if job.signed_off:
                self._threads -= 1
                for timer in job.timers:
                    timer.cancel()
            job.alive = False
            if not job.outcome.done():
                job.outcome.set_result((value, error))
            if job.released is not None:
                job.released.set_result(None)
            self._give_slot_back()

    def _work(self) -> None:
        thread = threading.get_ident()
        while True:
            job = self._jobs.get()
            if job is None or not self._serve(job, thread):
                return
            # Or an idle thread would keep the last value alive.
            del job

    def _serve(self, job: Job, thread: int) -> bool:
        """Run the job. False when it was aborted: an order may be on its way, the thread ends."""
        try:
            value = error = None
            job.thread = thread
            try:
                if not job.claim.locked():
                    value = job.context.run(job.fn, *job.args)
            except BaseException as raised:
                # This frame is nothing to a reader of the traceback.
                traceback = raised.__traceback__
                error = raised.with_traceback(traceback.tb_next if traceback else None)
                del traceback
            if job.claim.acquire(blocking=False):
                self._finish(job, value, error)
                # The frames of the traceback lead back to this one.
                del job, value, error
                return True
        except AttemptAborted:
            # The order arrived after the call had returned.
            pass
        self._sign_off(job, thread)
        return False

    def _sign_off(self, job: Job, thread: int) -> None:
        while True:
            try:
                with self._ordering:
                    job.signed_off = True
                # No order is sent from here on; take back the one that may not have arrived.
                _set_async_exception(thread, _NOTHING)
                return self._finish(job, None, None)
            except AttemptAborted:
                continue

    def _finish(self, job: Job, value: Any, error: BaseException | None) -> None:
        self._finished.append((job, value, error))
        # Calls that end close together share one wake-up of the loop.
        if not self._wake_up_sent:
            self._wake_up_sent = True
            try:
                self._loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                # The loop is closed: nobody waits for the outcome.
                pass
