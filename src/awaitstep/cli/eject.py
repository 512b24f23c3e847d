"""`awaitstep eject`: a workflow as a project of its own, in a folder.

For a target, the project holds what a deploy there uploads beside the module, too.

All files are there at the end, or none: they are written beside the folder first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awaitstep.cli import graph_file
from awaitstep.cli.failures import Failure
from awaitstep.cli.files import read_json, unwritable
from awaitstep.cli.options import DEFAULT_DATA, Data, Json, Key, Url
from awaitstep.cli.output import say, show, warnings

if TYPE_CHECKING:
    from awaitstep.app.transfer import Exported
    from awaitstep.eject import Parcel
    from awaitstep.ir import Registry
    from awaitstep.wiring import Target


def eject(
    what: Annotated[
        str, typer.Argument(help="A graph or export file, or a workflow's id or name.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the project goes.")],
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty.")
    ] = False,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="TYPE",
            help="Also write all that a connection of this type uploads.",
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Write a workflow as a complete project: module, settings, README and a test per path.

    To find values for the tests, the graph's conditions and inline code are executed here.
    """
    from awaitstep.eject import project

    _check(folder, force)
    place = None if target is None else _target(target)
    types = graph_file.node_types(data)
    parcel = _parcel(what, _exported(what, data, url, key), types)
    files = {name: text.encode() for name, text in project(parcel, types).items()}
    if place is not None:
        files |= _uploaded(what, parcel, place)
    try:
        _write(folder.absolute(), files)
    except OSError as error:
        raise unwritable(folder, error) from None
    show(
        {"folder": str(folder), "files": sorted(files)},
        json,
        lambda made: "\n".join(f"{made['folder']}/{name}" for name in made["files"]),
    )


def _exported(what: str, data: Path, url: str | None, key: str | None) -> Any:
    if graph_file.is_one(what):
        return read_json(Path(what))
    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        answer = rest.get(f"{rest.workflow(what)}/export")
    if isinstance(answer, dict) and answer.get("ir") is None:
        raise Failure(f"{what} has no version yet.", "workflow.no_version")
    return answer


def _parcel(what: str, given: Any, types: Registry) -> Parcel:
    """What the file holds, compiled. Raises Failure with every problem."""
    from awaitstep.app.transfer import read

    if not isinstance(given, dict):
        raise Failure(f"{what} is no graph and no export.", "graph.invalid")
    # A module in the place of a drawing is a graph as well.
    bare = "ir" not in given and "module" in given
    name = given.get("metadata", {}).get("name") if isinstance(given.get("metadata"), dict) else ""
    exported = read({"name": name, "ir": given} if bare else given)
    if exported.problems or exported.ir is None:
        raise Failure(f"{what} can't be ejected.", "import.invalid", exported.problems)
    with graph_file.told(f"{what} can't be ejected."):
        return _compiled(exported, types)


def _compiled(exported: Exported, types: Registry) -> Parcel:
    from awaitstep.compiler import default_entry
    from awaitstep.dialect import PLATFORM
    from awaitstep.eject import Parcel, Variable
    from awaitstep.nodes import nodes_not_for

    ir, entry = graph_file.adopted(exported.ir, exported.entry_code, types)
    made = graph_file.compiled(ir, entry, types)
    graph = made.graph
    return Parcel(
        name=exported.name,
        description=exported.description,
        module=made.module,
        graph=graph,
        packages=(*exported.dependencies, *made.packages),
        variables=tuple(
            Variable(spec.name, None if spec.secret else spec.value, bool(spec.secret))
            for spec in exported.variables
        ),
        only_local=nodes_not_for(PLATFORM, graph, types) if graph else (),
        default_entry=graph is not None and entry in (None, default_entry(graph.kind)),
    )


def _target(type: str) -> Target:
    """Raises Failure when nothing can be taken there."""
    from awaitstep.wiring import targets

    known = targets()
    if type not in known:
        raise Failure(
            f"There is no target {type!r}; there are: {', '.join(sorted(known))}.",
            "target.unknown",
        )
    return known[type]


def _uploaded(what: str, parcel: Parcel, place: Target) -> dict[str, bytes]:
    """The files of a deploy, from who uploads them. Raises Failure."""
    import asyncio

    from awaitstep.providers.port import PackagesRefused, PackagesUnavailable
    from awaitstep.wiring import SetupRefused

    source = parcel.module.source
    found = [
        {"severity": one.severity, "code": one.code, "message": one.message}
        for one in place.differences(source)
    ]
    if found and found[0]["severity"] == "error":
        raise Failure(f"{what} can't run on {place.title}.", found[0]["code"], found)
    warnings({"warnings": found})
    try:
        return asyncio.run(place.files(source, parcel.packages, say))
    except PackagesRefused as error:
        raise Failure(str(error), "deploy.packages") from None
    except PackagesUnavailable as error:
        raise Failure(str(error), "deploy.packages_unavailable") from None
    except SetupRefused as error:
        raise Failure(str(error)) from None


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


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put the files into the folder, all or none. Raises OSError, or Failure for a link."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _beside(folder) as made:
        for name, content in files.items():
            file = made / "new" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        if not folder.exists():
            (made / "new").rename(folder)
            return
        for name in files:
            _refuse_detour(folder, name)
        _exchange(folder, made, files)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder on the same disk, for now."""
    import secrets

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


def _exchange(folder: Path, made: Path, files: Mapping[str, bytes]) -> None:
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
