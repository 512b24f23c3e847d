"""Environments: built once, from wheels, whole or not at all; and made again as they were."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from awaitstep.engine.errors import EnvironmentMissing
from awaitstep.providers.packages import Environments, installer
from awaitstep.providers.port import PackagesRefused, PackagesUnavailable

SECONDS = 60.0


@pytest.fixture
def variables(wheels, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)
    for name, value in wheels.variables.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
async def environments(tmp_path: Path, variables) -> AsyncIterator[Environments]:
    made = Environments(tmp_path / "environments", tmp_path / "lists")
    yield made
    await made.close()


def imported(site: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def left(environments: Environments) -> set[str]:
    """What is in the folder besides environments and the cache."""
    return {path.name for path in environments._folder.glob(".*")} - {".cache"}


async def until(met) -> None:
    deadline = time.monotonic() + SECONDS
    while not met():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.01)


async def test_declared_packages_and_what_they_need_can_be_imported(environments, wheels):
    wheels.add("tiny", "1.5", requires="deep>=1", __init__="import deep\nV = '1.5 ' + deep.V")
    wheels.add("deep", "2.0", __init__="V = '2.0'")
    told: list[str] = []
    name = await environments.prepare(["Tiny >=1, <2"], told.append)
    assert imported(environments.path(name), "import tiny; print(tiny.V)") == "1.5 2.0"
    assert told[0] == "Resolving 1 package"
    assert {"Found 2 packages", "Installed tiny 1.5", "Installed deep 2.0"} <= set(told)
    assert list(environments.path(name).glob("tiny/__pycache__/*.pyc"))
    assert left(environments) == set()


async def test_two_who_want_the_same_build_it_once(environments, wheels, monkeypatch):
    wheels.add("tiny", "1.0", __init__="")
    builds = []

    async def counting(*args, **kwargs):
        builds.append(args[0])
        await installer.install(*args, **kwargs)

    environments._install = counting
    told: list[str] = []
    names = await asyncio.gather(
        environments.prepare(["tiny"]), environments.prepare(["TINY"], told.append)
    )
    assert names[0] == names[1] == await environments.prepare(["tiny"])
    assert builds == [("tiny",)]
    assert "Installed tiny 1.0" in told


async def test_who_goes_away_does_not_take_it_from_the_other(environments):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(requirements, pins, draft, *, cache, tell):
        started.set()
        await go_on.wait()

    environments._install = slow
    first = asyncio.create_task(environments.prepare(["tiny"]))
    second = asyncio.create_task(environments.prepare(["tiny"]))
    await started.wait()
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    go_on.set()
    assert environments.path(await second).is_dir()


async def test_an_install_that_nobody_wants_any_more_ends(environments):
    ended, started = asyncio.Event(), asyncio.Event()

    async def endless(requirements, pins, draft, *, cache, tell):
        (draft / "site").mkdir()
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    environments._install = endless
    only = asyncio.create_task(environments.prepare(["tiny"]))
    await started.wait()
    only.cancel()
    await asyncio.wait_for(ended.wait(), SECONDS)
    await until(lambda: left(environments) == set())


async def test_a_package_that_is_not_there_is_refused_in_uvs_words(environments, wheels):
    wheels.add("tiny", "1.0", __init__="")
    for wanted, said in ((["tiny==2"], "no version of tiny"), (["nonesuch"], "nonesuch was not")):
        with pytest.raises(PackagesRefused) as refused:
            await environments.prepare(wanted)
        assert said in str(refused.value)
        assert str(wheels.folder) not in str(refused.value)
        assert "://" not in str(refused.value)
    with pytest.raises(PackagesRefused, match=r"tiny==1|tiny>=2"):
        await environments.prepare(["tiny==1", "tiny>=2"])
    assert left(environments) == set()


async def test_versions_that_are_none_are_refused(environments):
    with pytest.raises(PackagesRefused):
        await environments.prepare(["tiny==!!"])


async def test_what_is_no_package_name_never_reaches_uv(environments):
    async def never(*args, **kwargs):
        raise AssertionError("asked")

    environments._install = never
    for text in ("./here", "--index-url=http://evil", "a @ file:///etc", "a\n-e ."):
        with pytest.raises(PackagesRefused):
            await environments.prepare([text])


async def test_a_package_without_a_wheel_runs_no_code_here(environments, wheels, tmp_path):
    proof = tmp_path / "ran"
    with tarfile.open(wheels.folder / "sly-1.0.tar.gz", "w:gz") as archive:
        for name, text in (
            ("setup.py", f"open({str(proof)!r}, 'w').close()\n"),
            ("PKG-INFO", "Metadata-Version: 2.1\nName: sly\nVersion: 1.0\n"),
        ):
            member = tarfile.TarInfo(f"sly-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    with pytest.raises(PackagesRefused, match="Only wheels"):
        await environments.prepare(["sly"])
    assert not proof.exists()


async def test_an_index_that_is_away_is_told_without_its_password(environments, variables):
    variables.setenv("UV_DEFAULT_INDEX", "http://someone:geheim@127.0.0.1:9/simple")
    variables.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(PackagesUnavailable) as away:
        await environments.prepare(["tiny"])
    for secret in ("geheim", "someone", "127.0.0.1:9/simple"):
        assert secret not in str(away.value)


@pytest.fixture
async def hanging_index(variables) -> AsyncIterator[asyncio.Event]:
    """An index that takes questions and never answers; set once it was asked."""
    asked = asyncio.Event()
    held: set[asyncio.Task[None] | None] = set()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.add(asyncio.current_task())
        asked.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()  # until who asked has ended
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        variables.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{port}/simple")
        yield asked
        await asyncio.wait_for(asyncio.gather(*filter(None, held)), SECONDS)


@pytest.fixture
def children(monkeypatch) -> list[int]:
    """Process ids of what was started."""
    started: list[int] = []
    start = asyncio.create_subprocess_exec

    async def noted(*args, **kwargs):
        child = await start(*args, **kwargs)
        started.append(child.pid)
        return child

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    return started


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_cancelled_install_leaves_no_process(environments, hanging_index, children):
    task = asyncio.create_task(environments.prepare(["tiny"]))
    await asyncio.wait_for(hanging_index.wait(), SECONDS)
    assert alive(children[0])
    task.cancel()
    await until(lambda: not alive(children[0]))
    await until(lambda: left(environments) == set())


async def test_an_install_has_its_time(tmp_path, hanging_index, children):
    draft = tmp_path / "draft"
    draft.mkdir()
    with pytest.raises(PackagesUnavailable, match="took longer"):
        await installer.install(["tiny"], [], draft, seconds=0.2)
    assert not alive(children[0])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends it with its parent")
async def test_an_install_ends_with_its_server(tmp_path, hanging_index):
    draft = tmp_path / "draft"
    draft.mkdir()
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from awaitstep.providers.packages.installer import install\n"
        f"asyncio.run(install(['tiny'], [], Path({str(draft)!r})))\n"
    )
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    try:
        await asyncio.wait_for(hanging_index.wait(), SECONDS)
        [child] = _children(server.pid)
    finally:
        server.kill()
        await server.wait()
    await until(lambda: not _command(child))


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _command(pid: str) -> bytes:
    """Empty for a process that has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def test_uv_gets_no_secret_of_ours():
    given = installer.variables(
        {
            "PATH": "/bin",
            "AWAITSTEP_SECRET_KEY": "k",
            "AWS_SECRET_ACCESS_KEY": "k",
            "UV_INDEX_MINE_PASSWORD": "p",
            "UV_PROJECT": "/x",
            "PYTHONPATH": "/x",
            "PIP_INDEX_URL": "http://i",
            "https_proxy": "http://p",
            "UV_NO_BUILD_ISOLATION": "1",
        }
    )
    assert given.keys() == {
        *("PATH", "UV_INDEX_MINE_PASSWORD", "UV_INDEX_URL", "https_proxy"),
        *("UV_NO_PROGRESS", "NO_COLOR"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "at https://u:geheim@index.example/simple/x/ (404)",
        "in `/home/geheim/packages`",
        "from u:geheim@index.example",
        "file:///geheim/x",
        "path '/geheim/a b'",
    ],
)
def test_words_are_cleaned(text):
    assert "geheim" not in installer.cleaned(text)


