"""`make bench`: disk, sketch, the engine of the wheel and of the working tree, steps that compute, Worker URLs and other products in turns,
because machines drift; then what kill -9 leaves of each product, then sleeping runs and a restart of
ours, then the language.

The dashboard comes last. `make bench ARGS=dashboard` measures it alone, and leaves the other figures
of `latest.json` as they are.

Prints medians and ratios, both with their spread, and keeps the medians in
`bench/results/latest.json`; what a product gives no figure for is null there. Checks nothing.
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

from bench import disk, killed
from bench.beside import SCRIPTS, Peers, peers

ROUNDS = 3
SECONDS = 3.0
RESULTS = Path(__file__).parent / "results" / "latest.json"
PARTS = {
    "sketch": ["bench.sketch", str(SECONDS)],
    "engine": ["bench.engine", "async", str(SECONDS)],
    "engine_interpreted": ["bench.engine", "async", str(SECONDS)],
    "engine_threads": ["bench.engine", "threads", str(SECONDS)],
    "compute": ["bench.compute", str(SECONDS)],
}
# What a part is compared with; `completed_per_s` of a Worker URL with the engine's runs.
BASES = dict.fromkeys(("engine", "engine_interpreted", "engine_threads"), "sketch")
BASES["http"] = "echo"
BASES |= dict.fromkeys(SCRIPTS, "engine")
COMPLETED = "completed_per_s"
WORDS = ("version", "durability")  # what a part says beside its figures

Figures = dict[str, float]


def run(arguments: list[str], *, interpreted: bool = False) -> Any:
    """What a part prints. The engine is that of the wheel, or of the working tree."""
    environment = dict(os.environ)
    if interpreted:
        environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        env=environment,
    )
    return json.loads(done.stdout)


def one_round(beside: Peers) -> dict[str, dict[str, Any]]:
    """Each part once. A peer that gives no figures is left out."""
    parts = {
        name: run(arguments, interpreted=name.endswith("_interpreted"))
        for name, arguments in PARTS.items()
    }
    parts |= run(["bench.product", "http", str(SECONDS)])
    for name in SCRIPTS:
        if (figures := beside.measure(name)) is not None:
            parts[name] = figures
    return parts


def number(value: float) -> str:
    return f"{value:,.3f}" if value >= 0.1 else f"{value:.2g}"


def spread(values: list[float]) -> str:
    return f"({number(min(values))} to {number(max(values))})"


def ratios(name: str, key: str, rounds: list[dict[str, Figures]]) -> str:
    """The median ratio to what this part is compared with, each taken within its round."""
    base, same = BASES.get(name, ""), key
    if key == COMPLETED:
        base, same = "engine", "runs_per_s_100"
    found = [
        parts[name][key] / parts[base][same] for parts in rounds if same in parts.get(base, {})
    ]
    if not found:
        return ""
    return f"{number(statistics.median(found)):>9} × {base} {spread(found)}"


def show(name: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Print one part, what it stands for first, and answer its medians."""
    kept: dict[str, Any] = {
        word: rounds[0][name][word] for word in WORDS if word in rounds[0][name]
    }
    if kept:
        print(f"{name:15} {' '.join(kept.values())}")
    for key in rounds[0][name]:
        if key in WORDS:
            continue
        values = [parts[name][key] for parts in rounds]
        kept[key] = statistics.median(values)
        line = f"{name:15} {key:28} {kept[key]:12,.3f}   {spread(values):28}"
        print(f"{line} {ratios(name, key, rounds)}".rstrip())
    return kept


def show_peers(
    rounds: list[dict[str, Any]], reasons: dict[str, str], keys: dict[str, Any]
) -> dict[str, Any]:
    """Print the peers, and answer what is kept of them, under the keys of the engine."""
    kept: dict[str, Any] = {}
    for name in SCRIPTS:
        if name in reasons:
            print(f"{name:15} no figures: {reasons[name]}")
            kept[name] = {"no_figures": reasons[name]}
        else:
            kept[name] = dict.fromkeys(keys) | show(name, rounds)
    return kept


def show_killed(beside: Peers) -> dict[str, Any]:
    """kill -9 of ours and of each peer that gave figures: print and answer what became of it."""
    found = {"engine": killed.ours()}
    for name in SCRIPTS:
        if (said := beside.kill(name)) is not None:
            found[name] = said
        elif name in beside.reasons:
            print(f"{name:15} not killed: {beside.reasons[name]}")
    for name, said in found.items():
        print(f"{name:15} {killed.told(said)}")
    return found


def show_dashboard() -> dict[str, Any]:
    """Print and answer the figures of the dashboard, or why there are none."""
    done = subprocess.run([sys.executable, "-m", "bench.dashboard"], capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason told").splitlines()[-1]
        print(f"dashboard       no figures: {reason}")
        return {"no_figures": reason}
    figures: dict[str, Any] = json.loads(done.stdout)
    for key, value in figures.items():
        print(f"dashboard       {key:28} {value:12,.3f}")
    return figures


def keep(result: dict[str, Any]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")


def main() -> None:
    if sys.argv[1:] == ["dashboard"]:
        before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        keep(before | {"dashboard": show_dashboard()})
        return
    limits = disk.measure(1.0)
    result: dict[str, Any] = {
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "disk": limits,
    }
    for name, value in limits.items():
        print(f"disk            {name:28} {value:12,.0f}")
    with peers(SECONDS) as beside:
        rounds = [one_round(beside) for _ in range(ROUNDS)]
        for name in (*PARTS, "echo", "http"):
            result[name] = show(name, rounds)
        result["peers"] = show_peers(rounds, beside.reasons, result["engine"])
        result["killed"] = show_killed(beside)
    product = run(["bench.product", "sleeping"])
    for name, figures in product.items():
        result[name] = figures
        for key, value in figures.items():
            print(f"{name:15} {key:28} {value:12,.3f}")
    result["language"] = language = run(["bench.language"])
    for shape, figures in language.items():
        for key, value in figures.items():
            print(f"{shape:15} {key:28} {value:12,.3f}")
    result["dashboard"] = show_dashboard()
    keep(result)


if __name__ == "__main__":
    main()
