"""`make bench`: disk, sketch, engine, Worker URLs and other products in turns, because machines
drift; then sleeping runs and a restart of the product, then the language.

Prints medians and ratios, both with their spread, and keeps the medians in
`bench/results/latest.json`. Checks nothing.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import disk, engine
from bench.beside import SCRIPTS, Peers, peers

ROUNDS = 3
SECONDS = 3.0
RESULTS = Path(__file__).parent / "results" / "latest.json"
PARTS = {
    "sketch": ["bench.sketch", str(SECONDS)],
    "engine": ["bench.engine", "async", str(SECONDS)],
    "engine_threads": ["bench.engine", "threads", str(SECONDS)],
}
# What a part is compared with; `completed_per_s` of a Worker URL with the engine's runs.
BASES = {"engine": "sketch", "engine_threads": "sketch", "http": "echo"}
BASES |= dict.fromkeys(SCRIPTS, "engine")
COMPLETED = "completed_per_s"

Figures = dict[str, float]


def run(arguments: list[str]) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout)


def one_round(beside: Peers) -> dict[str, dict[str, Any]]:
    """Each part once. A peer that gives no figures is left out."""
    parts = {name: run(arguments) for name, arguments in PARTS.items()}
    parts |= run(["bench.product", "http", str(SECONDS)])
    for name in SCRIPTS:
        if (figures := beside.measure(name)) is not None:
            parts[name] = figures
    return parts


def spread(values: list[float]) -> str:
    return f"({min(values):,.3f} to {max(values):,.3f})"


def ratios(name: str, key: str, rounds: list[dict[str, Figures]]) -> str:
    """The median ratio to what this part is compared with, each taken within its round."""
    base, same = BASES.get(name, ""), key
    if key == COMPLETED:
        base, same = "engine", "runs_per_s_100"
    found = [
        parts[name][key] / parts[base][same] for parts in rounds if same in parts.get(base, {})
    ]
    return f"{statistics.median(found):8.3f} × {base} {spread(found)}" if found else ""


def show(name: str, rounds: list[dict[str, Figures]]) -> Figures:
    """Print one part and answer its medians."""
    medians = {}
    for key in rounds[0][name]:
        values = [parts[name][key] for parts in rounds]
        medians[key] = statistics.median(values)
        line = f"{name:15} {key:28} {medians[key]:12,.3f}   {spread(values):28}"
        print(f"{line} {ratios(name, key, rounds)}".rstrip())
    return medians


def show_peers(rounds: list[dict[str, Any]], reasons: dict[str, str]) -> dict[str, Any]:
    """Print the peers with what their numbers stand for, and answer what is kept of them."""
    kept: dict[str, Any] = {}
    print(f"{'engine':15} {engine.DURABILITY}")
    for name in SCRIPTS:
        if name in reasons:
            print(f"{name:15} no figures: {reasons[name]}")
            kept[name] = {"no_figures": reasons[name]}
            continue
        said = {key: rounds[-1][name][key] for key in ("version", "durability")}
        print(f"{name:15} {said['version']}: {said['durability']}")
        for parts in rounds:
            parts[name] = {key: value for key, value in parts[name].items() if key not in said}
        kept[name] = show(name, rounds) | said
    return kept


def main() -> None:
    limits = disk.measure(1.0)
    with peers(SECONDS) as beside:
        rounds = [one_round(beside) for _ in range(ROUNDS)]
    result: dict[str, object] = {
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "disk": limits,
    }
    for name, value in limits.items():
        print(f"disk            {name:28} {value:12,.0f}")
    for name in (*PARTS, "echo", "http"):
        result[name] = show(name, rounds)
    result["peers"] = show_peers(rounds, beside.reasons)
    product = run(["bench.product", "sleeping"])
    for name, figures in product.items():
        result[name] = figures
        for key, value in figures.items():
            print(f"{name:15} {key:28} {value:12,.3f}")
    result["language"] = language = run(["bench.language"])
    for shape, figures in language.items():
        for key, value in figures.items():
            print(f"{shape:15} {key:28} {value:12,.3f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
