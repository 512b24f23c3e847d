"""Doctor finds what would go wrong later, and changes nothing."""

from __future__ import annotations

import socket
import sqlite3
import sys

import pytest

from awaitstep.cli import checks, credentials
from awaitstep.cli.credentials import Credentials


def test_this_machine_is_described(awaitstep, tmp_path):
    got = awaitstep("doctor", "--data", tmp_path / "new", "--json")
    checks = {check["check"]: check for check in got.json["checks"]}
    assert set(checks) >= {
        *("python", "sqlite", "isolation", "folder", "disk", "packages", "clock"),
        *("port", "worker-port"),
    }
    assert checks["python"]["level"] == "ok"
    assert checks["folder"]["level"] == "ok"
    assert got.code == (0 if got.json["ok"] else 1)
    assert not (tmp_path / "new").exists()


def test_lines_are_for_people(awaitstep, tmp_path):
    got = awaitstep("doctor", "--data", tmp_path)
    assert any(line.startswith("ok       python: Python 3.") for line in got.out.splitlines())


def test_old_versions_are_problems():
    assert checks.python((3, 10, 9)).level == "problem"
    assert checks.python(sys.version_info[:3]).level == "ok"
    assert checks.sqlite((3, 36, 0)).level == "problem"
    assert checks.sqlite(sqlite3.sqlite_version_info).level == "ok"


def test_installed_packages_are_measured(tmp_path, monkeypatch):
    site = tmp_path / "environments/x/site"
    site.mkdir(parents=True)
    (site / "big").write_bytes(b"x" * 3 * 1024**2)
    (site / "same").hardlink_to(site / "big")
    found = checks.packages(tmp_path)
    assert (found.level, found.message.startswith("uv 0.")) == ("ok", True)
    assert found.message.endswith("Packages take 3 MiB.")
    monkeypatch.setitem(sys.modules, "uv", None)
    found = checks.packages(tmp_path)
    assert (found.level, "uv is missing" in found.message) == ("warning", True)


def test_a_clock_that_was_never_set_is_a_problem(tmp_path):
    assert checks.clock(86_400.0, tmp_path).level == "problem"
    assert checks.clock(1_800_000_000.0, tmp_path).level == "ok"


def test_an_open_folder_is_a_warning(tmp_path):
    tmp_path.chmod(0o755)
    [finding] = checks.folder(tmp_path)
    assert (finding.level, "755" in finding.message) == ("warning", True)
    tmp_path.chmod(0o700)
    [finding] = checks.folder(tmp_path)
    assert finding.level == "ok"


def test_a_file_in_the_folders_place_is_a_problem(tmp_path):
    file = tmp_path / "file"
    file.touch()
    [finding] = checks.folder(file)
    assert finding.level == "problem"


@pytest.mark.parametrize(("ours", "level"), [(True, "ok"), (False, "warning")])
def test_a_busy_port_is_told_apart_from_our_own(tmp_path, ours, level):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        if ours:
            url = f"http://127.0.0.1:{port}"
            credentials.write(tmp_path, Credentials(url, url, "ask_x", url))
        assert checks.free_port("port", "127.0.0.1", port, tmp_path).level == level
