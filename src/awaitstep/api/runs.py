"""Runs: watched and steered. `{run}` is a run's `instanceId` or its `id`."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ConfigDict, Field

from awaitstep.api import sse
from awaitstep.api.access import App, Deployer, Reader, application, who_asks
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.direct import DirectRoute, described
from awaitstep.api.model import Body, Moment, Shape
from awaitstep.api.paging import Cursor, Limit, Listing
from awaitstep.api.problems import Refusal
from awaitstep.api.runshapes import (
    EntryJson,
    EntryShape,
    RunListing,
    RunShape,
    StatusName,
    StepJson,
    StepShape,
    TriggerName,
    entry_json,
    run_json,
    step_json,
)
from awaitstep.app import AwaitStep
from awaitstep.app.feed import PATIENCE
from awaitstep.auth.identity import Identity
from awaitstep.engine import values
from awaitstep.engine.errors import EngineUnavailable
from awaitstep.engine.port import RunPage, RunQuery, RunView
from awaitstep.engine.states import ENDED, RunStatus

router = APIRouter(prefix="/api", tags=["runs"], route_class=ApiRoute)
direct = APIRouter(prefix="/api", tags=["runs"], route_class=DirectRoute)

# Between two looks at a run (seconds): what changes often is told as it is then. A long run, which
# costs more to look at, is looked at the more seldom.
_PAUSE = 0.1
_PAUSES = 9.0
_RUN = "/workflows/{id}/runs/{run}"

Statuses = Annotated[list[StatusName], Query(description="Any of these; repeat it for several.")]
Triggers = Annotated[list[TriggerName], Query(description="Any of these; repeat it for several.")]
Ref = Annotated[str | None, Query(max_length=128)]


class TerminateBody(Body):
    rollback: bool = Field(
        default=False,
        description="Let attempts end, then run the rollback handlers of its steps, last first.",
    )


class RestartBody(Body):
    step: str | None = Field(
        default=None, description="Keep what was recorded before this step; else start over."
    )
    count: Annotated[int, Field(ge=1, description="Its n-th use.")] = 1
    on_newest: bool = Field(
        default=False,
        description="Go on with the deployment that is active now, not the run's own.",
    )


class EventBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"type": "decision", "payload": {"approved": True}}]}
    )

    type: str
    payload: Any = None


class EventShape(Shape):
    """The event is stored; a run that waits for its type goes on."""

    success: bool
    type: str


def _asked(
    status: Statuses = [],  # noqa: B006 - FastAPI copies it
    trigger: Triggers = [],  # noqa: B006
    version_id: Annotated[Ref, Query(alias="versionId")] = None,
    deployment_id: Annotated[Ref, Query(alias="deploymentId")] = None,
    created_after: Annotated[
        Moment | None, Query(alias="createdAfter", description="ISO 8601 with a zone.")
    ] = None,
    created_before: Annotated[
        Moment | None, Query(alias="createdBefore", description="ISO 8601 with a zone.")
    ] = None,
    text: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            description="Part of the id, or of params, output or error where these are short.",
        ),
    ] = None,
) -> RunQuery:
    return RunQuery(
        workflows=[],
        status=[RunStatus(name) for name in status] or None,
        trigger=list(trigger) or None,
        version=version_id,
        deployment=deployment_id,
        created_after=None if created_after is None else created_after.timestamp(),
        created_before=None if created_before is None else created_before.timestamp(),
        text=text,
    )


Asked = Annotated[RunQuery, Depends(_asked)]


@router.get("/runs", response_model=RunListing)
async def list_runs(
    app: App, who: Reader, asked: Asked, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Of all workflows, newest first."""
    query = replace(asked, limit=limit, cursor=cursor)
    return _page(app, await app.runs.page(who.project, None, query))


