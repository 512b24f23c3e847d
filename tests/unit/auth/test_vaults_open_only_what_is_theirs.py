from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from awaitstep.auth.vault import BadKey, Unreadable, Vault, load_key

KEY = b"k" * 32


def test_what_is_sealed_opens_in_its_place_only() -> None:
    vault = Vault(KEY)
    sealed = vault.seal(b"hunter2", "env_var/a/proj")
    assert b"hunter2" not in sealed
    assert vault.open(sealed, "env_var/a/proj") == b"hunter2"
    for place in ("env_var/b/proj", "env_var/a/other", ""):
        with pytest.raises(Unreadable):
            vault.open(sealed, place)


def test_the_same_text_is_never_sealed_the_same() -> None:
    vault = Vault(KEY)
    assert vault.seal(b"x", "p") != vault.seal(b"x", "p")


@pytest.mark.parametrize("change", [b"", b"x", b"x" * 11, b"x" * 12, b"x" * 28, b"x" * 100])
def test_nonsense_is_never_a_value(change: bytes) -> None:
    with pytest.raises(Unreadable):
        Vault(KEY).open(change, "p")


def test_every_flipped_bit_is_noticed() -> None:
    vault = Vault(KEY)
    sealed = vault.seal(b"hunter2", "p")
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(Unreadable):
            vault.open(bytes(changed), "p")


def test_another_key_opens_nothing_and_says_so() -> None:
    check = Vault(KEY).check_value()
    Vault(KEY).verify(check)
    with pytest.raises(BadKey, match="not the one this control database was made with"):
        Vault(b"x" * 32).verify(check)
    with pytest.raises(BadKey):
        Vault(KEY).verify(b"")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(BadKey, match=f"has {length} bytes; it must have 32"):
        Vault(b"k" * length)


def test_a_vault_does_not_show_its_key() -> None:
    assert "k" * 8 not in repr(Vault(KEY))


def test_a_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    key = load_key(path, create=True)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path, create=True) == load_key(path, create=False) == key
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_many_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: load_key(path, create=True), range(32)))
    assert len(keys) == 1


def test_a_missing_key_is_not_made_unasked(tmp_path: Path) -> None:
    with pytest.raises(BadKey, match="can't be read: No such file"):
        load_key(tmp_path / "secret.key", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "has 0 bytes"),
        (b"c2hvcnQ=\n", "has 5 bytes"),
        (b"!" * 44, "is not base64"),
        (b"\xff" * 44, "is not base64"),
        (b"QUJD" * 200, "has 600 bytes"),
    ],
)
def test_a_wrong_key_file_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(BadKey, match=why):
        load_key(path, create=True)
    assert path.read_bytes() == content


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    load_key(path, create=True)
    path.chmod(0o640)
    with pytest.raises(BadKey, match="chmod 600"):
        load_key(path, create=True)
