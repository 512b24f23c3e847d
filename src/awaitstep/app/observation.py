"""What the engines count of themselves, as far as the one who asks may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from awaitstep.app.ports import Ports
from awaitstep.engine.figures import Figures

T = TypeVar("T")


class Observation:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def figures(self, project: str | None) -> dict[str, Figures]:
        """By connection type. Of workflows, those of the project alone; None is for all."""
        found = {
            type: await provider.runs.figures() for type, provider in self._ports.providers.items()
        }
        if project is None:
            return found
        own = {entry.workflow for entry in self._ports.directory.of_project(project)}
        return {
            type: replace(
                figures,
                workflows=_only(figures.workflows, own),
                live=_only(figures.live, own),
                in_line=_only(figures.in_line, own),
            )
            for type, figures in found.items()
        }

    def workers(self, project: str | None) -> dict[str, str]:
        """The names that the Worker URLs of deployed workflows have, by workflow; None is for all."""
        directory = self._ports.directory
        entries = directory.all() if project is None else directory.of_project(project)
        return {e.workflow: e.worker_name for e in entries if e.worker_name is not None}


def _only(by_workflow: Mapping[str, T], own: set[str]) -> dict[str, T]:
    return {workflow: value for workflow, value in by_workflow.items() if workflow in own}
