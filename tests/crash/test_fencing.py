"""What a hostile or outdated runner says changes nothing.

The engine and its journal are real; the runner is moved by hand, message by message.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from awaitstep.engine import messages
from awaitstep.engine.errors import DeploymentCrashed
from awaitstep.engine.link import LARGEST_FRAME
from awaitstep.engine.messages import (
    Answer,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    Blocked,
    Call,
    Cancel,
    Ended,
    Failing,
    Freeze,
    Frozen,
    Hello,
    Load,
    Loading,
    Message,
    Outcome,
    Reply,
    Sleep,
    Start,
    Stuck,
    Unload,
    Wait,
)
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.states import RunStatus, StepKind, StepStatus
from awaitstep.engine.workers import Bundle

from .house import WAIT, House, alive

RELAY = Path(__file__).parent / "relay_script.py"
# The honest runner's idea of the same workflow.
FLOW = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("one")
        async def one():
            return "honest"
        return [await one()]
"""
GIVEN_UP = Failure("ValueError", "no", step="one")


class Hand:
    """The far end of one runner's link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._heard: list[Any] = []

    async def hear(self, kind: type[Message]) -> Any:
        """The next message of this kind; those before it are passed over."""
        async with asyncio.timeout(WAIT):
            while True:
                while self._heard:
                    if isinstance(message := self._heard.pop(0), kind):
                        return message
                size = int.from_bytes(await self._reader.readexactly(4), "little")
                self._heard += messages.decode_for_runner(await self._reader.readexactly(size))

    def say(self, *said: Message) -> None:
        self.put(messages.encode(list(said)))

    def put(self, payload: bytes) -> None:
        self.put_raw(len(payload).to_bytes(4, "little") + payload)

    def put_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def is_cut_off(self) -> None:
        """Return once the other end is closed, or gone with what it had not read."""
        async with asyncio.timeout(WAIT):
            with contextlib.suppress(ConnectionError):
                while await self._reader.read(1 << 16):
                    pass

    def close(self) -> None:
        self._writer.close()


class Stage(House):
    """A house whose runners are moved by hand."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.address = folder / "hand"
        self.hands: asyncio.Queue[Hand] = asyncio.Queue()
        self.all: list[Hand] = []

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.all.append(Hand(reader, writer))
        self.hands.put_nowait(self.all[-1])

    async def open(self, **options: Any) -> None:
        relay = [sys.executable, str(RELAY), str(self.address)]
        await super().open(**options, runner=relay)

    def let_go(self) -> None:
        """Runners that start from here on are left alone."""
        self.address.unlink()

    async def hand(self) -> Hand:
        """The next runner, ready."""
        hand = await asyncio.wait_for(self.hands.get(), WAIT)
        hand.say(Hello(None))
        return hand

    async def begun(self, hand: Hand) -> tuple[str, int]:
        """A run whose first step has succeeded with "first": its id and its assignment."""
        instance = await self.start("flow")
        a = (await hand.hear(Start)).assignment
        await self.first_step(hand, a, b'"first"')
        return instance, a

    async def first_step(self, hand: Hand, assignment: int, value: bytes) -> None:
        hand.say(AttemptStarted(assignment, 1, "one", 1, 1, None))
        hand.say(AttemptSucceeded(assignment, 1, value))
        outcome = await hand.hear(Outcome)
        assert (outcome.assignment, outcome.k, outcome.ok) == (assignment, 1, True)

    def rows(self, table: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.folder / "journal.sqlite")) as db:
            return sorted(map(repr, db.execute(f"select * from {table}").fetchall()))

    def everything(self) -> list[list[Any]]:
        return [self.rows(table) for table in ("runs", "operations", "events")]

    async def heard(self, hand: Hand) -> None:
        """Return once all a runner said so far was taken in, and what came of it is on disk."""
        hand.say(Call(1, "nothing", "workflow", "get", b"{}"))
        assert (await hand.hear(Reply)).value is None
        await self.engine._flushed()

    async def still_serves(self, hand: Hand) -> None:
        """Another run completes, in the same runner."""
        instance, a = await self.begun(hand)
        hand.say(Ended(a, b'"another"', None))
        assert await self.output("flow", instance) == "another"

    async def status(self, instance: str) -> RunStatus:
        return (await self.view("flow", instance)).status


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    stage.deploy("flow", FLOW)
    server = await asyncio.start_unix_server(stage.connected, stage.address)
    try:
        async with stage:
            yield stage
    finally:
        for hand in stage.all:
            hand.close()
        server.close()


