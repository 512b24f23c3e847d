"""Lines over a logarithmic axis, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 320, 60, 60
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e")


def lines(title: str, across: Sequence[float], curves: Mapping[str, Sequence[float]]) -> str:
    """Curves as ratios to their first value, over `across`."""
    ratios = {name: [value / values[0] for value in values] for name, values in curves.items()}
    top = max(2.0, *(max(values) for values in ratios.values())) * 1.1
    span = math.log10(across[-1] / across[0]) or 1.0

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - 20) * math.log10(value / across[0]) / span

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 40) * value / top

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 20}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT + 20}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{title}</text>',
    ]
    for value in across:
        drawn.append(
            f'<text x="{x(value):.0f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
            f"{value:,.0f}</text>"
        )
    for step in range(math.floor(top) + 1):
        drawn.append(
            f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(step):.1f}" y2="{y(step):.1f}"'
            ' stroke="#ddd"/>'
            f'<text x="{LEFT - 8}" y="{y(step) + 4:.1f}" text-anchor="end">{step} ×</text>'
        )
    for n, (name, values) in enumerate(ratios.items()):
        colour = COLOURS[n % len(COLOURS)]
        points = " ".join(
            f"{x(a):.1f},{y(value):.1f}" for a, value in zip(across, values, strict=True)
        )
        at = LEFT + n * 120
        drawn.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{at}" y="{HEIGHT}" fill="{colour}">{name}</text>'
        )
    return "\n".join([*drawn, "</svg>"]) + "\n"
