"""What `env.WORKFLOW` does, on top of the `Runs` port; used by every engine of this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from awaitstep.engine import values
from awaitstep.engine.errors import EngineError
from awaitstep.engine.port import Runs, RunView, StartRun, Trigger
from awaitstep.engine.workers import Bundle
from workers.backend import Backend, Verb
from workers.workflows import WorkflowError


class RunsBackend(Backend):
    """The bindings of one deployment. Refusals are `WorkflowError` with the engine's code."""

    def __init__(self, runs: Runs, bundle: Bundle, trigger: Trigger) -> None:
        self._runs = runs
        self._bundle = bundle
        self._trigger: Trigger = trigger

    async def create(self, binding: str, id: str | None, params: Any) -> Mapping[str, Any]:
        try:
            created = await self._runs.create(self._start(binding, id, params))
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
        for index, instance in enumerate(instances):
            try:
                starts.append(self._start(binding, instance.get("id"), instance.get("params")))
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
        workflow = self._workflow(binding)
        step = options.get("from_step") or {}
        try:
            match verb:
                case "pause":
                    await self._runs.pause(workflow, id)
                case "resume":
                    await self._runs.resume(workflow, id)
                case "terminate":
                    await self._runs.terminate(workflow, id)
                case "restart":
                    await self._runs.restart(
                        workflow, id, step=step.get("name"), count=step.get("count") or 1
                    )
        except EngineError as error:
            raise _refused(error) from None

    async def send_event(self, binding: str, id: str, type: str, payload: Any) -> None:
        try:
            await self._runs.send_event(self._workflow(binding), id, type, values.encode(payload))
        except EngineError as error:
            raise _refused(error) from None

    async def _view(self, binding: str, id: str) -> RunView:
        try:
            return await self._runs.get(self._workflow(binding), id)
        except EngineError as error:
            raise _refused(error) from None

    def _workflow(self, binding: str) -> str:
        try:
            return self._bundle.bindings[binding]
        except KeyError:
            raise WorkflowError("binding.not_found", f"There is no binding {binding!r}.") from None

    def _start(self, binding: str, id: str | None, params: Any) -> StartRun:
        return StartRun(
            workflow=self._workflow(binding),
            deployment=self._bundle.deployment,
            version=self._bundle.version,
            trigger=self._trigger,
            params=None if params is None else values.encode(params),
            instance=id,
        )


def _refused(error: EngineError) -> WorkflowError:
    return WorkflowError(error.code, str(error))
