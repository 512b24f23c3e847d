"""Starting runs."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field, TypeAdapter

from awaitstep.api.access import application, who_asks
from awaitstep.api.deploymentshapes import IdText
from awaitstep.api.direct import DirectRoute, body_of, described, query_of
from awaitstep.api.model import Body
from awaitstep.api.problems import Refusal
from awaitstep.api.runshapes import RunShape, run_json
from awaitstep.app.runs import Request as RunRequest
from awaitstep.engine import values

router = APIRouter(prefix="/api", tags=["trigger"], route_class=DirectRoute)


class TriggerBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"params": {"orderId": "ord_001", "userId": "usr_42"}}]}
    )

    connection_id: IdText | None = Field(
        default=None, description="Must be where the workflow is deployed, when given."
    )
    params: Any = Field(default=None, description="Any JSON value; null is none.")
    instance_id: str | None = Field(
        default=None, description="The run's id, 1 to 100 of A-Z, a-z, 0-9, _ and -."
    )
    priority: Annotated[int, Field(ge=-100, le=100)] = Field(
        default=0, description="Where runs stand in line, a higher one goes first."
    )


_WAIT: TypeAdapter[float] = TypeAdapter(Annotated[float, Field(ge=0, le=60)])
_OTHERS = (
    {
        "name": "wait",
        "in": "query",
        "required": False,
        "schema": {"type": "number", "minimum": 0, "maximum": 60},
        "description": "Answer once the run has ended, at most so many seconds later.",
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "The same key and params answer with the same run again.",
    },
    {
        "name": "traceparent",
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": "W3C Trace Context: the span that the run's spans are part of.",
    },
)


@router.post(
    "/workflows/{id}/trigger",
    status_code=201,
    response_model=RunShape,
    responses={409: {}},
    openapi_extra=described("deploy", ["id"], _OTHERS, TriggerBody),
)
async def trigger(request: Request) -> Response:
    """Start a run of the active deployment: `api` its trigger, or `manual` for a session.

    A repeated request, by `Idempotency-Key` or `instanceId`, is answered with the run it started
    and `Idempotent-Replayed: true`; with other params it is a 409.
    """
    app, who = application(request), who_asks(request)
    workflow = request.path_params["id"]
    wait = query_of(request, "wait", _WAIT)
    asked = await body_of(request, TriggerBody)
    started = await app.runs.trigger(
        who.project,
        workflow,
        RunRequest(
            params=None if asked.params is None else values.encode(asked.params),
            connection=asked.connection_id,
            instance=asked.instance_id,
            idempotency_key=_idempotency_key(request),
            priority=asked.priority,
            traceparent=request.headers.get("traceparent"),
            by_hand=who.session is not None,
        ),
    )
    run = started.run
    if wait is not None:
        run = await app.runs.wait(who.project, workflow, run.instance, wait)
    headers = {"Idempotent-Replayed": "true"} if started.existed else None
    return Response(
        msgspec.json.encode(run_json(run, app.runs.name_of(workflow))),
        201,
        headers,
        "application/json",
    )


def _idempotency_key(request: Request) -> str | None:
    given = request.headers.getlist("idempotency-key")
    if len(given) > 1:
        raise Refusal(400, "idempotency.twice", "There is more than one Idempotency-Key.")
    return given[0] if given else None
