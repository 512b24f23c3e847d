from __future__ import annotations

import asyncio
import re

from awaitstep.auth.identity import Identity, expand
from awaitstep.auth.keyring import Keyring
from awaitstep.auth.keys import digest_of, new_key, prefix_of, proves, well_formed

WHO = Identity("proj_a", expand(["read"]), "Billing", key="key_a")


def test_keys_look_like_keys_and_are_all_different() -> None:
    made = {new_key().text for _ in range(100)}
    assert len(made) == 100
    for text in made:
        assert re.fullmatch(r"ask_[A-Za-z0-9_-]{43}", text)
        assert well_formed(text)


def test_what_is_kept_does_not_hold_the_key() -> None:
    key = new_key()
    assert len(key.prefix) == 12
    assert key.text.startswith(key.prefix)
    assert key.digest == digest_of(key.text)
    assert proves(key.text, key.digest)
    assert not proves(key.text + "a", key.digest)


def test_write_and_deploy_bring_read() -> None:
    assert expand(["write"]) == {"read", "write"}
    assert expand(["deploy"]) == {"read", "deploy"}
    assert expand(["write", "deploy"]) == {"read", "write", "deploy"}
    assert expand([]) == expand(["admin"]) == frozenset()


async def test_a_key_is_looked_up_once() -> None:
    key, asked = new_key(), []

    async def find(prefix: str) -> tuple[bytes, Identity] | None:
        asked.append(prefix)
        return (key.digest, WHO) if prefix == key.prefix else None

    ring = Keyring(find)
    for _ in range(3):
        assert await ring.identify(key.text) == WHO
    assert asked == [key.prefix]
    # the same beginning is not enough
    assert await ring.identify(key.prefix + "x" * 35) is None
    ring.forget(key.prefix)
    assert await ring.identify(key.text) == WHO
    assert len(asked) == 2


async def test_nothing_is_asked_for_what_is_no_key() -> None:
    async def find(prefix: str) -> tuple[bytes, Identity] | None:
        raise AssertionError(prefix)

    ring = Keyring(find)
    for text in ("", "ask_", "ask_short", "x" * 47, "ask_" + "a" * 200, "ask_" + "é" * 43):
        assert await ring.identify(text) is None


async def test_a_key_deleted_during_its_lookup_is_not_remembered() -> None:
    key = new_key()
    looking, deleted = asyncio.Event(), asyncio.Event()
    there = True

    async def find(prefix: str) -> tuple[bytes, Identity] | None:
        found = (key.digest, WHO) if there else None
        looking.set()
        await deleted.wait()
        return found

    ring = Keyring(find)
    first = asyncio.create_task(ring.identify(key.text))
    await looking.wait()
    there = False
    ring.forget(prefix_of(key.text))
    deleted.set()
    await first
    assert await ring.identify(key.text) is None
