"""An engine in memory."""

from awaitstep.engine.inline.engine import InlineEngine

__all__ = ["InlineEngine"]
