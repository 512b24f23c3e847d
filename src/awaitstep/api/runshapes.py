"""Runs and steps on the wire.

Params and output pass through as the bytes the journal keeps (`msgspec.Raw`); the pydantic models
beside them are what the OpenAPI document says of the same fields.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from pydantic import ConfigDict, Field

from awaitstep.api.model import Shape, at, maybe_at
from awaitstep.api.paging import Listing
from awaitstep.app.runs import NodeEntry, NodeStep, public_id
from awaitstep.engine.port import EntryType, RunError, RunView

StatusName = Literal["queued", "running", "waiting", "paused", "complete", "errored", "terminated"]
TriggerName = Literal["manual", "api", "http", "schedule", "workflow"]
StepTypeName = Literal["do", "sleep", "wait"]
StreamName = Literal["stdout", "stderr", "note"]
StepStatusName = Literal["running", "waiting", "complete", "errored", "cancelled"]


class ErrorShape(Shape):
    """Why a run or step failed. `line` counts in the deployed module."""

    name: str
    message: str
    step: str | None = Field(default=None, description="Left out when not known.")
    line: int | None = Field(default=None, description="Left out when not known.")
    code: str | None = Field(default=None, description="Left out when there is none.")
    traceback: str | None = Field(
        default=None,
        description="As Python prints it, in lines of the deployed module alone, which is called "
        "`worker.py` here. Left out when none is known.",
    )


class ParentShape(Shape):
    """The run that waits for another one."""

    workflow_id: str
    instance_id: str


class RunShape(Shape):
    """One durable execution."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019a3c5e-7d1b-7c40-9a57-0f6d2b8e4c11",
                    "instanceId": "019a3c5e-7d1b-7c40-9a57-0f6d2b8e4c11",
                    "workflowId": "wf_V1StGXR8_Z5jdHi6B-myT",
                    "workflowName": "Refund desk",
                    "versionId": "ver_3a9LkQz0PmN4vYxWb8TcR",
                    "deploymentId": "dep_uJ7hGf5Ds2Aq1Zx8Cv0Bn",
                    "trigger": "api",
                    "priority": 0,
                    "parent": None,
                    "status": "complete",
                    "epoch": 1,
                    "params": {"orderId": "ord_001"},
                    "output": {"shipped": True},
                    "error": None,
                    "pauseRequested": False,
                    "rollingBack": False,
                    "nextAttemptAt": None,
                    "createdAt": "2026-11-23T10:00:00Z",
                    "startedAt": "2026-11-23T10:00:00Z",
                    "endedAt": "2026-11-23T10:00:01Z",
                    "stale": False,
                    "readAt": None,
                }
            ]
        },
    )

    id: str = Field(description="`instanceId`, or `run_` and it when the caller chose that.")
    instance_id: str
    workflow_id: str
    workflow_name: str = Field(description="As it is called now.")
    version_id: str
    deployment_id: str
    trigger: TriggerName
    priority: int
    parent: ParentShape | None = Field(
        description="The run that waits for this one, or did; perhaps gone by now. "
        "Null where nobody does, and on Cloudflare, which does not tell."
    )
    status: StatusName
    epoch: int
    params: Any
    output: Any
    error: ErrorShape | None
    pause_requested: bool
    rolling_back: bool = Field(description="It has failed or is to be terminated; it is undone.")
    next_attempt_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    stale: bool = Field(
        description="It is told as it was read last, as where it runs can't be asked now."
    )
    read_at: datetime | None = Field(description="When a stale one was read; else null.")


class RunListing(Listing[RunShape]):
    """One page of runs."""

    away: list[str] = Field(
        description="Ids of workflows whose runs can't be read now: they are listed as they were "
        "read last, as far as that is known."
    )


class LineShape(Shape):
    """A line that was printed. `note` is the engine's own word, about lines that were cut."""

    at: datetime
    stream: StreamName
    text: str


class AttemptShape(Shape):
    """One try of a step."""

    number: int = Field(description="From 1. Where there is a gap, some are not kept.")
    started_at: datetime
    ended_at: datetime | None
    delay: float | None = Field(
        description="Seconds after its failure that the next one was to follow; null for none."
    )
    error: ErrorShape | None
    logs: list[LineShape] = Field(description="What its code printed; there once it has ended.")


