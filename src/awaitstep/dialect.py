"""What modules are written for: the Cloudflare Python Workers of one date. Knows nothing else."""

from __future__ import annotations

from typing import Final

# The type of connections to where this dialect comes from.
PLATFORM: Final = "cloudflare"
MAIN: Final = "worker.py"
# From 2026-04-21 on the SDK is no part of the runtime; this date means Python 3.13.
COMPATIBILITY_DATE: Final = "2026-06-01"
COMPATIBILITY_FLAGS: Final = ("python_workers",)
