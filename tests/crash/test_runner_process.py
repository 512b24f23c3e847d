"""The server sees how each of its runners lives and ends, whatever the code in it does."""

import asyncio
import os
import select
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from awaitstep.engine.embedded.process import (
    Beat,
    Exit,
    Report,
    RunnerProcess,
    Silent,
    Stall,
    scrubbed_environment,
)

WAIT = 60.0
SCRIPT = Path(__file__).with_name("runner_script.py")

WORKER = """\
import asyncio, ctypes, json, os, re, signal, socket, sys, threading, time

async def wait(link):
    await asyncio.Event().wait()

async def leave(link):
    os._exit(3)

async def finish(link):
    pass

async def crash(link):
    ctypes.string_at(0)  # line 13

async def spin(link):
    while True:
        pass  # line 17

async def hold(link):
    re.match(r"(a+)+$", "a" * 60 + "b")  # line 20

async def crash_in_thread(link):
    def fault():
        ctypes.string_at(0)  # line 24
    await asyncio.to_thread(fault)

async def kill_itself(link):
    os.kill(os.getpid(), signal.SIGKILL)

async def say(link):
    say = socket.socket(fileno=link)
    say.sendall(json.dumps({
        "env": dict(os.environ), "cwd": os.getcwd(), "path": sys.path,
        "session": os.getsid(0) == os.getpid(), "stdin": os.read(0, 1) == b"",
    }).encode())
    print("printed", flush=True)
    print("complained", file=sys.stderr, flush=True)

async def fork(link):
    _fork(link, detach=False)
    await asyncio.Event().wait()

async def fork_and_detach(link):
    _fork(link, detach=True)
    await asyncio.Event().wait()

def _fork(link, detach):
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        if detach:
            os.setsid()
        try:
            socket.socket(fileno=os.dup(link)).send(b"from the child")
        except OSError:
            pass
        os.write(told, b"x")
        signal.pause()
        os._exit(0)
    os.read(ready, 1)
    socket.socket(fileno=os.dup(link)).sendall(str(child).encode())
"""


class Home:
    """Folders for one test and the runners it starts; none outlives it."""

    def __init__(self, root: Path) -> None:
        self.code = root / "deployments"
        self.code.mkdir()
        (self.code / "worker.py").write_text(WORKER)
        self.temporary = root / "home"
        self.temporary.mkdir()
        self.log = root / "runner.log"
        self.reports: list[Report] = []
        self._heard = asyncio.Event()
        self._started: list[RunnerProcess] = []

    async def start(self, function: str, *, beat_timeout: float = WAIT) -> RunnerProcess:
        return await self.start_program(
            [sys.executable, str(SCRIPT), str(self.code), function], beat_timeout=beat_timeout
        )

    async def start_program(self, argv: list[str], *, beat_timeout: float = WAIT) -> RunnerProcess:
        process = await RunnerProcess.start(
            argv,
            name="r1",
            env=scrubbed_environment(self.temporary, os.environ | {"SECRET": "s"}),
            log=self.log,
            on_report=self._hear,
            code=self.code,
            cwd=self.temporary,
            beat_timeout=beat_timeout,
        )
        self._started.append(process)
        return process

    async def heard(self, kind: type, count: int = 1) -> list[Report]:
        async with asyncio.timeout(WAIT):
            while len(found := [r for r in self.reports if isinstance(r, kind)]) < count:
                self._heard.clear()
                await self._heard.wait()
        return found

    async def close(self) -> None:
        for process in self._started:
            process.kill()
            await process.wait()
            process.socket.close()

    def _hear(self, report: Report) -> None:
        self.reports.append(report)
        self._heard.set()


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    home = Home(tmp_path)
    yield home
    await home.close()


async def ended(process: RunnerProcess) -> Exit:
    return await asyncio.wait_for(process.wait(), WAIT)


