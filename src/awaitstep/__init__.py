"""AwaitStep: a visual builder and durable runtime for workflows."""

__version__ = "0.1.0"
