"""How errors are kept in the journal and rebuilt from it.

An error a step ended with is a value: name, message, and where it happened. Built-in errors and
NonRetryableError come back as themselves; any other class comes back as StepError, because its
code may have changed since.
"""

from __future__ import annotations

import builtins
import traceback
from types import TracebackType
from typing import Final

import msgspec

from awaitstep.engine.errors import ValueRefused
from awaitstep.engine.port import RunError
from workers.workflows import NonRetryableError, StepError


class Failure(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A kept error. `code` is set when the engine itself, not user code, is its source."""

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
    line, trace = _place(error.__traceback__, module)
    name = str(error.name) if isinstance(error, StepError) else type(error).__name__
    return Failure(
        clean(name, 200),
        clean(_message(error), LONGEST_MESSAGE),
        line=line,
        step=step,
        trace=trace,
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
        trace=None if kept.trace is None else clean(kept.trace, LONGEST_TRACE),
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
    return RunError(kept.name, kept.message, kept.step or step, kept.line, kept.code)


def clean(text: str, longest: int) -> str:
    """Text that can be kept: whole characters only, and not without end."""
    text = text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _message(error: BaseException) -> str:
    try:
        if isinstance(error, KeyError) and len(error.args) == 1:
            return error.args[0] if isinstance(error.args[0], str) else repr(error.args[0])
        return str(error) or ("out of memory" if isinstance(error, MemoryError) else "")
    except Exception:
        return f"<{type(error).__name__} with an unprintable message>"


def _place(at: TracebackType | None, module: str | None) -> tuple[int | None, str | None]:
    if at is None or module is None:
        return None, None
    own = [frame for frame in traceback.extract_tb(at, limit=-200) if frame.filename == module]
    if not own:
        return None, None
    for frame in own:
        frame.filename = "worker.py"
    trace = "".join(traceback.format_list(own))
    return own[-1].lineno, clean(trace, LONGEST_TRACE)
