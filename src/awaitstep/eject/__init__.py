"""Taking a workflow away: the complete project that a compiled module becomes.

No file of it knows this product. Pure but for one thing: to find values for its tests, it executes
the graph's conditions and inline code. Never for a graph of somebody else.
"""

from awaitstep.eject.project import Parcel, project
from awaitstep.eject.settings import Variable

__all__ = ["Parcel", "Variable", "project"]
