"""`runs bulk`: how many runs it would change is told first, and a person is asked once."""

from __future__ import annotations

import io
import json
import sys

import pytest

PATH = "/workflows/wf_1/runs/bulk"
POSSIBLE = {"done": 3, "failed": 0, "skipped": 1, "errors": [], "dryRun": True}
DONE = {**POSSIBLE, "dryRun": False}
HALF = {"done": 2, "failed": 0, "skipped": 0, "total": 4}


def stream(*events):
    return b"".join(
        f"event: {name}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n".encode()
        for name, value in events
    )


@pytest.fixture
def bulk(awaitstep, server, data):
    """Calls the command against a server with these answers to the dry run and to the other."""

    def call(*arguments, possible=POSSIBLE, last=("result", DONE)):
        def answer(body):
            if body.get("dryRun"):
                return stream(("progress", {**HALF, "done": 0}), ("result", possible))
            return stream(("progress", HALF), last) if last else stream(("progress", HALF))

        server.on("POST", PATH, answer)
        return awaitstep("runs", "bulk", *arguments, "--data", data)

    return call


@pytest.fixture
def terminal(monkeypatch):
    """A person who types this."""

    class Typed(io.StringIO):
        def isatty(self):
            return True

    def types(text):
        monkeypatch.setattr(sys, "stdin", Typed(text))
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    return types


def test_the_filter_is_sent_and_the_outcome_printed(bulk, server):
    got = bulk(
        *("restart", "wf_1", "--yes", "--status", "errored", "--status", "terminated"),
        *("--trigger", "api", "--version-id", "ver_1", "--deployment-id", "dep_1"),
        *("--created-after", "2026-11-01T00:00:00Z", "--created-before", "2026-12-01T00:00:00Z"),
    )
    body = {
        "verb": "restart",
        "filter": {
            "status": ["errored", "terminated"],
            "trigger": ["api"],
            "versionId": "ver_1",
            "deploymentId": "dep_1",
            "createdAfter": "2026-11-01T00:00:00Z",
            "createdBefore": "2026-12-01T00:00:00Z",
        },
    }
    assert [asked.body for asked in server.asked] == [{**body, "dryRun": True}, body]
    assert (got.code, got.out) == (0, "3 restarted, 0 failed, 1 skipped\n")
    assert got.err == "3 runs can be restarted, 1 can't.\n"


def test_a_rollback_is_asked_for_with_terminate_alone(bulk, server):
    got = bulk("terminate", "wf_1", "--rollback", "--yes")
    body = {"verb": "terminate", "filter": {}, "rollback": True}
    assert [asked.body for asked in server.asked] == [{**body, "dryRun": True}, body]
    assert (got.code, got.out) == (0, "3 told to roll back, 0 failed, 1 skipped\n")
    assert got.err == "3 runs can be told to roll back, 1 can't.\n"
    server.asked.clear()
    got = bulk("pause", "wf_1", "--rollback", "--yes")
    assert (got.code, got.err, server.asked) == (2, "Only terminate has a rollback.\n", [])


def test_json_is_the_outcome_alone(bulk):
    got = bulk("pause", "wf_1", "--yes", "--json")
    assert (got.code, got.json) == (0, DONE)


def test_a_dry_run_asks_nobody_and_changes_nothing(bulk, server):
    got = bulk("delete", "wf_1", "--dry-run")
    assert (got.code, got.out) == (0, "3 runs can be deleted, 1 can't\n")
    assert [asked.body["dryRun"] for asked in server.asked] == [True]
    assert bulk("delete", "wf_1", "--dry-run", "--json").json == POSSIBLE


def test_a_person_is_asked_once(bulk, server, terminal):
    terminal("y\n")
    got = bulk("terminate", "wf_1")
    assert got.code == 0
    assert got.err.index("3 runs can be terminated, 1 can't.") < got.err.index("Go on? [y/N]")
    assert got.err.count("Go on?") == 1
    assert "100%" in got.err
    assert len(server.asked) == 2


@pytest.mark.parametrize("typed", ["n\n", "\n"])
def test_who_says_no_changes_nothing(bulk, server, terminal, typed):
    terminal(typed)
    got = bulk("terminate", "wf_1")
    assert (got.code, got.out) == (1, "")
    assert [asked.body["dryRun"] for asked in server.asked] == [True]


def test_nobody_is_asked_about_nothing(bulk, server, terminal):
    terminal("")
    got = bulk("terminate", "wf_1", possible={**POSSIBLE, "done": 0, "skipped": 4})
    assert (got.code, got.out) == (0, "0 terminated, 0 failed, 4 skipped\n")
    assert len(server.asked) == 1


def test_without_a_terminal_it_wants_a_yes(bulk, server):
    got = bulk("terminate", "wf_1")
    assert (got.code, got.err) == (
        2,
        "Nobody can be asked here; give --yes, or --dry-run first.\n",
    )
    assert server.asked == []


def test_a_verb_that_is_none_is_wrong_use(bulk, server):
    got = bulk("stop", "wf_1", "--yes")
    assert got.code == 2
    assert "pause, resume, terminate, restart, delete" in got.err
    assert server.asked == []


def test_failures_are_listed_and_exit_with_1(bulk):
    error = {"instanceId": "i1", "code": "runner.crashed", "message": "It\u2028crashed."}
    outcome = {**DONE, "failed": 1, "errors": [error]}
    got = bulk("restart", "wf_1", "--yes", last=("result", outcome))
    assert got.code == 1
    assert got.out == (
        "3 restarted, 1 failed, 1 skipped\n  i1: It\u2028crashed. [runner.crashed]\n"
    )


def test_an_error_in_between_is_one_sentence(bulk):
    error = {"error": "The journal is full.", "code": "journal.unavailable", "requestId": "r"}
    got = bulk("pause", "wf_1", "--yes", last=("error", error))
    assert (got.code, got.out) == (1, "")
    assert got.err.endswith("The journal is full.\n")


def test_a_server_that_goes_away_is_one_sentence(bulk):
    got = bulk("pause", "wf_1", "--yes", last=None)
    assert (got.code, got.out) == (1, "")
    assert got.err.endswith("The server went away; not all runs were looked at.\n")


def test_a_refusal_is_one_sentence(awaitstep, server, data):
    server.on("POST", PATH, {"error": "No key.", "code": "auth.gone"}, 401)
    got = awaitstep("runs", "bulk", "pause", "wf_1", "--yes", "--data", data)
    assert (got.code, got.err) == (1, "No key.\n")


def test_a_run_is_deleted_by_its_id(awaitstep, server, data):
    server.on("DELETE", "/workflows/wf_1/runs/i%2F1", b"", 204)
    got = awaitstep("runs", "delete", "wf_1", "i/1", "--data", data)
    assert (got.code, got.out) == (0, "i/1 is deleted\n")
