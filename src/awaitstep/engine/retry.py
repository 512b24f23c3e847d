"""When a failed attempt is tried again. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from awaitstep.engine.durations import LONGEST, seconds

Backoff = Literal["constant", "linear", "exponential"]
MOST_RETRIES: Final = 10_000
# Checked where a policy comes out of another process.
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST)]


class RetryPolicy(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Attempts = limit + 1. Delay and timeout are in seconds (Cloudflare's defaults)."""

    limit: Annotated[int, msgspec.Meta(ge=0, le=MOST_RETRIES)] = 5
    delay: _Seconds = 10.0
    backoff: Backoff = "exponential"
    timeout: _Seconds = 600.0


DEFAULT: Final = RetryPolicy()
_BACKOFFS: Final = ("constant", "linear", "exponential")
_KEYS: Final = {"retries", "timeout", "sensitive"}
_RETRY_KEYS: Final = {"limit", "delay", "backoff"}


def policy(config: Any) -> RetryPolicy:
    """The policy of a step's `config`; what it does not name keeps its default.

    Raises:
        ValueError: an unknown key, or a value out of its range.
    """
    if not config:
        return DEFAULT
    if not isinstance(config, dict):
        raise ValueError("a step's config is a dict")
    if unknown := set(config) - _KEYS:
        raise ValueError(f"a step's config has no {sorted(map(str, unknown))[0]!r}")
    retries = config.get("retries") or {}
    if not isinstance(retries, dict):
        raise ValueError("retries is a dict of limit, delay and backoff")
    if unknown := set(retries) - _RETRY_KEYS:
        raise ValueError(f"retries has no {sorted(map(str, unknown))[0]!r}")
    limit = retries.get("limit", DEFAULT.limit)
    if limit == float("inf"):
        limit = MOST_RETRIES
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit <= MOST_RETRIES:
        raise ValueError(f"retries.limit is a whole number from 0 to {MOST_RETRIES:,}")
    backoff = retries.get("backoff", DEFAULT.backoff)
    if backoff not in _BACKOFFS:
        raise ValueError("retries.backoff is constant, linear or exponential")
    delay = seconds(retries["delay"]) if "delay" in retries else DEFAULT.delay
    timeout = seconds(config["timeout"]) if "timeout" in config else DEFAULT.timeout
    if timeout == 0:
        raise ValueError("timeout is longer than 0")
    return RetryPolicy(limit, delay, backoff, timeout)


def delay_after(retry: RetryPolicy, failed: int) -> float | None:
    """Seconds to wait after the `failed`-th attempt (from 1) failed, None when it was the last.

    constant d, linear d·n, exponential d·2^(n-1); never over a year.
    """
    if failed > retry.limit:
        return None
    match retry.backoff:
        case "constant":
            wait = retry.delay
        case "linear":
            wait = retry.delay * failed
        case "exponential":
            wait = retry.delay * 2.0 ** min(failed - 1, 64)
    return min(wait, LONGEST)
