"""Errors the engine answers with; each class carries the stable code clients match on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from awaitstep.engine.outcomes import Failure


class EngineError(Exception):
    """A request the engine refuses. `code` is stable, `str(error)` is one line for a person."""

    code = "engine.error"


class RunNotFound(EngineError):
    """No such run of this workflow."""

    code = "run.not_found"

    def __init__(self, instance: str) -> None:
        super().__init__(f"There is no run {instance!r} of this workflow.")


class StepNotFound(EngineError):
    """The run has recorded no such step, so it can't be restarted from there."""

    code = "step.not_found"

    def __init__(self, instance: str, step: str, count: int) -> None:
        use = "" if count == 1 else f" a {count}. time"
        super().__init__(f"Run {instance} has not come to a step {step!r}{use}.")


class RunState(EngineError):
    """The run's state does not allow this verb."""

    code = "run.state"

    def __init__(self, instance: str, verb: str, status: str) -> None:
        super().__init__(f"Run {instance} is {status}; it can't {verb} now.")
        self.status = status


class InstanceTaken(EngineError):
    """The instance id belongs to a run with another deployment or other params."""

    code = "instance.already_exists"

    def __init__(self, instance: str) -> None:
        super().__init__(f"The instance id {instance!r} is taken by another run of this workflow.")


class NotAChild(EngineError):
    """The id that a step's child has belongs to a run that the step did not start."""

    code = "instance.not_a_child"

    def __init__(self, instance: str) -> None:
        super().__init__(f"The id {instance!r} belongs to a run that this step did not start.")


class InvalidInstanceId(EngineError):
    """The id is not 1–100 characters of `[A-Za-z0-9_-]`, starting with a letter, digit or `_`."""

    code = "instance.invalid_id"

    def __init__(self) -> None:
        super().__init__(
            "An instance id is 1 to 100 characters of A-Z, a-z, 0-9, _ and -, not starting with -."
        )


class InvalidEventType(EngineError):
    """The event type is empty, longer than 100 characters or holds control characters."""

    code = "event.invalid_type"

    def __init__(self) -> None:
        super().__init__("An event type is 1 to 100 printable characters.")


class ReservedEventType(InvalidEventType):
    """The event type is one that tells a run of the end of a run it started."""

    def __init__(self) -> None:
        EngineError.__init__(self, "Events of this type tell of a child's end; nobody sends them.")


class ValueRefused(EngineError):
    """A value that has no journal form; `path` names the place inside it."""

    code = "value.refused"

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(f"{why} (at {path})" if path else why)
        self.path = path


class ValueTooLarge(ValueRefused):
    """A value whose journal form is over 1 MiB."""

    code = "value.too_large"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"The value takes {size:,} bytes; at most {limit:,} can be kept.")


class JournalUnavailable(EngineError):
    """The journal can't be used now (disk full, read-only); nothing was accepted."""

    code = "journal.unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The journal can't be used: {reason}. Nothing was started; try again.")


class JournalDamaged(JournalUnavailable):
    """Something of the journal is not what was written; nothing of it was changed."""

    code = "journal.damaged"

    def __init__(self, path: str, what: str) -> None:
        EngineError.__init__(
            self,
            f"The journal {path} is damaged: {what}. It is left as it is. Go on with a backup, or "
            "see docs/how-to/recover-from-disk-faults.md.",
        )


class JournalLocked(EngineError):
    """Another server owns the data folder."""

    code = "journal.locked"

    def __init__(self, folder: str) -> None:
        super().__init__(f"Another AwaitStep server is using {folder}.")


class RunnerUnavailable(EngineError):
    """No runner answered in time."""

    code = "runner.unavailable"

    def __init__(self, why: str = "No runner is ready.") -> None:
        super().__init__(why)


class EngineUnavailable(EngineError):
    """An engine elsewhere can't be asked now; whether it did what it was told is not known."""

    code = "engine.unavailable"


class NotOffered(EngineError):
    """The engine that holds the run does not do this; its capabilities say so."""

    code = "engine.not_offered"


class DeploymentCrashed(EngineError):
    """The deployment brought its runner down too often; its intake is closed."""

    code = "runner.crashed"

    def __init__(self, why: str) -> None:
        super().__init__(why)


class DeploymentMissing(EngineError):
    """The deployment's files are gone or were never made."""

    code = "deployment.not_found"

    def __init__(self, deployment: str) -> None:
        super().__init__(f"There is no deployment {deployment!r}.")


class NotDeployed(EngineError):
    """What a binding names is not live, or not where this deployment is."""

    code = "workflow.not_deployed"

    def __init__(self, workflow: str) -> None:
        super().__init__(f"The workflow {workflow!r} is not deployed here; deploy it first.")


class EnvironmentMissing(EngineError):
    """The packages of a deployment are not here and can't be installed now; its runs wait."""

    code = "deployment.environment_missing"

    def __init__(self, why: str) -> None:
        super().__init__(f"The packages of this deployment are not installed: {why}")
        self.why = why


# A worker whose module has nothing that answers requests.
NO_HANDLER = "worker.no_handler"
# A request whose runner ended through no fault of the worker's.
RUNNER_LOST = "runner.lost"
# How a request is answered that its worker gave no answer to.
FAILED = 500
UNAVAILABLE = 503
# What a handler's own call of the engine may end in, when its code does not catch it: not its fault.
_EXCUSED = {
    "run.not_found": 404,
    NO_HANDLER: 404,
    JournalUnavailable.code: UNAVAILABLE,
    RunnerUnavailable.code: UNAVAILABLE,
    DeploymentCrashed.code: UNAVAILABLE,
}


class WorkerFailed(EngineError):
    """A worker's fetch handler raised; `detail` is for the log, never for the caller, and `failure`
    what its code said, None when it said nothing."""

    code = "worker.failed"

    def __init__(
        self, detail: str, code: str = "worker.failed", failure: Failure | None = None
    ) -> None:
        super().__init__("The worker failed to answer.")
        self.detail = detail
        self.code = code
        self.failure = failure

    @property
    def status(self) -> int:
        """Of the answer that the server gives in the worker's place."""
        return _EXCUSED.get(self.code, FAILED)

    @property
    def is_handlers_fault(self) -> bool:
        return self.status == FAILED and self.code != RUNNER_LOST
