"""Python's garbage collector, held back while a module is made.

The trees of a large graph all live until its module is written. The collector would look through
them again and again, find nothing, and take as long as all the rest.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_back() -> Iterator[None]:
    """No collection inside. Where threads overlap, the first one to come starts it again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
