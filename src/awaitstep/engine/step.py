"""The `step` object a workflow's `run` gets: Cloudflare's Python surface over an `Execution`.

What its methods return has to be awaited; whoever forgets to is warned (`awaited`). They take whatever
people's code gives them: where this is compiled, a type that is named is demanded before anything here
can say what is wrong.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final

from awaitstep.engine import durations, retry
from awaitstep.engine.attempts import CONTEXT
from awaitstep.engine.awaited import awaited
from awaitstep.engine.execution import Execution
from awaitstep.engine.retry import RetryPolicy
from awaitstep.engine.rollback import Handler
from awaitstep.engine.states import StepKind
from workers.values import wrap

Call = Callable[..., Any]
_NOTHING: Final = object()


class WorkflowStep:
    """`do`, `sleep`, `sleep_until` and `wait_for_event` of one run."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self.declared: dict[str, DeclaredStep] = {}
        execution.when_over(self.declared.clear)

    def do(
        self,
        name: Any = None,
        *,
        concurrent: Any = False,
        config: Any = None,
        rollback: Any = None,
        rollback_config: Any = None,
    ) -> Callable[[Call], DeclaredStep]:
        """Declare a step; calling the decorated function runs it.

        A parameter named like a declared step receives that step's result, `ctx` the attempt's
        context. `concurrent` resolves the dependencies at the same time.

        `rollback` is called when the run fails or is terminated with a rollback, with those of
        `output` (the step's result, None when there is none), `error` and `ctx` that it takes by
        name; `rollback_config` is its `config`. The handlers of a run are called one after another,
        last step first.
        Raises TypeError for any other parameter and for a `rollback_config` alone, ValueError for a
        config that can't be.
        """
        handler = None
        if rollback is None and rollback_config is not None:
            raise TypeError("rollback_config is the config of a rollback, and there is none.")
        if rollback is not None:
            handler = Handler.of(rollback, retry.policy(rollback_config))

        def declare(call: Call) -> DeclaredStep:
            step = DeclaredStep(
                self,
                call.__name__ if name is None else name,
                call,
                list(inspect.signature(call).parameters) if _takes_parameters(call) else [],
                retry.policy(config),
                concurrent,
                handler,
            )
            self.declared[step.name] = step
            return step

        return declare

    def sleep(self, name: Any, duration: Any) -> Coroutine[Any, Any, None]:
        """Sleep durably. Raises ValueError when `duration` is none."""
        return awaited(self._sleep, name, duration)

    async def _sleep(self, name: Any, duration: Any) -> None:
        await self._execution.sleep(StepKind.sleep, name, durations.seconds(duration))

    def sleep_until(self, name: Any, timestamp: Any) -> Coroutine[Any, Any, None]:
        """Sleep until a moment (a datetime, ISO 8601 text, or milliseconds since the epoch).

        A datetime without a zone is UTC. A moment that has passed does not sleep.
        """
        return awaited(self._sleep_until, name, timestamp)

    async def _sleep_until(self, name: Any, timestamp: Any) -> None:
        await self._execution.sleep(StepKind.until, name, durations.moment(timestamp))

    def wait_for_event(
        self, name: Any, event_type: Any, /, timeout: Any = "24 hours"
    ) -> Coroutine[Any, Any, Any]:
        """Wait for an event: `{payload, type, timestamp}`. Raises TimeoutError."""
        return awaited(self._wait_for_event, name, event_type, timeout)

    async def _wait_for_event(self, name: Any, event_type: Any, timeout: Any) -> Any:
        text = isinstance(event_type, str) and event_type.isprintable()
        if not text or not 1 <= len(event_type) <= 100:
            raise ValueError("An event type is 1 to 100 printable characters.")
        answer = await self._execution.wait(name, event_type, durations.seconds(timeout))
        answer["timestamp"] = datetime.fromisoformat(answer["timestamp"])
        return wrap(answer)

    async def run(self, step: DeclaredStep) -> Any:
        """One use of a declared step, its dependencies first."""
        args = await self._arguments(step) if step.wanted else ()
        return wrap(
            await self._execution.do(step.name, step.call, args, step.policy, step.rollback)
        )

    async def _arguments(self, step: DeclaredStep) -> tuple[Any, ...]:
        for parameter in step.wanted:
            if parameter != "ctx" and parameter not in self.declared:
                raise TypeError(f"Received unexpected parameter {parameter}")
        if step.concurrent:
            return tuple(await asyncio.gather(*map(self._argument, step.wanted)))
        return tuple([await self._argument(parameter) for parameter in step.wanted])

    async def _argument(self, parameter: str) -> Any:
        return CONTEXT if parameter == "ctx" else await self.declared[parameter].remembered()


class DeclaredStep:
    """What `step.do` makes of a function: awaiting its call runs the step.

    Its dependents share one use: the last that ended, else the one that runs.
    """

    __slots__ = ("_follower", "_owner", "_result", "_running", "call", "concurrent", "name",
                 "policy", "rollback", "wanted")  # fmt: skip

    def __init__(
        self,
        owner: WorkflowStep,
        name: Any,
        call: Call,
        wanted: list[str],
        policy: RetryPolicy,
        concurrent: Any,
        rollback: Handler | None,
    ) -> None:
        self._owner = owner
        self.name = name
        self.call = call
        self.wanted = wanted
        self.policy = policy
        self.concurrent = concurrent
        self.rollback = rollback
        self._running = 0
        self._result: Any = _NOTHING
        self._follower: asyncio.Future[Any] | None = None

    def __call__(self) -> Coroutine[Any, Any, Any]:
        return awaited(self.use)

    async def use(self) -> Any:
        """Run it, and remember what comes of it for its dependents."""
        self._running += 1
        try:
            result = await self._owner.run(self)
        except BaseException as error:
            if (follower := self._follow_no_more()) is not None:
                follower.set_exception(error)
                follower.exception()  # seen: whoever follows may have left
            raise
        finally:
            self._running -= 1
        self._result = result
        if (follower := self._follow_no_more()) is not None:
            follower.set_result(result)
        return result

    async def remembered(self) -> Any:
        """The step's result for a dependent."""
        if self._result is not _NOTHING:
            return self._result
        if not self._running:
            return await self.use()
        if self._follower is None:
            self._follower = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._follower)

    def _follow_no_more(self) -> asyncio.Future[Any] | None:
        follower, self._follower = self._follower, None
        return None if follower is None or follower.done() else follower


def _takes_parameters(call: Call) -> bool:
    code = getattr(call, "__code__", None)
    return code is None or bool(code.co_argcount or code.co_kwonlyargcount or code.co_flags & 0x0C)