def started(a: int, k: int = 2, name: str = "two", n: int = 1, attempt: int = 1) -> AttemptStarted:
    return AttemptStarted(a, k, name, n, attempt, None)


IGNORED: dict[str, Callable[[int], list[Message]]] = {
    "an assignment that was never given": lambda a: [
        started(a + 100),
        AttemptSucceeded(a + 100, 2, b'"stolen"'),
        Ended(a + 100, b'"stolen"', None),
    ],
    "the largest assignment there could be": lambda a: [Ended(2**53 - 1, b'"stolen"', None)],
    "the assignment 0 of runs nobody has": lambda a: [Ended(0, b'"stolen"', None), Blocked(0, 1)],
    "a duplicate": lambda a: [AttemptSucceeded(a, 1, b'"first"')],
    "another success of a finished step": lambda a: [AttemptSucceeded(a, 1, b'"second"')],
    "a failure of a finished step": lambda a: [AttemptFailed(a, 1, GIVEN_UP, False)],
    "a finished step begun again": lambda a: [
        started(a, 1, "one", 1, 2),
        AttemptSucceeded(a, 1, b'"second"'),
    ],
    "a finished step begun as the first time": lambda a: [
        started(a, 1, "one", 1, 1),
        AttemptSucceeded(a, 1, b'"second"'),
    ],
    "an attempt that was not begun": lambda a: [AttemptSucceeded(a, 2, b'"second"')],
    "a failure that was not begun": lambda a: [AttemptFailed(a, 2, GIVEN_UP, True)],
    "a second attempt without a first": lambda a: [
        started(a, attempt=2),
        AttemptSucceeded(a, 2, b'"second"'),
    ],
    "an attempt before the first": lambda a: [
        started(a, attempt=0),
        AttemptSucceeded(a, 2, b'"second"'),
    ],
    "an absurd attempt number": lambda a: [
        started(a, attempt=2**52),
        AttemptSucceeded(a, 2, b'"second"'),
    ],
    "a sleep in the place of a step": lambda a: [Sleep(a, 1, StepKind.sleep, "nap", 1, 60.0)],
    "a wait in the place of a step": lambda a: [Wait(a, 1, "wait", 1, "go", 60.0)],
    "giving up what was seen": lambda a: [Cancel(a, 1, 1)],
    "giving up what is not there": lambda a: [Cancel(a, 9, 0)],
    "freezing unasked": lambda a: [Frozen(a)],
    "an answer nobody asked for": lambda a: [Answer(7, 200, [], b"stolen")],
}


@pytest.mark.parametrize("what", IGNORED)
async def test_it_is_ignored(stage: Stage, what: str) -> None:
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    before = stage.rows("operations")
    hand.say(*IGNORED[what](a))
    hand.say(Ended(a, b'"as it should"', None))
    assert await stage.output("flow", instance) == "as it should"
    assert stage.rows("operations") == before
    [step] = await stage.engine.history("flow", instance)
    assert (step.status, step.output, len(step.attempts)) == (StepStatus.complete, b'"first"', 1)
    await stage.still_serves(hand)
    assert alive(stage.runners()[0])


async def test_the_first_outcome_counts(stage: Stage) -> None:
    """Everything after it, in the same breath, contradicts a step that has ended, or the run."""
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    hand.say(
        started(a),
        started(a, attempt=2),
        started(a, name="another"),
        started(a, n=2),
        AttemptSucceeded(a, 2, b'"first"'),
        AttemptSucceeded(a, 2, b'"second"'),
        AttemptFailed(a, 2, GIVEN_UP, False),
        Ended(a, b'"first"', None),
        Ended(a, b'"second"', None),
        Ended(a, None, GIVEN_UP),
        started(a, 3),
        Sleep(a, 4, StepKind.sleep, "nap", 1, 1.0),
        Cancel(a, 2, 0),
    )
    assert await stage.output("flow", instance) == "first"
    await stage.heard(hand)
    run = await stage.view("flow", instance)
    assert (run.status, run.output, run.error) == (RunStatus.complete, b'"first"', None)
    one, two = await stage.engine.history("flow", instance)
    assert (two.name, two.count, two.status, two.output) == ("two", 1, "complete", b'"first"')
    assert (len(one.attempts), len(two.attempts)) == (1, 1)


