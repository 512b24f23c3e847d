"""The documents name every command, option, dependency and code there is."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from awaitstep.cli import app
from awaitstep.gateway import refusals

ROOT = Path(__file__).parents[3]
CLI = (ROOT / "docs/reference/cli.md").read_text()


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    if not children:
        yield name, command
    for child_name, child in children.items():
        yield from commands(child, f"{name} {child_name}")


ALL = dict(commands(get_command(app), "awaitstep"))


@pytest.mark.parametrize("name", ALL)
def test_every_command_and_option_is_documented(name):
    *group, verb = name.split()
    heading = r"`(awaitstep )?" + re.escape(" ".join([*group, verb]).removeprefix("awaitstep "))
    in_list = re.search(rf"`awaitstep {re.escape(group[-1])} [^`]*\b{re.escape(verb)}\b[^`]*`", CLI)
    assert re.search(heading, CLI) or in_list
    for parameter in ALL[name].params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"`{option}" in CLI, option


@pytest.mark.parametrize("name", ALL)
def test_every_command_takes_json(name):
    assert any("--json" in parameter.opts for parameter in ALL[name].params)


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    named = [*project["dependencies"], *(item for extra in extras for item in extra)]
    for apart in ("peers", "cloudflare"):
        named += (ROOT / f"requirements/{apart}.in").read_text().split()
    wanted = {re.split(r"[<>=;\s]", item)[0] for item in named if "awaitstep[" not in item}
    web = json.loads((ROOT / "web/package.json").read_text())
    wanted |= {*web["dependencies"], *web["devDependencies"]}
    text = (ROOT / "docs/dependencies.md").read_text()
    listed = set(re.findall(r"^\| ([a-z0-9@/-]+) \| \S", text, re.MULTILINE)) - {"package"}
    assert listed == wanted


def test_every_code_of_the_gateway_is_documented():
    text = (ROOT / "docs/reference/worker-urls.md").read_text()
    sources = [path.read_text() for path in Path(refusals.__file__).parent.glob("*.py")]
    codes = {
        code for source in sources for code in re.findall(r'Refusal\(\s*\d+, "([^"]+)"', source)
    }
    assert {"worker.not_found", "body.too_large", "request.invalid_host"} <= codes
    for code in codes:
        assert f"`{code}`" in text, code


def test_every_key_of_the_dashboard_is_documented():
    pages = [path for path in (ROOT / "web/src").rglob("*.ts*") if ".test." not in path.name]
    keys = {
        key
        for page in pages
        for key in re.findall(r'\b(?:keys|alsoKeys): "([^"]+)"', page.read_text())
    }
    assert {"A", "Mod+K", "G H"} <= keys
    text = (ROOT / "docs/how-to/use-the-dashboard.md").read_text()
    rows = re.findall(r"^\|[^|]*\|((?: `[^`]+`)+) \|", text, re.MULTILINE)
    listed = {key for row in rows for key in re.findall(r"`([^`]+)`", row)}
    assert listed == keys | {"Enter"}


def test_links_between_documents_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"
