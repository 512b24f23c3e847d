"""The walls around a runner: what the process that executes users' code may reach.

Owns the calls a runner makes on itself before any user code is imported: Landlock, capabilities,
resource limits, and dying with its server. It must not know what a deployment or a link is: the
caller names folders. Outside Linux, or where the kernel has no Landlock, the remaining walls still
go up and the returned `Isolation` says what is missing.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import stat
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """Resource limits of one runner.

    `memory_bytes` bounds the address space: what is mapped, not what is resident, so leave room
    (each thread maps 8 MiB of stack). `processes` counts every process and thread of the same
    user, not only this runner's, and the kernel does not hold root to it.
    """

    open_files: int = 4096
    memory_bytes: int | None = None
    processes: int | None = None


@dataclass(frozen=True, slots=True)
class Isolation:
    """What `enter` achieved: the Landlock version in force, or why there is none."""

    landlock_abi: int | None
    reason: str | None


class WallsError(Exception):
    """The walls cannot be built as asked; nothing of the user's may run."""


# linux/landlock.h
_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_REMOVE_DIR = 1 << 4
_REMOVE_FILE = 1 << 5
_MAKE_CHAR = 1 << 6
_MAKE_DIR = 1 << 7
_MAKE_REG = 1 << 8
_MAKE_SOCK = 1 << 9
_MAKE_FIFO = 1 << 10
_MAKE_BLOCK = 1 << 11
_MAKE_SYM = 1 << 12
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_IOCTL_DEV = 1 << 15

_SINCE_ABI = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEV}
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_WRITE = (
    _WRITE_FILE
    | _TRUNCATE
    | _REFER
    | _REMOVE_DIR
    | _REMOVE_FILE
    | _MAKE_DIR
    | _MAKE_REG
    | _MAKE_SOCK
    | _MAKE_FIFO
    | _MAKE_SYM
)
_NET_BIND_TCP = 1 << 0
_SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0
_SCOPE_SIGNAL = 1 << 1
_RULE_PATH_BENEATH = 1
_CREATE_RULESET_VERSION = 1

# The same numbers on every architecture that joined the common table; tried on these.
_ARCHITECTURES = ("x86_64", "aarch64")
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446

# linux/prctl.h, linux/capability.h
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522
# A server run as root may keep its folder under another owner; the runner must still read it.
_CAP_DAC_OVERRIDE = 1


class _RulesetAttr(ctypes.Structure):
    _fields_ = [
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def enter(
    read: Sequence[Path],
    write: Sequence[Path],
    *,
    limits: Limits,
    forbid: Sequence[Path] = (),
) -> Isolation:
    """Raise the walls around this process, for good; its children and later threads inherit them.

    `read` may be read and executed, `write` also changed; anything else on the file system answers
    PermissionError. Call it while the process has one thread: Landlock covers the calling thread
    and those it starts later. Files open by then stay open.

    Raises `WallsError` when a folder of `read` or `write` contains one of `forbid`, when a thread
    is already running, or when the system refuses a wall it says it has; FileNotFoundError when a
    folder does not exist. Exits at once when the server has died meanwhile.
    """
    read = [path.resolve(strict=True) for path in read]
    write = [path.resolve(strict=True) for path in write]
    _refuse_forbidden([*read, *write], forbid)
    _limit(limits)
    if sys.platform != "linux":
        return Isolation(None, f"Landlock exists on Linux only, this is {sys.platform}")
    _require_one_thread()
    _die_with_parent()
    # Keeps the workers' variables out of crash handlers that core_pattern pipes to, which do not
    # heed RLIMIT_CORE, and out of reach of debuggers of the same user.
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    isolation = _landlock(read, write)
    _drop_capabilities()
    return isolation


def supported() -> Isolation:
    """What `enter` would achieve on this system, without entering."""
    if sys.platform != "linux":
        return Isolation(None, f"Landlock exists on Linux only, this is {sys.platform}")
    if platform.machine() not in _ARCHITECTURES:
        return Isolation(None, f"Landlock has not been tried on {platform.machine()}")
    try:
        abi = _syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError as error:
        match error.errno:
            case errno.ENOSYS:
                return Isolation(None, "this kernel has no Landlock (Linux 5.13 brought it)")
            case errno.EOPNOTSUPP:
                return Isolation(None, "this kernel was started with Landlock switched off")
            case _:
                return Isolation(None, f"Landlock does not answer: {error.strerror}")
    return Isolation(abi, None)


def readable_roots() -> list[Path]:
    """What a Python process must be able to read, and no more; only what exists is listed.

    Narrow on purpose: a data folder may lie inside a virtual environment or a home folder, and
    /etc/ssl holds private keys beside the certificates.
    """
    package = Path(__file__).resolve().parents[1]
    found: dict[Path, None] = {}
    for path in (*_interpreter(), package, package.parent / "workers", *_system()):
        if path.exists():
            found.setdefault(path)
    return list(found)


def _interpreter() -> Iterable[Path]:
    for prefix in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix)):
        for part in ("bin", "lib", "lib64", "pyvenv.cfg", "ssl", "share/zoneinfo"):
            yield Path(prefix, part)


