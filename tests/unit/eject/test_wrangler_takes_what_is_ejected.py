"""Cloudflare's own tool takes each ejected example, and would upload the same files as we do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from awaitstep.providers.cloudflare import parts_of
from awaitstep.templates import templates
from nodetools import WRANGLER, environment, node

from .conftest import Ejected

EXAMPLES = {
    path.parent.name: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[3] / "examples").glob("*/graph.json"))
}
TEMPLATES = {template.id: template.ir for template in templates()}


def dry_run(folder: Path, out: Path) -> str:
    done = subprocess.run(
        [node(), str(WRANGLER), "deploy", "--dry-run", "--outdir", str(out)],
        cwd=folder,
        env=environment() | {"HOME": str(out.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", [*EXAMPLES, *TEMPLATES])
def test_each_example_and_template(name: str, ejected: Ejected, tmp_path: Path) -> None:
    told = dry_run(ejected((EXAMPLES | TEMPLATES)[name]), tmp_path / "out")
    assert f"env.{'WORKFLOW' if name != 'shipping-price' else ''}" in told or "No bindings" in told
    assert (tmp_path / "out/worker.py").is_file()


@pytest.mark.parametrize("name", EXAMPLES)
def test_for_cloudflare_the_same_files_are_uploaded_as_by_a_deploy(
    name: str, ejected: Ejected, tmp_path: Path
) -> None:
    folder, out = ejected(EXAMPLES[name], "--target", "cloudflare"), tmp_path / "out"
    dry_run(folder, out)
    uploaded = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file()
    }
    del uploaded["README.md"]  # it says what an output folder is
    ours = parts_of((folder / "worker.py").read_text())
    assert uploaded == {path: content for path, (content, _) in ours.items()}
