from __future__ import annotations

import copy

import pytest

from workers import WorkerEntrypoint, WorkflowEntrypoint
from workers.bindings import Env
from workers.context import Context
from workers.request import Request
from workers.workflows import NonRetryableError, StepError, WorkflowError


def test_a_step_error_is_its_message() -> None:
    error = StepError("PaymentDeclined", "card expired")
    assert (error.name, error.message, str(error)) == (
        "PaymentDeclined",
        "card expired",
        "card expired",
    )
    assert str(StepError("Empty")) == ""
    assert isinstance(NonRetryableError("x"), Exception)


def test_a_workflow_error_has_a_code_and_cloudflares_text() -> None:
    error = WorkflowError("run.state", "cannot pause")
    assert (error.code, str(error)) == ("run.state", "(run.state) cannot pause")
    assert str(WorkflowError("run.not_found")) == "(instance.not_found)"


@pytest.mark.parametrize("error", [StepError("A", "b"), WorkflowError("run.state", "c")])
def test_they_can_be_copied(error: Exception) -> None:
    twin = copy.copy(error)
    assert (type(twin), str(twin), twin.args) == (type(error), str(error), error.args)


async def test_a_handler_that_is_missing_is_named() -> None:
    class Default(WorkerEntrypoint):
        pass

    class Flow(WorkflowEntrypoint):
        pass

    worker = Default(Context(), Env({"A": "1"}))
    assert worker.env.A == "1"
    with pytest.raises(NotImplementedError, match="Default has no fetch handler"):
        await worker.fetch(Request("http://x.example"))
    with pytest.raises(NotImplementedError, match="Default has no scheduled handler"):
        await worker.scheduled(None)
    with pytest.raises(NotImplementedError, match="Flow has no run method"):
        await Flow(Context(), Env()).run(None, None)  # type: ignore[arg-type]