class EntryShape(Shape):
    """Something that happened to a run. What does not belong to the type is left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "at": "2026-11-23T10:00:00Z",
                    "type": "attempt.failed",
                    "epoch": 1,
                    "step": "Charge",
                    "count": 1,
                    "attempt": 2,
                    "error": {"name": "TimeoutError", "message": "too slow", "line": 12},
                    "delay": 20.0,
                    "nodeId": "charge",
                }
            ]
        }
    )

    at: datetime
    type: EntryType
    epoch: int
    step: str | None = Field(default=None, description="For a restart: where it began.")
    count: int | None = Field(default=None, description="The n-th use of the step's name.")
    attempt: int | None = Field(default=None, description="From 1.")
    error: ErrorShape | None = None
    delay: float | None = Field(
        default=None, description="Seconds after a failed attempt that the next was to follow."
    )
    until: datetime | None = Field(default=None, description="When a sleep or wait was to be over.")
    event_type: str | None = Field(default=None, description="What was waited for or received.")
    deployment_id: str | None = Field(
        default=None, description="What a restart went on with, when that was another one."
    )
    left_out: int | None = Field(
        default=None,
        description="How many entries before this one, a restart or an attempt, were not kept.",
    )
    traceparent: str | None = Field(
        default=None, description="The span that created the run, where spans are sent."
    )
    node_id: str | None = None


class StepShape(Shape):
    """One durable operation of a run, in the order the run asked for it."""

    name: str
    count: int = Field(description="The n-th use of this name in the run.")
    type: StepTypeName
    status: StepStatusName
    node_id: str | None
    started_at: datetime
    ended_at: datetime | None
    due_at: datetime | None = Field(description="When a sleep, wait or next attempt is over.")
    event_type: str | None = Field(description="What a wait waits for.")
    output: Any
    error: ErrorShape | None
    attempts: list[AttemptShape] = Field(
        description="Of a step that is tried many times: the first 5 and the last 45, or fewer where "
        "their errors are large."
    )
    attempts_left_out: int = Field(description="How many between these are not kept.")


class ErrorJson(msgspec.Struct, omit_defaults=True):
    name: str
    message: str
    step: str | None = None
    line: int | None = None
    code: str | None = None
    traceback: str | None = None


class ParentJson(msgspec.Struct, rename="camel"):
    workflow_id: str
    instance_id: str


class RunJson(msgspec.Struct, rename="camel"):
    id: str
    instance_id: str
    workflow_id: str
    workflow_name: str
    version_id: str
    deployment_id: str
    trigger: str
    priority: int
    parent: ParentJson | None
    status: str
    epoch: int
    params: msgspec.Raw | None
    output: msgspec.Raw | None
    error: ErrorJson | None
    pause_requested: bool
    rolling_back: bool
    next_attempt_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    stale: bool
    read_at: datetime | None


class LineJson(msgspec.Struct):
    at: datetime
    stream: str
    text: str


class AttemptJson(msgspec.Struct, rename="camel"):
    number: int
    started_at: datetime
    ended_at: datetime | None
    delay: float | None
    error: ErrorJson | None
    logs: list[LineJson]


class EntryJson(msgspec.Struct, rename="camel", omit_defaults=True):
    at: datetime
    type: str
    epoch: int
    step: str | None = None
    count: int | None = None
    attempt: int | None = None
    error: ErrorJson | None = None
    delay: float | None = None
    until: datetime | None = None
    event_type: str | None = None
    deployment_id: str | None = None
    left_out: int = 0
    traceparent: str | None = None
    node_id: str | None = None


class StepJson(msgspec.Struct, rename="camel"):
    name: str
    count: int
    type: str
    status: str
    node_id: str | None
    started_at: datetime
    ended_at: datetime | None
    due_at: datetime | None
    event_type: str | None
    output: msgspec.Raw | None
    error: ErrorJson | None
    attempts: list[AttemptJson]
    attempts_left_out: int


def run_json(run: RunView, workflow_name: str) -> RunJson:
    return RunJson(
        id=public_id(run),
        instance_id=run.instance,
        workflow_id=run.workflow,
        workflow_name=workflow_name,
        version_id=run.version,
        deployment_id=run.deployment,
        trigger=run.trigger,
        priority=run.priority,
        parent=_parent(run),
        status=run.status.value,
        epoch=run.epoch,
        params=_raw(run.params),
        output=_raw(run.output),
        error=_error(run.error),
        pause_requested=run.pause_requested,
        rolling_back=run.rolling_back,
        next_attempt_at=maybe_at(run.next_attempt_at),
        created_at=at(run.created_at),
        started_at=maybe_at(run.started_at),
        ended_at=maybe_at(run.ended_at),
        stale=run.read_at is not None,
        read_at=maybe_at(run.read_at),
    )


def step_json(step: NodeStep) -> StepJson:
    view = step.step
    return StepJson(
        name=view.name,
        count=view.count,
        type=view.type.value,
        status=view.status.value,
        node_id=step.node,
        started_at=at(view.started_at),
        ended_at=maybe_at(view.ended_at),
        due_at=maybe_at(view.due_at),
        event_type=view.event_type,
        output=_raw(view.output),
        error=_error(view.error),
        attempts=[
            AttemptJson(
                attempt.number,
                at(attempt.started_at),
                maybe_at(attempt.ended_at),
                attempt.delay,
                _error(attempt.error),
                [LineJson(at(line.at), line.stream.name, line.text) for line in attempt.log],
            )
            for attempt in view.attempts
        ],
        attempts_left_out=view.attempts_left_out,
    )


def entry_json(told: NodeEntry) -> EntryJson:
    entry = told.entry
    return EntryJson(
        at(entry.at),
        entry.type.value,
        entry.epoch,
        entry.step,
        entry.count,
        entry.attempt,
        _error(entry.error),
        entry.delay,
        maybe_at(entry.until),
        entry.event_type,
        entry.deployment,
        entry.left_out,
        entry.traceparent,
        told.node,
    )


def _raw(value: bytes | None) -> msgspec.Raw | None:
    return None if value is None else msgspec.Raw(value)


def _parent(run: RunView) -> ParentJson | None:
    if run.parent is None:
        return None
    return ParentJson(run.parent.workflow, run.parent.instance)


def _error(error: RunError | None) -> ErrorJson | None:
    if error is None:
        return None
    return ErrorJson(error.name, error.message, error.step, error.line, error.code, error.traceback)
