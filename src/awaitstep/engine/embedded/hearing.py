"""What runners say about runs, taken as hostile: checked, then told to the engine.

Owns what a message may hold beyond its types. Whose run it is about is checked once for all: a
message with an old assignment is about nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, get_args

from awaitstep.engine import durations, logs, messages, outcomes, values
from awaitstep.engine.embedded.fleet import Slot
from awaitstep.engine.errors import ValueRefused
from awaitstep.engine.link import Nonsense
from awaitstep.engine.retry import DEFAULT
from awaitstep.engine.states import StepKind

if TYPE_CHECKING:
    from awaitstep.engine.embedded.supervisor import Supervisor

# The calendar's bounds, in seconds since 1970: what lies outside has no date to be shown as.
FIRST_MOMENT: Final = -62_135_596_800.0
LAST_MOMENT: Final = 253_402_300_799.999
Heard = Callable[[Slot, Any], None]
_SAID: Final = get_args(messages.ToServer)
_OF_RUNS: Final = frozenset(kind for kind in _SAID if "assignment" in kind.__struct_fields__)
_NAMED: Final = frozenset(kind for kind in _SAID if "name" in kind.__struct_fields__)


class Hearing:
    """For one engine; `others` are the handlers of messages that are about no run."""

    def __init__(self, engine: Supervisor, others: dict[type, Heard]) -> None:
        self._engine = engine
        m = messages
        self._handlers: dict[type, Heard] = {
            m.AttemptStarted: lambda _, x: engine.attempt_started(
                x.assignment, x.k, x.name, x.n, x.attempt, x.policy or DEFAULT
            ),
            m.AttemptSucceeded: self._on_succeeded,
            m.AttemptFailed: lambda _, x: engine.attempt_failed(
                x.assignment, x.k, outcomes.bounded(x.failure), x.retryable, _log_of(x)
            ),
            m.Sleep: self._on_sleep,
            m.Wait: self._on_wait,
            m.Cancel: lambda _, x: engine.cancel(x.assignment, x.k, x.seen),
            m.Blocked: lambda _, x: engine.blocked(x.assignment, x.seen),
            m.Frozen: lambda _, x: engine.frozen(x.assignment),
            m.Failing: lambda _, x: engine.failing(x.assignment, outcomes.bounded(x.failure)),
            m.Ended: self._on_ended,
            **others,
        }

    def on_message(self, slot: Slot, message: Any) -> None:
        """Raises Nonsense for what can't be true."""
        kind = type(message)
        if kind in _OF_RUNS and message.assignment not in slot.assignments:
            return  # fenced: another runner's run, or nobody's any more
        if kind in _NAMED and not message.name.isprintable():
            raise Nonsense("a name that can't be printed")
        self._handlers[kind](slot, message)

    def _on_succeeded(self, slot: Slot, message: messages.AttemptSucceeded) -> None:
        engine = self._engine
        if not engine.is_assigned(message.assignment):
            return
        try:
            value = values.check(message.value)
        except ValueRefused as error:
            failed = outcomes.failure(error)
            engine.attempt_failed(message.assignment, message.k, failed, False, _log_of(message))
            return
        run = engine.assigned(message.assignment)
        engine.went_well(slot, run)
        engine.attempt_succeeded(message.assignment, message.k, value, _log_of(message))

    def _on_sleep(self, _: Slot, message: messages.Sleep) -> None:
        m = message
        if m.kind is StepKind.sleep:
            possible = 0 <= m.seconds <= durations.LONGEST
        else:
            possible = m.kind is StepKind.until and m.seconds <= LAST_MOMENT
        if not possible:
            raise Nonsense(f"a sleep of kind {m.kind.name} for {m.seconds} s")
        # a moment before the calendar has passed like any other
        seconds = max(m.seconds, FIRST_MOMENT)
        self._engine.sleep(m.assignment, m.k, m.kind, m.name, m.n, seconds)

    def _on_wait(self, _: Slot, message: messages.Wait) -> None:
        m = message
        if not m.event_type.isprintable():
            raise Nonsense("an event type that can't be printed")
        self._engine.wait_for(m.assignment, m.k, m.name, m.n, m.event_type, m.timeout)

    def _on_ended(self, slot: Slot, message: messages.Ended) -> None:
        output, failed = message.output, message.failure
        if failed is not None:
            output, failed = None, outcomes.bounded(failed)
        elif output is not None:
            try:
                values.check(output)
            except ValueRefused as error:
                output, failed = None, outcomes.failure(error)
        self._engine.ended(message.assignment, output, failed, message.seen)


def _log_of(message: messages.AttemptSucceeded | messages.AttemptFailed) -> Sequence[logs.Line]:
    return logs.received(message.log) if message.log else ()
