"""The tasks of a run's code: which there are, whose they are, and when all of them are blocked.

Follows every task that the code makes, and sees what each waits on. Knows nothing of steps and their
outcomes.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, Final

from awaitstep.engine.current import label

# A task that waits on another task's end looks blocked for one turn of the loop per link of the
# chain between them (gather, task groups); longer chains than this without a task are not known.
QUIET_TURNS: Final = 8
# How often unloaded code may ask for a step before it is left waiting.
MOST_REFUSALS: Final = 100
_abandoned: Final[set[asyncio.Future[Any]]] = set()

# Whose the current task is, None where what it makes is not the run's.
_owner: contextvars.ContextVar[Tasks | None] = contextvars.ContextVar(
    "awaitstep_tasks", default=None
)


class Unloaded(BaseException):
    """The run left this process: its code is being unwound and may start nothing more."""


class Tasks:
    """Those of one run. `at_rest` is called once all are blocked, after a `turn`; `ended` with the
    task of the code itself; `over` when none is left and nothing they do has effect any more."""

    def __init__(
        self,
        label: str,
        loop: asyncio.AbstractEventLoop,
        *,
        at_rest: Callable[[], None],
        ended: Callable[[asyncio.Task[Any]], None],
        over: Callable[[], None],
    ) -> None:
        self._label = label
        self._loop = loop
        self._when_at_rest = at_rest
        self._when_ended = ended
        self._when_over = over
        self.alive: dict[asyncio.Task[Any], asyncio.Task[Any] | None] = {}  # task -> its parent
        self.left: set[asyncio.Task[Any]] = set()  # tasks whose code has no effect any more
        self.closed = False  # unloaded, or over
        self.frozen = False  # nothing is to start
        self.refusing = False  # some may ask for nothing more: see `refuse`
        self.turning = False  # a look is to come
        self.quiet = 0  # turns in which all looked blocked
        self._refusals = 0
        self._beside: set[asyncio.Task[None]] = set()

    def begin(self, code: Coroutine[Any, Any, Any]) -> None:
        """Execute the run's code, or what rolls it back. `ended` hears how it went."""
        context = contextvars.copy_context()
        context.run(_owner.set, self)
        context.run(label.set, self._label)
        root = asyncio.Task(code, loop=self._loop, context=context, name=self._label)
        self.alive[root] = None
        root.add_done_callback(self._root_done)
        self.turn()

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """A task of the execution's own, which is none of the run's."""
        context = contextvars.copy_context()
        context.run(_owner.set, None)
        self._beside.add(task := asyncio.Task(work, loop=self._loop, context=context))
        task.add_done_callback(self._beside.discard)

    # --- whether they rest --------------------------------------------------------------------

    def turn(self) -> None:
        """Look again once the run's tasks have come to rest."""
        self.quiet = 0
        if not self.turning:
            self.turning = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        self.turning = False
        if self.closed or self.frozen:
            return
        tasks = self.alive.keys() - self.left if self.left else self.alive
        if len(self.alive) > 1:
            if not all(map(_at_rest, tasks)):
                self.turn()
                return
            self.quiet += 1
            if self.quiet < QUIET_TURNS:
                self.turning = True
                self._loop.call_soon(self._look)
                return
        elif not all(map(_at_rest, tasks)):
            self.turn()
            return
        self._when_at_rest()

    def wait_only_for(self, durable: dict[asyncio.Future[Any], Any]) -> bool:
        """Whether no task waits for anything that unloading would lose.

        A task without living children must wait on a durable future; a parent may wait on what
        its children will do.
        """
        alive = self.alive
        if not alive:
            return False
        parents = {parent for parent in alive.values() if parent is not None}
        for task in alive.keys() - self.left if self.left else alive:
            waiter = _waiter(task)
            if waiter in durable or waiter in alive or task in parents:
                continue
            return False
        return True

    # --- leaving their code -------------------------------------------------------------------

    def leave(self) -> None:
        """What those of now still do has no effect; what is begun next has."""
        self.refusing = True
        self.left = set(self.alive)
        for task in self.left:
            task.cancel()

    def close(self) -> None:
        """From here on nothing that any of them does has effect; `unwind` is to follow."""
        self.closed = self.refusing = True

    def unwind(self) -> None:
        for task in list(self.alive):
            task.cancel()

    def forget(self) -> None:
        """Untie them from who was to hear of them."""
        self._when_at_rest = self._when_over = _nothing
        self._when_ended = _see

    async def refuse(self) -> None:
        """Code that was left raises Unloaded here; what rolls it back goes on.

        Code that catches this and asks again for ever would never let go of the loop: after enough
        refusals it is left waiting for nothing.
        """
        if not self.closed and asyncio.current_task(self._loop) not in self.left:
            return
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            nothing = self._loop.create_future()
            _abandoned.add(nothing)  # or the code would be woken once more to be collected
            await nothing
        raise Unloaded

    # --- their lives --------------------------------------------------------------------------

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task that the run's code made; what attempts make is their own."""
        parent = asyncio.current_task(self._loop)
        if parent not in self.alive:
            return
        self.alive[task] = parent
        task.add_done_callback(self._task_done)
        if parent in self.left:
            self.left.add(task)
            task.cancel()
        elif self.closed:
            task.cancel()

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self.alive.pop(task, None)
        if not self.closed:
            self.turn()
        else:
            _see(task)
            self._when_over()

    def _root_done(self, root: asyncio.Task[Any]) -> None:
        self.alive.pop(root, None)
        if self.closed:
            _see(root)
            self._when_over()
        elif root in self.left:
            _see(root)
            self.turn()
        else:
            self._when_ended(root)


def _nothing() -> None:
    pass


def _see(task: asyncio.Task[Any]) -> None:
    """What unwinding code raises has no effect, and nobody is warned of it."""
    if not task.cancelled():
        task.exception()


def follow_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Let runs on this loop see the tasks their code makes."""
    if loop.get_task_factory() is not _make_task:
        loop.set_task_factory(_make_task)


def _make_task(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    context: contextvars.Context | None = options.get("context")
    if options.get("name") is None:
        options["name"] = label.get() if context is None else context.get(label)
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
    owner = _owner.get() if context is None else context.get(_owner)
    if owner is not None:
        owner.adopt(task)
    return task


def _waiter(task: asyncio.Task[Any]) -> Any:
    return getattr(task, "_fut_waiter", None)


def _at_rest(task: asyncio.Task[Any]) -> bool:
    waiter = _waiter(task)
    return waiter is not None and not waiter.done()
