"""What a run or an arm answers: the marked node, else the last executed node that has a value.

Works on the flow alone. Where several nodes may have been the last one, a variable remembers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from awaitstep.ir.flow import Flow


@dataclass(frozen=True, slots=True)
class Output:
    """`answers` says for each node behind which the run may end what it answers: a node's id,
    "" for whatever was remembered last, None for nothing. `remembered` are the nodes that set it."""

    answers: dict[str, str | None]
    remembered: frozenset[str]
    starts_unset: bool

    @property
    def is_silent(self) -> bool:
        """Whether no path answers anything."""
        return all(answer is None for answer in self.answers.values())


def output_of(flow: Flow, marked: str | None, has_value: Callable[[str], bool]) -> Output:
    ends = [
        node_id for node_id in flow.order if any(way.target is None for way in flow.ways[node_id])
    ]
    if marked is not None:
        answers = {
            end: marked if end == marked or flow.comes_before(marked, end) else None for end in ends
        }
        return Output(answers, frozenset(), False)
    last = _last_values(flow, has_value)
    answers = {end: last[end] for end in ends}
    unclear = [end for end, answer in answers.items() if answer == ""]
    remembered, starts_unset = _candidates(flow, unclear, has_value)
    return Output(answers, frozenset(remembered), starts_unset)


def _last_values(flow: Flow, has_value: Callable[[str], bool]) -> dict[str, str | None]:
    last: dict[str, str | None] = {}
    arriving: dict[str, set[str | None]] = {flow.order[0]: {None}}
    for node_id in flow.order:
        if has_value(node_id):
            last[node_id] = node_id
        else:
            seen = arriving[node_id]
            last[node_id] = next(iter(seen)) if len(seen) == 1 else ""
        for way in flow.ways[node_id]:
            if way.target is not None:
                arriving.setdefault(way.target, set()).add(last[node_id])
    return last


def _candidates(
    flow: Flow, ends: list[str], has_value: Callable[[str], bool]
) -> tuple[set[str], bool]:
    """The nodes whose value may be the last one at these ends, and whether there may be none."""
    came_from: dict[str, list[str]] = {node_id: [] for node_id in flow.order}
    for node_id in flow.order:
        for way in flow.ways[node_id]:
            if way.target is not None:
                came_from[way.target].append(node_id)
    seen = set(ends)
    pending = list(ends)
    found: set[str] = set()
    unset = False
    while pending:
        node_id = pending.pop()
        if has_value(node_id):
            found.add(node_id)
            continue
        unset |= node_id == flow.order[0]
        for earlier in came_from[node_id]:
            if earlier not in seen:
                seen.add(earlier)
                pending.append(earlier)
    return found, unset
