"""Tracebacks are bounded, whole, and tell of nothing but the module."""

from __future__ import annotations

import pytest

from awaitstep.engine import outcomes, tracebacks


def execute(folder, text):
    """The error that a module raises, and the module's file."""
    file = folder / "0123abcd.py"
    file.write_text(text)
    with pytest.raises(BaseException) as raised:
        exec(compile(text, str(file), "exec"), {})
    return raised.value, str(file)


def test_endless_recursion_is_told_shortly(tmp_path):
    error, file = execute(tmp_path, "def f():\n    f()\nf()\n")
    told = tracebacks.told(error, file)
    assert len(told) < 1_000
    assert "previous line repeated" in told.lower()
    assert tracebacks.line_in(error, file) == 2


def test_a_chain_that_bites_its_tail_ends(tmp_path):
    error, file = execute(tmp_path, "raise ValueError('a')\n")
    other = ValueError("b")
    error.__cause__, other.__cause__ = other, error
    assert "ValueError: a" in tracebacks.told(error, file)


def test_a_long_chain_is_cut(tmp_path):
    text = "error = None\nfor n in range(50):\n    try:\n        raise ValueError(n) from error\n"
    text += "    except ValueError as caught:\n        error = caught\nraise error\n"
    error, file = execute(tmp_path, text)
    told = tracebacks.told(error, file)
    assert told.count("Traceback") == tracebacks.MOST_ERRORS
    assert told.endswith("ValueError: 49\n")


def test_what_was_suppressed_is_left_out(tmp_path):
    text = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise ValueError('x') from None\n"
    error, file = execute(tmp_path, text)
    assert "ZeroDivisionError" not in tracebacks.told(error, file)


def test_a_module_that_can_not_be_read_tells_its_line(tmp_path):
    error, file = _syntax_error(tmp_path)
    kept = outcomes.failure(error, file)
    assert kept.line == 2
    assert 'File "worker.py", line 2\n    def f(:' in kept.trace


def _syntax_error(folder):
    file = folder / "m.py"
    with pytest.raises(SyntaxError) as raised:
        compile("x = 1\ndef f(:\n", str(file), "exec")
    return raised.value, str(file)


def test_the_end_of_a_long_traceback_is_kept(tmp_path):
    lines = "".join(f"def f{n}():\n    f{n + 1}()  # {'x' * 200}\n" for n in range(99))
    error, file = execute(tmp_path, lines + "def f99():\n    raise ValueError('deep')\nf0()\n")
    kept = outcomes.failure(error, file)
    assert len(kept.trace) <= outcomes.LONGEST_TRACE
    assert kept.trace.startswith("Traceback")
    assert kept.trace.endswith("ValueError: deep\n")


def test_a_long_message_does_not_push_the_lines_out(tmp_path):
    error, file = execute(tmp_path, "raise ValueError('x' * 100_000 + '\\ud800')\n")
    kept = outcomes.failure(error, file)
    assert "line 1, in <module>" in kept.trace
    assert outcomes.unpack(outcomes.pack(kept)) == kept


def test_an_error_without_own_lines_has_no_traceback():
    assert tracebacks.told(ValueError("x"), "worker.py") is None


@pytest.mark.parametrize(
    ("raised", "message", "printed"),
    [
        ("{}['cents']", "cents", "KeyError: 'cents'"),
        ("{}[3]", "3", "KeyError: 3"),
        ("raise KeyError('')", "", "KeyError: ''"),
        ("raise KeyError('a', 1)", "('a', 1)", "KeyError: ('a', 1)"),
        ("raise KeyError", "", "KeyError"),
        ("[][0]", "list index out of range", "IndexError: list index out of range"),
    ],
)
def test_the_last_line_is_as_python_prints_it(tmp_path, raised, message, printed):
    error, file = execute(tmp_path, raised + "\n")
    kept = outcomes.failure(error, file)
    assert (kept.message, kept.trace.splitlines()[-1]) == (message, printed)


def test_a_key_that_can_not_be_printed_is_told_of(tmp_path):
    text = "class Key:\n    def __repr__(self): raise ValueError\n{}[Key()]\n"
    error, file = execute(tmp_path, text)
    assert "KeyError: <KeyError with an unprintable message>" in tracebacks.told(error, file)
