"""A runner's work: executing runs and answering requests with the modules it was told of.

Stateless: whatever is here can be lost at any moment without loss to a run.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from awaitstep.engine import messages, outcomes
from awaitstep.engine.clock import Clock
from awaitstep.engine.current import attempting, label
from awaitstep.engine.eager import Eager
from awaitstep.engine.execution import Execution
from awaitstep.engine.link import Link
from awaitstep.engine.loading import Loaded, load, respond, run_code
from awaitstep.engine.logs import Line, Stream
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.recorded import Recorded
from awaitstep.engine.retry import DEFAULT, RetryPolicy
from awaitstep.engine.states import StepKind
from awaitstep.engine.step import WorkflowStep
from awaitstep.engine.tasks import follow_tasks
from awaitstep.runner.bindings import LinkBackend, Questions
from awaitstep.runner.outside import Outside
from awaitstep.runner.threads import StepThreads
from workers.context import Context

# The number of the fetch whose handler is executed, in whatever task.
_answering: contextvars.ContextVar[int] = contextvars.ContextVar("awaitstep_answering", default=0)
# Modules kept loaded; the one not used for longest goes first.
MODULES = 256


class Runner:
    """One runner, on the loop it was made on. `connect` before anything arrives."""

    def __init__(self, clock: Clock, *, code: Path | None = None, threads: int = 32) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._known: dict[str, messages.Load] = {}
        self._loaded: dict[str, Loaded | Failure] = {}
        self._executions: dict[int, Execution] = {}
        self._histories: dict[int, list[Recorded]] = {}  # of runs that are about to start
        self._questions = Questions()
        self._fetches: set[asyncio.Task[None]] = set()
        self._threads = StepThreads(threads, on_survivor=self._survivor, code=code)
        self._outside = Outside(self._loop, self.send)
        # what is said of an attempt has left before its code begins
        self._eager = Eager(self._loop, before=self._flush)
        self._link: Link | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            messages.Load: self._know,
            messages.History: self._history,
            messages.Start: self._start,
            messages.Outcome: self._outcome,
            messages.Retry: self._retry,
            messages.Unload: self._unload,
            messages.Freeze: self._freeze,
            messages.Thaw: self._thaw,
            messages.Fetch: self._fetch,
            messages.Reply: self._questions.answer,
        }

    def connect(self, link: Link, isolation: str | None) -> None:
        self._link = self._questions.link = link
        follow_tasks(self._loop)
        self.send(messages.Hello(isolation))

    def send(self, message: messages.Message) -> None:
        assert self._link is not None
        self._link.send(message)

    def _flush(self) -> None:
        assert self._link is not None
        self._link.flush()

    def printed(self, stream: Stream, text: str) -> None:
        """Something was printed outside of attempts; from any thread."""
        self._outside.printed(stream, text)

    def receive(self, message: messages.Message) -> None:
        self._handlers[type(message)](message)

    def close(self) -> None:
        for execution in self._executions.values():
            execution.close()
        for task in self._fetches:
            task.cancel()
        self._eager.close()
        self._threads.close()

    # --- modules ------------------------------------------------------------------------------

    def _know(self, message: messages.Load) -> None:
        self._known[message.deployment] = message
        self._loaded.pop(message.deployment, None)

    def _module(self, deployment: str) -> Loaded | Failure:
        loaded = self._loaded.pop(deployment, None)
        if loaded is None:
            loaded = self._load(self._known[deployment])
            while len(self._loaded) >= MODULES:
                del self._loaded[next(iter(self._loaded))]
        self._loaded[deployment] = loaded  # the last used is last
        return loaded

    def _load(self, known: messages.Load) -> Loaded | Failure:
        assert self._link is not None
        # said before it happens: a module can end the process that imports it
        self.send(messages.Loading(known.deployment, False))
        self._link.flush()
        try:
            loaded = load(
                Path(known.module),
                name=f"awaitstep_deployment_{known.deployment}",
                class_name=known.class_name,
                workflow_name=known.workflow_name,
                variables=known.variables,
                bindings=known.bindings,
                functions=known.functions,
                backend=_ByContext(self._questions, known.deployment),
            )
        except BaseException as error:
            return outcomes.failure(error, known.module)
        finally:
            # nor is it to blame for what is executed next
            self.send(messages.Loading(known.deployment, True))
            self._link.flush()
        return loaded

    # --- runs ---------------------------------------------------------------------------------

    def _history(self, message: messages.History) -> None:
        self._histories.setdefault(message.assignment, []).extend(message.recorded)

    def _start(self, message: messages.Start) -> None:
        recorded = self._histories.pop(message.assignment, []) + message.recorded
        loaded = self._module(message.deployment)
        if isinstance(loaded, Failure):
            self.send(messages.Ended(message.assignment, None, loaded))
            return
        execution = Execution(
            _Voice(self, message.assignment),
            epoch=message.epoch,
            label=f"run {message.assignment}",
            recorded=recorded,
            clock=self._clock,
            threads=self._threads,
            loop=self._loop,
            eager=self._eager,
            module=loaded.file,
            one_at_a_time=message.one_at_a_time,
            on_survivor=self._survivor,
        )
        self._executions[message.assignment] = execution
        step = WorkflowStep(execution)
        execution.start(
            lambda: run_code(
                loaded,
                instance=message.instance,
                created=message.created,
                params=message.params,
                step=step,
            )
        )

    def _outcome(self, message: messages.Outcome) -> None:
        execution = self._executions.get(message.assignment)
        if execution is not None:
            execution.deliver(message.seq, message.k, message.ok, message.value)

    def _retry(self, message: messages.Retry) -> None:
        if (execution := self._executions.get(message.assignment)) is not None:
            execution.retry(message.k)

    def _unload(self, message: messages.Unload) -> None:
        if (execution := self._executions.pop(message.assignment, None)) is not None:
            execution.close()

    def _freeze(self, message: messages.Freeze) -> None:
        if (execution := self._executions.get(message.assignment)) is not None:
            execution.freeze()
            execution.when_gone(lambda: self.send(messages.Frozen(message.assignment)))

    def _thaw(self, message: messages.Thaw) -> None:
        if (execution := self._executions.get(message.assignment)) is not None:
            execution.thaw()

    def ended(
        self, assignment: int, output: bytes | None, failure: Failure | None, seen: int | None
    ) -> None:
        self._executions.pop(assignment, None)
        self.send(messages.Ended(assignment, output, failure, seen))

    def _survivor(self, where: str) -> None:
        self.send(messages.Stuck(where))

    # --- requests -----------------------------------------------------------------------------

    def _fetch(self, message: messages.Fetch) -> None:
        task = self._loop.create_task(self._answer(message), name=f"fetch {message.call}")
        self._fetches.add(task)
        task.add_done_callback(self._fetches.discard)

    async def _answer(self, message: messages.Fetch) -> None:
        label.set(f"fetch {message.call}")
        _answering.set(message.call)
        loaded = self._module(message.deployment)
        if isinstance(loaded, Failure):
            self.send(messages.Answer(message.call, 500, [], b"", loaded))
            return
        context = Context()
        try:
            status, headers, body = await respond(
                loaded, context, message.method, message.url, message.headers, message.body
            )
            answer = messages.Answer(message.call, status, headers, body)
        except BaseException as error:
            failed = outcomes.failure(error, loaded.file)
            code = getattr(error, "code", None)
            if isinstance(code, str):
                failed = Failure(failed.name, failed.message, failed.line, code, trace=failed.trace)
            answer = messages.Answer(message.call, 500, [], b"", failed)
            if isinstance(error, asyncio.CancelledError):
                raise
        self.send(answer)
        await context.drain()


class _ByContext(LinkBackend):
    """Bindings used by a run's code start runs as `workflow`, those of a handler as `http`."""

    def __init__(self, questions: Questions, deployment: str) -> None:
        super().__init__(questions, deployment, "workflow")

    async def _ask(self, operation: str, **args: Any) -> Any:
        task = asyncio.current_task()
        handler = task is not None and task.get_name().startswith("fetch ")
        trigger = "http" if handler else "workflow"
        attempt = attempting.get()
        asker = (0, 0)
        if attempt is not None and isinstance(attempt.engine, _Voice):
            asker = attempt.engine.assignment, attempt.k
        return await self._questions.ask(
            self._deployment, trigger, operation, args, asker, _answering.get()
        )


