"""Cloudflare's runs in our words. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from awaitstep.engine.ids import UUID
from awaitstep.engine.port import (
    AttemptView,
    EntryType,
    LogEntry,
    RunError,
    RunView,
    StepView,
    Trigger,
)
from awaitstep.engine.states import RunStatus, StepStatus, StepType

_TRIGGERS: Final[Mapping[str, Trigger]] = {"binding": "http", "cron": "schedule"}
# States that are a run's and what happens to it at once.
_BOTH: Final = {"waitingForPause": RunStatus.running, "rollingBack": RunStatus.running}
_ENDS: Final = {
    RunStatus.complete: EntryType.run_completed,
    RunStatus.errored: EntryType.run_errored,
    RunStatus.terminated: EntryType.run_terminated,
}


def status_of(told: str) -> RunStatus:
    """A state that we don't know counts as running: it has not ended."""
    try:
        return _BOTH.get(told) or RunStatus(told)
    except ValueError:
        return RunStatus.running


def seconds(text: object) -> float | None:
    """Of an ISO 8601 time, which is UTC unless it says otherwise."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def iso(at: float) -> str:
    """As Cloudflare's filters want it: UTC, without an offset."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


def run_of(
    workflow: str, instance: str, told: Mapping[str, Any], deployment: str, version: str
) -> RunView:
    """A run of a list, or alone: the two answers name things differently."""
    status = str(told.get("status", "unknown"))
    ended = seconds(told.get("ended_on") or told.get("end"))
    source = told.get("trigger_source") or (told.get("trigger") or {}).get("source")
    return RunView(
        instance=instance,
        workflow=workflow,
        deployment=deployment,
        version=version,
        trigger=_TRIGGERS.get(str(source), "api"),
        status=status_of(status),
        epoch=1,
        params=_json(told.get("params")),
        output=_json(told.get("output")) if status == "complete" else None,
        error=error_of(told.get("error")),
        created_at=seconds(told.get("created_on") or told.get("queued")) or 0.0,
        started_at=seconds(told.get("started_on") or told.get("start")),
        ended_at=ended,
        pause_requested=status == "waitingForPause",
        rolling_back=status == "rollingBack",
        generated_id=UUID.fullmatch(instance) is not None,
    )


def error_of(told: Any) -> RunError | None:
    if not isinstance(told, Mapping):
        return None
    return RunError(str(told.get("name") or "Error"), str(told.get("message") or ""))


def steps_of(told: Mapping[str, Any]) -> list[StepView]:
    """Durable operations in the order they began; other entries are none."""
    return [step for item in told.get("steps") or () if (step := _step(item)) is not None]


def events_of(run: RunView, steps: Sequence[StepView]) -> list[LogEntry]:
    """An event log made of what the run's steps tell: Cloudflare's list has no more."""
    found = [LogEntry(run.created_at, EntryType.run_created, 1)]
    if run.started_at is not None:
        found.append(LogEntry(run.started_at, EntryType.run_started, 1))
    for step in steps:
        found += _events(step)
    if run.ended_at is not None and run.status in _ENDS:
        found.append(LogEntry(run.ended_at, _ENDS[run.status], 1, error=run.error))
    return sorted(found, key=lambda entry: entry.at)


def _events(step: StepView) -> list[LogEntry]:
    what: dict[str, Any] = {"step": step.name, "count": step.count}
    over = step.ended_at
    if step.type is StepType.do:
        found = []
        for attempt in step.attempts:
            number = attempt.number
            began = EntryType.attempt_started
            found.append(LogEntry(attempt.started_at, began, 1, attempt=number, **what))
            if attempt.ended_at is not None and attempt.error is not None:
                failed = EntryType.attempt_failed
                found.append(
                    LogEntry(
                        attempt.ended_at, failed, 1, attempt=number, error=attempt.error, **what
                    )
                )
        if over is not None:
            done = step.status is StepStatus.complete
            type = EntryType.step_completed if done else EntryType.step_failed
            found.append(LogEntry(over, type, 1, error=step.error, **what))
        return found
    sleep = step.type is StepType.sleep
    first = EntryType.sleep_started if sleep else EntryType.wait_started
    found = [
        LogEntry(step.started_at, first, 1, until=step.due_at, event_type=step.event_type, **what)
    ]
    if over is not None:
        late = step.status is StepStatus.errored
        last = EntryType.wait_timed_out if late else EntryType.wait_ended
        found.append(LogEntry(over, EntryType.sleep_ended if sleep else last, 1, **what))
    return found


def _step(told: Mapping[str, Any]) -> StepView | None:
    name, _, count = str(told.get("name", "")).rpartition("-")
    kind, started = told.get("type"), seconds(told.get("start"))
    if started is None or not count.isdecimal():
        return None
    if kind in ("step", "rollback"):
        attempts = [
            AttemptView(
                number,
                seconds(one.get("start")) or started,
                seconds(one.get("end")),
                error_of(one.get("error")),
            )
            for number, one in enumerate(told.get("attempts") or (), 1)
        ]
        success = told.get("success")
        states = {None: StepStatus.running, True: StepStatus.complete, False: StepStatus.errored}
        status = states[success]
        between = status is StepStatus.running and attempts and attempts[-1].ended_at is not None
        return StepView(
            name,
            int(count),
            StepType.do,
            StepStatus.waiting if between else status,
            started,
            None if success is None else seconds(told.get("end")),
            _text(told.get("output")),
            attempts[-1].error if success is False and attempts else None,
            attempts,
        )
    if kind not in ("sleep", "waitForEvent"):
        return None
    done, error = bool(told.get("finished")), error_of(told.get("error"))
    status = StepStatus.waiting
    if done:
        status = StepStatus.complete if error is None else StepStatus.errored
    end = seconds(told.get("end"))
    return StepView(
        name,
        int(count),
        StepType.sleep if kind == "sleep" else StepType.wait,
        status,
        started,
        end if done else None,
        _text(told.get("output")),
        error,
        due_at=None if done else end,
        event_type=told.get("event_type"),
    )


def _json(value: Any) -> bytes | None:
    return None if value is None else json.dumps(value, separators=(",", ":")).encode()


def _text(output: Any) -> bytes | None:
    """A step's output: JSON in a string, and where it is none, the string itself."""
    if not isinstance(output, str):
        return _json(output)
    try:
        json.loads(output)
    except ValueError:
        return _json(output)
    return output.encode()
