"""Installing packages into a folder, by a child process: uv.

Owns the command, the child's variables and its end, and what of its words people are told. It is
given requirements in their one form and nothing that would let an index, a path or an option in.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from awaitstep.providers.port import PackagesRefused, PackagesUnavailable

Tell = Callable[[str], None]

SECONDS: Final = 600.0
_LINES: Final = 200
_LONGEST_LINE: Final = 8192
_LONGEST_MESSAGE: Final = 1000
# What uv gets of our variables: nothing that is a secret of ours, all that says where packages are.
_KEPT: Final = frozenset(
    (
        *("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "NETRC"),
        *("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_OFFLINE"),
        *("UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_CONFIG_FILE", "UV_NO_CONFIG"),
        *("UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_CACHE_DIR", "UV_LINK_MODE"),
        *("UV_EXCLUDE_NEWER", "UV_TORCH_BACKEND"),
    )
)
_KEPT_PREFIXES: Final = ("LC_", "UV_INDEX", "UV_HTTP_", "UV_CONCURRENT_")
# Becomes uv, which Linux then ends with the server, however that ends.
_WITH_US: Final = """\
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
_AWAY: Final = re.compile(
    r"failed to fetch|failed to download|error sending request|request failed|http status"
    r"|dns error|timed out|os error",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Target:
    """Another Python than this one: its platform in uv's words, and its version."""

    platform: str
    python: str


async def install(
    requirements: Sequence[str],
    pins: Sequence[str],
    draft: Path,
    *,
    cache: Path | None = None,
    seconds: float = SECONDS,
    tell: Tell = lambda line: None,
    target: Target | None = None,
) -> None:
    """Install into `draft/site`, versions as in `pins` where those name one, from wheels only.

    Building a package from its source would run its code here, with the rights of the server.
    `draft` exists. `cache` None means the user's own, which UV_CACHE_DIR overrides.
    `target` None means this Python, for which bytecode is compiled too.
    Raises PackagesRefused, PackagesUnavailable.
    """
    command = await asyncio.to_thread(_command, requirements, pins, draft, cache, target)
    tell(f"Resolving {_packages(len(requirements))}")
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _WITH_US, str(os.getpid())),
            *command,
            env=variables(os.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise PackagesUnavailable(f"uv can't be started: {error.strerror}.") from None
    said: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            assert child.stderr is not None
            await _listen(child.stderr, said, tell)
            status = await child.wait()
    except TimeoutError:
        minutes = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:g} seconds"
        raise PackagesUnavailable(f"Installing took longer than {minutes}.") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    if status:
        raise _failure(status, said, draft)


def uv() -> str:
    """The path of the program. Raises PackagesUnavailable."""
    try:
        from uv import find_uv_bin

        return os.fspath(find_uv_bin())
    except (ImportError, FileNotFoundError):
        raise PackagesUnavailable("uv is not installed beside the server.") from None


def version() -> str:
    """Its name and version. Raises PackagesUnavailable."""
    try:
        done = subprocess.run([uv(), "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise PackagesUnavailable("uv can't be started.") from None
    return " ".join(done.stdout.split()[:2])


def variables(ours: Mapping[str, str]) -> dict[str, str]:
    """What uv gets of our environment; pip's index where uv has none of its own."""
    kept = {
        name: value
        for name, value in ours.items()
        if name.upper() in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    if not kept.keys() & {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"}:
        for name, pips in (
            ("UV_INDEX_URL", "PIP_INDEX_URL"),
            ("UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
        ):
            if pips in ours:
                kept[name] = ours[pips]
    if "PIP_CERT" in ours:
        kept.setdefault("SSL_CERT_FILE", ours["PIP_CERT"])
    return kept | {"UV_NO_PROGRESS": "1", "NO_COLOR": "1"}


def _command(
    requirements: Sequence[str],
    pins: Sequence[str],
    draft: Path,
    cache: Path | None,
    target: Target | None,
) -> list[str]:
    wanted, fixed = draft / "requirements.txt", draft / "constraints.txt"
    wanted.write_text("".join(f"{line}\n" for line in requirements))
    command = [uv(), "pip", "install", "--python", sys.executable, "--target", str(draft / "site")]
    command += ["--only-binary", ":all:"]
    if target is None:
        command += ["--compile-bytecode"]
    else:
        command += ["--python-platform", target.platform, "--python-version", target.python]
    command += ["--requirements", str(wanted)]
    if pins:
        fixed.write_text("".join(f"{line}\n" for line in pins))
        command += ["--constraints", str(fixed)]
    if cache is not None and "UV_CACHE_DIR" not in os.environ:
        command += ["--cache-dir", str(cache)]
    return command


async def _listen(stream: asyncio.StreamReader, said: list[str], tell: Tell) -> None:
    """Read until the child is silent for good; keep its last lines."""
    rest = b""
    while data := await stream.read(_LONGEST_LINE):
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[-_LONGEST_LINE:]
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            said.append(text)
            del said[:-_LINES]
            if (progress := _progress(text)) is not None:
                tell(progress)
    said.append(rest.decode(errors="replace"))


_STAGES: Final = {"Resolved": "Found", "Prepared": "Fetched", "Installed": "Installed"}
_STAGE: Final = re.compile(r"(Resolved|Prepared|Installed) (\d+) packages? in ")
_ADDED: Final = re.compile(r" \+ ([A-Za-z0-9._-]+)==([A-Za-z0-9.+!_-]+)")
_FETCHING: Final = re.compile(r" *Downloading ([A-Za-z0-9._-]+) \(([0-9.]+ ?[A-Za-z]+)\)")


def _progress(line: str) -> str | None:
    """What a person is told of a line of uv's, None for nothing."""
    if found := _STAGE.match(line):
        return f"{_STAGES[found[1]]} {_packages(int(found[2]))}"
    if found := _FETCHING.match(line):
        return f"Fetching {found[1]} ({found[2]})"
    if found := _ADDED.match(line):
        return f"Installed {found[1]} {found[2]}"
    return None


def _packages(count: int) -> str:
    return f"{count} package" if count == 1 else f"{count} packages"


def _failure(status: int, said: Sequence[str], draft: Path) -> Exception:
    text = ": ".join(_explanation(said))
    clean = cleaned(text, [draft, draft.parent, Path.home(), Path(sys.prefix)])
    if status < 0 or _AWAY.search(text):
        return PackagesUnavailable(f"The packages can't be fetched now: {clean or 'uv was ended'}")
    if "usable wheels" in text:
        clean += " Only wheels are installed, as building a package would run its code here."
    return PackagesRefused(clean or "The packages can't be installed.")


def _explanation(said: Sequence[str]) -> Iterator[str]:
    """uv's own words from its error on, without its hints: those are about its options."""
    inside = False
    for line in said:
        inside = (inside or line.startswith("error:")) and not line.startswith("hint:")
        if inside and line.strip():
            yield re.sub(r"^\s*(error:|cause:|Caused by:)?\s*", "", line)


def cleaned(text: str, places: Sequence[Path] = ()) -> str:
    """Without addresses, credentials and paths: an index's may hold a password."""
    text = re.sub(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s`'\")]*", "the package index", text)
    text = re.sub(r"[^\s:@`'\"(]+:[^\s@]+@[^\s`'\")]+", "the package index", text)
    for place in places:
        text = text.replace(f"{place}/", "/").replace(str(place), "/")
    text = re.sub(r"(?<![\w.~=<>])/[^\s`'\"():,;]*", "…", text)
    text = "".join(sign for sign in text if sign.isprintable())
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"
