"""What the fault handler leaves behind names the line a person can act on."""

import signal
from pathlib import Path

import pytest

from awaitstep.engine.embedded.faults import fault_place
from awaitstep.engine.embedded.process import Exit
from awaitstep.engine.messages import OUT_OF_MEMORY

CODE = Path("/data/deployments")
IDLE = """\
Thread 0x00007f20de0706c0 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 331 in wait
  File "/data/deployments/a1/other.py", line 5 in idle
"""
FAULT = f"""\
Fatal Python error: Segmentation fault

{IDLE}
Current thread 0x00007f20df9dbb80 (most recent call first):
  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "/data/deployments/a1/worker.py", line 12 in crash
  File "/data/deployments/a1/worker.py", line 40 in run

Extension modules: uvloop.loop (total: 1)
"""
ELSEWHERE = f"""\
Fatal Python error: Aborted

{IDLE}
Current thread 0x00007f20df9dbb80 (most recent call first):
  File "/srv/awaitstep/runner/main.py", line 9 in main
"""


def place(text: str, *, aborted: bool = False, code: Path | None = CODE) -> str | None:
    return fault_place(text.encode(), code, aborted=aborted)


def test_the_deployed_frame_of_the_thread_that_faulted_is_preferred() -> None:
    assert place(FAULT) == "worker.py line 12 in crash"
    assert place(FAULT, code=None) == "__init__.py line 519 in string_at"


def test_newer_pythons_name_the_thread() -> None:
    named = FAULT.replace("0x00007f20df9dbb80 (", "0x00007f20df9dbb80 [step-1] (")
    assert place(named) == "worker.py line 12 in crash"


def test_a_fault_is_not_blamed_on_another_thread() -> None:
    assert place(ELSEWHERE) == "main.py line 9 in main"


def test_an_abort_is_the_deed_of_the_one_thread_that_runs_deployed_code() -> None:
    assert place(ELSEWHERE, aborted=True) == "other.py line 5 in idle"
    assert place(ELSEWHERE + IDLE, aborted=True) == "main.py line 9 in main"


def test_paths_other_than_ascii_are_found_in_their_escaped_form() -> None:
    text = FAULT.replace("/data/", "/d\\xe4ta/")
    assert place(text, code=Path("/däta/deployments")) == "worker.py line 12 in crash"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fatal Python error: Segmentation fault\n\n<no Python frame>\n",
        FAULT.replace("Fatal Python error", "All is well"),
        "\x00" * 1000,
        'Fatal Python error: x\n  File "a", line 1 in b\n',
    ],
)
def test_a_text_without_a_stack_names_no_place(text: str) -> None:
    assert place(text) is None


def test_hostile_names_stay_on_one_short_line() -> None:
    text = FAULT.replace("in crash", "in \x1b[31m" + "x" * 10_000)
    line = place(text)
    assert line is not None
    assert line.isprintable()
    assert len(line) < 500


@pytest.mark.parametrize(
    ("end", "line"),
    [
        (Exit(0, None), "exit status 0"),
        (Exit(1, None), "exit status 1"),
        (Exit(OUT_OF_MEMORY, None), "it ran out of memory"),
        (
            Exit(None, signal.SIGKILL),
            "killed by SIGKILL, as the system does when memory runs out",
        ),
        (Exit(None, signal.SIGSEGV), "segmentation fault"),
        (Exit(None, signal.SIGSEGV, "w.py line 1 in f"), "segmentation fault at w.py line 1 in f"),
        (Exit(None, signal.SIGABRT, "w.py line 1 in f"), "aborted at w.py line 1 in f"),
        (Exit(None, 63), "killed by signal 63"),
        (Exit(None, None), "ended for an unknown reason"),
    ],
)
def test_every_end_has_its_line(end: Exit, line: str) -> None:
    assert end.describe() == line
