"""Requests between server and worker code: handlers that runners answer, bindings that they use."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial
from typing import TYPE_CHECKING, Final

from awaitstep.engine import messages, outcomes, values
from awaitstep.engine.bindings import RunsBackend
from awaitstep.engine.embedded.fleet import Slot
from awaitstep.engine.errors import EngineError, WorkerFailed
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.port import Caller, Parent, Trigger
from awaitstep.engine.timers import Timers
from awaitstep.engine.workers import (
    Bundle,
    Bundles,
    HandlerFailure,
    WorkerRequest,
    WorkerResponse,
)
from workers.workflows import WorkflowError

if TYPE_CHECKING:
    from awaitstep.engine.embedded.supervisor import Supervisor

FETCH_TIMEOUT: Final = 100.0
# Of so many deployments the last failure of their handler is remembered.
MOST_FAILURES: Final = 1_000
_OPERATIONS: Final = {"create", "create_batch", "get", "status", "verb", "send_event", "fetch"}


class Requests:
    """Of one engine."""

    def __init__(self, engine: Supervisor, bundles: Bundles) -> None:
        self._engine = engine
        self._bundles = bundles
        self._loop = asyncio.get_running_loop()
        self._patience = Timers(self._loop)
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[messages.Answer]] = {}
        self._answered: dict[int, WorkerRequest] = {}  # now
        self._failures: dict[str, HandlerFailure] = {}  # the latest last

    async def fetch(self, slot: Slot, bundle: Bundle, request: WorkerRequest) -> WorkerResponse:
        """What the deployment's handler answers, in this runner. Raises WorkerFailed."""
        number, deployment = next(self._numbers), bundle.deployment
        future: asyncio.Future[messages.Answer] = self._loop.create_future()
        patience = self._patience.call_later(FETCH_TIMEOUT, partial(_too_late, future))
        self._answers[number] = future
        slot.fetches[number] = deployment
        self._answered[number] = request
        slot.tell(bundle)
        slot.send(
            messages.Fetch(
                number, deployment, request.method, request.url, request.headers, request.body
            )
        )
        try:
            answer = await future
            if answer.failure is not None:
                failed = outcomes.bounded(answer.failure)
                raise WorkerFailed(_told(failed), _code(failed), failed)
            return WorkerResponse(answer.status, answer.headers, answer.body)
        except WorkerFailed as error:
            self._note(deployment, error)
            raise
        finally:
            patience.cancel()
            slot.fetches.pop(number, None)
            self._answered.pop(number, None)
            self._answers.pop(number, None)

    def failure(self, deployment: str) -> HandlerFailure | None:
        return self._failures.get(deployment)

    def _note(self, deployment: str, error: WorkerFailed) -> None:
        """Remember what is the handler's own fault."""
        told = outcomes.view(error.failure)
        if told is None or not error.is_handlers_fault:
            return
        known = self._failures
        known.pop(deployment, None)
        while len(known) >= MOST_FAILURES:
            del known[next(iter(known))]
        known[deployment] = HandlerFailure(self._engine.now(), told)

    def on_answer(self, slot: Slot, message: messages.Answer) -> None:
        future = self._answers.get(message.call)
        if future is not None and not future.done() and message.call in slot.fetches:
            future.set_result(message)

    async def on_call(self, slot: Slot, call: messages.Call) -> None:
        """A binding used by worker code; it may use those of its own deployment only."""
        engine = self._engine
        try:
            bundle = engine.bundle_of(call.deployment)
            trigger: Trigger = "http" if call.trigger == "http" else "workflow"
            caller = self._caller(slot, call)
            request = self._answered.get(call.within) if call.within in slot.fetches else None
            backend = RunsBackend(
                engine, engine, self._bundles, bundle, trigger, lambda: caller, lambda: request
            )
            args = values.decode(values.check(call.args))
            if call.deployment not in slot.known or call.operation not in _OPERATIONS:
                raise WorkflowError("binding.not_found", "There is no such binding.")
            answer = await getattr(backend, call.operation)(**args)
            # a status holds a whole output, and more
            reply = messages.Reply(call.call, values.encode(answer, 2 * values.LARGEST))
        except WorkflowError as error:
            reply = messages.Reply(call.call, None, error.code, error.message)
        except EngineError as error:
            reply = messages.Reply(call.call, None, error.code, str(error))
        except Exception as error:  # the arguments are what the worker's code made of them
            reply = messages.Reply(call.call, None, "binding.malformed", str(error))
        slot.send(reply)

    def _caller(self, slot: Slot, call: messages.Call) -> Caller | None:
        """The attempt that asks, None when no attempt does. Raises WorkflowError when it is over:
        what it starts now would be nobody's."""
        if not call.asker:
            return None
        engine, run = self._engine, None
        if call.asker in slot.assignments and engine.is_assigned(call.asker):
            run = engine.assigned(call.asker)
        step = None if run is None else run.inflight.get(call.k)
        if run is None or step is None:
            raise WorkflowError("run.state", "This attempt is over.")
        parent = Parent(run.workflow, run.instance, run.epoch)
        worker = engine.bundle_of(run.deployment).workflow_name
        return Caller(parent, step.name, step.n, worker, run.created)


def _too_late(future: asyncio.Future[messages.Answer]) -> None:
    if not future.done():
        why = f"The handler did not answer within {FETCH_TIMEOUT:g} s."
        failed = Failure("HandlerTimeout", why, code="worker.timeout")
        future.set_exception(WorkerFailed(why, _code(failed), failed))


def _told(failed: Failure) -> str:
    return failed.trace or f"{failed.name}: {failed.message}"


def _code(failed: Failure) -> str:
    return failed.code or "worker.failed"
