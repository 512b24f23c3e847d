"""Workflow instances of the fake Cloudflare: executed by the in-memory engine, told as there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from awaitstep.engine import errors
from awaitstep.engine.clock import Clock
from awaitstep.engine.inline import InlineEngine
from awaitstep.engine.port import RunQuery, RunView, StartRun, StepView
from awaitstep.engine.states import ENDED, RunStatus, StepStatus, StepType
from awaitstep.engine.workers import Active, Bundle

from .rules import Error


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None:
        raise Error(400, 10001, "dates have no offset")
    return at.replace(tzinfo=UTC).timestamp()


class Instances:
    """`clock` may be one that tests move."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._bundles: dict[str, Bundle] = {}
        self._live: dict[str, str] = {}
        self.engine = InlineEngine(self, clock=clock)

    async def close(self) -> None:
        await self.engine.close()

    async def bundle(self, deployment: str) -> Bundle:
        try:
            return self._bundles[deployment]
        except KeyError:
            raise errors.DeploymentMissing(deployment) from None

    async def active(self, workflow: str, caller: str) -> Active:
        return Active(self._live[workflow], self._live[workflow])

    async def reached(self, workflow: str, caller: str) -> None:
        """All workflows of an account reach each other."""

    async def restore(self, environment: Path) -> None:
        """Nothing is ever gone."""

    def put(
        self,
        workflow: str,
        version: str,
        source: str,
        class_name: str,
        variables: dict[str, str],
        bindings: dict[str, str],
    ) -> None:
        """From now on runs of the workflow begin with this version."""
        module = self._folder / f"{version}.py"
        module.write_text(source)
        self._bundles[version] = Bundle(
            version, workflow, workflow, module, class_name, version, variables, bindings
        )
        self._live[workflow] = version

    async def drop(self, workflow: str) -> None:
        """End and forget its runs."""
        while page := (await self.engine.list(RunQuery([workflow]))).runs:
            for run in page:
                if run.status not in ENDED:
                    await self.engine.terminate(workflow, run.instance)
                await self.engine.delete(workflow, run.instance)

    async def create(self, workflow: str, id: str | None, body: dict[str, Any]) -> dict[str, Any]:
        params = body.get("params")
        # Cloudflare's package types it as JSON in a string, wrangler sends an object
        text = params if isinstance(params, str) else json.dumps(params)
        given = None if params is None else text.encode()
        version = self._live[workflow]
        start = StartRun(workflow, version, "api", given, id, version)
        if id is not None and await self._find(workflow, id) is not None:
            raise Error(400, 10202, "(instance.already_exists) Instance already exists")
        run = (await self._do(self.engine.create(start))).run
        return self._short(run)

    async def page(
        self, workflow: str, asked: Mapping[str, str]
    ) -> tuple[list[dict[str, Any]], str | None]:
        status = asked.get("status")
        if status in ("waitingForPause", "rollingBack"):
            return [], None
        page = await self.engine.list(
            RunQuery(
                [workflow],
                status=None if status is None else [RunStatus(status)],
                created_after=_moment(asked.get("date_start")),
                created_before=_moment(asked.get("date_end")),
                limit=int(asked.get("per_page", 25)),
                cursor=asked.get("cursor"),
            )
        )
        return [self._short(run) for run in page.runs], page.next_cursor

    async def get(self, workflow: str, id: str) -> dict[str, Any]:
        run = await self._do(self.engine.get(workflow, id))
        steps = [self._step(step) for step in await self.engine.history(workflow, id)]
        return {
            "status": _status(run),
            "params": None if run.params is None else json.loads(run.params),
            "trigger": {"source": "api"},
            "versionId": run.deployment,
            "queued": _time(run.created_at),
            "start": _time(run.started_at),
            "end": _time(run.ended_at),
            "success": None if run.status not in ENDED else run.status is RunStatus.complete,
            "error": None
            if run.error is None
            else {"name": run.error.name, "message": run.error.message},
            "output": None if run.output is None else json.loads(run.output),
            "steps": steps,
            "step_count": len(steps),
        }

    async def change(self, workflow: str, id: str, body: dict[str, Any]) -> dict[str, Any]:
        verb = body.get("status")
        if verb == "restart":
            place = body.get("from") or {}
            run = await self._do(
                self.engine.restart(
                    workflow, id, step=place.get("name"), count=place.get("count", 1)
                )
            )
        elif verb == "terminate":
            run = await self._do(
                self.engine.terminate(workflow, id, rollback=body.get("rollback", False))
            )
        elif verb in ("pause", "resume"):
            run = await self._do(getattr(self.engine, verb)(workflow, id))
        else:
            raise Error(400, 10001, "workflows.api.error.invalid_status")
        return {"status": _status(run), "timestamp": _time(run.created_at)}

    async def send(self, workflow: str, id: str, type: str, payload: bytes) -> None:
        await self._do(self.engine.send_event(workflow, id, type, payload))

    async def _find(self, workflow: str, id: str) -> RunView | None:
        try:
            return await self.engine.get(workflow, id)
        except errors.RunNotFound:
            return None

    async def _do(self, call: Any) -> Any:
        try:
            return await call
        except errors.RunNotFound:
            raise Error(404, 10400, "instance.not_found") from None  # the number is not documented
        except errors.InvalidInstanceId:
            raise Error(400, 10001, "Workflow instance has invalid id") from None
        except errors.RunState as error:
            raise Error(400, 10401, f"instance.invalid_transition: {error}") from None
        except errors.EngineError as error:
            raise Error(400, 10001, str(error)) from None

    def _short(self, run: RunView) -> dict[str, Any]:
        return {
            "id": run.instance,
            "status": _status(run),
            "version_id": run.deployment,
            "created_on": _time(run.created_at),
            "modified_on": _time(run.ended_at or run.created_at),
            "started_on": _time(run.started_at),
            "ended_on": _time(run.ended_at),
            "trigger_source": "api",
        }

    def _step(self, step: StepView) -> dict[str, Any]:
        name = f"{step.name}-{step.count}"
        told: dict[str, Any] = {"name": name, "start": _time(step.started_at)}
        output = None if step.output is None else step.output.decode()
        failure = (
            None if step.error is None else {"name": step.error.name, "message": step.error.message}
        )
        done = step.status not in (StepStatus.running, StepStatus.waiting)
        if step.type is StepType.do:
            attempts = [
                {
                    "start": _time(one.started_at),
                    "end": _time(one.ended_at),
                    "success": None if one.ended_at is None else one.error is None,
                    "error": None
                    if one.error is None
                    else {"name": one.error.name, "message": one.error.message},
                }
                for one in step.attempts
            ]
            return told | {
                "type": "step",
                "end": _time(step.ended_at),
                "success": step.status is StepStatus.complete if done else None,
                "output": output,
                "config": {},
                "attempts": attempts,
            }
        kind = "sleep" if step.type is StepType.sleep else "waitForEvent"
        told |= {"type": kind, "finished": done, "error": failure}
        told["end"] = _time(step.ended_at if done else step.due_at)
        return told if kind == "sleep" else told | {"event_type": step.event_type, "output": output}


def _status(run: RunView) -> str:
    if run.rolling_back:
        return "rollingBack"
    if run.pause_requested and run.status not in (RunStatus.paused, *ENDED):
        return "waitingForPause"
    return run.status.value
