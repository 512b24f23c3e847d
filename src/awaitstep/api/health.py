"""Is the server ready?"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

import awaitstep
from awaitstep.api.access import App
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Shape
from awaitstep.app.errors import Unavailable
from awaitstep.engine.errors import RunnerUnavailable

router = APIRouter(prefix="/api", tags=["health"], route_class=ApiRoute)


class RunnerShape(Shape):
    """The processes that run workflows."""

    ready: bool
    count: int
    isolated: bool
    isolation: str


class HealthShape(Shape):
    status: Literal["ok"]
    version: str = Field(description="Of the server.")
    runner: RunnerShape


@router.get("/health", responses={503: {}})
async def health(app: App) -> HealthShape:
    """200 once a runner has answered; 503 until then, and while the journal can't be written.

    Needs no key.
    """
    runner = app.health()
    if runner.unwritten is not None:
        raise Unavailable(
            f"The journal can't be written: {runner.unwritten}.", "journal.unavailable"
        )
    if not runner.ready:
        raise RunnerUnavailable("No runner has answered yet.")
    return HealthShape(
        status="ok",
        version=awaitstep.__version__,
        runner=RunnerShape(
            ready=runner.ready,
            count=runner.runners,
            isolated=runner.isolated,
            isolation=runner.isolation,
        ),
    )
