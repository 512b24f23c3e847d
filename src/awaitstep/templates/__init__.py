"""Workflows to begin with: a JSON file each, plain data that nobody needs to run to read.

A file holds what a person reads first (title, summary, what it teaches), the graph, an example
payload, and the event its run waits for, if any.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

# From the first steps to what needs some reading.
_ORDER: Final = (
    "hello",
    "call-an-api",
    "sort-tickets",
    "approval",
    "invoices",
    "customer-profile",
    "book-a-trip",
    "deadline",
    "payment-reminder",
    "wait-for-a-job",
    "morning-report",
    "order-pipeline",
    "shipping-price",
)


@dataclass(frozen=True, slots=True)
class Template:
    """`teaches` are a few words each; `params` is a payload to try it with, `event` what its run
    waits for, `{type, payload}`."""

    id: str
    title: str
    summary: str
    teaches: list[str]
    params: Any
    event: dict[str, Any] | None
    ir: dict[str, Any]


@lru_cache(maxsize=1)
def templates() -> tuple[Template, ...]:
    """All there are, the simplest first. They are shared: change none of them."""
    folder = files(__name__)
    texts = ((folder / f"{id}.json").read_text(encoding="utf-8") for id in _ORDER)
    return tuple(Template(**json.loads(text)) for text in texts)
