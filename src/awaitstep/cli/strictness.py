"""What `awaitstep serve` insists on before it starts. Pure but for reading the key."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from awaitstep.cli.failures import WrongUse

KEY_VARIABLE: Final = "AWAITSTEP_SECRET_KEY"
_KEY_BYTES: Final = 32
# 32 random bytes have about 30 different values; fewer than 16 is no accident
_FEWEST_VALUES: Final = 16
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Production:
    """Settings that were found strong enough. URLs have no trailing slash."""

    dashboard_url: str
    worker_url: str
    key: bytes = field(repr=False)


def production(
    dashboard_url: str | None,
    worker_url: str | None,
    key_file: Path | None,
    environment: MutableMapping[str, str] = os.environ,
) -> Production:
    """Raises WrongUse with the first setting that is too weak, and what to do about it."""
    dashboard_at = dashboard(dashboard_url)
    worker = _url(worker_url, "--worker-url", "https://workers.example.com")
    dashboard_host = urlsplit(dashboard_at).hostname or ""
    worker_host = urlsplit(worker).hostname or ""
    if dashboard_host == worker_host:
        raise WrongUse(
            f"--worker-url and --dashboard-url share the host {worker_host}: workers would share "
            "cookies with the dashboard. Give workers a host of their own."
        )
    if dashboard_host.endswith("." + worker_host):
        raise WrongUse(
            f"The dashboard's host {dashboard_host} lies below the workers' host {worker_host}, "
            "where every worker has its own address. Give workers a host of their own."
        )
    return Production(dashboard_at, worker, _key(key_file, environment))


def dashboard(url: str | None) -> str:
    """The dashboard's address without a trailing slash. Raises WrongUse."""
    return _url(url, "--dashboard-url", "https://flows.example.com")


def _url(text: str | None, option: str, example: str) -> str:
    if text is None:
        raise WrongUse(f"serve needs {option}, for instance {option} {example}.")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise WrongUse(f"{option} {text} is no address like {example}.")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise WrongUse(f"{option} {text} must be a host only, like {example}.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise WrongUse(f"{option} must start with https://; {text} would send keys in the clear.")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _key(file: Path | None, environment: MutableMapping[str, str]) -> bytes:
    # taken out of the environment, so that nothing started from here inherits it
    text = environment.pop(KEY_VARIABLE, None)
    if file is not None:
        from awaitstep.auth.vault import BadKey, load_key

        try:
            key = load_key(file, create=False)
        except BadKey as error:
            raise WrongUse(str(error)) from None
    elif text is not None:
        key = _decoded(text)
    else:
        raise WrongUse(
            f"serve needs an encryption key: set {KEY_VARIABLE} or --secret-key-file to 32 random "
            "bytes in base64, made for instance with: openssl rand -base64 32"
        )
    if len(set(key)) < _FEWEST_VALUES:
        raise WrongUse("The encryption key is not random; make one with: openssl rand -base64 32")
    return key


def _decoded(text: str) -> bytes:
    text = text.strip().translate(str.maketrans("+/", "-_"))
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise WrongUse(f"{KEY_VARIABLE} is not base64.") from None
    if len(key) != _KEY_BYTES:
        raise WrongUse(f"{KEY_VARIABLE} has {len(key)} bytes; it must have {_KEY_BYTES}.")
    return key
