"""The retry fields that every node with attempts shares, and the config they become."""

from __future__ import annotations

import ast
from typing import Annotated

from awaitstep.ir import NodeData, Writer
from awaitstep.ir.fields import RETRIES, Backoff, Duration, RetryLimit, about
from awaitstep.ir.syntax import attribute, call, mapping, name

_LIMIT = 5
_DELAY = "10 seconds"
_BACKOFF: Backoff = "exponential"
_TIMEOUT = "10 minutes"


class Tries(NodeData):
    """Attempts = `retry_limit` + 1; the defaults are Cloudflare's."""

    retry_limit: Annotated[
        RetryLimit,
        about("Retry limit", "How often it is tried again after it failed.", group=RETRIES),
    ] = _LIMIT
    retry_delay: Annotated[
        Duration,
        about(
            "Retry delay",
            "How long to wait before the first new try.",
            group=RETRIES,
            placeholder=_DELAY,
        ),
    ] = _DELAY
    backoff: Annotated[
        Backoff, about("Backoff", "How the delay grows from try to try.", group=RETRIES)
    ] = _BACKOFF


class Retries(Tries):
    """With a `timeout` for each attempt."""

    timeout: Annotated[
        Duration,
        about("Timeout", "How long one try may take.", group=RETRIES, placeholder=_TIMEOUT),
    ] = _TIMEOUT


def step_decorator(data: Tries, write: Writer, rollback: ast.expr | None = None) -> ast.expr | None:
    """`step.do("Name", config={…}, rollback=…)`, without what is the default anyway; None in a
    function, which has no steps."""
    if not write.durable:
        return None
    retries: dict[str, ast.expr] = {}
    if data.retry_limit != _LIMIT:
        retries["limit"] = write.constant(data.retry_limit)
    if data.retry_delay != _DELAY:
        retries["delay"] = write.value(data.retry_delay)
    if data.backoff != _BACKOFF:
        retries["backoff"] = write.constant(data.backoff)
    config: dict[str, ast.expr] = {}
    if retries:
        config["retries"] = mapping(retries)
    if isinstance(data, Retries) and data.timeout != _TIMEOUT:
        config["timeout"] = write.value(data.timeout)
    decorator = attribute(name("step"), "do")
    return call(
        decorator,
        write.step_name,
        config=mapping(config) if config else None,
        rollback=rollback,
    )