@router.get("/workflows/{id}/runs", response_model=RunListing)
async def list_workflow_runs(
    id: str, app: App, who: Reader, asked: Asked, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Newest first."""
    query = replace(asked, limit=limit, cursor=cursor)
    return _page(app, await app.runs.page(who.project, id, query))


@direct.get(_RUN, response_model=RunShape, openapi_extra=described("read", ["id", "run"]))
async def get_run(request: Request) -> Response:
    app, path, project = application(request), request.path_params, who_asks(request).project
    return _run(app, await app.runs.get(project, path["id"], path["run"]))


@router.get(_RUN + "/steps", response_model=Listing[StepShape])
async def list_steps(
    id: str, run: str, app: App, who: Reader, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """In the order the run asked for them."""
    start = 0 if cursor is None else _offset(cursor)
    steps = await app.runs.steps(who.project, id, run)
    following = _cursor(start + limit) if start + limit < len(steps) else None
    return _json(
        {
            "data": [step_json(step) for step in steps[start : start + limit]],
            "nextCursor": following,
        }
    )


@router.get(_RUN + "/stream", response_class=Response, responses=sse.EVENTS)
async def stream_run(id: str, run: str, request: Request, app: App, who: Reader) -> Response:
    """Server-sent events until the run has ended.

    `run` events hold the run, `step` events a step, each when it is new or has changed; the last
    event is `end`, with the run.
    """
    await app.runs.get(who.project, id, run)
    return sse.stream(request, _changes(app, who, id, run))


@router.get(_RUN + "/events", response_model=Listing[EntryShape])
async def list_events(
    id: str, run: str, app: App, who: Reader, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """The run's event log: what happened to it, oldest first."""
    start = 0 if cursor is None else _offset(cursor)
    log = await app.runs.event_log(who.project, id, run)
    following = _cursor(start + limit) if start + limit < len(log) else None
    page = [entry_json(entry) for entry in log[start : start + limit]]
    return _json({"data": page, "nextCursor": following})


@router.get(_RUN + "/events/stream", response_class=Response, responses=sse.EVENTS)
async def stream_events(id: str, run: str, request: Request, app: App, who: Reader) -> Response:
    """The run's event log as server-sent events, until the run has ended.

    Each `entry` event holds one entry; those that are there already come first. The last event is
    `end`, with the run.
    """
    await app.runs.get(who.project, id, run)
    return sse.stream(request, _entries(app, who, id, run))


@router.post(_RUN + "/pause", response_model=RunShape, responses={409: {}})
async def pause_run(id: str, run: str, app: App, who: Deployer) -> Response:
    """Running attempts end and are kept, nothing new starts."""
    return _run(app, await app.runs.pause(who.project, id, run))


@router.post(_RUN + "/resume", response_model=RunShape, responses={409: {}})
async def resume_run(id: str, run: str, app: App, who: Deployer) -> Response:
    return _run(app, await app.runs.resume(who.project, id, run))


@router.post(_RUN + "/terminate", response_model=RunShape, responses={409: {}})
async def terminate_run(
    id: str, run: str, app: App, who: Deployer, body: TerminateBody | None = None
) -> Response:
    """Final: late results are dropped. With a rollback it ends once all is undone."""
    rollback = body is not None and body.rollback
    return _run(app, await app.runs.terminate(who.project, id, run, rollback=rollback))


@router.post(_RUN + "/restart", response_model=RunShape, responses={409: {}})
async def restart_run(
    id: str, run: str, app: App, who: Deployer, body: RestartBody | None = None
) -> Response:
    """A new epoch under the same id, from the start or from a recorded step on."""
    asked = body or RestartBody()
    restarted = await app.runs.restart(
        who.project, id, run, step=asked.step, count=asked.count, on_newest=asked.on_newest
    )
    return _run(app, restarted)


@router.delete(_RUN, status_code=204, responses={409: {}})
async def delete_run(id: str, run: str, app: App, who: Deployer) -> None:
    """With its history. 409 while it is live."""
    await app.runs.delete(who.project, id, run)


@router.post(_RUN + "/events", status_code=202, responses={409: {}})
async def send_event(id: str, run: str, body: EventBody, app: App, who: Deployer) -> EventShape:
    """Kept until the run waits for its type; first in, first out."""
    payload = values.encode(body.payload)
    await app.runs.send_event(who.project, id, run, body.type, payload)
    return EventShape(success=True, type=body.type)


async def _changes(app: AwaitStep, who: Identity, id: str, ref: str) -> AsyncIterator[bytes]:
    seen_run = b""
    seen: list[bytes] = []
    with app.runs.listening(who.project, id, ref) as ear:
        while True:
            ear.take()
            began = time.monotonic()
            run = await app.runs.get(who.project, id, ref)
            steps = await _steps(app, who, id, ref, run)
            if (now := encoded(app, run)) != seen_run:
                seen_run = now
                yield sse.event("run", now)
            for index, step in enumerate(_encode_all(steps or [])):
                if index == len(seen):
                    seen.append(b"")
                if seen[index] != step:
                    seen[index] = step
                    yield sse.event("step", step)
            if steps is not None:
                del seen[len(steps) :]
            if run.status in ENDED and run.read_at is None:
                yield sse.event("end", seen_run)
                return
            await asyncio.sleep(_pause(began))
            if not await ear.hears(PATIENCE):
                yield sse.ALIVE


async def _steps(
    app: AwaitStep, who: Identity, id: str, ref: str, run: RunView
) -> list[StepJson] | None:
    """None where those of a stale run are not known."""
    try:
        return [step_json(step) for step in await app.runs.steps(who.project, id, ref)]
    except EngineUnavailable:
        if run.read_at is None:
            raise
        return None


async def _entries(app: AwaitStep, who: Identity, id: str, ref: str) -> AsyncIterator[bytes]:
    seen: set[bytes] = set()
    with app.runs.listening(who.project, id, ref) as ear:
        while True:
            ear.take()
            began = time.monotonic()
            run = await app.runs.get(who.project, id, ref)
            for told in await app.runs.event_log(who.project, id, ref):
                entry = entry_json(told)
                key = _key(entry)
                if key not in seen:
                    seen.add(key)
                    yield sse.event("entry", msgspec.json.encode(entry))
            if run.status in ENDED and run.read_at is None:
                yield sse.event("end", encoded(app, run))
                return
            await asyncio.sleep(_pause(began))
            if not await ear.hears(PATIENCE):
                yield sse.ALIVE


def _pause(began: float) -> float:
    return max(_PAUSE, _PAUSES * (time.monotonic() - began))


def _key(entry: EntryJson) -> bytes:
    """What an entry is told once by: a paused sleep changes when it is over."""
    what = (entry.at, entry.type, entry.epoch, entry.step, entry.count, entry.attempt)
    return hashlib.blake2b(
        msgspec.msgpack.encode((*what, entry.event_type)), digest_size=12
    ).digest()


def _encode_all(steps: list[StepJson]) -> list[bytes]:
    return [msgspec.json.encode(step) for step in steps]


def _page(app: AwaitStep, page: RunPage) -> Response:
    runs = [run_json(run, app.runs.name_of(run.workflow)) for run in page.runs]
    return _json({"data": runs, "nextCursor": page.next_cursor, "away": page.away})


def _run(app: AwaitStep, run: RunView) -> Response:
    return Response(encoded(app, run), media_type="application/json")


def encoded(app: AwaitStep, run: RunView) -> bytes:
    return msgspec.json.encode(run_json(run, app.runs.name_of(run.workflow)))


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if not text.isdigit() or len(text) > 9:
        raise Refusal(422, "cursor.invalid", "The cursor was not made by this list.")
    return int(text)
