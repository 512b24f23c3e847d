"""`Runs` on Cloudflare: each call is a question to its API, or answered with what was read just now.

While it is away, runs are told as they were read last, and say when that was; nothing is done. It is told of changes by its own callers only; whoever watches asks again now and then.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec

from awaitstep.engine import cursors, values
from awaitstep.engine.errors import (
    EngineError,
    EngineUnavailable,
    InstanceTaken,
    InvalidEventType,
    InvalidInstanceId,
    NotDeployed,
    NotOffered,
    RunNotFound,
    RunState,
)
from awaitstep.engine.figures import Figures
from awaitstep.engine.ids import valid_instance
from awaitstep.engine.port import (
    Capabilities,
    Created,
    Limits,
    LogEntry,
    Onto,
    Retention,
    RunPage,
    RunQuery,
    RunView,
    StartRun,
    StepView,
)
from awaitstep.engine.states import ENDED
from awaitstep.providers.cloudflare import shapes
from awaitstep.providers.cloudflare.client import PAGE, CloudflareError, Refused
from awaitstep.providers.cloudflare.places import NoPlace, Place, Places, Whereabouts
from awaitstep.providers.cloudflare.readings import MOMENT, Readings, Shelf

_FIRST_LOOK: Final = 0.5
_LAST_LOOK: Final = 5.0
_LIVE: Final = ("queued", "running", "waiting", "paused", "waitingForPause", "rollingBack")


@dataclass(frozen=True, slots=True)
class _Told:
    """What Cloudflare told of a run; `at` as in `Reading`."""

    where: Whereabouts
    run: dict[str, Any]
    at: float | None


@dataclass(frozen=True, slots=True)
class _Part:
    """Of a list, what one workflow has; `why` it could not be asked, and if any of it is known."""

    runs: Sequence[RunView]
    more: bool = False
    why: str | None = None
    known: bool = False


class CloudflareRuns:
    """`places` knows where a workflow's runs are, `readings` keeps what was read of them."""

    capabilities = Capabilities(
        limits=False, priority=False, delete=False, newest_code=False, logs=False, search=False
    )

    def __init__(self, places: Places, readings: Readings | None = None) -> None:
        self._places = places
        self._readings = readings or Readings()
        self._listeners: list[Callable[[str, str], None]] = []

    async def create(self, start: StartRun) -> Created:
        """See `Runs.create`."""
        if start.instance is not None and not valid_instance(start.instance):
            raise InvalidInstanceId
        body: dict[str, Any] = {}
        if start.params is not None:
            values.check(start.params)
            body["params"] = json.loads(start.params)
        if start.instance is not None:
            body["instance_id"] = start.instance
        where = await self._where(start.workflow)
        if where is None:
            raise NotDeployed(start.workflow)
        path = f"{where.place.workflow(where.worker_name)}/instances"
        try:
            made = await self._ask(where.place, where.place.client.post(path, body))
        except CloudflareError as error:
            if start.instance is None or "already_exists" not in str(error):
                raise _as_ours(error) from None
            told = await self._told(start.workflow, start.instance, now=True)
            run = _run(told.where, start.workflow, start.instance, told.run)
            if run.deployment != start.deployment or not _same(run.params, start.params):
                raise InstanceTaken(start.instance) from None
            return Created(run, existed=True)
        instance = str(made["id"])
        self._shelf(where).changed(where.place.workflow(where.worker_name))
        self._tell(start.workflow, instance)
        return Created(await self.get(start.workflow, instance), existed=False)

    async def create_batch(self, starts: Sequence[StartRun]) -> Sequence[Created | Exception]:
        """Each for itself: Cloudflare's own batch answers for all at once."""

        async def one(start: StartRun) -> Created | Exception:
            try:
                return await self.create(start)
            except EngineError as error:
                return error

        return await asyncio.gather(*map(one, starts))

    async def get(self, workflow: str, instance: str) -> RunView:
        """Raises RunNotFound."""
        return await self._get(workflow, instance)

    async def list(self, query: RunQuery) -> RunPage:
        """Of several workflows, each is asked for a page of its own. Raises EngineUnavailable when
        none answers and nothing of them is known."""
        after = None if query.cursor is None else cursors.read(query.cursor)
        parts = await asyncio.gather(
            *(self._part(workflow, query, after) for workflow in query.workflows)
        )
        unknown = [part for part in parts if part.why is not None and not part.known]
        if unknown and len(unknown) == len(parts):
            raise EngineUnavailable(unknown[0].why)
        found = [run for part in parts for run in part.runs]
        found.sort(key=_place, reverse=True)
        page = found[: query.limit]
        more = len(found) > len(page) or any(part.more for part in parts)
        last = page[-1] if page else None
        following = cursors.write(_place(last)) if more and last is not None else None
        away = [of for of, part in zip(query.workflows, parts, strict=True) if part.why is not None]
        return RunPage([run for run in page if _wanted(run, query)], following, away)

    async def views(self, runs: Sequence[tuple[str, str]]) -> Sequence[RunView]:
        async def one(workflow: str, instance: str) -> RunView | None:
            try:
                return await self.get(workflow, instance)
            except RunNotFound:
                return None

        found = await asyncio.gather(*(one(*key) for key in runs))
        return [run for run in found if run is not None]

    async def newest(self, workflows: Sequence[str]) -> Mapping[str, RunView]:
        found = {}
        for workflow in workflows:
            for run in (await self._part(workflow, RunQuery([workflow], limit=1), None)).runs[:1]:
                found[workflow] = run
        return found

    def watch(self, tell: Callable[[str, str], None]) -> Callable[[], None]:
        """What is changed through here is told."""
        self._listeners.append(tell)
        return lambda: self._listeners.remove(tell)

    async def history(self, workflow: str, instance: str) -> Sequence[StepView]:
        """Raises RunNotFound."""
        return shapes.steps_of((await self._told(workflow, instance)).run)

    async def event_log(self, workflow: str, instance: str) -> Sequence[LogEntry]:
        """Raises RunNotFound."""
        told = await self._told(workflow, instance)
        run = _run(told.where, workflow, instance, told.run)
        return shapes.events_of(run, shapes.steps_of(told.run))

    async def send_event(self, workflow: str, instance: str, type: str, payload: bytes) -> None:
        """See `Runs.send_event`."""
        if not 1 <= len(type) <= 100 or not type.isprintable():
            raise InvalidEventType
        values.check(payload)
        where = await self._there(workflow, instance)
        path = f"{_path(where, instance)}/events/{quote(type, safe='')}"
        call = where.place.client.post(path, json.loads(payload))
        await self._verb(where, workflow, instance, "take events", call)

    async def pause(self, workflow: str, instance: str) -> RunView:
        """Raises RunNotFound, RunState."""
        return await self._change(workflow, instance, "pause")

    async def resume(self, workflow: str, instance: str) -> RunView:
        """Raises RunNotFound, RunState."""
        return await self._change(workflow, instance, "resume")

    async def terminate(self, workflow: str, instance: str, *, rollback: bool = False) -> RunView:
        """Raises RunNotFound, RunState."""
        more = {"rollback": True} if rollback else {}
        return await self._change(workflow, instance, "terminate", **more)

    async def restart(
        self,
        workflow: str,
        instance: str,
        *,
        step: str | None = None,
        count: int = 1,
        onto: Onto | None = None,
    ) -> RunView:
        """Always with the code that is live: Cloudflare pins none. Raises RunNotFound, RunState."""
        more = {} if step is None else {"from": {"name": step, "count": count}}
        return await self._change(workflow, instance, "restart", **more)

    async def delete(self, workflow: str, instance: str) -> None:
        """Raises NotOffered: retention forgets them there."""
        raise NotOffered("Cloudflare forgets ended runs by itself, and deletes none when asked.")

    def limit(self, workflow: str, limits: Limits, retention: Retention) -> None:
        """Not offered; `capabilities` says so."""

    async def live(self, workflow: str) -> int:
        where = await self._where(workflow)
        if where is None:
            return 0
        count = 0
        for status in _LIVE:
            async for items in self._items(where, {"status": status}, moment=0.0):
                count += len(items)
        return count

    def watch_ends(self, tell: Callable[[str, str], None]) -> None:
        """Ends are found by asking; nobody is told of them here."""

    async def figures(self) -> Figures:
        """It counts nothing."""
        return Figures({}, {}, {}, 0, 0)

    async def wait(self, workflow: str, instance: str, seconds: float) -> RunView:
        """Raises RunNotFound."""
        look = _FIRST_LOOK
        loop = asyncio.get_running_loop()
        stop = loop.time() + seconds
        run = await self._get(workflow, instance, moment=0.0)
        while run.status not in ENDED and (rest := stop - loop.time()) > 0:
            await asyncio.sleep(min(look, rest))
            look = min(look * 1.5, _LAST_LOOK)
            run = await self._get(workflow, instance, moment=0.0)
        return run

    # --- what the verbs share -----------------------------------------------------------------

    async def _change(self, workflow: str, instance: str, verb: str, **more: Any) -> RunView:
        where = await self._there(workflow, instance)
        path = f"{_path(where, instance)}/status"
        body = {"status": verb, **more}
        await self._verb(where, workflow, instance, verb, where.place.client.patch(path, body))
        self._tell(workflow, instance)
        return await self.get(workflow, instance)

    async def _verb(
        self, where: Whereabouts, workflow: str, instance: str, verb: str, call: Any
    ) -> None:
        """A verb that is refused for a run that is there does not fit its state."""
        try:
            await self._ask(where.place, call)
        except Refused as error:
            if error.status == 404:
                raise RunNotFound(instance) from None
            if error.status in (401, 403):
                raise _as_ours(error) from None
            told = await self._told(workflow, instance, now=True)
            status = _run(where, workflow, instance, told.run).status
            raise RunState(instance, verb, status) from None
        except CloudflareError as error:
            raise _as_ours(error) from None
        finally:
            # also when only the answer was lost
            self._shelf(where).changed(where.place.workflow(where.worker_name))

    async def _get(self, workflow: str, instance: str, *, moment: float = MOMENT) -> RunView:
        """As a list told it, where nothing else can be had."""
        try:
            told = await self._told(workflow, instance, moment=moment)
        except EngineUnavailable:
            where = await self._there(workflow, instance)
            seen = self._shelf(where).seen_run(workflow, instance)
            if seen is None:
                raise
            return seen
        run = _run(told.where, workflow, instance, told.run)
        if told.at is not None:
            return msgspec.structs.replace(run, read_at=told.at)
        self._shelf(told.where).saw(run)
        return run

    async def _told(
        self, workflow: str, instance: str, *, moment: float = MOMENT, now: bool = False
    ) -> _Told:
        """With `now` nothing but what Cloudflare answers. Raises RunNotFound, EngineUnavailable."""
        where = await self._there(workflow, instance)
        shelf = self._shelf(where)
        try:
            reading = await shelf.read(
                where.place.client,
                _path(where, instance),
                moment=0.0 if now else moment,
                old_will_do=not now,
            )
        except CloudflareError as error:
            if isinstance(error, Refused) and error.status == 404:
                shelf.gone(workflow, instance)
                raise RunNotFound(instance) from None
            raise _as_ours(error) from None
        return _Told(where, reading.envelope["result"], reading.at)

    async def _there(self, workflow: str, instance: str) -> Whereabouts:
        where = await self._where(workflow)
        if where is None or not valid_instance(instance):
            raise RunNotFound(instance)
        return where

    async def _where(self, workflow: str) -> Whereabouts | None:
        try:
            return await self._places.whereabouts(workflow)
        except NoPlace as error:
            raise EngineUnavailable(str(error)) from None

    def _shelf(self, where: Whereabouts) -> Shelf:
        return self._readings.of(where.place)

    async def _ask(self, place: Place, call: Any) -> Any:
        """A few at a time, so that what may be asked is not used up at once."""
        async with self._readings.of(place).turns:
            return await call

    async def _part(self, workflow: str, query: RunQuery, after: cursors.Place | None) -> _Part:
        """One workflow's part of a page."""
        try:
            where = await self._where(workflow)
        except EngineUnavailable as error:
            return _Part([], why=str(error))
        if where is None:
            return _Part([])
        try:
            found, more = await self._page(where, workflow, query, after)
        except EngineUnavailable as error:
            seen = sorted(self._shelf(where).seen(workflow), key=_place, reverse=True)
            found = [run for run in seen if _is_behind(run, query, after)]
            return _Part(found, why=str(error), known=bool(seen))
        return _Part(found, more)

    async def _page(
        self, where: Whereabouts, workflow: str, query: RunQuery, after: cursors.Place | None
    ) -> tuple[Sequence[RunView], bool]:
        """Its runs behind the cursor, newest first, and whether there are more."""
        params: dict[str, str | int] = {}
        if query.status is not None and len(query.status) == 1:
            params["status"] = query.status[0].value
        before = query.created_before
        if after is not None:
            # the moment itself included: several runs may be of one
            until = after[0] + 0.001
            before = until if before is None else min(before, until)
        if before is not None:
            params["date_end"] = shapes.iso(before)
        if query.created_after is not None:
            params["date_start"] = shapes.iso(query.created_after)
        found: list[RunView] = []
        async for items in self._items(where, params):
            runs = [_run(where, workflow, str(item["id"]), item) for item in items]
            for run in runs:
                self._shelf(where).saw(run)
            found += [run for run in runs if after is None or _place(run) < after]
            if len(found) > query.limit:
                return found, True
        return found, False

    async def _items(
        self, where: Whereabouts, params: Mapping[str, str | int], *, moment: float = MOMENT
    ) -> AsyncIterator[Sequence[Any]]:
        path = f"{where.place.workflow(where.worker_name)}/instances"
        asked = {"per_page": PAGE, "direction": "desc", **params}
        while True:
            try:
                reading = await self._shelf(where).read(
                    where.place.client, path, asked, moment=moment
                )
            except CloudflareError as error:
                if isinstance(error, Refused) and error.status == 404:
                    return
                raise _as_ours(error) from None
            items = reading.envelope["result"] or []
            if items:
                yield items
            following = (reading.envelope.get("result_info") or {}).get("cursor")
            if not following or not items:
                return
            asked = {**asked, "cursor": following}

    def _tell(self, workflow: str, instance: str) -> None:
        for tell in self._listeners:
            tell(workflow, instance)


