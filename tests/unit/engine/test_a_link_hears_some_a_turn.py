"""A link handles what came in a frame in order, some messages a turn, and loses none of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from awaitstep.engine import messages
from awaitstep.engine.link import Link, Nonsense


def _frame(count: int) -> bytes:
    payload = messages.encode([messages.Unload(number) for number in range(1, count + 1)])
    return len(payload).to_bytes(4, "little") + payload


class _Heard:
    def __init__(self, per_turn: int, on_message: Callable[[int], None] | None = None) -> None:
        ours, self.theirs = socket.socketpair()
        self.turn = 0
        self.numbers: list[int] = []
        self.turns: list[int] = []
        self.lost: list[str] = []
        self._on_message = on_message
        self.link = Link(
            ours,
            decode=messages.decode_for_runner,
            on_message=self._hear,
            on_lost=self.lost.append,
            per_turn=per_turn,
        )

    def _hear(self, message: Any) -> None:
        if self._on_message is not None:
            self._on_message(message.assignment)
        self.numbers.append(message.assignment)
        self.turns.append(self.turn)

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not happened():
                self.turn += 1
                await asyncio.sleep(0)

    def close(self) -> None:
        self.link.close()
        self.theirs.close()


async def test_a_frame_of_many_is_heard_over_turns_and_in_order() -> None:
    heard = _Heard(per_turn=4)
    heard.theirs.sendall(_frame(10) + _frame(3))
    await heard.until(lambda: len(heard.numbers) == 13)
    assert heard.numbers == [*range(1, 11), *range(1, 4)]
    most = max(heard.turns.count(turn) for turn in heard.turns)
    assert most == 4
    heard.close()


async def test_what_was_said_before_the_end_is_heard_before_it() -> None:
    heard = _Heard(per_turn=2)
    heard.theirs.sendall(_frame(7))
    heard.theirs.close()
    await heard.until(lambda: bool(heard.lost))
    assert heard.numbers == list(range(1, 8))


async def test_draining_hears_all_that_is_there() -> None:
    heard = _Heard(per_turn=2)
    heard.theirs.sendall(_frame(5))
    await heard.until(lambda: bool(heard.numbers))
    heard.theirs.sendall(_frame(6))
    heard.link.drain()
    assert heard.numbers == [*range(1, 6), *range(1, 7)]
    heard.close()


async def test_what_was_said_is_heard_although_nobody_listens_any_more() -> None:
    heard = _Heard(per_turn=2)
    heard.theirs.sendall(_frame(7))
    heard.theirs.close()
    heard.link.send(messages.Unload(1))
    heard.link.flush()
    assert not heard.lost
    heard.link.drain()
    assert heard.numbers == list(range(1, 8))
    assert heard.lost


@pytest.mark.interpreted
async def test_much_that_is_said_at_once_travels_in_several_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("awaitstep.engine.link._LARGE_FRAME", 1_000)
    monkeypatch.setattr("awaitstep.engine.link.LARGEST_FRAME", 1_100)
    heard = _Heard(per_turn=100)
    there = Link(
        heard.theirs,
        decode=messages.decode_for_server,
        on_message=print,
        on_lost=print,
    )
    for number in range(1, 51):
        there.send(messages.Outcome(number, 1, 1, True, b"x" * 300))
    await heard.until(lambda: len(heard.numbers) == 50)
    assert heard.numbers == list(range(1, 51))
    assert not heard.lost
    there.close()
    heard.close()


async def test_nothing_is_heard_after_closing() -> None:
    heard = _Heard(per_turn=2)
    heard.theirs.sendall(_frame(9))
    await heard.until(lambda: bool(heard.numbers))
    heard.link.close()
    known = list(heard.numbers)
    for _ in range(5):
        await asyncio.sleep(0)
    assert heard.numbers == known
    heard.theirs.close()


@pytest.mark.parametrize("per_turn", [2, 100])
async def test_nonsense_ends_the_link_there(per_turn: int) -> None:
    def refuse(number: int) -> None:
        if number == 5:
            raise Nonsense("five")

    heard = _Heard(per_turn, refuse)
    heard.theirs.sendall(_frame(9))
    await heard.until(lambda: bool(heard.lost))
    assert heard.numbers == [1, 2, 3, 4]
    assert heard.lost == ["five"]
    assert heard.link.nonsense
    heard.theirs.close()


@pytest.mark.parametrize(
    "nonsense", [(3).to_bytes(4, "little") + b"\xc1\xc1\xc1", b"\xff\xff\xff\xff"]
)
async def test_nonsense_ends_the_link_after_what_was_said_before(nonsense: bytes) -> None:
    heard = _Heard(per_turn=2)
    heard.theirs.sendall(_frame(5) + nonsense)
    await heard.until(lambda: bool(heard.lost))
    assert heard.numbers == [1, 2, 3, 4, 5]
    assert heard.link.nonsense
    heard.theirs.close()


@pytest.mark.parametrize("ends", [SystemExit, KeyboardInterrupt])
def test_what_is_left_is_heard_after_a_turn_was_ended(ends: type[BaseException]) -> None:
    """As code of a user may: the runner's loop goes on."""
    loop = asyncio.new_event_loop()

    def end(number: int) -> None:
        if number == 3:
            raise ends

    async def open_() -> _Heard:
        return _Heard(per_turn=2, on_message=end)

    heard = loop.run_until_complete(open_())
    heard.theirs.sendall(_frame(7))
    with pytest.raises(ends):
        loop.run_until_complete(heard.until(lambda: False))
    loop.run_until_complete(heard.until(lambda: len(heard.numbers) == 6))
    assert heard.numbers == [1, 2, 4, 5, 6, 7]
    heard.close()
    loop.close()


async def test_a_frame_in_pieces_is_heard_once_it_is_whole() -> None:
    heard = _Heard(per_turn=4)
    frame = _frame(3)
    for at in range(0, len(frame), 5):
        heard.theirs.sendall(frame[at : at + 5])
        for _ in range(3):
            await asyncio.sleep(0)
    await heard.until(lambda: len(heard.numbers) == 3)
    assert heard.numbers == [1, 2, 3]
    heard.close()
