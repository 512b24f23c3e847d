"""Secrets at rest: AES-256-GCM under one key, each bound to the place it belongs to."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_LENGTH: Final = 32
_NONCE_LENGTH: Final = 12
_CHECK_PLACE: Final = "vault/check"
_CHECK_TEXT: Final = b"awaitstep"


class BadKey(Exception):
    """The encryption key can't be used; the message says why, in one sentence."""


class Unreadable(Exception):
    """A sealed value that this key did not seal for this place."""

    def __init__(self) -> None:
        super().__init__("A secret can't be decrypted with this encryption key.")


class Vault:
    """Seals and opens. `place` names the row and its owner: a value moved elsewhere won't open."""

    def __init__(self, key: bytes) -> None:
        """Raises BadKey."""
        if len(key) != KEY_LENGTH:
            raise BadKey(f"The encryption key has {len(key)} bytes; it must have {KEY_LENGTH}.")
        self._cipher = AESGCM(key)
        self._marks = hmac.digest(key, b"awaitstep/marks", "sha256")

    def __repr__(self) -> str:
        return "Vault()"

    def seal(self, text: bytes, place: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_LENGTH)
        return nonce + self._cipher.encrypt(nonce, text, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Raises Unreadable."""
        nonce, text = sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:]
        try:
            return self._cipher.decrypt(nonce, text, place.encode())
        except (InvalidTag, ValueError):
            raise Unreadable from None

    def mark(self, text: bytes) -> str:
        """A digest that says nothing about `text` to who does not have the key."""
        return hmac.digest(self._marks, text, "sha256").hex()

    def check_value(self) -> bytes:
        """A value that tells later whether a key is the same one."""
        return self.seal(_CHECK_TEXT, _CHECK_PLACE)

    def verify(self, check_value: bytes) -> None:
        """Raises BadKey when another key made the value."""
        try:
            self.open(check_value, _CHECK_PLACE)
        except Unreadable:
            raise BadKey(
                "The encryption key is not the one this control database was made with."
            ) from None


def load_key(path: Path, *, create: bool) -> bytes:
    """The 32-byte key in the file: base64url in one line, readable by its owner only.

    With `create`, a missing file is made; two servers that start at once agree on one key.

    Raises BadKey.
    """
    if create and not path.exists():
        _write_new(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise BadKey(f"The encryption key {path} can't be read: {error.strerror}.") from None
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if os.name == "posix" and mode & 0o077:
            raise BadKey(f"The encryption key {path} is open to others; run chmod 600 on it.")
        content = file.read(1024).strip()
    try:
        key = base64.b64decode(content + b"=" * (-len(content) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadKey(f"The encryption key {path} is not base64.") from None
    if len(key) != KEY_LENGTH:
        raise BadKey(f"The encryption key {path} has {len(key)} bytes; it must have {KEY_LENGTH}.")
    return key


def _write_new(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(draft, flags, 0o600), "wb") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(KEY_LENGTH)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # never over a key that is already there
        except FileExistsError:
            pass
    except OSError as error:
        raise BadKey(f"The encryption key {path} can't be made: {error.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
