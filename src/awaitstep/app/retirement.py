"""The end of a workflow: its runs are stopped and forgotten, page by page."""

from __future__ import annotations

from awaitstep.app.ports import Ports
from awaitstep.app.releases import refusal
from awaitstep.engine.errors import RunNotFound, RunState
from awaitstep.engine.port import RunQuery, Runs
from awaitstep.engine.states import ENDED, RunStatus
from awaitstep.providers.port import DeployFailed
from awaitstep.storage.records import Entry

_LIVE = [status for status in RunStatus if status not in ENDED]
_AT_ONCE = 100


class Retirement:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def live(self, entry: Entry) -> int:
        return await self._runs(entry).live(entry.workflow)

    async def stop(self, entry: Entry) -> int:
        """Take it down: nothing starts any more, what runs goes on where it can. How many could not.

        Raises Invalid, Unavailable; then it is as it was.
        """
        return await self._ports.to_the_end(self._stop(entry))

    async def _stop(self, entry: Entry) -> int:
        store = self._ports.store.deployments
        provider = self._ports.providers[entry.engine]
        ended = 0
        if entry.deployment is not None and entry.worker_name is not None:
            if not provider.capabilities.runs_outlive_takedown:
                ended = await self.terminate_all(entry)
            live = await self._ports.read(store.load, entry.deployment)
            try:
                await provider.takedown(live.connection, entry.worker_name, live.made)
            except DeployFailed as error:
                raise refusal(error) from None
        await self._ports.change(entry.workflow, store.stop, entry.project, entry.workflow)
        return ended

    async def terminate_all(self, entry: Entry) -> int:
        """End every live run; how many there were."""
        runs = self._runs(entry)
        ended = 0
        query = RunQuery([entry.workflow], status=_LIVE, limit=_AT_ONCE)
        while page := (await runs.list(query)).runs:
            before = ended
            for run in page:
                try:
                    await runs.terminate(entry.workflow, run.instance)
                    ended += 1
                except (RunState, RunNotFound):
                    continue  # it ended by itself just now
            if ended == before:
                break
        return ended

    async def forget(self, entry: Entry) -> None:
        """End its runs and forget them all."""
        await self.terminate_all(entry)
        runs = self._runs(entry)
        query = RunQuery([entry.workflow], limit=_AT_ONCE)
        while page := (await runs.list(query)).runs:
            gone = 0
            for run in page:
                try:
                    await runs.delete(entry.workflow, run.instance)
                    gone += 1
                except RunNotFound:
                    gone += 1
                except RunState:
                    continue  # started in between; it stays without a workflow
            if gone == 0:
                break

    def _runs(self, entry: Entry) -> Runs:
        return self._ports.providers[entry.engine].runs
