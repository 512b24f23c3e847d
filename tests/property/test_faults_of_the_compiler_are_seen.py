"""Faults put into the compiler on purpose: the comparison of random graphs with their meaning finds
each of them, so it would find the like made by mistake."""

from __future__ import annotations

import ast
import contextlib
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import workers
from awaitstep.compiler import blocks, containers, output, regions, writer
from awaitstep.compiler.blocks import Choose, Go, Run, Start
from awaitstep.engine import coordinator
from awaitstep.ir import Helper

from .hard_drawings import HARD
from .harness import compiled
from .interpreter import Undecided
from .playing import fetch, meant, play_inline, seen
from .random_graphs import graphs, payloads

MOST = 250
Patch = Callable[[pytest.MonkeyPatch], None]


def changed(helper: Helper, old: str, new: str) -> Helper:
    assert old in helper.source
    return replace(helper, source=helper.source.replace(old, new))


def statements_of(change: Callable[[Any], list[ast.stmt] | None]) -> Patch:
    """Other statements for some blocks; None leaves a block as it is."""

    def patch(to: pytest.MonkeyPatch) -> None:
        whole = regions.RegionWriter._statements

        def written(self: Any, block: Any) -> list[ast.stmt]:
            other = change(block)
            return whole(self, block) if other is None else other

        to.setattr(regions.RegionWriter, "_statements", written)

    return patch


def a_meeting_is_copied(to: pytest.MonkeyPatch) -> None:
    whole = blocks._Builder._jump

    def jump(self: Any, spot: int, target: int | None, leaves: bool, into: list[Any]) -> None:
        if target is not None and not leaves and len(self._spots[target].ways) == 1:
            into.append(Run(self._spots[target].node_id))
        whole(self, spot, target, leaves, into)

    to.setattr(blocks._Builder, "_jump", jump)


def a_guard_is_set_from_the_start(block: Any) -> list[ast.stmt] | None:
    if isinstance(block, Start) and block.guard:
        return ast.parse(f"{block.variable} = True").body
    return None


def arms_are_exchanged(to: pytest.MonkeyPatch) -> None:
    whole = blocks._arranged

    def arranged(node_id: str, arms: Any) -> list[Any]:
        made = whole(node_id, arms)
        for block in made:
            if isinstance(block, Choose):
                block.inverted = False
        return made

    to.setattr(blocks, "_arranged", arranged)


def finally_is_left_out_at_a_break(to: pytest.MonkeyPatch) -> None:
    whole = containers.try_catch
    to.setattr(containers, "try_catch", lambda id, parts: whole(id, replace(parts, leave=None)))


def finally_runs_in_losing_arms(to: pytest.MonkeyPatch) -> None:
    whole = containers._guarded

    def guarded(body: Any, kinds: ast.expr, caught: str, handled: Any) -> ast.stmt:
        return whole(body, ast.Name(id="BaseException", ctx=ast.Load()), caught, handled)

    to.setattr(containers, "_guarded", guarded)


def a_catch_takes_a_break_for_an_error(to: pytest.MonkeyPatch) -> None:
    leave = changed(containers.LEAVE, "(BaseException)", "(Exception)")
    to.setattr(containers, "LEAVE", leave)
    to.setattr(containers, "EACH", replace(containers.EACH, uses=(leave,)))


def values_of_arms_are_dropped(to: pytest.MonkeyPatch) -> None:
    whole = regions.Scene.__post_init__

    def sorted_out(self: Any) -> None:
        whole(self)
        self.exports.clear()

    to.setattr(regions.Scene, "__post_init__", sorted_out)


def the_first_value_is_answered(to: pytest.MonkeyPatch) -> None:
    def first(flow: Any, has_value: Callable[[str], bool]) -> dict[str, str | None]:
        valued = next((node_id for node_id in flow.order if has_value(node_id)), None)
        return dict.fromkeys(flow.order, valued)

    to.setattr(output, "_last_values", first)


def iterations_share_their_names(to: pytest.MonkeyPatch) -> None:
    whole = writer.NodeWriter.named

    def named(self: Any, suffix: str) -> ast.expr:
        return whole(replace(self, indices=()), suffix)

    to.setattr(writer.NodeWriter, "named", named)


def helper(name: str, old: str, new: str) -> Patch:
    return lambda to: to.setattr(containers, name, changed(getattr(containers, name), old, new))


FAULTS: dict[str, Patch] = {
    "a meeting is copied into the arms that lead to it": a_meeting_is_copied,
    "a reset to None is left out": statements_of(
        lambda block: [] if isinstance(block, Start) and not block.guard else None
    ),
    "a guard is never set": statements_of(
        lambda block: [ast.Pass()] if isinstance(block, Go) else None
    ),
    "a guard is set from the start": statements_of(a_guard_is_set_from_the_start),
    "the arms of a choice are exchanged": arms_are_exchanged,
    "finally is left out at a break": finally_is_left_out_at_a_break,
    "finally and catch run in losing arms": finally_runs_in_losing_arms,
    "a catch takes a break for an error": a_catch_takes_a_break_for_an_error,
    "values made in arms are dropped": values_of_arms_are_dropped,
    "the first value is answered, not the last": the_first_value_is_answered,
    "iterations share their names": iterations_share_their_names,
    "losers of a race go on": helper("RACE", "task.cancel()", "pass"),
    "results come in the order in which they ended": helper(
        "EACH", "[made[index] for index in range(first)]", "list(made.values())"
    ),
    "the last iteration that ended early decides": helper("EACH", "min(ended", "max(ended"),
    "a failed arm lets the others go on": helper("PARALLEL", "task.cancel()", "pass"),
}


def compare(graph: dict[str, Any], payload: dict[str, Any], folder: Path) -> None:
    told = meant(graph, payload)
    module = compiled(graph)
    assert module.class_name is not None
    ((run, history),), _ = play_inline(module.source, module.class_name, [payload], folder)
    assert seen(run, history, told) == told


def disagreement(number: int, folder: Path) -> str | None:
    """How a hard drawing, or one of many random ones, differs from its meaning; None when none
    does."""

    @seed(number)
    @settings(
        max_examples=MOST,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
        report_multiple_bugs=False,
    )
    @given(graphs(), st.data())
    def each(graph: dict[str, Any], data: st.DataObject) -> None:
        with contextlib.suppress(Undecided):
            compare(graph, data.draw(payloads(graph)), folder)

    try:
        for hard in HARD:
            compare(*hard(), folder)
        each()
    except Exception as found:
        return type(found).__name__
    return None


@pytest.mark.parametrize("name", FAULTS)
def test_it_is_seen(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "fetch", fetch)
    monkeypatch.setattr(coordinator, "KEEP_LOADED", math.inf)
    FAULTS[name](monkeypatch)
    assert disagreement(7, tmp_path) is not None


def test_without_a_fault_nothing_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "fetch", fetch)
    monkeypatch.setattr(coordinator, "KEEP_LOADED", math.inf)
    assert disagreement(7, tmp_path) is None
