"""Use cases: what a person or program can ask of AwaitStep. They talk to ports only."""

from awaitstep.app.facade import AwaitStep

__all__ = ["AwaitStep"]
