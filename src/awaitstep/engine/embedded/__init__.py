"""The engine with its journal in the server."""

from awaitstep.engine.embedded.engine import Embedded

__all__ = ["Embedded"]
