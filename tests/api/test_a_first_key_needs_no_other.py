"""`awaitstep keys create` in production: whoever may write the data folder gets a first key."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import COMMAND, SECONDS, environment


def keys_create(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "keys", "create", *arguments, "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment(),
    )


@contextmanager
def serving(data: Path, key_file: Path) -> Iterator[str]:
    """`awaitstep serve`, as its API's address, until the end of the block."""
    arguments = ["serve", "--data", str(data), "--port", "0", "--worker-port", "0"]
    arguments += [
        "--secret-key-file",
        str(key_file),
        "--dashboard-url",
        "https://flows.example.com",
    ]
    arguments += ["--worker-url", "https://workers.example.com"]
    with subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            url: str = json.loads(process.stderr.readline())["url"] + "/api"
            deadline = time.monotonic() + SECONDS
            while status(f"{url}/health") != 200:
                assert time.monotonic() < deadline, "not healthy in time"
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


def status(url: str, key: str | None = None) -> int:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=30
        ) as got:
            return int(got.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_keys_are_made_beside_a_server_that_runs_and_one_that_does_not(tmp_path: Path) -> None:
    data, key_file = tmp_path / "data", tmp_path / "key"
    key_file.write_bytes(base64.b64encode(os.urandom(32)))
    key_file.chmod(0o600)
    with serving(data, key_file) as url:
        made = keys_create(data, "first", "--scope", "deploy", "--json")
        assert made.returncode == 0, made.stderr
        first = json.loads(made.stdout)
        assert set(first) == {"id", "name", "prefix", "scopes", "createdAt", "key"}
        assert (first["name"], first["scopes"]) == ("first", ["deploy"])
        assert status(f"{url}/workflows", first["key"]) == 200
        assert status(f"{url}/workflows", first["key"] + "x") == 401
    stopped = keys_create(data, "second").stdout.strip()
    with serving(data, key_file) as url:
        for key in (first["key"], stopped):
            assert status(f"{url}/workflows", key) == 200


def test_a_folder_that_no_server_has_used_gets_no_key(tmp_path: Path) -> None:
    made = keys_create(tmp_path, "first")
    assert (made.returncode, made.stdout) == (1, "")
    [sentence] = made.stderr.splitlines()
    assert sentence.startswith(f"No server has used {tmp_path} yet")
    assert not any(tmp_path.iterdir())
