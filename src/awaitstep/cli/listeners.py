"""The server's two listening sockets and the loop that serves them until told to stop.

It knows ASGI applications and signals; what the applications do is not its business.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
from collections.abc import Generator
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from awaitstep.cli.failures import Failure

# How long requests that run may take to end after the signal to stop.
_GRACE_SECONDS = 5
_KEEP_ALIVE_SECONDS = 75
FIRST_REQUEST_SECONDS = 30.0
_BACKLOG = 2048
# What is longer is a body (bytes).
_LONGEST_HEAD: Final = 4096


def bind(host: str, port: int, option: str) -> socket.socket:
    """A socket bound to the address, not yet listening. Raises Failure with one sentence."""
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # only a listening socket keeps a second server from binding the port
        listener.listen(_BACKLOG)
    except socket.gaierror:
        raise Failure(f"{host} is no address of this machine.", "host.unknown") from None
    except PermissionError:
        raise Failure(
            f"Port {port} needs more rights; choose one above 1023.", "port.denied"
        ) from None
    except OSError as error:
        if listener is not None:
            listener.close()
        raise Failure(
            f"Port {port} on {host} can't be used: {(error.strerror or str(error)).lower()}. "
            f"Choose another with {option}.",
            "port.busy",
        ) from None
    listener.setblocking(False)
    return listener


class _Joining:
    """A transport that keeps the head of an answer until its body is written.

    uvicorn writes them apart: two calls of the system and two packets for what is one of each.
    """

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif len(data) <= _LONGEST_HEAD:
            self._head = data
            self._loop.call_soon(self._write_head)
        else:
            self._transport.write(data)

    def close(self) -> None:
        self._write_head()
        self._transport.close()

    def _write_head(self) -> None:
        """What comes after it does so in another turn of the loop, or not at all."""
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Protocol(HttpToolsProtocol):
    """Ends a connection whose first request does not arrive; uvicorn would keep it for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, _Joining(transport, self.loop)))
        self.loop.call_later(FIRST_REQUEST_SECONDS, self._end_if_silent)

    def _end_if_silent(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """A server that leaves the signals to us: two of them share one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Listeners:
    """Two applications on two sockets in the running loop."""

    def __init__(self) -> None:
        self._servers: list[_Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()

    def catch_signals(self) -> None:
        """The first SIGTERM or SIGINT stops gracefully, the second at once.

        At once means what a power cut means: the journal and the runners are made for it.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)

    def serve(self, application: Any, listener: socket.socket) -> None:
        """Begin to answer on `listener`."""
        server = _Server(
            uvicorn.Config(
                application,
                loop="none",
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                backlog=_BACKLOG,
            )
        )
        self._servers.append(server)
        self._tasks.append(asyncio.create_task(server.serve(sockets=[listener])))

    async def until_stopped(self) -> None:
        """Wait for a signal, then for open requests; raises what ended a server by itself."""
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait([stop, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._tasks)

    async def or_stopped(self, work: asyncio.Task[Any]) -> bool:
        """Wait for `work`; False when a signal came first, and then it is cancelled."""
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait([stop, work], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if work.done():
            return True
        work.cancel()
        await asyncio.wait([work])
        return False

    def _signalled(self, number: int) -> None:
        if self._stop.is_set():
            os._exit(128 + number)
        self._stop.set()


def allow_many_connections() -> None:
    """Raise the soft limit of open files as far as the machine lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