def _system() -> Iterable[Path]:
    yield from map(Path, ("/usr", "/bin", "/sbin", "/nix/store", "/gnu/store"))
    yield from sorted(Path("/").glob("lib*"))
    for device in ("null", "zero", "random", "urandom"):
        yield Path("/dev", device)
    # Numerical libraries size their thread pools from it.
    yield Path("/sys/devices/system/cpu")
    for name in (
        # name resolution
        "resolv.conf",
        "hosts",
        "host.conf",
        "nsswitch.conf",
        "gai.conf",
        "services",
        "protocols",
        # certificates and what OpenSSL reads, never the private keys beside them
        "ssl/certs",
        "ssl/cert.pem",
        "ssl/ca-bundle.pem",
        "ssl/openssl.cnf",
        "pki/tls/certs",
        "pki/tls/cert.pem",
        "pki/tls/openssl.cnf",
        "pki/ca-trust/extracted",
        "ca-certificates",
        "crypto-policies",
        # time zones, shared libraries, the targets of links in /usr
        "localtime",
        "timezone",
        "zoneinfo",
        "ld.so.cache",
        "ld.so.conf",
        "ld.so.conf.d",
        "alternatives",
        "mime.types",
    ):
        yield Path("/etc", name)
    yield Path("/var/lib/ca-certificates")


def _refuse_forbidden(roots: Sequence[Path], forbid: Sequence[Path]) -> None:
    problems = [
        f"{secret} lies inside {root}, which the runner is to read"
        for secret in forbid
        for root in roots
        if secret.resolve().is_relative_to(root)
    ]
    if problems:
        raise WallsError("; ".join(problems))


def _limit(limits: Limits) -> None:
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    if limits.memory_bytes is not None:
        _lower(resource.RLIMIT_AS, limits.memory_bytes)
    if limits.processes is not None and os.getuid() != 0:
        _lower(resource.RLIMIT_NPROC, limits.processes)


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _require_one_thread() -> None:
    try:
        threads = len(os.listdir("/proc/self/task"))
    except OSError:
        # Without /proc the question cannot be asked of the kernel.
        threads = len(sys._current_frames())
    if threads > 1:
        raise WallsError(f"{threads} threads are running; walls go up before the second one starts")


def _die_with_parent() -> None:
    parent = os.getppid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # A server that died before the call above sends no signal any more. One that died before this
    # function has closed its end of the link, which the runner sees when it first reads.
    if os.getppid() != parent:
        raise SystemExit("the server died while its runner started")


def _landlock(read: Sequence[Path], write: Sequence[Path]) -> Isolation:
    isolation = supported()
    abi = isolation.landlock_abi
    if abi is None:
        return isolation
    handled = (1 << 13) - 1
    for since, right in _SINCE_ABI.items():
        if abi >= since:
            handled |= right
    attr = _RulesetAttr(handled_access_fs=handled)
    size = 8
    if abi >= 4:
        # A worker answers through the gateway. A process of its own on a port could pass for the
        # dashboard while the server restarts.
        attr.handled_access_net = _NET_BIND_TCP
        size = 16
    if abi >= 6:
        attr.scoped = _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL
        size = 24
    ruleset = _syscall(_CREATE_RULESET, ctypes.byref(attr), size, 0)
    try:
        for path in read:
            _allow(ruleset, path, _READ & handled)
        for path in write:
            _allow(ruleset, path, (_READ | _WRITE) & handled)
        _syscall(_RESTRICT_SELF, ruleset, 0)
    except OSError as error:
        raise WallsError(f"Landlock refuses its rules: {error.strerror}") from error
    finally:
        os.close(ruleset)
    return isolation


def _allow(ruleset: int, path: Path, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISCHR(mode):
            # /dev/null is opened for writing wherever output is thrown away.
            rights |= _WRITE_FILE
        if not stat.S_ISDIR(mode):
            rights &= _FILE_RIGHTS
        rule = _PathBeneathAttr(allowed_access=rights, parent_fd=fd)
        _syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(fd)


def _drop_capabilities() -> None:
    """Leave root nothing of root but reading its own files; a no-op for everyone else.

    Otherwise a worker of a server run as root could load kernel code, change the clock or reboot,
    which no rule about files prevents. With no_new_privs, executing a program brings none back.
    """
    if os.geteuid() != 0:
        return
    kept = 1 << _CAP_DAC_OVERRIDE
    for capability in range(64):
        if not kept >> capability & 1:
            try:
                _prctl(_PR_CAPBSET_DROP, capability)
            except OSError:
                # Unknown to this kernel, or root of a container without CAP_SETPCAP: dropping
                # them below needs no permission and suffices.
                break
    header = _CapHeader(_CAPABILITY_VERSION_3, 0)
    held = (_CapData * 2)()
    _check(_libc().capget(ctypes.byref(header), held))
    for word, data in enumerate(held):
        mask = kept >> 32 * word & 0xFFFFFFFF
        data.permitted &= mask
        data.effective &= mask
        data.inheritable = 0
    _check(_libc().capset(ctypes.byref(header), held))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _prctl(option: int, value: int) -> None:
    unused = ctypes.c_ulong(0)
    _check(_libc().prctl(option, ctypes.c_ulong(value), unused, unused, unused))


def _syscall(number: int, *args: object) -> int:
    # libc's syscall() is variadic: integers go as longs, whatever their size.
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return _check(_libc().syscall(ctypes.c_long(number), *words))
