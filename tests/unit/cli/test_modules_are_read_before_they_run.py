"""`awaitstep run` finds the workflow class without running the file, or says why it can't."""

from __future__ import annotations

import pytest

from awaitstep.cli.module import load

ONE = "from workers import WorkflowEntrypoint\nclass A(WorkflowEntrypoint):\n    pass\n"


@pytest.mark.parametrize(
    "source",
    [ONE, ONE.replace("(Work", "(workers.Work"), "raise SystemExit\n" + ONE],
)
def test_the_class_is_found_without_running_anything(tmp_path, source):
    file = tmp_path / "flow.py"
    file.write_text(source)
    assert load(file).class_name == "A"


def test_the_same_code_is_the_same_deployment(tmp_path):
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    first.write_text(ONE)
    second.write_text(ONE)
    assert load(first).deployment == load(second).deployment
    second.write_text(ONE + "\n")
    assert load(first).deployment != load(second).deployment


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("x = 1\n", 1, "has no class that extends WorkflowEntrypoint"),
        ("def f(:\n", 1, "line 1"),
        (ONE + ONE.replace("A(", "B("), 2, "several workflow classes"),
        (b"\xff\xfe", 1, "can't be read"),
        (None, 1, "There is no file"),
    ],
)
def test_what_can_not_run_is_one_sentence(awaitstep, tmp_path, source, code, said):
    file = tmp_path / "flow.py"
    if source is not None:
        file.write_bytes(source if isinstance(source, bytes) else source.encode())
    got = awaitstep("run", file)
    assert got.code == code
    assert said in got.err
    assert len(got.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("refunds.py", "refunds"),
        ("desk/worker.py", "desk"),
        ("desk/src/main.py", "desk"),
        ("Desk/App/Main.py", "Desk"),
        ("worker/worker/worker.py", "worker"),
    ],
)
def test_a_workflow_is_named_like_what_tells_it_apart(tmp_path, path, name):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(ONE)
    assert load(file).name == name
    link = tmp_path / "linked.py"
    link.symlink_to(file)
    assert load(link).name == "linked"
