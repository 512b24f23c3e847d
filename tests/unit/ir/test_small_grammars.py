"""Ids, durations, moments, schedules and expressions: what is taken and what is not."""

from __future__ import annotations

import pytest

from awaitstep.ir import Report
from awaitstep.ir.expressions import ExpressionError, Reference, parse_condition, parse_template
from awaitstep.ir.names import id_problem
from awaitstep.ir.values import cron_problem, is_duration, is_moment

RESERVED = (
    "event step env ctx self request error fetch Response Default WorkflowEntrypoint WorkerEntrypoint "
    "asyncio json datetime"
)


@pytest.mark.parametrize(
    "name", ["a", "A1", "load_claim", "match", "case", "größe", "a" * 100, "x_"]
)
def test_ids_that_are_taken(name: str) -> None:
    assert id_problem(name) is None


@pytest.mark.parametrize(
    "name",
    ["", "_a", "__init__", "1a", "a b", "a-b", "a.b", "a\n", "ﬁ", "ª", "a" * 101, "a\0", "\ud800"],
)
def test_ids_that_are_no_names(name: str) -> None:
    assert (id_problem(name) or ("",))[0] == "id.invalid"


@pytest.mark.parametrize(
    "name", [*RESERVED.split(), "class", "None", "print", "list", "Exception", "await", "async"]
)
def test_ids_that_mean_something_else(name: str) -> None:
    assert (id_problem(name) or ("",))[0] == "id.reserved"


def test_durations() -> None:
    good = [
        "0 seconds",
        "1 second",
        "1.5 hours",
        "2 days",
        "3 weeks",
        "12 months",
        "1 year",
        "365 days",
    ]
    bad = [
        "",
        "1",
        "second",
        "-1 second",
        "1  second",
        "1second",
        "1 Second",
        "366 days",
        "2 years",
    ]
    bad += ["1e3 seconds", "١ second", "1 second\n", "9" * 400 + " days", "1 fortnight"]
    assert [text for text in good if not is_duration(text)] == []
    assert [text for text in bad if is_duration(text)] == []


def test_moments() -> None:
    good = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00", "2026-01-01 00:00:00.5-00:30"]
    bad = [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "now",
        "٢٠٢٦-01-01T00:00:00Z",
    ]
    assert [text for text in good if not is_moment(text)] == []
    assert [text for text in bad if is_moment(text)] == []


def test_schedules() -> None:
    good = ["* * * * *", "*/15 0-6 1,15 jan-mar MON", "0 0 31 12 7", "5/10 * * * 1-5"]
    bad = ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *"]
    bad += [
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "a * * * *",
        "-1 * * * *",
        "1,,2 * * * *",
        "* * * * m",
    ]
    assert [text for text in good if cron_problem(text)] == []
    assert [text for text in bad if not cron_problem(text)] == []


def reference(text: str) -> Reference:
    found = parse_template(text).exact
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "root", "path"),
    [
        ("{{a}}", "a", ()),
        ("{{ a.b }}", "a", ("b",)),
        ("{{a.to[0].value}}", "a", ("to", 0, "value")),
        ("{{a.content-type}}", "a", ("content-type",)),
        ("""{{a["x y"]['"']}}""", "a", ("x y", '"')),
        ("{{größe.ä}}", "größe", ("ä",)),
        ('{{a["}}"]}}', "a", ("}}",)),
        ('{{a[""]}}', "a", ("",)),
    ],
)
def test_expressions(text: str, root: str, path: tuple[str | int, ...]) -> None:
    found = reference(text)
    assert (found.root, found.path) == (root, path)


@pytest.mark.parametrize(
    "text",
    [
        "{{",
        "{{}}",
        "{{a",
        "{{a}",
        "{{1}}",
        "{{a.}}",
        "{{a[}}",
        "{{a[-1]}}",
        "{{a[x]}}",
        "{{a b}}",
        "{{a()}}",
        "{{a.b + 1}}",
        "{{{{a}}}}",
        "{{a.0}}",
        "x {{a}} {{",
        "{{.a}}",
        '{{a["}}',
    ],
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_template(text)


def test_texts_keep_what_stands_around_expressions() -> None:
    parts = parse_template("a {b} }} {{x.y}}{{z}} c").parts
    assert [part if isinstance(part, str) else part.text for part in parts] == [
        "a {b} }} ",
        "x.y",
        "z",
        " c",
    ]


def test_a_condition_tells_mistakes_in_the_persons_own_words() -> None:
    report = Report()
    assert parse_condition("{{a.b}} {{c}}", report, "data.x") is None
    (problem,) = report.problems
    assert (problem.code, problem.line) == ("code.syntax", 1)
    assert "_reference" not in problem.message


@pytest.mark.parametrize(
    "text", ["1) + (2", "1), (2", "1) if (2) else (3", "1\\", "# nothing", "1]; [2"]
)
def test_what_is_no_expression_by_itself_is_refused(text: str) -> None:
    report = Report()
    assert parse_condition(text, report, "data.x") is None
    assert [problem.code for problem in report.problems] == ["code.syntax"]


@pytest.mark.parametrize("text", ["1 # )", "1 # \\", "1,", "*[1], 2", "x for x in [1]", "(\n1\n)"])
def test_an_expression_may_be_written_as_one_likes(text: str) -> None:
    report = Report()
    assert parse_condition(text, report, "data.x") is not None
    assert report.problems == []
