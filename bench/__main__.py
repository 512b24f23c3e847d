"""`make bench`: disk, sketch and engine in one call, in turns because machines drift; then the
product, then the language.

Prints medians with their spread and ratios to the sketch, and keeps them in
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

from bench import disk

ROUNDS = 3
SECONDS = 3.0
RESULTS = Path(__file__).parent / "results" / "latest.json"
PARTS = {
    "sketch": ["bench.sketch", str(SECONDS)],
    "engine": ["bench.engine", "async", str(SECONDS)],
    "engine_threads": ["bench.engine", "threads", str(SECONDS)],
}


def run(arguments: list[str]) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout)


def main() -> None:
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in PARTS}
    limits = disk.measure(1.0)
    for _ in range(ROUNDS):
        for name, arguments in PARTS.items():
            rounds[name].append(run(arguments))
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
    for name, figures in rounds.items():
        result[name] = medians = {}
        for key in figures[0]:
            values = sorted(figure[key] for figure in figures)
            medians[key] = statistics.median(values)
            ratios = [
                figure[key] / base.get(key, 0)
                for figure, base in zip(figures, rounds["sketch"], strict=True)
                if base.get(key)
            ]
            ratio = f"{statistics.median(ratios):6.2f} × sketch" if ratios else ""
            print(
                f"{name:15} {key:28} {medians[key]:12,.3f}"
                f"   ({values[0]:,.3f} to {values[-1]:,.3f}) {ratio}"
            )
    product = run(["bench.product", "5"])
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
