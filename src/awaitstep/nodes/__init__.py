"""The built-in node types: one file each.

A leaf owns its model, its checks and the Python it becomes; a container owns its model and its
arms, and the compiler owns the control flow. Nothing here knows the compiler.
"""

from awaitstep.ir import Registry
from awaitstep.nodes import branch, http_request, sleep, sleep_until, step, wait_for_event


def registry() -> Registry:
    """The built-in node types."""
    rooms = (step, http_request, branch, sleep, sleep_until, wait_for_event)
    return Registry.of(room.NODE_TYPE for room in rooms)