async def test_an_attempt_between_two_is_none(stage: Stage) -> None:
    """A step that waits for its next attempt has the outcome of no other."""
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    hand.say(started(a), AttemptFailed(a, 2, GIVEN_UP, True))
    await stage.heard(hand)
    before = stage.everything()
    hand.say(
        AttemptSucceeded(a, 2, b'"late"'),
        AttemptFailed(a, 2, GIVEN_UP, False),
        started(a, attempt=1),
        started(a, attempt=3),
        started(a, name="another", attempt=2),
        AttemptSucceeded(a, 2, b'"late"'),
    )
    await stage.heard(hand)
    assert stage.everything() == before
    two = await stage.step("flow", instance, "two")
    assert (two.status, two.output, len(two.attempts)) == (StepStatus.waiting, None, 1)
    hand.say(started(a, attempt=2), AttemptSucceeded(a, 2, b'"second"'))
    outcome = await hand.hear(Outcome)
    assert (outcome.k, outcome.seq, outcome.ok) == (2, 2, True)


async def test_an_end_has_an_output_or_an_error_and_never_both(stage: Stage) -> None:
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    hand.say(Ended(a, b'"output"', GIVEN_UP))
    run = await stage.ended("flow", instance)
    assert run.error is not None
    assert (run.status, run.output, run.error.name) == (RunStatus.errored, None, "ValueError")


async def test_an_end_on_its_way_when_the_run_is_to_be_rolled_back_is_too_late(
    stage: Stage,
) -> None:
    """It is executed again with the stop among what is recorded, and a second time not."""
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    await stage.engine.terminate("flow", instance, rollback=True)
    hand.say(Ended(a, b'"done"', None, seen=1))
    again = await hand.hear(Start)
    assert [(r.kind, r.seq) for r in again.recorded] == [(StepKind.do, 1), (StepKind.stop, 2)]
    assert await stage.status(instance) is RunStatus.running
    hand.say(Ended(a, None, None, seen=2), Ended(again.assignment, b'"done"', None, seen=1))
    run = await stage.ended("flow", instance)
    assert (run.status, run.output, run.error) == (RunStatus.terminated, None, None)
    await stage.still_serves(hand)


async def test_a_run_that_failed_ends_with_that_and_once(stage: Stage) -> None:
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    hand.say(Failing(a + 100, GIVEN_UP), Failing(a, GIVEN_UP))
    stop = await hand.hear(Outcome)
    assert (stop.k, stop.seq, stop.ok) == (0, 2, False)
    assert (await stage.view("flow", instance)).rolling_back
    hand.say(Failing(a, Failure("KeyError", "another")), Ended(a, b'"fine"', None, seen=2))
    run = await stage.ended("flow", instance)
    assert run.error is not None
    assert (run.status, run.output, run.error.name) == (RunStatus.errored, None, "ValueError")


async def test_what_cannot_be_executed_is_not_executed_again_to_be_undone(stage: Stage) -> None:
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    await stage.engine.terminate("flow", instance, rollback=True)
    hand.say(Ended(a, None, Failure("SyntaxError", "it does not load")))
    run = await stage.ended("flow", instance)
    assert run.error is not None
    assert (run.status, run.error.name) == (RunStatus.errored, "SyntaxError")


async def test_a_moment_before_the_calendar_can_be_shown_and_has_passed(stage: Stage) -> None:
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    await stage.engine.pause("flow", instance)
    await hand.hear(Freeze)
    hand.say(Sleep(a, 2, StepKind.until, "long ago", 1, -1e12), Frozen(a))
    await stage.reached("flow", instance, RunStatus.paused)
    asleep = await stage.step("flow", instance, "long ago")
    assert asleep.due_at is not None
    assert datetime.fromtimestamp(asleep.due_at, UTC).year == 1
    await stage.engine.resume("flow", instance)
    again = await hand.hear(Start)
    if not any(one.k == 2 and one.seq for one in again.recorded):  # it ended before the run began
        assert (await hand.hear(Outcome)).k == 2
    hand.say(Ended(again.assignment, b'"awake"', None))
    assert await stage.output("flow", instance) == "awake"