async def receive(link: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    return await asyncio.wait_for(loop.sock_recv(link, 65536), WAIT)


async def test_an_idle_runner_beats_and_its_loop_turns(home: Home) -> None:
    await home.start("wait")
    beats = [report.loop for report in await home.heard(Beat, 5) if isinstance(report, Beat)]
    assert beats == sorted(beats)
    assert beats[-1] > beats[0]
    assert not [report for report in home.reports if isinstance(report, Stall)]


@pytest.mark.parametrize(
    ("function", "line"),
    [
        ("finish", "exit status 0"),
        ("leave", "exit status 3"),
        ("kill_itself", "killed by SIGKILL, as the system does when memory runs out"),
        ("crash", "segmentation fault at worker.py line 13 in crash"),
        ("crash_in_thread", "segmentation fault at worker.py line 24 in fault"),
        ("missing", "exit status 1"),
    ],
)
async def test_its_end_is_told_in_one_line(home: Home, function: str, line: str) -> None:
    process = await home.start(function)
    assert (await ended(process)).describe() == line


async def test_a_spinning_loop_is_reported_once_with_its_line(home: Home) -> None:
    process = await home.start("spin")
    [stall] = await home.heard(Stall)
    assert isinstance(stall, Stall)
    assert Path(stall.file) == home.code / "worker.py"
    assert (stall.line, stall.function, stall.task) in [
        (16, "spin", "the attempt"),
        (17, "spin", "the attempt"),
    ]
    await home.heard(Beat, len(await home.heard(Beat)) + 5)
    assert len(await home.heard(Stall)) == 1
    process.kill()
    assert await ended(process) == Exit(status=None, signal=signal.SIGKILL)


async def test_code_that_holds_the_interpreter_is_silent_and_leaves_its_line(home: Home) -> None:
    process = await home.start("hold", beat_timeout=1.0)
    await home.heard(Silent)
    process.abort()
    assert (await ended(process)).describe() == "aborted at worker.py line 20 in hold"
    assert "Fatal Python error: Aborted" in home.log.read_text()


async def test_a_stopped_runner_is_silent_once(home: Home) -> None:
    process = await home.start("wait", beat_timeout=1.0)
    await home.heard(Beat)
    os.kill(process.pid, signal.SIGSTOP)
    await home.heard(Silent)
    before = len(await home.heard(Silent))
    os.kill(process.pid, signal.SIGCONT)
    await home.heard(Beat, len(await home.heard(Beat)) + 2)
    assert len(await home.heard(Silent)) == before
    assert not [report for report in home.reports if isinstance(report, Stall)]


async def test_it_starts_with_nothing_of_the_servers(home: Home) -> None:
    secret = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        process = await home.start("say")
        said = await receive(process.socket)
        await ended(process)
    finally:
        os.close(secret)
    assert b"SECRET" not in said
    for name in (b"PATH", b"PYTHONNOUSERSITE", b"PYTHONSAFEPATH"):
        assert name in said
    assert b'"session": true' in said
    assert b'"stdin": true' in said
    assert str(home.temporary).encode() in said
    assert home.log.read_text().splitlines() == ["printed", "complained"]


def test_python_finds_there_what_it_finds_here(tmp_path: Path) -> None:
    here = os.getcwd()
    wanted = os.pathsep.join((f"{here}/lib", here, "/opt/lib"))
    relative = os.pathsep.join(("lib", "", "/opt/lib"))
    assert scrubbed_environment(tmp_path, {"PYTHONPATH": relative})["PYTHONPATH"] == wanted
    assert "PYTHONPATH" not in scrubbed_environment(tmp_path, {})


async def test_it_inherits_its_three_descriptors_and_no_more(home: Home) -> None:
    secret = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(secret, True)
    code = (
        "import os, sys, socket\n"
        "fds = [fd for fd in range(3, 256) if not _closed(fd)]\n"
        "socket.socket(fileno=int(sys.argv[2])).sendall(repr(fds).encode())\n"
    )
    closed = "def _closed(fd):\n try:\n  __import__('os').fstat(fd)\n except OSError:\n  return 1\n"
    try:
        process = await home.start_program([sys.executable, "-c", closed + code])
        said = await receive(process.socket)
        await ended(process)
    finally:
        os.close(secret)
    assert len(eval(said, {})) == 3


async def test_the_link_ends_when_the_runner_does(home: Home) -> None:
    process = await home.start("wait")
    await home.heard(Beat)
    process.kill()
    assert await receive(process.socket) == b""
    await ended(process)


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process that is not its child")
async def test_a_forked_child_has_no_link_and_goes_with_its_runner(home: Home) -> None:
    process = await home.start("fork")
    child = int(await receive(process.socket))
    watch = os.pidfd_open(child)
    try:
        process.kill()
        await ended(process)
        assert await receive(process.socket) == b""
        assert await asyncio.to_thread(select.select, [watch], [], [], WAIT) == ([watch], [], [])
    finally:
        os.close(watch)


async def test_a_child_that_detached_does_not_hold_the_link(home: Home) -> None:
    process = await home.start("fork_and_detach")
    child = int(await receive(process.socket))
    try:
        process.kill()
        await ended(process)
        assert await receive(process.socket) == b""
        os.kill(child, 0)
    finally:
        os.kill(child, signal.SIGKILL)


async def test_without_pidfds_the_end_is_seen_too(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    process = await home.start("leave")
    assert (await ended(process)).describe() == "exit status 3"


async def test_without_waitid_the_end_is_seen_too(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    monkeypatch.delattr(os, "waitid", raising=False)
    process = await home.start("kill_itself")
    assert (await ended(process)).signal == signal.SIGKILL


async def test_killing_the_dead_does_nothing(home: Home) -> None:
    process = await home.start("finish")
    await ended(process)
    process.kill()
    process.abort()
    assert await ended(process) == Exit(status=0, signal=None)


async def test_an_impatient_waiter_does_not_hide_the_exit(home: Home) -> None:
    process = await home.start("wait")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.wait(), 0)
    process.kill()
    assert (await ended(process)).signal == signal.SIGKILL


async def test_a_program_that_cannot_start_leaves_nothing_open(home: Home) -> None:
    before = _open_descriptors()
    with pytest.raises(FileNotFoundError):
        await home.start_program([str(home.code / "missing")])
    assert _open_descriptors() == before


async def test_a_dead_runner_leaves_only_its_link_open(home: Home) -> None:
    before = _open_descriptors()
    process = await home.start("finish")
    await ended(process)
    process.socket.close()
    assert _open_descriptors() == before


HOSTILE: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("noise", lambda good: os.urandom(50_000) + b"\n" + good),
    ("a line without end", lambda good: b"a" * 300_000 + b"\n" + good),
    ("deep nesting", lambda good: b"[" * 4000 + b"\n" + good),
    ("big numbers", lambda good: b'{"type":"beat","loop":' + b"9" * 4000 + b"}\n" + good),
    ("wrong types", lambda good: b'{"type":"beat","loop":"1"}\n{"type":"beat"}\n' + good),
    ("negative", lambda good: b'{"type":"beat","loop":-1}\n' + good),
    ("not a number", lambda good: b'{"type":"beat","loop":NaN}\n' + good),
    ("unknown", lambda good: b'{"type":"root"}\n[]\nnull\n1\n""\n' + good),
    ("half a character", lambda good: b'{"type":"stall","file":"\xff"}\n' + good),
]


@pytest.mark.parametrize(("name", "make"), HOSTILE, ids=[name for name, _ in HOSTILE])
async def test_junk_on_the_control_pipe_is_dropped(
    home: Home, name: str, make: Callable[[bytes], bytes]
) -> None:
    junk = home.code / "junk"
    junk.write_bytes(make(b'{"type":"beat","loop":77}\n'))
    code = (
        "import sys\n"
        "with open(sys.argv[1], 'rb') as junk, open(int(sys.argv[-3]), 'wb') as control:\n"
        "    control.write(junk.read())\n"
    )
    process = await home.start_program([sys.executable, "-c", code, str(junk)])
    assert (await ended(process)).describe() == "exit status 0"
    assert home.reports == [Beat(77)]


async def test_a_flooding_runner_does_not_keep_the_server_from_its_work(home: Home) -> None:
    code = (
        "import os, sys\n"
        'line = b\'{"type":"beat","loop":1}\\n\' * 1000\n'
        "while True: os.write(int(sys.argv[4]), line)\n"
    )
    process = await home.start_program([sys.executable, "-c", code])
    await home.heard(Beat, 3)
    for _ in range(100):
        await asyncio.sleep(0)
    process.kill()
    assert (await ended(process)).signal == signal.SIGKILL


async def test_a_stalls_text_is_made_printable(home: Home) -> None:
    code = (
        "import os, sys, json\n"
        "os.write(int(sys.argv[4]), json.dumps({'type': 'stall', 'seconds': 3.5, 'file': 'a\\nb', "
        "'line': 1, 'function': '\\x1b[31m', 'task': None}).encode() + b'\\n')\n"
    )
    process = await home.start_program([sys.executable, "-c", code])
    await ended(process)
    assert home.reports == [
        Stall(3.5, "a\N{REPLACEMENT CHARACTER}b", 1, "\N{REPLACEMENT CHARACTER}[31m", None)
    ]


def _open_descriptors() -> set[int]:
    found = set()
    for fd in range(256):
        try:
            os.fstat(fd)
        except OSError:
            continue
        found.add(fd)
    return found
