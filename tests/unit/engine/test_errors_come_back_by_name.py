"""What is kept of an error, and what code gets back."""

import builtins

import pytest

from awaitstep.engine import outcomes, values
from awaitstep.engine.errors import ValueRefused, ValueTooLarge
from awaitstep.engine.outcomes import Failure
from workers.workflows import NonRetryableError, StepError


def again(error):
    """The error after it has been in the journal."""
    return outcomes.rebuild(outcomes.unpack(outcomes.pack(outcomes.failure(error))))


BUILTINS = [
    kind
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, Exception) and "Group" not in kind.__name__
]
WANT_MORE = {"UnicodeDecodeError", "UnicodeEncodeError", "UnicodeTranslateError"}
PLAIN = [kind for kind in BUILTINS if kind.__name__ not in {"StopIteration", *WANT_MORE}]


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_builtin_errors_come_back_as_themselves(kind):
    error = again(kind("why"))
    assert type(error) is kind
    assert str(error) == str(kind("why"))


def test_errors_of_the_operating_system_keep_their_kind_and_text():
    error = again(FileNotFoundError(2, "No such file", "x"))
    assert type(error) is FileNotFoundError
    assert str(error) == "[Errno 2] No such file: 'x'"


def test_errors_that_want_more_than_a_message_come_back_as_their_base():
    with pytest.raises(UnicodeDecodeError) as raised:
        b"\xff".decode()
    error = again(raised.value)
    assert type(error) is ValueError
    assert "invalid start byte" in str(error)


class Mine(Exception):
    pass


def test_other_classes_come_back_as_step_errors():
    error = again(Mine("m"))
    assert type(error) is StepError
    assert (error.name, error.message, str(error)) == ("Mine", "m", "m")
    twice = again(StepError("Theirs", "t"))
    assert (type(twice), twice.name, str(twice)) == (StepError, "Theirs", "t")


def test_non_retryable_errors_come_back_as_themselves():
    error = again(NonRetryableError("enough"))
    assert type(error) is NonRetryableError
    assert str(error) == "enough"


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopIteration(1), ExceptionGroup("g", [Mine()])],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_would_do_more_than_fail_comes_back_as_a_step_error(error):
    back = again(error)
    assert type(back) is StepError
    assert back.name == type(error).__name__


def test_an_error_rebuilt_twice_keeps_what_was_known_of_it_first():
    kept = Failure("ValueError", "no", line=7, code="c", step="s")
    assert outcomes.failure(outcomes.rebuild(kept), "other.py", "other") == kept


def test_a_key_error_keeps_its_key_without_quotes_around_quotes():
    assert outcomes.failure(KeyError("a")).message == "a"
    assert outcomes.failure(KeyError(1)).message == "1"
    assert str(again(again(KeyError("a")))) == "'a'"


def test_only_refused_values_carry_a_code():
    class Coded(Exception):
        code = "mine"

    assert outcomes.failure(Coded("x")).code is None
    assert outcomes.failure(ValueRefused("x", "$")).code == "value.refused"
    assert outcomes.failure(ValueTooLarge(2, 1)).code == "value.too_large"


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError


def test_every_error_can_be_kept():
    strange = [Unprintable(), Mine("\ud800"), Mine("\x00"), Mine("x" * 100_000), Mine(object())]
    strange += [StepError(5), StepError("\ud800" * 300, "m"), StepError("", "")]
    for error in strange:
        kept = outcomes.failure(error)
        assert outcomes.unpack(outcomes.pack(kept)) == kept
        assert len(kept.name) <= 200
        assert len(kept.message) <= outcomes.LONGEST_MESSAGE
        values.encode([kept.name, kept.message])
    assert outcomes.failure(Unprintable()).message == "<Unprintable with an unprintable message>"


def test_the_line_is_the_innermost_one_of_the_module(tmp_path):
    module = tmp_path / "0123abcd.py"
    module.write_text("import json\ndef outer():\n    inner()\ndef inner():\n    json.loads('{')\n")
    names = {}
    exec(compile(module.read_text(), str(module), "exec"), names)
    with pytest.raises(ValueError) as raised:
        names["outer"]()
    kept = outcomes.failure(raised.value, str(module), "parse")
    assert (kept.line, kept.step, kept.name) == (5, "parse", "JSONDecodeError")
    assert "worker.py" in kept.trace
    assert str(tmp_path) not in kept.trace
    assert "json" not in kept.trace.replace("json.loads", "")
    assert outcomes.failure(raised.value, "elsewhere.py").line is None


def test_a_readers_view_names_the_step():
    seen = outcomes.view(Failure("ValueError", "no", line=3), "step")
    assert (seen.name, seen.message, seen.step, seen.line) == ("ValueError", "no", "step", 3)
    assert outcomes.view(Failure("E", "m", step="own"), "other").step == "own"
    assert outcomes.view(None) is None