async def test_what_a_run_did_before_it_froze_anew_counts(stage: Stage) -> None:
    """It was paused, resumed and paused again before it had answered the first."""
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    for verb in (stage.engine.pause, stage.engine.resume, stage.engine.pause):
        await verb("flow", instance)
    await hand.hear(Freeze)
    hand.say(Frozen(a), started(a), AttemptSucceeded(a, 2, b'"second"'))
    await hand.hear(Freeze)
    hand.say(Frozen(a))
    await stage.reached("flow", instance, RunStatus.paused)
    await stage.engine.resume("flow", instance)
    again = await hand.hear(Start)
    assert [one.k for one in again.recorded] == [1, 2]
    hand.say(Ended(again.assignment, b'"fine"', None))
    assert await stage.output("flow", instance) == "fine"


async def test_numbers_at_their_bounds_are_kept_and_read_back(stage: Stage) -> None:
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    most = 2**53 - 1
    hand.say(
        started(a, 3, "least", 0),
        AttemptSucceeded(a, 3, b"0"),
        started(a, most, "most", most),
        AttemptSucceeded(a, most, b"1"),
        Sleep(a, 2, StepKind.until, "long ago", 1, -1e12),
    )
    assert [(await hand.hear(Outcome)).k for _ in range(3)] == [3, most, 2]
    hand.say(Blocked(a, most))  # it saw what is still to come
    await hand.hear(Unload)
    await stage.heard(hand)
    await stage.reached("flow", instance, RunStatus.waiting)
    await stage.engine.send_event("flow", instance, "go", b"1")  # reads it back
    steps = {step.name: step for step in await stage.engine.history("flow", instance)}
    assert (steps["least"].count, steps["least"].output) == (0, b"0")
    assert (steps["most"].count, steps["most"].output) == (most, b"1")
    assert (await stage.engine.terminate("flow", instance)).status is RunStatus.terminated
    await stage.still_serves(hand)


def packed(kind: int, *fields: Any) -> bytes:
    """A frame of one message that our own types would not let us make."""
    return msgspec.msgpack.encode([[kind, *fields]])


