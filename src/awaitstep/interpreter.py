"""Settings of the interpreter that both processes run with."""

from __future__ import annotations

import gc
import sys

# A thread that computes gives way this often (seconds; Python's default is 10 × this).
SWITCH_INTERVAL = 0.0005
# Runs leave small cycles behind; collecting them in larger lots is cheaper (objects; default 700).
GC_THRESHOLD = 20_000
# More than a start makes.
GC_THRESHOLD_AT_START = 500_000


def start_quickly() -> None:
    """Call first of all: what is imported stays, and looking for garbage in it would take a sixth
    of the time."""
    gc.set_threshold(GC_THRESHOLD_AT_START)


def tune() -> None:
    """Call once, when everything is imported and before work starts."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)
