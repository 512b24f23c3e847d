"""What surrounds a handler: its context, and the environment of the worker that runs."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from workers.bindings import Env


class Context:
    """The context of one handler call: work that goes on after the response."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    def wait_until(self, awaitable: Awaitable[Any]) -> None:
        """Lets an awaitable run on after the response has been sent."""
        import asyncio

        self._tasks.add(asyncio.ensure_future(awaitable))

    waitUntil = wait_until

    def pass_through_on_exception(self) -> None:
        """Does nothing: there is no origin server behind a worker here."""

    passThroughOnException = pass_through_on_exception

    async def drain(self) -> list[BaseException]:
        """Waits for all that `wait_until` was given, also meanwhile; returns what failed.

        For the runtime. Cancelling it cancels the work.
        """
        import asyncio

        failures: list[BaseException] = []
        try:
            while self._tasks:
                done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                self._tasks -= done
                for task in done:
                    error = None if task.cancelled() else task.exception()
                    if error is not None:
                        failures.append(error)
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            raise
        return failures


_env: ContextVar[Env] = ContextVar("workers.env")
_context: ContextVar[Context] = ContextVar("workers.context")


@contextmanager
def running(env: Env, context: Context) -> Iterator[None]:
    """Inside, `workers.env` and `workers.wait_until` mean this worker and this call. For the runtime."""
    env_before = _env.set(env)
    context_before = _context.set(context)
    try:
        yield
    finally:
        _context.reset(context_before)
        _env.reset(env_before)


class CurrentEnv:
    """`workers.env`: the environment of the worker that runs, whichever that is."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(_current_env(), name)

    def __getitem__(self, name: str) -> Any:
        return _current_env()[name]

    def __contains__(self, name: object) -> bool:
        return name in _current_env()

    def __iter__(self) -> Iterator[str]:
        return iter(_current_env())

    def __repr__(self) -> str:
        env = _env.get(None)
        return "Env()" if env is None else repr(env)


def wait_until(awaitable: Awaitable[Any]) -> None:
    """Lets an awaitable run on after the response of the handler that runs.

    RuntimeError outside a handler.
    """
    context = _context.get(None)
    if context is None:
        raise RuntimeError("wait_until works only inside a handler")
    context.wait_until(awaitable)


def _current_env() -> Env:
    env = _env.get(None)
    if env is None:
        raise RuntimeError("env can be read only inside a running worker")
    return env