NONSENSE: dict[str, Callable[[int], bytes]] = {
    "bytes that are no message": lambda a: b"\xc1 nonsense",
    "an unknown message": lambda a: packed(99, a),
    "a message only servers send": lambda a: messages.encode(
        [Load("x", "x", None, "x", {}, [], [])]
    ),
    "a second hello": lambda a: messages.encode([Hello(None)]),
    "no message at all": lambda a: b"",
    "a message and a rest": lambda a: messages.encode([Blocked(a, 1)]) + b"\x00",
    "a message that is no list": lambda a: msgspec.msgpack.encode([{"tag": 30, "assignment": a}]),
    "an end before a message that is none": lambda a: msgspec.msgpack.encode(
        [[30, a, b'"stolen"', None], [99]]
    ),
    "an answer to a binding": lambda a: messages.encode([Reply(1, b"1")]),
    "a negative assignment": lambda a: packed(23, -1, 1, b"1"),
    "an assignment beyond 53 bits": lambda a: packed(23, 2**63, 1, b"1"),
    "a negative number": lambda a: packed(22, a, -1, "two", 1, 1, None),
    "a number beyond 53 bits": lambda a: packed(22, a, 2**60, "two", 1, 1, None),
    "the first number beyond 53 bits": lambda a: packed(22, a, 2**53, "two", 1, 1, None),
    "a number beyond 63 bits": lambda a: packed(22, a, 2**63, "two", 1, 1, None),
    "the server's own number": lambda a: packed(22, a, 0, "two", 1, 1, None),
    "a stop": lambda a: packed(25, a, 2, int(StepKind.stop), "nap", 1, 1.0),
    "a negative use": lambda a: packed(22, a, 2, "two", -1, 1, None),
    "a use beyond 63 bits": lambda a: packed(22, a, 2, "two", 2**63, 1, None),
    "a negative attempt": lambda a: packed(22, a, 2, "two", 1, -1, None),
    "an attempt beyond 63 bits": lambda a: packed(22, a, 2, "two", 1, 2**63, None),
    "a number with a fraction": lambda a: packed(22, a, 2.5, "two", 1, 1, None),
    "seen beyond 63 bits": lambda a: packed(28, a, 2**63),
    "retries without end": lambda a: packed(22, a, 2, "two", 1, 1, [10**9, 1.0, "constant", 1.0]),
    "a delay of no number": lambda a: packed(
        22, a, 2, "two", 1, 1, [1, float("nan"), "constant", 1.0]
    ),
    "a timeout backwards": lambda a: packed(22, a, 2, "two", 1, 1, [1, 1.0, "constant", -1.0]),
    "a backoff nobody knows": lambda a: packed(22, a, 2, "two", 1, 1, [1, 1.0, "jumpy", 1.0]),
    "a failure that is none": lambda a: packed(30, a, None, "broken"),
    "a value that is text": lambda a: packed(30, a, 5, None),
    "a name that clears the screen": lambda a: messages.encode([started(a, name="two\x1b[2J")]),
    "a name of two lines": lambda a: messages.encode([Sleep(a, 2, StepKind.sleep, "a\nb", 1, 1.0)]),
    "a name with a nothing in it": lambda a: messages.encode([Wait(a, 2, "a\0b", 1, "go", 1.0)]),
    "a name that is no text": lambda a: packed(22, a, 2, b"\xff", 1, 1, None),
    "an event type that clears the screen": lambda a: messages.encode(
        [Wait(a, 2, "wait", 1, "\x1b[2J", 1.0)]
    ),
    "an event type without end": lambda a: packed(26, a, 2, "wait", 1, "x" * 257, 1.0),
    "a name of nothing": lambda a: packed(22, a, 2, "", 1, 1, None),
    "a name without end": lambda a: packed(22, a, 2, "x" * 257, 1, 1, None),
    "a sleep backwards": lambda a: packed(25, a, 2, int(StepKind.sleep), "nap", 1, -1.0),
    "a sleep of a thousand years": lambda a: messages.encode(
        [Sleep(a, 2, StepKind.sleep, "nap", 1, 3.2e10)]
    ),
    "a sleep until after the calendar": lambda a: messages.encode(
        [Sleep(a, 2, StepKind.until, "nap", 1, 9e11)]
    ),
    "a sleep until never": lambda a: packed(25, a, 2, int(StepKind.until), "n", 1, float("inf")),
    "a sleep until no number": lambda a: packed(
        25, a, 2, int(StepKind.until), "n", 1, float("nan")
    ),
    "a sleep that is a wait": lambda a: packed(25, a, 2, int(StepKind.wait), "nap", 1, 1.0),
    "a sleep of no kind": lambda a: packed(25, a, 2, 9, "nap", 1, 1.0),
    "a sleep since ever": lambda a: packed(25, a, 2, int(StepKind.sleep), "n", 1, float("-inf")),
    "a sleep for ever": lambda a: packed(25, a, 2, int(StepKind.sleep), "nap", 1, float("inf")),
    "a sleep of no number": lambda a: packed(25, a, 2, int(StepKind.sleep), "n", 1, float("nan")),
    "a sleep that is a step": lambda a: packed(25, a, 2, int(StepKind.do), "nap", 1, 1.0),
    "a wait backwards": lambda a: packed(26, a, 2, "wait", 1, "go", -1.0),
    "a wait for ever": lambda a: packed(26, a, 2, "wait", 1, "go", float("inf")),
    "a wait of no number": lambda a: packed(26, a, 2, "wait", 1, "go", float("nan")),
    "a wait of a thousand years": lambda a: packed(26, a, 2, "wait", 1, "go", 3.2e10),
    "loading what it was not told of": lambda a: messages.encode([Loading("other", False)]),
    "too few fields": lambda a: packed(23, a),
    "a list without end": lambda a: b"\x91" * 10_000,
}


@pytest.mark.parametrize("what", NONSENSE)
async def test_it_ends_the_link(stage: Stage, what: str) -> None:
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    pid, before = stage.runners()[0], stage.rows("operations")
    stage.let_go()
    hand.put(NONSENSE[what](a))
    # what comes after it is not heard any more
    hand.say(Ended(a, b'"stolen"', None))
    await hand.is_cut_off()
    assert await stage.output("flow", instance) == ["first"]
    assert stage.rows("operations") == before
    assert not alive(pid)


@pytest.mark.parametrize("size", [LARGEST_FRAME + 1, 2**32 - 1])
async def test_a_frame_without_end_ends_the_link(stage: Stage, size: int) -> None:
    hand = await stage.hand()
    instance, _ = await stage.begun(hand)
    pid, before = stage.runners()[0], stage.rows("operations")
    stage.let_go()
    hand.put_raw(size.to_bytes(4, "little"))
    await hand.is_cut_off()
    assert await stage.output("flow", instance) == ["first"]
    assert stage.rows("operations") == before
    assert not alive(pid)


