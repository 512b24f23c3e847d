"""credentials.json is readable by its owner only, and is never half written."""

from __future__ import annotations

import os
import stat

import pytest

from awaitstep.cli import credentials
from awaitstep.cli.credentials import Credentials

SOME = Credentials("http://127.0.0.1:1", "http://127.0.0.1:2", "ask_key", "http://127.0.0.1:1/x")


def test_what_is_written_is_read(tmp_path):
    credentials.write(tmp_path, SOME)
    assert credentials.read(tmp_path) == SOME
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600


def test_an_open_file_is_replaced_by_a_private_one(tmp_path):
    file = tmp_path / "credentials.json"
    file.write_text("{}")
    file.chmod(0o644)
    credentials.write(tmp_path, SOME)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["credentials.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"url": 1}', '{"url": "x"}'])
def test_what_is_no_credentials_is_none(tmp_path, text):
    (tmp_path / "credentials.json").write_text(text)
    assert credentials.read(tmp_path) is None


def test_a_missing_file_is_none(tmp_path):
    assert credentials.read(tmp_path / "nowhere") is None


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    credentials.write(tmp_path, SOME)

    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        credentials.write(tmp_path, Credentials("a", "b", "c", "d"))
    monkeypatch.undo()
    assert credentials.read(tmp_path) == SOME
    assert os.listdir(tmp_path) == ["credentials.json"]
