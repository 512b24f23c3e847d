"""One end of the socketpair between server and runner.

Everything said in one turn of the loop travels in one frame: a 4-byte little-endian length, then a
msgpack array of messages. Frames are sent before anything else of the next turn runs, so what a
runner says about an attempt has left the process before the attempt's code starts.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final

import msgspec

from awaitstep.engine import messages

_READ: Final = 1 << 18
LARGEST_FRAME: Final = 256 << 20


class Nonsense(Exception):
    """A message that can't be true. Raised by who hears it; the link is closed."""


class Link:
    """Sends and receives messages; calls `on_lost` once, when the other end is gone or talks
    nonsense: what can't be decoded, or what `on_message` raises an exception for."""

    def __init__(
        self,
        end: socket.socket,
        *,
        decode: Callable[[bytes], list[Any]],
        on_message: Callable[[Any], None],
        on_lost: Callable[[str], None],
    ) -> None:
        end.setblocking(False)
        self._socket = end
        self._decode = decode
        self._on_message = on_message
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
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
        payload = messages.encode(self._said)
        self._said = []
        frame = len(payload).to_bytes(4, "little") + payload
        if self._unsent:
            self._unsent += frame
            return
        try:
            sent = self._socket.send(frame)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._lose(str(error))
            return
        if sent < len(frame):
            self._unsent += memoryview(frame)[sent:]
            self._loop.add_writer(self._socket, self._write)

    def drain(self) -> None:
        """Take in what the other end said before it died."""
        while not self._closed and self._read():
            pass

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(str(error))
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self._socket)

    def _read(self) -> bool:
        """Take in what is there; False when nothing is."""
        try:
            data = self._socket.recv(_READ)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._lose(str(error))
            return False
        if not data:
            self._lose("the other end closed the link")
            return False
        received = self._received
        received += data
        at = 0
        while len(received) - at >= 4:
            size = int.from_bytes(received[at : at + 4], "little")
            if size > LARGEST_FRAME:
                return self._refuse(f"a frame of {size:,} bytes")
            if len(received) - at < 4 + size:
                break
            frame = bytes(memoryview(received)[at + 4 : at + 4 + size])
            at += 4 + size
            try:
                said = self._decode(frame)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                return self._refuse(str(error))
            for message in said:
                try:
                    self._on_message(message)
                except Nonsense as error:
                    return self._refuse(str(error))
                except Exception as error:
                    what = f"a {type(message).__name__} could not be handled"
                    self._loop.call_exception_handler({"message": what, "exception": error})
                    return self._refuse(f"{type(message).__name__}: {error}")
                if self._closed:
                    return False
        if at:
            del received[:at]
        return True

    def _refuse(self, why: str) -> bool:
        self.nonsense = True
        self._lose(why[:500])
        return False

    def _lose(self, why: str) -> None:
        if not self._closed:
            self.close()
            self._on_lost(why)