async def test_who_keeps_talking_nonsense_is_closed_and_others_go_on(stage: Stage) -> None:
    stage.deploy("other", FLOW)

    async def speak(hand: Hand) -> None:
        hand.say(Hello(None))
        while True:
            start = await hand.hear(Start)
            if start.deployment == "flow":
                hand.put(b"\xc1 nonsense")
            else:
                hand.say(Ended(start.assignment, b'"fine"', None))

    async def all_speak() -> None:
        while True:
            speaking.append(asyncio.ensure_future(speak(await stage.hands.get())))

    speaking: list[asyncio.Future[None]] = []
    speaking.append(asyncio.ensure_future(all_speak()))
    try:
        run = await stage.ended("flow", await stage.start("flow"))
        assert run.error is not None
        assert (run.status, run.error.code) == (RunStatus.errored, "runner.crashed")
        assert "it sent its server nonsense" in run.error.message
        with pytest.raises(DeploymentCrashed):
            await stage.start("flow")
        assert await stage.output("other", await stage.start("other")) == "fine"
    finally:
        for each in speaking:
            each.cancel()
        await asyncio.gather(*speaking, return_exceptions=True)


async def test_a_runner_that_died_before_it_was_heard_is_given_nothing(stage: Stage) -> None:
    """Its hello is read after its death. The run it would be given is not to blame for that."""
    hand = await asyncio.wait_for(stage.hands.get(), WAIT)
    instance = await stage.start("flow")
    [slot] = stage.engine._fleet.slots
    asyncio.get_running_loop().remove_reader(slot.process.socket)
    hand.say(Hello(None))
    assert select.select([slot.process.socket], [], [], WAIT)[0]
    os.kill(slot.process.pid, signal.SIGKILL)
    following = await stage.hand()
    start = await following.hear(Start)
    assert not start.one_at_a_time  # it is no suspect
    following.say(Ended(start.assignment, b'"fine"', None))
    assert await stage.output("flow", instance) == "fine"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"{", "ValueRefused"),
        (b"NaN", "ValueRefused"),
        (b'"' + b"x" * 2**20 + b'"', "ValueTooLarge"),
    ],
)
async def test_a_value_that_can_not_be_kept_fails_its_step(
    stage: Stage, value: bytes, name: str
) -> None:
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    hand.say(started(a), AttemptSucceeded(a, 2, value))
    assert not (await hand.hear(Outcome)).ok
    hand.say(Ended(a, value, None))
    run = await stage.ended("flow", instance)
    assert run.error is not None
    assert (run.status, run.output, run.error.name) == (RunStatus.errored, None, name)
    two = await stage.step("flow", instance, "two")
    assert two.error is not None
    assert (two.status, two.output, two.error.name) == (StepStatus.errored, None, name)


# What a runner could say of a run it no longer has: of its finished step (1), of those it or the
# new owner has in flight (2, 9), and of new ones.
LATE: dict[str, Callable[[int], list[Message]]] = {
    "a success": lambda a: [AttemptSucceeded(a, k, b'"old"') for k in (1, 2, 9)],
    "a failure": lambda a: [AttemptFailed(a, k, GIVEN_UP, False) for k in (1, 2, 9)],
    "a failure to try again": lambda a: [AttemptFailed(a, k, GIVEN_UP, True) for k in (1, 2, 9)],
    "a value that can't be kept": lambda a: [AttemptSucceeded(a, 9, b"{")],
    "a step": lambda a: [started(a, 3, "three"), AttemptSucceeded(a, 3, b'"old"')],
    "a step of the same name": lambda a: [started(a, 9, "mine"), AttemptSucceeded(a, 9, b'"old"')],
    "a sleep": lambda a: [Sleep(a, 4, StepKind.sleep, "nap", 1, 0.0)],
    "a sleep backwards": lambda a: [Sleep(a, 4, StepKind.sleep, "nap", 1, -1.0)],
    "a wait": lambda a: [Wait(a, 5, "late", 1, "go", 60.0)],
    "giving up": lambda a: [Cancel(a, k, 0) for k in (1, 2, 9)],
    "being blocked": lambda a: [Blocked(a, 2**53 - 1)],
    "being frozen": lambda a: [Frozen(a)],
    "an end": lambda a: [Ended(a, b'"old"', None)],
    "an end with an error": lambda a: [Ended(a, None, GIVEN_UP)],
}


