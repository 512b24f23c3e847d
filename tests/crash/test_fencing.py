"""What a hostile or outdated runner says changes nothing.

The engine and its journal are real; the runner is moved by hand, message by message.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from awaitstep.engine import messages
from awaitstep.engine.embedded.fleet import Fleet
from awaitstep.engine.messages import (
    Answer,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    Blocked,
    Call,
    Cancel,
    Ended,
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
    """A house whose runners are moved by hand for as long as `by_hand` is set."""

    by_hand = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.hands: asyncio.Queue[Hand] = asyncio.Queue()
        self.all: list[Hand] = []

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.all.append(Hand(reader, writer))
        self.hands.put_nowait(self.all[-1])

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

    async def status(self, instance: str) -> RunStatus:
        return (await self.view("flow", instance)).status


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    stage.deploy("flow", FLOW)
    address = str(tmp_path / "hand")
    server = await asyncio.start_unix_server(stage.connected, address)
    honest = Fleet._command

    def command(fleet: Fleet) -> list[str]:
        return [sys.executable, str(RELAY), "--to", address] if stage.by_hand else honest(fleet)

    monkeypatch.setattr(Fleet, "_command", command)
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
    assert alive(stage.runners()[0])


def packed(kind: int, *fields: Any) -> bytes:
    """A frame of one message that our own types would not let us make."""
    return msgspec.msgpack.encode([[kind, *fields]])


NONSENSE: dict[str, Callable[[int], bytes]] = {
    "bytes that are no message": lambda a: b"\xc1 nonsense",
    "an unknown message": lambda a: packed(99, a),
    "a message only servers send": lambda a: messages.encode([Load("x", "x", None, "x", {}, [])]),
    "a second hello": lambda a: messages.encode([Hello(None)]),
    "a negative number": lambda a: packed(22, a, -1, "two", 1, 1, None),
    "a number beyond 53 bits": lambda a: packed(22, a, 2**60, "two", 1, 1, None),
    "a name of nothing": lambda a: packed(22, a, 2, "", 1, 1, None),
    "a name without end": lambda a: packed(22, a, 2, "x" * 257, 1, 1, None),
    "a sleep backwards": lambda a: packed(25, a, 2, int(StepKind.sleep), "nap", 1, -1.0),
    "a sleep for ever": lambda a: packed(25, a, 2, int(StepKind.sleep), "nap", 1, float("inf")),
    "a sleep of no number": lambda a: packed(25, a, 2, int(StepKind.sleep), "n", 1, float("nan")),
    "a sleep that is a step": lambda a: packed(25, a, 2, int(StepKind.do), "nap", 1, 1.0),
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
    stage.by_hand = False
    hand.put(NONSENSE[what](a))
    # what comes after it is not heard any more
    hand.say(Ended(a, b'"stolen"', None))
    await hand.is_cut_off()
    assert await stage.output("flow", instance) == ["first"]
    assert stage.rows("operations") == before
    assert not alive(pid)


async def test_a_frame_without_end_ends_the_link(stage: Stage) -> None:
    hand = await stage.hand()
    instance, _ = await stage.begun(hand)
    stage.by_hand = False
    hand.put_raw((2**32 - 1).to_bytes(4, "little"))
    await hand.is_cut_off()
    assert await stage.output("flow", instance) == ["first"]


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


async def test_after_terminate_it_says_nothing(stage: Stage) -> None:
    hand = await stage.hand()
    instance, a = await stage.begun(hand)
    hand.say(started(a))
    await stage.engine.terminate("flow", instance)
    await hand.hear(Unload)
    before = stage.rows("operations"), stage.rows("runs")
    hand.say(AttemptSucceeded(a, 2, b'"late"'), Ended(a, b'"late"', None))
    other, _ = await stage.begun(hand)  # all was heard by then
    assert other != instance
    assert await stage.status(instance) is RunStatus.terminated
    assert set(before[0]) <= set(stage.rows("operations"))
    assert set(before[1]) <= set(stage.rows("runs"))


async def test_after_restart_only_the_new_owner_counts(stage: Stage) -> None:
    hand = await stage.hand()
    instance, old = await stage.begun(hand)
    hand.say(started(old))
    await stage.engine.restart("flow", instance)
    new = (await hand.hear(Start)).assignment
    assert new > old
    hand.say(
        started(new, 1, "one"),
        AttemptSucceeded(old, 1, b'"old"'),
        AttemptSucceeded(old, 2, b'"old"'),
        Ended(old, b'"old"', None),
        AttemptSucceeded(new, 1, b'"new"'),
        Ended(new, b'"new"', None),
    )
    assert await stage.output("flow", instance) == "new"
    [step] = await stage.engine.history("flow", instance)
    assert step.output == b'"new"'


async def test_after_pause_it_says_nothing(stage: Stage) -> None:
    hand = await stage.hand()
    instance, old = await stage.begun(hand)
    await stage.engine.pause("flow", instance)
    await hand.hear(Freeze)
    hand.say(Frozen(old))
    await hand.hear(Unload)
    hand.say(started(old), AttemptSucceeded(old, 2, b'"old"'), Ended(old, b'"old"', None))
    await stage.reached("flow", instance, RunStatus.paused)
    await stage.engine.resume("flow", instance)
    again = await hand.hear(Start)
    assert [(r.name, r.value) for r in again.recorded] == [("one", b'"first"')]
    hand.say(Ended(old, b'"old"', None), Ended(again.assignment, b'"new"', None))
    assert await stage.output("flow", instance) == "new"


async def test_after_unloading_it_says_nothing(stage: Stage) -> None:
    hand = await stage.hand()
    instance, old = await stage.begun(hand)
    hand.say(Sleep(old, 2, StepKind.sleep, "nap", 1, 3600.0))
    hand.say(Blocked(old, 1))
    await hand.hear(Unload)
    hand.say(AttemptSucceeded(old, 2, b'"old"'), Ended(old, b'"old"', None))
    other, _ = await stage.begun(hand)
    assert other != instance
    assert await stage.status(instance) is RunStatus.waiting


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
