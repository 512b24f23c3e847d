"""Keeps the runner's descriptors out of the processes that user code starts.

Owns nothing but the rule: a program executed by a step inherits none of them, and a child made by
`os.fork` or multiprocessing finds them replaced. A child that kept the link could speak for its
parent, and would keep the server from seeing that the runner is gone.
"""

import faulthandler
import os
from collections.abc import Sequence


def keep_from_children(fds: Sequence[int]) -> None:
    """From now on no child process holds `fds`. Call once, before user code is imported."""
    held = tuple(fds)
    for fd in held:
        os.set_inheritable(fd, False)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)

    def replace() -> None:
        # The report of a child's fault would otherwise be taken for its parent's.
        faulthandler.disable()
        # Replaced and not closed: objects copied from the parent still close these numbers when
        # they are collected, and by then the numbers could belong to a file of the child.
        for fd in held:
            os.dup2(null, fd, inheritable=False)

    os.register_at_fork(after_in_child=replace)