async def by_its_end(stage: Stage, hand: Hand, instance: str, old: int) -> None:
    hand.say(Ended(old, b'"it"', None))
    await stage.ended("flow", instance)


async def by_terminate(stage: Stage, hand: Hand, instance: str, old: int) -> None:
    hand.say(started(old))
    await stage.heard(hand)
    await stage.engine.terminate("flow", instance)
    await hand.hear(Unload)


async def by_pause(stage: Stage, hand: Hand, instance: str, old: int) -> None:
    await stage.engine.pause("flow", instance)
    await hand.hear(Freeze)
    hand.say(Frozen(old))
    await hand.hear(Unload)
    await stage.reached("flow", instance, RunStatus.paused)


async def by_unloading(stage: Stage, hand: Hand, instance: str, old: int) -> None:
    hand.say(Wait(old, 2, "gate", 1, "go", 3600.0), Blocked(old, 1))
    await hand.hear(Unload)


async def by_deletion(stage: Stage, hand: Hand, instance: str, old: int) -> None:
    await by_terminate(stage, hand, instance, old)
    await stage.engine.delete("flow", instance)


@pytest.mark.parametrize("lost", [by_its_end, by_terminate, by_pause, by_unloading, by_deletion])
async def test_who_lost_a_run_changes_nothing_of_it(
    stage: Stage, lost: Callable[[Stage, Hand, str, int], Awaitable[None]]
) -> None:
    hand = await stage.hand()
    instance, old = await stage.begun(hand)
    await lost(stage, hand, instance, old)
    await stage.heard(hand)
    before = stage.everything()
    for what, said in LATE.items():
        hand.say(*said(old))
        await stage.heard(hand)
        assert stage.everything() == before, what
    await stage.still_serves(hand)


async def anew_by_restart(stage: Stage, hand: Hand, instance: str, old: int) -> int:
    hand.say(started(old))
    await stage.engine.restart("flow", instance)
    start = await hand.hear(Start)
    assert start.recorded == []
    await stage.first_step(hand, start.assignment, b'"anew"')
    return int(start.assignment)


async def anew_by_restart_from_a_step(stage: Stage, hand: Hand, instance: str, old: int) -> int:
    hand.say(started(old))
    await stage.heard(hand)
    await stage.engine.restart("flow", instance, step="two")
    start = await hand.hear(Start)
    assert [(r.name, r.value) for r in start.recorded] == [("one", b'"first"')]
    return int(start.assignment)


async def anew_by_resume(stage: Stage, hand: Hand, instance: str, old: int) -> int:
    await by_pause(stage, hand, instance, old)
    await stage.engine.resume("flow", instance)
    start = await hand.hear(Start)
    assert [(r.name, r.value) for r in start.recorded] == [("one", b'"first"')]
    return int(start.assignment)


async def anew_by_an_event(stage: Stage, hand: Hand, instance: str, old: int) -> int:
    await by_unloading(stage, hand, instance, old)
    await stage.reached("flow", instance, RunStatus.waiting)
    await stage.engine.send_event("flow", instance, "go", b'"open"')
    start = await hand.hear(Start)
    assert [(r.name, r.seq) for r in start.recorded] == [("one", 1), ("gate", 2)]
    return int(start.assignment)


@pytest.mark.parametrize(
    "given", [anew_by_restart, anew_by_restart_from_a_step, anew_by_resume, anew_by_an_event]
)
async def test_once_given_anew_only_the_new_owner_counts(
    stage: Stage, given: Callable[[Stage, Hand, str, int], Awaitable[int]]
) -> None:
    """Both assignments are one runner's: only the number tells the owners apart."""
    hand = await stage.hand()
    instance, old = await stage.begun(hand)
    new = await given(stage, hand, instance, old)
    assert new > old
    hand.say(started(new, 9, "mine"))
    await stage.heard(hand)
    before = stage.everything()
    for what, said in LATE.items():
        hand.say(*said(old))
        await stage.heard(hand)
        assert stage.everything() == before, what
        mine = await stage.step("flow", instance, "mine")
        assert (mine.status, len(mine.attempts)) == (StepStatus.running, 1), what
    hand.say(
        AttemptSucceeded(old, 9, b'"old"'),
        AttemptSucceeded(new, 9, b'"new"'),
        AttemptSucceeded(old, 9, b'"old"'),
        Ended(old, b'"old"', None),
        Ended(new, b'"new"', None),
        Ended(old, b'"old"', None),
    )
    assert await stage.output("flow", instance) == "new"
    mine = await stage.step("flow", instance, "mine")
    assert (mine.status, mine.output, len(mine.attempts)) == (StepStatus.complete, b'"new"', 1)
    await stage.still_serves(hand)


