"""How a person's text stands in the files of a project: one line, printable, and escaped."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

LONGEST_SLUG = 50
_LONGEST_LINE = 300
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&$#])")
# At the start of a line also what makes a list or underlines a heading.
_MARKDOWN_START = re.compile(r"^(\d*)([-+=.)])")


def plain(text: str) -> str:
    """One line without characters that cannot be seen or drive a terminal."""
    line = " ".join(text.split())
    bad = ("Cc", "Cf", "Cs")
    shown = "".join("\ufffd" if unicodedata.category(c) in bad else c for c in line)
    return shown if len(shown) <= _LONGEST_LINE else shown[: _LONGEST_LINE - 1] + "…"


def markdown(text: str) -> str:
    """The same as text of a Markdown document, in which nothing has a meaning."""
    return _MARKDOWN_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", plain(text)))


def code(text: str) -> str:
    """The same between backticks."""
    return f"`{plain(text).replace('`', chr(39))}`"


def slug(text: str) -> str:
    """A name for packages, workers and workflows: small letters, digits and dashes."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")
    words = words[:LONGEST_SLUG].strip("-")
    return words if words[:1].isalpha() else f"workflow-{words}".strip("-")


def json_text(value: Any) -> str:
    """JSON that any reader takes: letters stay, what is invisible is escaped."""
    return re.sub(
        r"[\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]",
        lambda found: f"\\u{ord(found[0]):04x}",
        json.dumps(value, ensure_ascii=False),
    )


def toml_text(text: str) -> str:
    """A TOML string on one line."""
    return '"' + plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
