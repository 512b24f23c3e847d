"""What the bindings in `env` do, on top of the ports; used by every engine of this process."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from awaitstep.engine import tracecontext, values
from awaitstep.engine.children import parent_of
from awaitstep.engine.errors import EngineError, WorkerFailed
from awaitstep.engine.port import Caller, Runs, RunView, StartRun, Trigger
from awaitstep.engine.workers import Active, Bundle, Bundles, WorkerRequest, Workers
from workers.backend import Backend, Verb
from workers.workflows import WorkflowError

# Functions that call each other in a circle would never answer.
DEEPEST_CALL: Final = 16
TOO_DEEP: Final = "function.too_deep"


class RunsBackend(Backend):
    """The bindings of one deployment. Refusals are `WorkflowError` with the engine's code.

    `caller` says which attempt of which run asks, None when none does; `request` which request of a
    worker is answered by the code that asks, None when none is.
    """

    def __init__(
        self,
        runs: Runs,
        workers: Workers,
        bundles: Bundles,
        bundle: Bundle,
        trigger: Trigger,
        caller: Callable[[], Caller | None],
        request: Callable[[], WorkerRequest | None],
    ) -> None:
        self._runs = runs
        self._workers = workers
        self._bundles = bundles
        self._bundle = bundle
        self._trigger: Trigger = trigger
        self._caller = caller
        self._request = request

    async def create(self, binding: str, id: str | None, params: Any) -> Mapping[str, Any]:
        try:
            to = await self._target(binding)
            created = await self._runs.create(self._start(binding, to, id, params))
        except EngineError as error:
            raise _refused(error) from None
        if created.existed:
            raise WorkflowError("instance.already_exists", f"The id {id!r} is taken.")
        return {"id": created.run.instance}

    async def create_batch(
        self, binding: str, instances: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        made: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        starts: list[StartRun] = []
        places: list[int] = []
        try:
            to = await self._target(binding)
        except EngineError as error:
            raise _refused(error) from None
        for index, instance in enumerate(instances):
            try:
                starts.append(self._start(binding, to, instance.get("id"), instance.get("params")))
                places.append(index)
            except EngineError as error:
                errors.append({"index": index, "code": error.code, "message": str(error)})
        answers = await self._runs.create_batch(starts)
        for index, start, answer in zip(places, starts, answers, strict=True):
            if isinstance(answer, Exception):
                code = getattr(answer, "code", "engine.error")
                errors.append({"index": index, "code": code, "message": str(answer)})
            elif answer.existed:
                code, text = "instance.already_exists", f"The id {start.instance!r} is taken."
                errors.append({"index": index, "id": start.instance, "code": code, "message": text})
            else:
                made.append({"id": answer.run.instance})
        return {"created": made, "errors": errors}

    async def get(self, binding: str, id: str) -> Mapping[str, Any]:
        return {"id": (await self._view(binding, id)).instance}

    async def status(self, binding: str, id: str) -> Mapping[str, Any]:
        run = await self._view(binding, id)
        answer: dict[str, Any] = {"status": run.status.value}
        if run.output is not None:
            answer["output"] = values.decode(run.output)
        if run.error is not None:
            answer["error"] = {"name": run.error.name, "message": run.error.message}
        return answer

    async def verb(self, binding: str, id: str, verb: Verb, **options: Any) -> None:
        step = options.get("from_step") or {}
        try:
            workflow = await self._reached(binding)
            match verb:
                case "pause":
                    await self._runs.pause(workflow, id)
                case "resume":
                    await self._runs.resume(workflow, id)
                case "terminate":
                    rollback = bool(options.get("rollback"))
                    await self._runs.terminate(workflow, id, rollback=rollback)
                case "restart":
                    await self._runs.restart(
                        workflow, id, step=step.get("name"), count=step.get("count") or 1
                    )
        except EngineError as error:
            raise _refused(error) from None

    async def send_event(self, binding: str, id: str, type: str, payload: Any) -> None:
        try:
            workflow = await self._reached(binding)
            await self._runs.send_event(workflow, id, type, values.encode(payload))
        except EngineError as error:
            raise _refused(error) from None

    async def fetch(
        self, binding: str, method: str, url: str, headers: Sequence[Sequence[str]], body: str
    ) -> Mapping[str, Any]:
        answered = self._request()
        depth = 1 if answered is None else answered.depth + 1
        if depth > DEEPEST_CALL:
            raise _too_deep()
        pairs = [(str(name), str(value)) for name, value in headers]
        request = WorkerRequest(method, url, pairs, base64.b64decode(body), depth)
        try:
            function = self._named(self._bundle.functions, binding)
            to = await self._bundles.active(function, self._bundle.deployment)
            answer = await self._workers.fetch(to.deployment, request)
        except WorkerFailed as error:
            if error.code == TOO_DEEP:
                raise _too_deep() from None  # said by all who wait, so that the first one knows
            _log.warning("worker did not answer another", binding=binding, detail=error.detail)
            return {"status": 500, "headers": _PLAIN, "body": _text(str(error))}
        except EngineError as error:
            raise _refused(error) from None
        return {
            "status": answer.status,
            "headers": [list(pair) for pair in answer.headers],
            "body": base64.b64encode(answer.body).decode(),
        }

    async def _view(self, binding: str, id: str) -> RunView:
        try:
            return await self._runs.get(await self._reached(binding), id)
        except EngineError as error:
            raise _refused(error) from None

    def _workflow(self, binding: str) -> str:
        return self._named(self._bundle.bindings, binding)

    async def _reached(self, binding: str) -> str:
        """The workflow of a binding whose runs are asked for: it may have moved away since."""
        workflow, own = self._workflow(binding), self._bundle
        if workflow != own.workflow:
            await self._bundles.reached(workflow, own.deployment)
        return workflow

    def _named(self, bindings: Mapping[str, str], binding: str) -> str:
        try:
            return bindings[binding]
        except KeyError:
            raise WorkflowError("binding.not_found", f"There is no binding {binding!r}.") from None

    async def _target(self, binding: str) -> Active:
        """A workflow's own binding stays with its deployment; others reach what is live."""
        workflow, own = self._workflow(binding), self._bundle
        if workflow == own.workflow:
            return Active(own.deployment, own.version)
        return await self._bundles.active(workflow, own.deployment)

    def _start(self, binding: str, to: Active, id: str | None, params: Any) -> StartRun:
        return StartRun(
            workflow=self._workflow(binding),
            deployment=to.deployment,
            version=to.version,
            trigger=self._trigger,
            params=None if params is None else values.encode(params),
            instance=id,
            parent=parent_of(id, self._caller()),
            traceparent=self._traceparent(),
        )

    def _traceparent(self) -> str | None:
        answered = self._request()
        return None if answered is None else tracecontext.of(answered.headers)


def _too_deep() -> WorkflowError:
    return WorkflowError(TOO_DEEP, f"Functions call each other more than {DEEPEST_CALL} deep.")


_log = structlog.get_logger("awaitstep.engine")
_PLAIN: Final = [["content-type", "text/plain; charset=utf-8"]]


def _text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _refused(error: EngineError) -> WorkflowError:
    return WorkflowError(error.code, str(error))
