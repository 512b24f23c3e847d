"""Code that begins at once, and needs no task of its own as long as it does not wait.

Steps that only compute never wait, and a task for each is a part of what they cost. From Python 3.12 on
asyncio has eager tasks; this is the same for every Python we support, by the calls that asyncio
documents for task implementations of others.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, cast


class Eager:
    """For one event loop. `before` is called each time before any code begins."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, before: Callable[[], object] | None = None
    ) -> None:
        self._loop = loop
        self._before = before
        self._calls: list[tuple[Context, Callable[[Any], None], Any]] = []
        self._stage: _Stage | None = None

    def soon(self, call: Callable[[Any], None], subject: Any) -> None:
        """Call in the loop's next turn, in a copy of the context of now."""
        if not self._calls:
            self._loop.call_soon(self._make_calls)
        self._calls.append((copy_context(), call, subject))

    def _make_calls(self) -> None:
        if self._before is not None:
            self._before()
        calls, self._calls = self._calls, []
        for context, call, subject in calls:
            try:
                context.run(call, subject)
            except Exception as error:
                told = {"message": "code could not begin", "exception": error}
                self._loop.call_exception_handler(told)

    def begin(self, code: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None] | None:
        """Execute `code` until it waits for something; the task that it goes on in, None when it is
        over. To be called in the context of the code, while no task is executed.

        While it is executed here, the current task is one called `name`, as it is afterwards.
        """
        stage = self._stage
        if stage is None or stage.is_used():
            stage = self._stage = _Stage(self._loop)
        task = stage.task
        task.set_name(name)
        _enter_task(self._loop, task)
        try:
            waits_for = code.send(None)
        except StopIteration:
            return None
        finally:
            _leave_task(self._loop, task)
        self._stage = None
        stage.go_on(code, waits_for)
        return task

    def close(self) -> None:
        if self._stage is not None:
            self._stage.task.cancel()
            self._stage = None


class _Stage:
    """What a task executes that waits for code to go on with, and then is that code."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._called: asyncio.Future[None] = loop.create_future()
        self._code: Coroutine[Any, Any, None] | None = None
        self._context: Context | None = None
        self._waits_for: Any = None
        self._is_there = False  # where the code was when it began to wait
        # its context matters to nobody: what it goes on with has one of its own
        self.task: asyncio.Task[None] = asyncio.Task(cast(Any, self), loop=loop)

    def is_used(self) -> bool:
        """Whether code that is over left something on the task: it is nobody else's any more."""
        task = self.task
        if task.done() or task.cancelling():
            return True
        if getattr(task, "_callbacks", None):
            task.cancel()
            return True
        return False

    def go_on(self, code: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._code, self._waits_for, self._context = code, waits_for, copy_context()
        self._called.set_result(None)

    # --- a coroutine, as tasks know it --------------------------------------------------------

    def send(self, value: Any) -> Any:
        code, context = self._code, self._context
        if code is None or context is None:
            return next(iter(self._called.__await__()))
        if not self._is_there:
            self._is_there = True
            return self._waits_for
        return context.run(code.send, value)

    def throw(self, error: Any, *more: Any) -> Any:
        code, context = self._code, self._context
        if code is None or context is None:
            raise error
        self._is_there = True
        return context.run(code.throw, error)

    def close(self) -> None:
        if self._code is not None:
            self._code.close()

    def __await__(self) -> Any:
        raise TypeError("only its task may await it")


Coroutine.register(_Stage)
