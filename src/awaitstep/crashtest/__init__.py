"""Kills a server and its runners again and again, and checks that nothing was lost.

Looks at the product from outside: it starts `awaitstep dev` on loopback, speaks REST, and reads what
happened from a file that steps append to and from the journal's rows. It asks the product for
nothing that it wants to prove.
"""

from awaitstep.crashtest.disk import Disk, examine
from awaitstep.crashtest.processes import below, end
from awaitstep.crashtest.report import Report
from awaitstep.crashtest.server import ServerFailed
from awaitstep.crashtest.suite import Suite, Victim

__all__ = ["Disk", "Report", "ServerFailed", "Suite", "Victim", "below", "end", "examine"]
