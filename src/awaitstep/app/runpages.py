"""One list of runs that several engines hold: their pages, laid together newest first.

An engine that is away does not keep the others from being listed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from awaitstep.engine.errors import EngineUnavailable, ValueRefused
from awaitstep.engine.port import RunPage, RunQuery, Runs, RunView


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """Where one engine's part of a list goes on: a cursor of its own, and how many behind that were
    shown already; `over` when there are no more."""

    cursor: str | None = None
    skip: int = 0
    over: bool = False


async def page_of(engines: Mapping[str, tuple[Runs, Sequence[str]]], query: RunQuery) -> RunPage:
    """A page of the runs of each engine's workflows. With one engine it is that one's own.

    An engine that can't be asked is left out of this page and those behind it, so that these stay
    in order; `away` names its workflows. Raises EngineError (EngineUnavailable when no engine can
    be asked), ValueRefused for a cursor that is none.
    """
    if len(engines) == 1:
        [(runs, workflows)] = engines.values()
        return await runs.list(replace(query, workflows=[*workflows]))
    marks = _read(query.cursor) if query.cursor is not None else {}
    names = [name for name in sorted(engines) if not marks.get(name, _Mark()).over]

    async def part(name: str) -> tuple[RunPage, _Mark]:
        runs, workflows = engines[name]
        mark = marks.get(name, _Mark())
        asked = replace(
            query, workflows=[*workflows], cursor=mark.cursor, limit=query.limit + mark.skip
        )
        return await runs.list(asked), mark

    answers = await asyncio.gather(*map(part, names), return_exceptions=True)
    parts: dict[str, tuple[RunPage, _Mark]] = {}
    away: list[str] = []
    failures: list[EngineUnavailable] = []
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, EngineUnavailable):
            failures.append(answer)
            away += engines[name][1]
        elif isinstance(answer, BaseException):
            raise answer
        else:
            parts[name] = answer
            away += answer[0].away
    if failures and not parts:
        raise failures[0]
    found: list[tuple[RunView, str]] = []
    for name, (page, mark) in parts.items():
        found += [(run, name) for run in page.runs[mark.skip :]]
    found.sort(key=lambda item: item[0].created_at, reverse=True)
    shown = found[: query.limit]
    following = {name: _Mark(over=True) for name in engines}
    for name, (page, mark) in parts.items():
        seen = mark.skip + sum(of == name for _, of in shown)
        if seen < len(page.runs):
            following[name] = _Mark(mark.cursor, seen)
        elif page.next_cursor is not None:
            following[name] = _Mark(page.next_cursor)
    over = all(mark.over for mark in following.values())
    return RunPage([run for run, _ in shown], None if over else _write(following), away)


def _write(marks: Mapping[str, _Mark]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(marks)).decode().rstrip("=")


def _read(cursor: str) -> dict[str, _Mark]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        marks = msgspec.json.decode(text, type=dict[str, _Mark])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        marks = {}
    if not marks or any(not 0 <= mark.skip <= 1000 for mark in marks.values()):
        raise ValueRefused("The cursor is not one of a page before.")
    return marks