def test_versions_stay_as_they_are():
    text = "Because you require tiny>=1.0,<2 and tiny[a]==3.0/1, it is unsatisfiable."
    assert installer.cleaned(text).startswith("Because you require tiny>=1.0,<2 and tiny[a]==3.0")


async def test_one_that_is_gone_is_made_again_as_it_was(environments, wheels):
    wheels.add("tiny", "1.0", __init__="V = '1.0'")
    path = environments.path(await environments.prepare(["tiny"]))
    wheels.add("tiny", "2.0", __init__="V = '2.0'")
    path.parent.rename(path.parent.with_name(".away"))
    await environments.restore(path)
    assert imported(path, "import tiny; print(tiny.V)") == "1.0"


async def test_one_that_can_not_be_made_again_says_why(environments, wheels, tmp_path):
    made = wheels.add("tiny", "1.0", __init__="")
    path = environments.path(await environments.prepare(["tiny"]))
    path.rename(path.with_name("away"))
    made.unlink()
    with pytest.raises(EnvironmentMissing, match="tiny"):
        await environments.restore(path)
    with pytest.raises(EnvironmentMissing, match="deploy again"):
        await environments.restore(path.parent.with_name("another-python") / "site")
    with pytest.raises(EnvironmentMissing, match="deploy again"):
        await environments.restore(environments.path("0" * 64))


async def test_a_deploy_takes_todays_versions_when_those_of_then_are_gone(environments, wheels):
    made = wheels.add("tiny", "1.0", __init__="V = '1.0'")
    path = environments.path(await environments.prepare(["tiny"]))
    path.rename(path.with_name("away"))
    made.unlink()
    wheels.add("tiny", "2.0", __init__="V = '2.0'")
    await environments.prepare(["tiny"])
    assert imported(path, "import tiny; print(tiny.V)") == "2.0"


async def test_what_was_left_half_done_and_what_nobody_names_is_removed(
    environments, wheels, tmp_path
):
    wheels.add("tiny", "1.0", __init__="")
    wheels.add("other", "1.0", __init__="")
    kept = await environments.prepare(["tiny"])
    unused = await environments.prepare(["other"])
    folder = tmp_path / "environments"
    for leftover in (".draft-of-a-crash/site", ".gone-x/y", f"{kept}/cpython-36-x/site"):
        (folder / leftover).mkdir(parents=True)
    again = Environments(folder, tmp_path / "lists")
    await again.clean({kept})
    assert not again.path(unused).exists()
    assert again.path(kept).is_dir()
    await until(lambda: {p.name for p in folder.iterdir()} - {".cache"} == {kept})
    assert [p.name for p in again.path(kept).parent.parent.iterdir()] == [
        again.path(kept).parent.name
    ]
    assert [p.name for p in (tmp_path / "lists").iterdir()] == [f"{kept}.json"]
    await again.close()


@pytest.mark.parametrize("name", ["", "..", "0" * 63, "g" * 64, "0" * 64 + "/..", "/etc"])
def test_a_name_is_a_digest(tmp_path, name):
    with pytest.raises(ValueError):
        Environments(tmp_path, tmp_path).path(name)
