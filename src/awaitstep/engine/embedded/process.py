"""The server's hold on one runner process: its start, its reports, its end.

Owns the process, its three descriptors (link, control, fault) and its death. What travels over the
link, and what a report or a death means for runs, is the supervisor's business.

Everything read from a runner is the word of untrusted code: bounded, checked, else dropped.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from awaitstep.engine.embedded.faults import fault_place, printable
from awaitstep.engine.messages import OUT_OF_MEMORY

_READ_SIZE = 65536
# A runner that floods its pipes costs at most one read in this time, in seconds.
_READ_PAUSE = 0.02
_LINE_LIMIT = 4096
# Room for the stacks of a full pool of threads, which the fault handler cuts at 100 frames each.
_FAULT_LIMIT = 512 * 1024

_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, lt=1e9)]
_Text = Annotated[str, msgspec.Meta(max_length=4096)]


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The runner's watchdog lives. `loop` has grown when its event loop turned meanwhile."""

    loop: _Count


class Stall(msgspec.Struct, frozen=True, tag="stall"):
    """The runner's loop has been inside one piece of code for `seconds`; `task` is its label."""

    seconds: _Seconds
    file: _Text
    line: _Count
    function: _Text
    task: _Text | None


@dataclass(frozen=True, slots=True)
class Silent:
    """Not even the watchdog has been heard for `seconds`: stopped, starved, or computing outside
    Python without letting go of the interpreter. `abort` makes it leave its stack."""

    seconds: float


Report = Beat | Stall | Silent

_decode = msgspec.json.Decoder(Beat | Stall).decode


@dataclass(frozen=True, slots=True)
class Exit:
    """How a runner ended: an exit status or a signal, neither when another has reaped it.

    `fault` is where its code was when it faulted, such as "worker.py line 12 in crash".
    """

    status: int | None
    signal: int | None
    fault: str | None = None

    def describe(self) -> str:
        """One line for a person."""
        at = f" at {self.fault}" if self.fault else ""
        if self.signal is not None:
            return _signal_text(self.signal) + at
        if self.status == OUT_OF_MEMORY:
            return "it ran out of memory"
        if self.status is not None:
            return f"exit status {self.status}"
        return "ended for an unknown reason"


_FAULTS = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGILL: "illegal instruction",
    signal.SIGABRT: "aborted",
}
# Nothing says who sent it, and most who meet it unawares have run out of memory.
_TOLD = {signal.SIGKILL: "killed by SIGKILL, as the system does when memory runs out"}


def _signal_text(number: int) -> str:
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"killed by signal {number}"
    return _FAULTS.get(known) or _TOLD.get(known) or f"killed by {known.name}"


