"""What of a module is otherwise on Cloudflare is told before it goes there, and in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from awaitstep.providers.cloudflare.differences import ALL, differences_of

ROOT = Path(__file__).parents[3]
PLAIN = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("a")
        async def a():
            return 1
"""


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (("", ""), []),
        (('step.do("a")', 'step.do("a", rollback=undo)'), ["cloudflare.rollback"]),
        (
            ('step.do("a")', 'step.do("a", config={"sensitive": "output"})'),
            ["cloudflare.sensitive"],
        ),
        (("async def a", "def a"), ["cloudflare.blocking"]),
        (("\nclass W", "\nimport socket, os\nclass W"), ["cloudflare.no_system"]),
        (("\nclass W", "\nfrom threading import Lock\nclass W"), ["cloudflare.no_system"]),
        (("return 1", "return ("), []),
    ],
)
def test_what_is_otherwise_is_found(change: tuple[str, str], codes: list[str]) -> None:
    source = PLAIN.replace(*change, 1) if change[0] else PLAIN
    assert [one.code for one in differences_of(source, live=False)] == codes


def test_a_module_that_is_live_is_not_pinned_there() -> None:
    assert [one.code for one in differences_of(PLAIN, live=True)] == ["cloudflare.unpinned"]


def test_the_page_names_each_of_them() -> None:
    page = (ROOT / "docs/explanation/cloudflare.md").read_text()
    for one in ALL:
        assert f"{one.severity} `{one.code}`" in page


def test_names_are_told() -> None:
    [found] = differences_of(PLAIN.replace("async def a", "def a"), live=False)
    assert found.message.endswith(": a.")