async def test_two_owners_never_exist(stage: Stage) -> None:
    """A runner that is replaced lives on for a while, beside the one that took its run over."""
    old_hand = await stage.hand()
    instance, old = await stage.begun(old_hand)
    old_hand.say(started(old, 2, "mine"))
    old_hand.say(Stuck("somewhere"))
    await old_hand.hear(Freeze)
    new_hand = await stage.hand()
    # it goes on while its attempt lasts, and the new one does not have the run yet
    old_hand.say(AttemptFailed(old, 2, GIVEN_UP, True))
    old_hand.say(Frozen(old))
    given = await new_hand.hear(Start)
    assert given.assignment > old
    # everything from here on comes from who lost it
    with contextlib.suppress(ConnectionError):
        old_hand.say(
            AttemptSucceeded(old, 2, b'"old"'),
            AttemptSucceeded(given.assignment, 2, b'"old"'),
            Ended(old, b'"old"', None),
            Ended(given.assignment, b'"old"', None),
        )
    await old_hand.is_cut_off()
    new_hand.say(Ended(given.assignment, b'"new"', None))
    assert await stage.output("flow", instance) == "new"
    mine = await stage.step("flow", instance, "mine")
    assert (mine.output, len(mine.attempts)) == (None, 1)


async def test_a_runner_speaks_only_of_its_own(stage: Stage) -> None:
    """Another runner's run and request, and the bindings of a deployment it was not given."""
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    hand.say(started(a), Stuck("somewhere"))
    await hand.hear(Freeze)
    hand.say(Call(1, "other", "workflow", "create", b'{"binding": "WORKFLOW"}'))
    reply = await hand.hear(Reply)
    assert (reply.value, reply.code) == (None, "binding.malformed")
    second = await stage.hand()
    answer = asyncio.ensure_future(stage.fetch("flow", "/"))
    asked = await second.hear(messages.Fetch)
    hand.say(Answer(asked.call, 200, [], b"stolen"))
    hand.say(AttemptFailed(a, 2, GIVEN_UP, True), Frozen(a))
    taken = await second.hear(Start)
    second.say(Answer(asked.call, 200, [], b"honest"), Ended(taken.assignment, b'"new"', None))
    assert (await answer).body == b"honest"
    assert await stage.output("flow", instance) == "new"


async def test_bindings_are_those_of_deployments_a_runner_was_told_of(stage: Stage) -> None:
    """The server knows both deployments; the runner that asks was never told of one of them."""
    module = stage.deploy("other", FLOW)
    stage.bundles["other"] = Bundle(
        "other", "other", "other", module, None, bindings={"WORKFLOW": "other"}
    )
    wanted = b'{"binding": "WORKFLOW", "id": "wanted", "params": null}'
    hand = await stage.hand()
    _, a = await stage.begun(hand)
    hand.say(started(a), Stuck("somewhere"))  # it lives on while its attempt lasts
    await hand.hear(Freeze)
    second = await stage.hand()
    await stage.start("other")
    await second.hear(Start)
    before = stage.everything()
    hand.say(Call(1, "other", "workflow", "create", wanted))
    reply = await hand.hear(Reply)
    assert (reply.value, reply.code) == (None, "binding.not_found")
    for operation in ("close", "_fail", "__init__", "crashed"):
        second.say(Call(2, "other", "workflow", operation, b"{}"))
        reply = await second.hear(Reply)
        assert (reply.value, reply.code) == (None, "binding.not_found"), operation
    await stage.engine._flushed()
    assert stage.everything() == before
    second.say(Call(3, "other", "workflow", "create", wanted))
    assert (await second.hear(Reply)).value == b'{"id":"wanted"}'
    assert (await stage.view("other", "wanted")).status is RunStatus.running
