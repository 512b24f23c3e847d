"""How errors are kept in the journal and rebuilt from it.

An error a step ended with is a value: name, message, and where it happened. Built-in errors and
NonRetryableError come back as themselves; any other class comes back as StepError, because its
code may have changed since.
"""

from __future__ import annotations

import builtins
from typing import Final

import msgspec

from awaitstep.engine import tracebacks
from awaitstep.engine.errors import ValueRefused
from awaitstep.engine.port import RunError
from workers.workflows import NonRetryableError, StepError


class Failure(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A kept error. `code` is set when the engine itself, not user code, is its source.

    `trace` is the traceback as Python prints it, in lines of the deployed module alone.
    """

    name: str
    message: str
    line: int | None = None
    code: str | None = None
    step: str | None = None
    trace: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Failure).decode

# Where a rebuilt error carries its kept form.
_KEPT: Final = "awaitstep_failure"
LONGEST_MESSAGE: Final = 8_000
LONGEST_TRACE: Final = 16_000

_REBUILT: Final[dict[str, type[Exception]]] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and "Group" not in name
} | {"NonRetryableError": NonRetryableError}
del _REBUILT["StopIteration"]  # no future can raise it
# their constructors want more than a message
for _name in ("UnicodeDecodeError", "UnicodeEncodeError", "UnicodeTranslateError"):
    _REBUILT[_name] = ValueError


def failure(error: BaseException, module: str | None = None, step: str | None = None) -> Failure:
    """The kept form of a raised error; its line is the innermost one inside `module`'s file.

    An error that was itself rebuilt from the journal keeps what was known of it.
    """
    kept = getattr(error, _KEPT, None)
    if isinstance(kept, Failure):
        return kept
    line = None if module is None else tracebacks.line_in(error, module)
    trace = None if module is None else tracebacks.told(error, module)
    name = str(error.name) if isinstance(error, StepError) else type(error).__name__
    return Failure(
        clean(name, 200),
        clean(tracebacks.message(error), LONGEST_MESSAGE),
        line=line,
        step=step,
        trace=None if trace is None else _shortened(trace),
        code=error.code if isinstance(error, ValueRefused) else None,
    )


def bounded(kept: Failure) -> Failure:
    """What another process said of an error, no longer than what is kept of one here."""
    line = kept.line if kept.line is None or 0 <= kept.line < 1 << 31 else None
    return Failure(
        clean(kept.name, 200),
        clean(kept.message, LONGEST_MESSAGE),
        line=line,
        code=None if kept.code is None else clean(kept.code, 200),
        step=None if kept.step is None else clean(kept.step, 256),
        trace=None if kept.trace is None else _shortened(kept.trace),
    )


def rebuild(kept: Failure) -> Exception:
    """The error user code sees, the first time as after a crash."""
    kind = _REBUILT.get(kept.name)
    error = StepError(kept.name, kept.message) if kind is None else kind(kept.message)
    setattr(error, _KEPT, kept)
    error.step = kept.step  # type: ignore[attr-defined]  # where generated code looks for it
    return error


def pack(kept: Failure) -> bytes:
    return _encode(kept)


def unpack(data: bytes) -> Failure:
    """Raises msgspec.DecodeError when `data` is not a kept error."""
    return _decode(data)


def view(kept: Failure | None, step: str | None = None) -> RunError | None:
    if kept is None:
        return None
    return RunError(kept.name, kept.message, kept.step or step, kept.line, kept.code, kept.trace)


def clean(text: str, longest: int) -> str:
    """Text that can be kept: whole characters only, and not without end."""
    return tracebacks.clipped(_whole(text), longest)


def _shortened(trace: str) -> str:
    """A traceback's first and last lines: the last ones tell most."""
    trace = _whole(trace)
    if len(trace) <= LONGEST_TRACE:
        return trace
    half = LONGEST_TRACE // 2 - 1
    return f"{trace[:half]}…\n{trace[-half:]}"


def _whole(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
