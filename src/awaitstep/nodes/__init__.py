"""The built-in node types: one file each.

A leaf owns its model, its checks and the Python it becomes; a container owns its model and its
arms, and the compiler owns the control flow. Nothing here knows the compiler.
"""

from awaitstep.ir import Registry
from awaitstep.nodes import (
    branch,
    break_,
    http_request,
    loop,
    parallel,
    race,
    sleep,
    sleep_until,
    step,
    try_catch,
    wait_for_event,
)


def registry() -> Registry:
    """The built-in node types."""
    rooms = (
        *(step, http_request, sleep, sleep_until, wait_for_event),
        *(branch, parallel, race, loop, break_, try_catch),
    )
    return Registry.of(room.NODE_TYPE for room in rooms)
