"""`serve` starts with strong settings only, and says what to change."""

from __future__ import annotations

import base64

import pytest

from awaitstep.cli.failures import WrongUse
from awaitstep.cli.strictness import production

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()
DASHBOARD, WORKERS = "https://flows.example.com", "https://workers.example.com"


def test_strong_settings_are_taken_and_the_key_leaves_the_environment():
    environment = {"AWAITSTEP_SECRET_KEY": TEXT, "OTHER": "1"}
    got = production("https://Flows.example.com/", WORKERS, None, environment)
    assert (got.dashboard_url, got.worker_url, got.key) == (DASHBOARD, WORKERS, KEY)
    assert environment == {"OTHER": "1"}
    assert TEXT not in repr(got)
    assert repr(KEY) not in repr(got)


def test_a_key_file_is_read(tmp_path):
    file = tmp_path / "key"
    file.write_text(base64.urlsafe_b64encode(KEY).decode())
    file.chmod(0o600)
    assert production(DASHBOARD, WORKERS, file, {}).key == KEY
    file.chmod(0o644)
    with pytest.raises(WrongUse, match="open to others"):
        production(DASHBOARD, WORKERS, file, {})


@pytest.mark.parametrize(
    ("dashboard", "worker", "said"),
    [
        (None, WORKERS, "needs --dashboard-url"),
        (DASHBOARD, None, "needs --worker-url"),
        (DASHBOARD, DASHBOARD, "share the host"),
        (DASHBOARD, "https://flows.example.com:8787", "share the host"),
        (DASHBOARD, "https://FLOWS.EXAMPLE.COM", "share the host"),
        (DASHBOARD, "https://example.com", "lies below"),
        ("http://flows.example.com", WORKERS, "https://"),
        (DASHBOARD, "http://workers.example.com", "https://"),
        ("flows.example.com", WORKERS, "no address"),
        ("https://", WORKERS, "no address"),
        ("https://x:port", WORKERS, "no address"),
        ("https://flows.example.com/app", WORKERS, "a host only"),
        ("https://me@flows.example.com", WORKERS, "a host only"),
    ],
)
def test_weak_addresses_are_refused(dashboard, worker, said):
    with pytest.raises(WrongUse, match=said):
        production(dashboard, worker, None, {"AWAITSTEP_SECRET_KEY": TEXT})


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (None, "needs an encryption key"),
        ("", "0 bytes"),
        ("hunter2", "bytes|base64"),
        (base64.b64encode(b"a" * 32).decode(), "not random"),
        (base64.b64encode(KEY[:16]).decode(), "16 bytes"),
        ("!" * 43, "not base64"),
    ],
)
def test_weak_keys_are_refused_and_never_repeated(key, said):
    environment = {} if key is None else {"AWAITSTEP_SECRET_KEY": key}
    with pytest.raises(WrongUse, match=said) as caught:
        production(DASHBOARD, WORKERS, None, environment)
    assert not key or key not in str(caught.value)


def test_the_command_refuses_with_one_sentence(awaitstep, tmp_path, monkeypatch):
    for name in ("AWAITSTEP_SECRET_KEY", "AWAITSTEP_DASHBOARD_URL", "AWAITSTEP_WORKER_URL"):
        monkeypatch.delenv(name, raising=False)
    got = awaitstep("serve", "--data", tmp_path)
    assert got.code == 2
    assert len(got.err.splitlines()) == 1
