"""`awaitstep eject`: a workflow as a project of its own, in a folder.

All files are there at the end, or none: they are written beside the folder first.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awaitstep.cli import graph_file
from awaitstep.cli.failures import Failure
from awaitstep.cli.options import DEFAULT_DATA, Data, Json, Key, Url, read_json
from awaitstep.cli.output import show

if TYPE_CHECKING:
    from awaitstep.app.transfer import Exported
    from awaitstep.eject import Parcel
    from awaitstep.ir import Registry


def eject(
    what: Annotated[
        str, typer.Argument(help="A graph or export file, or a workflow's id or name.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the project goes.")],
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty.")
    ] = False,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Write a workflow as a complete project: module, settings, README and a test per path.

    To find values for the tests, the graph's conditions and inline code are executed here.
    """
    from awaitstep.eject import project
    from awaitstep.nodes import registry

    _check(folder, force)
    types = registry()
    files = project(_parcel(what, _exported(what, data, url, key), types), types)
    try:
        _write(folder.absolute(), files)
    except OSError as error:
        raise Failure(f"{folder} can't be written: {error.strerror}.", "file.unwritable") from None
    show(
        {"folder": str(folder), "files": sorted(files)},
        json,
        lambda made: "\n".join(f"{made['folder']}/{name}" for name in made["files"]),
    )


def _exported(what: str, data: Path, url: str | None, key: str | None) -> Any:
    path = Path(what)
    if path.suffix == ".json" or path.is_file():
        return read_json(path)
    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        answer = rest.get(f"/workflows/{rest.workflow_id(what)}/export")
    if isinstance(answer, dict) and answer.get("ir") is None:
        raise Failure(f"{what} has no version yet.", "workflow.no_version")
    return answer


def _parcel(what: str, given: Any, types: Registry) -> Parcel:
    """What the file holds, compiled. Raises Failure with every problem."""
    from awaitstep.app.transfer import read
    from awaitstep.ir import InvalidGraph

    if not isinstance(given, dict):
        raise Failure(f"{what} is no graph and no export.", "graph.invalid")
    # A module in the place of a drawing is a graph as well.
    bare = "ir" not in given and "module" in given
    name = given.get("metadata", {}).get("name") if isinstance(given.get("metadata"), dict) else ""
    exported = read({"name": name, "ir": given} if bare else given)
    if exported.problems or exported.ir is None:
        raise Failure(f"{what} can't be ejected.", "import.invalid", exported.problems)
    try:
        return _compiled(exported, types)
    except InvalidGraph as invalid:
        details = [problem.to_json() for problem in invalid.diagnostics]
        raise Failure(f"{what} can't be ejected.", "graph.invalid", details) from None


def _compiled(exported: Exported, types: Registry) -> Parcel:
    from awaitstep.compiler import CompiledModule, compile_graph, default_entry
    from awaitstep.eject import Parcel, Variable
    from awaitstep.ir import is_handwritten, parse, read_handwritten
    from awaitstep.nodes import nodes_not_for, packages_of

    graph = None
    ir, entry = graph_file.adopted(exported.ir, exported.entry_code)
    if is_handwritten(ir):
        written = read_handwritten(ir)
        module = CompiledModule(written.source, written.class_name, {}, {})
        packages = written.packages
    else:
        graph = parse(ir, types)
        module = compile_graph(graph, types, entry_code=entry)
        packages = tuple(packages_of(graph, types))
    return Parcel(
        name=exported.name,
        description=exported.description,
        module=module,
        graph=graph,
        packages=(*exported.dependencies, *packages),
        variables=tuple(
            Variable(spec.name, None if spec.secret else spec.value, bool(spec.secret))
            for spec in exported.variables
        ),
        only_local=nodes_not_for("cloudflare", graph, types) if graph else (),
        default_entry=graph is not None and entry in (None, default_entry(graph.kind)),
    )


def _check(folder: Path, force: bool) -> None:
    if folder.is_dir():
        try:
            filled = any(folder.iterdir())
        except OSError as error:
            raise Failure(f"{folder} can't be read: {error.strerror}.", "file.unreadable") from None
        if filled and not force:
            raise Failure(
                f"{folder} is not empty; --force writes into it and keeps what else is there.",
                "folder.filled",
            )
    elif folder.exists() or folder.is_symlink():
        raise Failure(f"{folder} is not a folder.", "folder.invalid")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Put the files into the folder, all or none. Raises OSError, or Failure for a link."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _beside(folder) as made:
        for name, text in files.items():
            file = made / "new" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        if not folder.exists():
            (made / "new").rename(folder)
            return
        for name in files:
            _refuse_detour(folder, name)
        _exchange(folder, made, files)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder on the same disk, for now."""
    made = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    made.mkdir()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _refuse_detour(folder: Path, name: str) -> None:
    """A link, or something else in a file's place, would lead the writing elsewhere."""
    for place in (folder / name, *(folder / name).parents):
        if place == folder:
            return
        is_file = place == folder / name
        if place.is_symlink() or (place.exists() and place.is_file() is not is_file):
            raise Failure(f"{place} is in the way.", "folder.invalid")


def _exchange(folder: Path, made: Path, files: Mapping[str, str]) -> None:
    """Move new files in and old ones out; back again when one can't be moved."""
    moved: list[tuple[Path, Path]] = []
    try:
        for name in files:
            target, kept = folder / name, made / "old" / name
            if target.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                os.replace(target, kept)
                moved.append((kept, target))
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(made / "new" / name, target)
            moved.append((target, made / "new" / name))
    except OSError:
        for now, before in reversed(moved):
            os.replace(now, before)
        raise
