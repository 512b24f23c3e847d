"""`make bench-scale`: what many runs, long runs and long lists cost, beside limits stated here.

Each part is a process of its own and is ended when it takes too long. Prints each figure with its
limit and keeps them in `bench/results/scale.json`, the growth as `scale.svg` too. Checks nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import uvloop

from awaitstep.interpreter import tune
from bench import crowds, lengths, listing, plot

RESULTS = Path(__file__).parent / "results"
# How many, unless told otherwise.
SIZES = {
    "sleeping": 1_000_000,
    "due": 10_000,
    "steps": 25_000,
    "sleeps": 5_000,
    "pages": 1_000_000,
    "product": 100_000,
    "growth": 1_000_000,
}
PAGE_MS = 100.0
# The most a figure may be.
LIMITS: dict[str, dict[str, float]] = {
    "sleeping": {
        "last_tenth_cpu_ratio": 1.5, "mb_more": 150, "mb_more_at_most": 150, "bytes_each": 400,
    },
    "due": {"seconds": 3},
    "steps": {"step_cost_ratio": 2},
    "sleeps": {"seconds": 30},
    "pages": {},
    "product": {
        "mb_more": 150, "bytes_each": 400, "runner_killed_s": 1, "server_killed_s": 3,
    },
}  # fmt: skip
# The most a figure may be beside the most ended runs, as a multiple of that beside the fewest.
FLAT = 1.5
PARTS = {
    "sleeping": crowds.sleeping,
    "due": crowds.due,
    "steps": lengths.steps,
    "sleeps": lengths.sleeps,
    "pages": listing.pages,
    "product": crowds.product,
    "growth": listing.growth,
}


def run(part: str, size: int, folder: str | None, seconds: float) -> Any:
    """The part's figures, None when it took too long."""
    command = [sys.executable, "-m", "bench.scale", part, f"--{part}", str(size), "--only-figures"]
    if folder is not None:
        command += ["--folder", folder]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    if process.returncode:
        raise SystemExit(f"{part} failed")
    return json.loads(said)


def show(part: str, figures: dict[str, float]) -> None:
    for name, value in figures.items():
        limit = LIMITS[part].get(name)
        if limit is None and part == "pages" and name.endswith("_ms"):
            limit = PAGE_MS
        verdict = "" if limit is None else f"   at most {limit:,g}"
        if limit is not None and value > limit:
            verdict += "   MISSED"
        print(f"{part:10} {name:28} {value:14,.3f}{verdict}", flush=True)


def show_growth(table: dict[str, list[float]]) -> None:
    across = table["ended"]
    print(f"growth     {'beside ended runs':20}", *(f"{size:>12,.0f}" for size in across))
    for name, values in table.items():
        if name != "ended":
            ratio = values[-1] / values[0]
            worse = 1 / ratio if name == "runs_per_s" else ratio
            verdict = "   MISSED" if worse > FLAT else ""
            print(
                f"growth     {name:20}",
                *(f"{value:12,.1f}" for value in values),
                f"   {ratio:.2f} ×, at most {FLAT} × worse{verdict}",
            )
    curves = {name: values for name, values in table.items() if name != "ended"}
    svg = plot.lines("One run, as a multiple of its cost beside the fewest runs", across, curves)
    (RESULTS / "scale.svg").write_text(svg)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], metavar="part", help=" ".join(PARTS)
    )
    for part, size in SIZES.items():
        parser.add_argument(f"--{part}", type=int, default=size, metavar="N")
    parser.add_argument("--folder", help="where the journals are made (default: the system's)")
    parser.add_argument("--seconds", type=float, default=600, help="the longest one part may take")
    parser.add_argument("--only-figures", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only_figures:
        tune()
        (part,) = given.parts
        work = PARTS[part](getattr(given, part), given.folder)
        print(json.dumps(uvloop.run(work) if asyncio.iscoroutine(work) else work))
        return
    kept = RESULTS / "scale.json"
    RESULTS.mkdir(exist_ok=True)
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for part in given.parts or PARTS:
        figures = run(part, getattr(given, part), given.folder, given.seconds)
        if figures is None:
            print(f"{part:10} not done within {given.seconds:,.0f} s   MISSED", flush=True)
            continue
        results[part] = figures
        (show_growth if part == "growth" else lambda f, p=part: show(p, f))(figures)
        kept.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