def scrubbed_environment(temporary: Path, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a runner: what Python and the C library need of `base`, and no more."""
    kept = {
        name: value
        for name, value in base.items()
        if name in ("PATH", "LANG", "LANGUAGE", "TZ", "PYTHONHOME", "PYTHONPATH")
        or name.startswith("LC_")
    }
    if "PYTHONPATH" in kept:  # a runner works in another directory
        places = kept["PYTHONPATH"].split(os.pathsep)
        kept["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, places))
    return kept | {
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        # User code can write to its home. What Python would import from there at start, or from
        # the working directory, would run before the walls are up.
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


class RunnerProcess:
    """One runner, from its start to its death. Make it with `start`.

    `socket` is the server's end of the link: non-blocking, the caller's to close. `exited` is
    resolved once, after the last report. Await `wait` rather than the future, whose cancellation
    would hide the exit from others.
    """

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        link: socket.socket,
        control: int,
        fault: int,
        *,
        name: str,
        log: Path | None,
        code: Path | None,
        on_report: Callable[[Report], None],
        beat_timeout: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._log = log
        self._code = code
        self._on_report = on_report
        self.name = name
        self.pid = process.pid
        self.socket = link
        self.exited: asyncio.Future[Exit] = self._loop.create_future()
        self._lines = _Lines()
        self._fault_text = bytearray()
        self._control = _Pipe(self._loop, control, self._read_reports)
        self._fault = _Pipe(self._loop, fault, self._read_fault)
        self._silence = _Silence(self._loop, beat_timeout, self._control.read, self._on_report)
        self._watch_death()

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        name: str,
        env: Mapping[str, str],
        log: Path | None,
        on_report: Callable[[Report], None],
        code: Path | None = None,
        cwd: Path | None = None,
        beat_timeout: float = 10.0,
    ) -> "RunnerProcess":
        """Start `argv` plus `--link FD --control FD --fault FD`, with exactly the variables `env`.

        What it prints goes to the end of `log`, else to the server's standard error. `code` is the
        folder of deployed code: a fault is described by its frame there, if there is one.
        `on_report` gets one `Silent` for each silence of `beat_timeout` seconds, the time until
        the first beat included. Raises OSError when the program cannot be started.

        Call it on a thread that lives as long as the server: a runner asks Linux to kill it when
        its parent dies, and its parent is the thread that started it.
        """
        link, far_link = socket.socketpair()
        link.setblocking(False)
        control, far_control = os.pipe()
        fault, far_fault = os.pipe()
        far = (far_link.detach(), far_control, far_fault)
        try:
            process = _spawn(argv, far, env, log, cwd)
        except BaseException:
            link.close()
            os.close(control)
            os.close(fault)
            raise
        finally:
            for fd in far:
                os.close(fd)
        return cls(
            process,
            link,
            control,
            fault,
            name=name,
            log=log,
            code=code,
            on_report=on_report,
            beat_timeout=beat_timeout,
        )

    async def wait(self) -> Exit:
        return await asyncio.shield(self.exited)

    def kill(self) -> None:
        """SIGKILL to this process; nothing when it has ended."""
        self._signal(signal.SIGKILL)

    def abort(self) -> None:
        """SIGABRT: a runner that hears nothing else still leaves its stack before it ends.

        Its code may catch the signal; `kill` follows when it does not end.
        """
        self._signal(signal.SIGABRT)

    def _signal(self, number: int) -> None:
        # The pid stays its own until it is reaped, which resolves `exited`.
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _read_reports(self, data: bytes) -> None:
        # Of several of a kind in one read the last one counts.
        reports: dict[type, Beat | Stall] = {}
        for line in self._lines.feed(data):
            try:
                report = _decode(line)
            except (ValueError, RecursionError):
                continue
            reports[type(report)] = report
        for report in reports.values():
            self._silence.heard()
            if isinstance(report, Stall):
                report = msgspec.structs.replace(
                    report, file=printable(report.file), function=printable(report.function)
                )
            self._on_report(report)

    def _read_fault(self, data: bytes) -> None:
        self._fault_text += data[: _FAULT_LIMIT - len(self._fault_text)]

    def _watch_death(self) -> None:
        try:
            pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            # Not Linux, or an old one.
            threading.Thread(
                target=self._wait_in_thread, name=f"wait-{self.name}", daemon=True
            ).start()
        else:
            self._loop.add_reader(pidfd, self._died, pidfd)

    def _died(self, pidfd: int) -> None:
        self._loop.remove_reader(pidfd)
        os.close(pidfd)
        self._bury(_reap(self.pid))

    def _wait_in_thread(self) -> None:
        code = _reap(self.pid)
        # A closed loop has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._bury, code)

    def _bury(self, code: int | None) -> None:
        # Popen did not reap it itself and would take it for running.
        self._process.returncode = 0 if code is None else code
        self._silence.stop()
        self._control.close()
        self._fault.close()
        fault = None
        if code is not None and -code in _FAULTS:
            fault = fault_place(self._fault_text, self._code, aborted=-code == signal.SIGABRT)
            self._log_fault()
        if not self.exited.done():
            self.exited.set_result(
                Exit(
                    status=code if code is not None and code >= 0 else None,
                    signal=-code if code is not None and code < 0 else None,
                    fault=fault,
                )
            )

    def _log_fault(self) -> None:
        if self._log is not None:
            # A full disk must not keep the exit from being known.
            with contextlib.suppress(OSError), self._log.open("ab") as log:
                log.write(self._fault_text)


def _spawn(
    argv: Sequence[str],
    fds: tuple[int, int, int],
    env: Mapping[str, str],
    log: Path | None,
    cwd: Path | None,
) -> "subprocess.Popen[bytes]":
    link, control, fault = map(str, fds)
    with contextlib.ExitStack() as stack:
        output = 2
        if log is not None:
            output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            stack.callback(os.close, output)
        return subprocess.Popen(
            [*argv, "--link", link, "--control", control, "--fault", fault],
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=fds,
            close_fds=True,
            start_new_session=True,
        )


def _reap(pid: int) -> int | None:
    """Wait for the process, end the children it left in its group, free its pid.

    Returns Popen's exit code: negative for a signal; None when another has reaped it.
    """
    try:
        if hasattr(os, "waitid"):
            # Not yet freed, its pid still names its group and no other.
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status)


class _Pipe:
    """Reads what a runner writes, at a pace the server chooses."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, fd: int, on_data: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._fd = fd
        self._on_data = on_data
        self._pause: asyncio.TimerHandle | None = None
        os.set_blocking(fd, False)
        self._listen()

    def read(self) -> bool:
        """Read once. False when nothing more will come."""
        try:
            data = os.read(self._fd, _READ_SIZE)
        except BlockingIOError:
            return True
        if data:
            self._on_data(data)
        return bool(data)

    def close(self) -> None:
        """Read what is left, but not for as long as a surviving child may write, and close."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._fd)
        for _ in range(_FAULT_LIMIT // _READ_SIZE):
            if not self.read():
                break
        os.close(self._fd)

    def _listen(self) -> None:
        self._loop.add_reader(self._fd, self._ready)

    def _ready(self) -> None:
        self._loop.remove_reader(self._fd)
        if self.read():
            self._pause = self._loop.call_later(_READ_PAUSE, self._listen)


class _Lines:
    """Cuts a stream into lines, dropping those over the limit."""

    def __init__(self) -> None:
        self._rest = b""
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes]:
        *lines, rest = (self._rest + data).split(b"\n")
        if self._dropping and lines:
            del lines[0]
            self._dropping = False
        if len(rest) > _LINE_LIMIT:
            self._dropping = True
        self._rest = b"" if self._dropping else rest
        return [line for line in lines if len(line) <= _LINE_LIMIT]


class _Silence:
    """Notices when nothing has been heard for too long, and says so once per silence."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        timeout: float,
        listen: Callable[[], object],
        on_report: Callable[[Report], None],
    ) -> None:
        self._loop = loop
        self._timeout = timeout
        self._interval = timeout / 10
        self._listen = listen
        self._on_report = on_report
        self._quiet = 0.0
        self._reported = False
        self._before = loop.time()
        self._timer = loop.call_later(self._interval, self._look)

    def heard(self) -> None:
        self._quiet = 0.0
        self._reported = False

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        # A server that was stopped or busy itself has not listened in that time.
        self._quiet += min(now - self._before, 2 * self._interval)
        self._before = now
        self._listen()
        if self._quiet >= self._timeout and not self._reported:
            self._reported = True
            self._on_report(Silent(round(self._quiet, 3)))
        self._timer = self._loop.call_later(self._interval, self._look)
