"""The language: how long graphs of several shapes take to be validated and to be compiled.

Run as a process of its own; prints JSON by shape, for `validate` and `compile`: `…_1000_ms`, the
median of several rounds, `…_1000_spread_ms` from the fastest to the slowest round, `…_growth`, how
much longer 2,000 nodes take (2 is linear), and `…_5000_ms`, measured once. Each starts from nothing:
what was read before is forgotten. Compiling starts from the parsed graph.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from awaitstep.compiler import compile_graph
from awaitstep.ir import Registry, parse, source, validate
from awaitstep.nodes import registry
from bench.drawings import SHAPES

ROUNDS = 5
SMALL, TWICE, LARGE = 1_000, 2_000, 5_000


def milliseconds(work: Callable[[int], object], size: int) -> float:
    source.forget()
    gc.collect()
    begun = time.perf_counter()
    work(size)
    return (time.perf_counter() - begun) * 1000


def measure(drawings: dict[int, Any], nodes: Registry) -> dict[str, float]:
    """Figures of one shape. The sizes take turns, because machines drift."""
    graphs = {size: parse(drawing, nodes) for size, drawing in drawings.items()}
    figures = {}
    works: dict[str, Callable[[int], object]] = {
        "validate": lambda size: validate(drawings[size], nodes),
        "compile": lambda size: compile_graph(graphs[size], nodes),
    }
    for name, work in works.items():
        rounds = [(milliseconds(work, SMALL), milliseconds(work, TWICE)) for _ in range(ROUNDS)]
        small = [one for one, _ in rounds]
        figures[f"{name}_1000_ms"] = statistics.median(small)
        figures[f"{name}_1000_spread_ms"] = max(small) - min(small)
        figures[f"{name}_growth"] = statistics.median(two / one for one, two in rounds)
        figures[f"{name}_5000_ms"] = milliseconds(work, LARGE)
    return figures


def main() -> None:
    nodes = registry()
    figures = {
        shape: measure({size: draw(size) for size in (SMALL, TWICE, LARGE)}, nodes)
        for shape, draw in SHAPES.items()
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
