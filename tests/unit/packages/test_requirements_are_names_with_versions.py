"""What a workflow may declare of packages, and that equal sets of them are one."""

from __future__ import annotations

import pytest

from awaitstep.requirements import NotARequirement, declared_in, digest, normalised


def test_one_spelling_for_each_set():
    written = ["HTTPX[http2, Brotli] >= 0.28, <1", "typing_extensions", "typing-Extensions"]
    assert normalised(written) == ("httpx[brotli,http2]<1,>=0.28", "typing-extensions")
    assert digest(written) == digest(["typing.extensions", "httpx[brotli,http2] <1,>=0.28"])
    assert digest(["a"]) != digest(["b"])
    assert normalised(normalised(written)) == normalised(written)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-e .", "--index-url=http://x", "./here", "/there", "a/b", "..", "."),
        *("x @ http://h/x.whl", "git+https://h/x", "a; python_version<'3'", "a==1;b", "a\n-r b"),
        *("a==", "a==1 b", "a===1", "a[", "a[x", "ä", "a\u2028", "a==1\n", "a" * 101, "a $(id)"),
    ],
)
def test_nothing_else_is_one(text):
    with pytest.raises(NotARequirement):
        normalised([text])


def test_a_name_is_never_taken_for_a_file():
    assert normalised(["evil-1.0-py3-none-any.whl", "x.tar.gz"]) == (
        "evil-1-0-py3-none-any-whl",
        "x-tar-gz",
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_script_header_is_read(end):
    source = end.join(
        [
            '"""A module."""',
            "# /// script",
            '# requires-python = ">=3.11"',
            "# dependencies = [",
            "#",
            '#   "httpx>=0.28",  # a comment',
            "# ]",
            "# ///",
            "x = 1",
        ]
    )
    assert declared_in(source) == ("httpx>=0.28",)


@pytest.mark.parametrize(
    "source",
    ["", "x = 1", "# /// script\n# dependencies = ['a']\nx = 1", "# /// other\n# x = 1\n# ///\n"],
)
def test_without_a_header_nothing_is_declared(source):
    assert declared_in(source) == ()


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("dependencies = 'a'", "not a list"),
        ("dependencies = [1]", "not a list"),
        ("dependencies = [", "can't be read"),
        ("dependencies = ['a @ http://h/a.whl']", "not a package"),
        (f"dependencies = {['a'] * 101}", "at most 100"),
        ("x = " + "[" * 100_000, "can't be read"),
    ],
)
def test_a_header_that_is_wrong_is_one_sentence(header, why):
    with pytest.raises(ValueError, match=why):
        declared_in(f"# /// script\n# {header}\n# ///\n")


def test_two_headers_are_refused():
    header = "# /// script\n# dependencies = []\n# ///\n"
    with pytest.raises(ValueError, match="several"):
        declared_in(header + "x = 1\n" + header)