def _path(where: Whereabouts, instance: str) -> str:
    return f"{where.place.workflow(where.worker_name)}/instances/{instance}"


def _run(where: Whereabouts, workflow: str, instance: str, told: Mapping[str, Any]) -> RunView:
    version = told.get("version_id") or told.get("versionId")
    known = where.versions.get(str(version), (where.deployment, where.version))
    return shapes.run_of(workflow, instance, told, *known)


def _place(run: RunView) -> cursors.Place:
    """Runs of one moment have an order too, the same for everybody."""
    digest = hashlib.sha256(run.instance.encode()).hexdigest()
    return run.created_at, int(digest[:15], 16)


def _wanted(run: RunView, query: RunQuery) -> bool:
    """What Cloudflare can't be asked for. Text is looked for in ids alone: no list tells more."""
    return (
        (query.status is None or run.status in query.status)
        and (query.trigger is None or run.trigger in query.trigger)
        and query.version in (None, run.version)
        and query.deployment in (None, run.deployment)
        and (query.text is None or query.text.lower() in run.instance.lower())
    )


def _is_behind(run: RunView, query: RunQuery, after: cursors.Place | None) -> bool:
    """What Cloudflare can be asked for."""
    first, last = query.created_after, query.created_before
    return (
        (after is None or _place(run) < after)
        and (first is None or run.created_at >= first)
        and (last is None or run.created_at < last)
    )


def _same(one: bytes | None, other: bytes | None) -> bool:
    return (one and json.loads(one)) == (other and json.loads(other))


def _as_ours(error: CloudflareError) -> EngineError:
    return EngineUnavailable(str(error))
