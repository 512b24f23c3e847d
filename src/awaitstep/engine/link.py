"""One end of the socketpair between server and runner.

Everything said in one turn of the loop travels in one frame: a 4-byte little-endian length, then a
msgpack array of messages. Frames are sent before anything else of the next turn runs, so what a
runner says about an attempt has left the process before the attempt's code starts.

Where `per_turn` is given, a frame of more messages is handled in several turns: what the first ones
set off is on its way back while the rest is handled, so both processes work at once instead of taking
turns.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from awaitstep.engine import messages

_READ: Final = 1 << 18
LARGEST_FRAME: Final = 256 << 20
# What is said in one turn is cut into frames of about this size.
_LARGE_FRAME: Final = 16 << 20


class Nonsense(Exception):
    """A message that can't be true. Raised by who hears it; the link is closed."""


class Link:
    """Sends and receives messages; calls `on_lost` once, when the other end is gone or talks
    nonsense: what can't be decoded, or what `on_message` raises an exception for."""

    def __init__(
        self,
        end: socket.socket,
        *,
        decode: Callable[[memoryview], list[Any]],
        on_message: Callable[[Any], None],
        on_lost: Callable[[str], None],
        per_turn: int = 1 << 30,
    ) -> None:
        end.setblocking(False)
        self._socket = end
        self._decode = decode
        self._on_message = on_message
        self._on_lost = on_lost
        self._per_turn = per_turn
        self._loop = asyncio.get_running_loop()
        self._room = bytearray(_READ)
        self._received = bytearray()
        self._unheard: deque[Any] = deque()
        self._said: list[messages.Message] = []
        self._unsent = bytearray()
        self._flushing = False
        self._closed = False
        self.nonsense = False
        """Whether that is why the link was lost."""
        self._loop.add_reader(end, self._read)

    def send(self, message: messages.Message) -> None:
        self._said.append(message)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what was said so far, now."""
        self._flushing = False
        if self._closed or not self._said:
            return
        said, self._said = self._said, []
        for frame in _frames(said):
            self._send_frame(frame)

    def _send_frame(self, frame: bytes) -> None:
        if self._unsent:
            self._unsent += frame
            return
        sent = self._send_some(frame)
        if sent < len(frame):
            self._unsent += memoryview(frame)[sent:]
            self._loop.add_writer(self._socket, self._write)

    def _send_some(self, data: bytes | bytearray) -> int:
        """How many bytes went, all when nobody is there any more: reading tells that, after what the
        other end said before."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return len(data)

    def drain(self) -> None:
        """Take in what the other end said before it died."""
        while self._hear_all() and self._read():
            pass

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._unheard.clear()
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()

    def _write(self) -> None:
        del self._unsent[: self._send_some(self._unsent)]
        if not self._unsent:
            self._loop.remove_writer(self._socket)

    def _read(self) -> bool:
        """Take in what is there; False when nothing is, or when the link is closed."""
        if self._unheard:
            return True  # first what came before
        try:
            size = self._socket.recv_into(self._room)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            return self._end(str(error))
        if not size:
            return self._end("the other end closed the link")
        received = self._received
        received += memoryview(self._room)[:size]
        del received[: self._take_in(memoryview(received))]
        self._hear_some()
        return not self._closed

    def _end(self, why: str) -> bool:
        """Nothing comes any more; what was said before is heard first."""
        if self._hear_all():
            self._lose(why)
        return False

    def _take_in(self, data: memoryview) -> int:
        """Decode the whole frames that `data` begins with; how many bytes they are."""
        at = 0
        end = len(data)
        while end - at >= 4:
            size = int.from_bytes(data[at : at + 4], "little")
            if size > LARGEST_FRAME:
                self._refuse_next(f"a frame of {size:,} bytes")
                return 0
            if end - at < 4 + size:
                break
            frame = data[at + 4 : at + 4 + size]
            at += 4 + size
            try:
                self._unheard += self._decode(frame)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                self._refuse_next(str(error))
                return 0
        return at

    def _hear_some(self) -> None:
        try:
            self._hear(self._per_turn)
        finally:  # also when the user's code ended a turn of the loop by SystemExit
            if self._unheard:
                self._loop.call_soon(self._hear_some)

    def _hear_all(self) -> bool:
        """Handle all that is unheard; False when the link is closed."""
        return self._hear(len(self._unheard))

    def _hear(self, count: int) -> bool:
        """Handle the next messages, `count` at most; False when the link is closed."""
        unheard = self._unheard
        while unheard and count and not self._closed:
            count -= 1
            message = unheard.popleft()
            try:
                self._on_message(message)
            except Nonsense as error:
                self._refuse(str(error))
            except Exception as error:
                what = f"a {type(message).__name__} could not be handled"
                self._loop.call_exception_handler({"message": what, "exception": error})
                self._refuse(f"{type(message).__name__}: {error}")
        return not self._closed

    def _refuse_next(self, why: str) -> None:
        """What comes next is nonsense; what was said before it counts."""
        if self._hear_all():
            self._refuse(why)

    def _refuse(self, why: str) -> None:
        self.nonsense = True
        self._lose(why[:500])

    def _lose(self, why: str) -> None:
        if not self._closed:
            self.close()
            self._on_lost(why)


def _frames(said: list[messages.Message]) -> Iterator[bytes]:
    payload = messages.encode(said)
    if len(payload) > _LARGE_FRAME and len(said) > 1:
        half = len(said) // 2
        yield from _frames(said[:half])
        yield from _frames(said[half:])
    else:
        yield len(payload).to_bytes(4, "little") + payload