class _Voice:
    """An execution's engine: the server, over the link."""

    __slots__ = ("_runner", "_send", "assignment")

    def __init__(self, runner: Runner, assignment: int) -> None:
        self._runner = runner
        self._send = runner.send
        self.assignment = assignment

    def attempt_started(self, k: int, name: str, n: int, attempt: int, policy: RetryPolicy) -> None:
        said = None if policy is DEFAULT else policy
        self._send(messages.AttemptStarted(self.assignment, k, name, n, attempt, said))

    def attempt_succeeded(self, k: int, value: bytes, log: Sequence[Line]) -> None:
        said = list(log) or None
        self._send(messages.AttemptSucceeded(self.assignment, k, value, said))

    def attempt_failed(
        self, k: int, failure: Failure, retryable: bool, log: Sequence[Line]
    ) -> None:
        said = list(log) or None
        self._send(messages.AttemptFailed(self.assignment, k, failure, retryable, said))

    def sleep(self, k: int, kind: StepKind, name: str, n: int, seconds: float) -> None:
        self._send(messages.Sleep(self.assignment, k, kind, name, n, seconds))

    def wait(self, k: int, name: str, n: int, event_type: str, timeout: float) -> None:
        self._send(messages.Wait(self.assignment, k, name, n, event_type, timeout))

    def cancel(self, k: int, seen: int) -> None:
        self._send(messages.Cancel(self.assignment, k, seen))

    def blocked(self, seen: int) -> None:
        self._send(messages.Blocked(self.assignment, seen))

    def failing(self, failure: Failure) -> None:
        self._send(messages.Failing(self.assignment, failure))

    def ended(self, output: bytes | None, failure: Failure | None, seen: int | None) -> None:
        self._runner.ended(self.assignment, output, failure, seen)


def end_process(status: int = 0) -> None:
    """Leave at once: there is nothing to save."""
    os._exit(status)
