"""What a runner cannot reach, tried from inside a real process. As root, too, where file modes
mean nothing."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from awaitstep.runner import walls

ABI = walls.supported().landlock_abi
landlock = pytest.mark.skipif(ABI is None, reason=f"no Landlock: {walls.supported().reason}")
linux = pytest.mark.skipif(sys.platform != "linux", reason="these walls exist on Linux only")
WAIT = 30.0

SECRETS = ("secret.key", "control.db", "credentials.json", "journal/journal.db")

PREAMBLE = """
import json, os, sys
from pathlib import Path
from awaitstep.runner import walls

server, data, home = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])

def enter(**more):
    limits = more.pop("limits", walls.Limits())
    read = [*walls.readable_roots(), data / "deployments"]
    return walls.enter(read, [home], limits=limits, **more)

def outcome(call, *args):
    try:
        call(*args)
    except BaseException as error:
        return type(error).__name__
    return "allowed"

def report(value):
    print(json.dumps(value))
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    (data / "journal").mkdir(parents=True)
    for secret in SECRETS:
        (data / secret).write_text("secret")
    (data / "deployments").mkdir()
    (data / "deployments" / "worker.py").write_text("ANSWER = 42\n")
    (tmp_path / "home").mkdir()
    return data


def inside(data: Path, code: str) -> Any:
    """What `code` reports from a process of its own. This process plays the server."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PREAMBLE + textwrap.dedent(code),
            str(os.getpid()),
            str(data),
            str(data.parent / "home"),
        ],
        capture_output=True,
        text=True,
        timeout=WAIT,
        env={**os.environ, "SERVER_SECRET": "secret"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@landlock
@pytest.mark.parametrize("secret", SECRETS)
def test_the_servers_files_are_out_of_reach(data: Path, secret: str) -> None:
    tried = inside(
        data,
        f"""
        secret = data / {secret!r}
        enter()
        os.symlink(secret, home / "link")
        report({{
            "read": outcome(secret.read_bytes),
            "write": outcome(secret.write_bytes, b""),
            "append": outcome(os.open, secret, os.O_WRONLY | os.O_APPEND),
            "truncate": outcome(os.truncate, secret, 0),
            "remove": outcome(secret.unlink),
            "replace": outcome(os.replace, secret, home / "stolen"),
            "link": outcome(os.link, secret, home / "stolen"),
            "through a link": outcome((home / "link").read_bytes),
            "list its folder": outcome(os.listdir, secret.parent),
            "new file beside it": outcome((secret.parent / "new").write_bytes, b""),
        }})
        """,
    )
    if ABI is not None and ABI < 3:
        assert tried.pop("truncate") in ("allowed", "PermissionError")
    # Moving between folders may also be refused as between file systems.
    assert tried.pop("replace") in ("PermissionError", "OSError")
    assert tried.pop("link") in ("PermissionError", "OSError")
    assert set(tried.values()) == {"PermissionError"}, tried
    assert (data / secret).read_text() == "secret"


@landlock
@pytest.mark.parametrize("name", ["environ", "mem", "maps", "cmdline", "root"])
def test_the_servers_process_is_out_of_reach(data: Path, name: str) -> None:
    tried = inside(
        data,
        f"""
        enter()
        path = f"/proc/{{server}}/{name}"
        report(outcome(os.listdir if {name!r} == "root" else os.open, path, *([os.O_RDONLY]
               if {name!r} != "root" else [])))
        """,
    )
    assert tried == "PermissionError"


@landlock
@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "/etc/shadow", "/etc/ssl/private", "/proc/self/environ", "/tmp", "/root", "/"],
)
def test_the_rest_of_the_system_is_out_of_reach(data: Path, path: str) -> None:
    tried = inside(data, f"enter(); report(outcome(os.open, {path!r}, os.O_RDONLY))")
    assert tried in ("PermissionError", "FileNotFoundError")


@landlock
def test_its_children_stay_inside(data: Path) -> None:
    tried = inside(
        data,
        """
        import subprocess
        enter()
        code = "import sys; open(sys.argv[1])"
        child = subprocess.run(
            [sys.executable, "-c", code, data / "secret.key"], capture_output=True, text=True
        )
        report(child.stderr.splitlines()[-1])
        """,
    )
    assert tried.startswith("PermissionError")


@landlock
def test_what_python_needs_keeps_working(data: Path) -> None:
    tried = inside(
        data,
        """
        enter()
        import socket, ssl, subprocess, tempfile, threading, zoneinfo
        def thread():
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()
        def temporary():
            tempfile.tempdir = str(home)
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "a").write_text("a")
                os.replace(Path(folder, "a"), home / "b")
                (home / "b").unlink()
        report({
            "deployments": outcome((data / "deployments" / "worker.py").read_text),
            "temporary files": outcome(temporary),
            "null": outcome(Path("/dev/null").write_text, "x"),
            "random": outcome(os.open, "/dev/urandom", os.O_RDONLY),
            "certificates": outcome(ssl.create_default_context),
            "names": outcome(socket.getaddrinfo, "localhost", 80),
            "time zones": outcome(zoneinfo.ZoneInfo, "Europe/Berlin"),
            "programs": outcome(subprocess.check_call, [sys.executable, "-c", "import json"]),
            "threads": outcome(thread),
            "sockets": outcome(socket.socketpair),
            "late imports": outcome(__import__, "xml.dom.minidom"),
        })
        """,
    )
    if tried["time zones"] == "ZoneInfoNotFoundError" and not any(
        Path(folder).exists() for folder in ("/usr/share/zoneinfo", "/usr/lib/zoneinfo")
    ):
        del tried["time zones"]
    assert set(tried.values()) == {"allowed"}, tried


@landlock
def test_deployments_are_read_only(data: Path) -> None:
    tried = inside(
        data,
        """
        enter()
        worker = data / "deployments" / "worker.py"
        report([outcome(worker.write_text, ""), outcome(worker.unlink),
                outcome((data / "deployments" / "new.py").write_text, "")])
        """,
    )
    assert tried == ["PermissionError"] * 3


@landlock
@pytest.mark.skipif((ABI or 0) < 6, reason="signals are scoped since Landlock 6")
def test_it_cannot_signal_its_server(data: Path) -> None:
    tried = inside(
        data,
        """
        import signal
        enter()
        report([outcome(os.kill, server, signal.SIGTERM), outcome(os.kill, server, 0),
                outcome(os.kill, os.getpid(), 0)])
        """,
    )
    assert tried == ["PermissionError", "PermissionError", "allowed"]


@landlock
@pytest.mark.skipif((ABI or 0) < 6, reason="abstract sockets are scoped since Landlock 6")
def test_it_cannot_reach_abstract_sockets_of_others(data: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        name = f"\0awaitstep-test-{os.getpid()}-{threading.get_ident()}"
        listener.bind(name)
        listener.listen()
        tried = inside(
            data,
            f"""
            import socket
            enter()
            report(outcome(socket.socket(socket.AF_UNIX).connect, {name!r}))
            """,
        )
    assert tried == "PermissionError"


@landlock
@pytest.mark.skipif((ABI or 0) < 4, reason="ports are guarded since Landlock 4")
def test_it_may_connect_to_a_port_but_not_offer_one(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        tried = inside(
            data,
            f"""
            import socket
            enter()
            report([outcome(socket.create_server, ("127.0.0.1", 0)),
                    outcome(socket.create_connection, {server.getsockname()!r})])
            """,
        )
    assert tried == ["PermissionError", "allowed"]


@landlock
@pytest.mark.parametrize("abi", range(1, (ABI or 0) + 1))
def test_older_kernels_get_the_walls_they_know(data: Path, abi: int) -> None:
    tried = inside(
        data,
        f"""
        walls.supported = lambda: walls.Isolation({abi}, None)
        report([enter().landlock_abi, outcome((data / "secret.key").read_text),
                outcome((data / "deployments" / "worker.py").read_text),
                outcome((home / "new").write_text, "")])
        """,
    )
    assert tried == [abi, "PermissionError", "allowed", "allowed"]


@linux
@pytest.mark.parametrize("error", ["ENOSYS", "EOPNOTSUPP", "EPERM"])
def test_without_landlock_it_says_so_and_the_other_walls_stand(data: Path, error: str) -> None:
    isolation, core, privileges = inside(
        data,
        f"""
        import dataclasses, errno, resource
        def refuse(*_):
            raise OSError(errno.{error}, os.strerror(errno.{error}))
        walls._syscall = refuse
        isolation = dataclasses.asdict(enter())
        status = Path("/proc/self/status").read_text()
        report([isolation, resource.getrlimit(resource.RLIMIT_CORE),
                "NoNewPrivs:\\t1" in status])
        """,
    )
    assert isolation["landlock_abi"] is None
    assert isolation["reason"]
    assert core == [0, 0]
    assert privileges


@pytest.mark.parametrize("wall", ["read", "write"])
def test_an_allowed_folder_around_a_secret_is_refused(tmp_path: Path, wall: str) -> None:
    secret = tmp_path / "lib" / "data" / "secret.key"
    allowed: dict[str, list[Path]] = {"read": [], "write": []} | {wall: [tmp_path / "lib"]}
    (tmp_path / "lib").mkdir()
    with pytest.raises(walls.WallsError, match=r"secret\.key lies inside .*lib"):
        walls.enter(**allowed, limits=walls.Limits(), forbid=[secret])


def test_a_secret_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "lib")
    with pytest.raises(walls.WallsError):
        walls.enter(
            [tmp_path / "lib"], [], limits=walls.Limits(), forbid=[tmp_path / "data" / "key"]
        )


def test_an_allowed_folder_inside_a_forbidden_one_is_not_refused(data: Path) -> None:
    assert inside(data, "enter(forbid=[data]); report(1)") == 1


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        walls.enter([tmp_path / "missing"], [], limits=walls.Limits())


@linux
def test_walls_are_refused_once_a_second_thread_runs(data: Path) -> None:
    tried = inside(
        data,
        """
        import threading
        gate = threading.Event()
        thread = threading.Thread(target=gate.wait)
        thread.start()
        tried = outcome(enter)
        gate.set()
        thread.join()
        report(tried)
        """,
    )
    assert tried == "WallsError"


def test_what_a_runner_may_read_is_narrow() -> None:
    roots = walls.readable_roots()
    repository = Path(__file__).resolve().parents[2]
    for outside in (
        repository,
        Path.home(),
        Path.cwd(),
        *([Path(sys.prefix)] if sys.prefix != sys.base_prefix else []),
        Path("/proc"),
        Path("/etc"),
        Path("/etc/passwd"),
        Path("/etc/ssl/private/key.pem"),
        Path("/var/lib/awaitstep"),
        Path("/tmp"),
    ):
        assert not [root for root in roots if outside.resolve().is_relative_to(root.resolve())], (
            outside
        )


@linux
def test_limits_hold(data: Path) -> None:
    core, files, memory, allocation = inside(
        data,
        """
        import resource
        enter(limits=walls.Limits(open_files=100, memory_bytes=1 << 30))
        report([resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NOFILE),
                resource.getrlimit(resource.RLIMIT_AS), outcome(bytearray, 100 << 30)])
        """,
    )
    assert core == [0, 0]
    assert files == [100, 100]
    assert memory == [1 << 30, 1 << 30]
    assert allocation == "MemoryError"


@linux
def test_processes_are_limited_for_everybody_but_root(data: Path) -> None:
    made, error = inside(
        data,
        """
        import signal
        if os.getuid() == 0:
            os.setresuid(*[60_000 + os.getpid() % 5_000] * 3)  # nobody else's
        walls._limit(walls.Limits(processes=5))
        made, error = [], None
        while error is None and len(made) < 100:
            try:
                pid = os.fork()
            except OSError as failed:
                error = type(failed).__name__
            else:
                if pid == 0:
                    signal.pause()
                made.append(pid)
        for pid in made:
            os.kill(pid, signal.SIGKILL)
        report([len(made), error])
        """,
    )
    assert error == "BlockingIOError"
    assert made <= 5


@linux
@pytest.mark.skipif(os.getuid() != 0, reason="only root has capabilities to lose")
def test_root_keeps_none_of_its_powers_over_the_system(data: Path) -> None:
    tried = inside(
        data,
        """
        import resource, subprocess, time
        powers = {
            "clock": "import time; time.clock_settime(time.CLOCK_REALTIME, time.time())",
            "owner": "import os; os.setuid(1)",
            "limits": "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (1 << 16, 1 << 16))",
            "raw sockets": "import socket as s; s.socket(s.AF_INET, s.SOCK_RAW, 1)",
        }
        enter(limits=walls.Limits(open_files=100))
        found = {name: outcome(exec, code) for name, code in powers.items()}
        for name, code in powers.items():
            child = subprocess.run([sys.executable, "-c", code], capture_output=True)
            found[name + " of a child"] = "refused" if child.returncode else "allowed"
        report(found)
        """,
    )
    assert "allowed" not in tried.values(), tried


@linux
def test_it_dies_with_its_server(data: Path) -> None:
    ours, theirs = os.pipe()
    runner = PREAMBLE + "enter(); os.write(int(sys.argv[4]), b'up'); __import__('signal').pause()"
    server = (
        "import signal, subprocess, sys; "
        "subprocess.Popen(sys.argv[2:], pass_fds=[int(sys.argv[1])]); signal.pause()"
    )
    command = [sys.executable, "-c", runner, "0", str(data), str(data.parent / "home")]
    command.append(str(theirs))
    process = subprocess.Popen(
        [sys.executable, "-c", server, str(theirs), *command],
        pass_fds=[theirs],
    )
    try:
        os.close(theirs)
        assert _read(ours) == b"up"
        process.send_signal(signal.SIGKILL)
        # Only the runner still holds the other end.
        assert _read(ours) == b""
    finally:
        process.kill()
        process.wait(WAIT)
        os.close(ours)


def _read(fd: int) -> bytes:
    ready, _, _ = select.select([fd], [], [], WAIT)
    assert ready, "nothing was said in time"
    return os.read(fd, 100)
