"""Where the server's log lines go: stderr, plain for a person, JSON for a collector."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any

import structlog

_SHARED: Sequence[structlog.typing.Processor] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(*, as_json: bool) -> None:
    """Send structlog's and the standard library's lines to stderr."""
    last = _configure_structlog(as_json=as_json)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=list(_SHARED),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # it warns of each malformed request, which anyone can send
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


def beside_an_answer() -> None:
    """For a command whose answer is on stdout: the engine's own lines go to stderr."""
    _configure_structlog(as_json=False)


def _configure_structlog(*, as_json: bool) -> list[structlog.typing.Processor]:
    """Answers the processors that make a line of text."""
    # plain tracebacks: pretty ones would print local variables, and secrets among them
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    last = [renderer]
    if as_json:
        last.insert(0, structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*_SHARED, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_on_stderr,
        cache_logger_on_first_use=False,
    )
    return last


def _on_stderr(*_: Any) -> structlog.PrintLogger:
    """The stream as it is now."""
    return structlog.PrintLogger(sys.stderr)
