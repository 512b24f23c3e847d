"""Random graphs, compiled and executed on the inline engine, leave the history of a token that moves
over the drawing: loaded all the time, and unloaded at every wait."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import workers
from awaitstep.compiler import blocks, regions
from awaitstep.engine import coordinator

from .harness import compiled
from .leaves import Undecided
from .playing import fetch, meant, play_inline, seen
from .random_graphs import graphs, payloads
from .shares import Shares

PARTS, PART = 8, 250  # 2,000 graphs
SOAK = int(os.environ.get("GRAPHS", "100000"))
SOAK_PART = 500
Tally = Callable[[str, Mapping[str, int]], None]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "fetch", fetch)


@pytest.mark.parametrize("part", range(PARTS))
def test_as_people_draw_them(
    part: int, tmp_path: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    if part % 4 == 3:
        beyond_every_limit_of_nesting(monkeypatch)
    shares = check_many(part, PART, tmp_path)
    tally("graphs that ran as drawn", shares.counts)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(math.ceil(SOAK / SOAK_PART)))
def test_a_soak(part: int, tmp_path: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    if part % 4 == 3:
        beyond_every_limit_of_nesting(monkeypatch)
    shares = check_many(1_000_000 + part, min(SOAK_PART, SOAK - part * SOAK_PART), tmp_path)
    tally("graphs that ran as drawn", shares.counts)


def beyond_every_limit_of_nesting(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(blocks, "DEEPEST", 2)
    patch.setattr(blocks, "LONGEST_CHAIN", 2)
    patch.setattr(blocks, "_DEEPEST_TREE", 4)
    patch.setattr(regions, "DEEPEST", 3)


def check_many(number: int, count: int, folder: Path) -> Shares:
    shares = Shares()

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(graphs(), st.data())
    def each(graph: dict[str, Any], data: st.DataObject) -> None:
        shares.note(graph)
        check(graph, data, folder, shares)

    each()
    if count >= PART:
        shares.assert_enough()
        counts = shares.counts
        assert counts["lives when loaded"] == counts["runs"]
        assert counts["lives when unloaded"] > 1.5 * counts["runs"]
    return shares


def check(graph: dict[str, Any], data: st.DataObject, folder: Path, shares: Shares) -> None:
    chosen: list[dict[str, Any]] = []
    expected: list[dict[str, Any]] = []
    for _ in range(2):
        payload = data.draw(payloads(graph))
        try:
            expected.append(meant(graph, payload))
        except Undecided:
            shares.counts["undecided"] += 1
        else:
            chosen.append(payload)
    shares.counts["runs"] += len(chosen)
    module = compiled(graph)
    for manner, kept in (("loaded", math.inf), ("unloaded", -math.inf)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(coordinator, "KEEP_LOADED", kept)
            played, lives = play_inline(module.source, module.class_name, chosen, folder)
        shares.counts[f"lives when {manner}"] += lives
        for (run, history), told in zip(played, expected, strict=True):
            assert seen(run, history, told) == told, module.source
