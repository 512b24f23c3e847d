"""Every query binds the project: asked for another's row, the store has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from awaitstep.storage.port import InUse, Missing, Stale, Store, Taken
from awaitstep.storage.records import (
    ApiKey,
    Connection,
    Deployment,
    Draft,
    Home,
    Numbers,
    Organization,
    Project,
    Variable,
    Version,
    Workflow,
)
from awaitstep.storage.sql import open_store

WORKFLOW = Workflow(
    "wf_a", "proj_a", "Orders", "", "workflow", None, [], None, None, None, None, 1.0, 1.0
)
VERSION = Version("ver_a", "wf_a", 1, {"nodes": []}, None, False, 1.0)
DEPLOYMENT = Deployment(
    "dep_a",
    "proj_a",
    "wf_a",
    "ver_a",
    "conn_proj_a",
    "orders-a",
    "0" * 64,
    "Orders",
    "WORKFLOW",
    {"Charge": "charge"},
    b"sealed",
    "active",
    1.0,
)
VARIABLE = Variable("var_a", "proj_a", None, "A", "1", None, 1.0, 1.0)
DRAFT = Draft("wf_a", {"nodes": []}, None, "ver_a", 0, 1.0)
KEY = ApiKey("key_a", "proj_a", "k", "ask_aaaaaaaa", b"digest", ["read"], 1.0)

Call = Callable[[Store, str], object]
CALLS: dict[str, Call] = {
    "workflow": lambda s, p: s.workflows.get(p, "wf_a"),
    "full": lambda s, p: s.workflows.full(p, "wf_a"),
    "update": lambda s, p: s.workflows.update(p, "wf_a", {"name": "x"}, None),
    "update nothing": lambda s, p: s.workflows.update(p, "wf_a", {}, []),
    "move": lambda s, p: s.workflows.move(p, "wf_a", p, [], 2.0),
    "version": lambda s, p: s.versions.get(p, "wf_a", "1"),
    "latest": lambda s, p: s.versions.latest(p, "wf_a"),
    "versions": lambda s, p: s.versions.page(p, "wf_a", 10, None),
    "new version": lambda s, p: s.versions.create(p, replace(VERSION, id=f"ver_{p}")),
    "lock": lambda s, p: s.versions.update(p, "wf_a", "ver_a", locked=True, note=None),
    "put draft": lambda s, p: s.drafts.put(p, DRAFT),
    "draft": lambda s, p: with_draft(s).drafts.get(p, "wf_a"),
    "discard draft": lambda s, p: with_draft(s).drafts.delete(p, "wf_a"),
    "deployments": lambda s, p: s.deployments.page(p, "wf_a", 10, None),
    "activate": lambda s, p: s.deployments.activate(replace(DEPLOYMENT, id=f"dep_{p}", project=p)),
    "stop": lambda s, p: s.deployments.stop(p, "wf_a"),
    "connection": lambda s, p: s.connections.get(p, "conn_proj_a"),
    "rename": lambda s, p: s.connections.update(p, "conn_proj_a", name="x", is_default=None),
    "variable": lambda s, p: s.variables.get(p, "var_a"),
    "set": lambda s, p: s.variables.update(replace(VARIABLE, project=p, value="2")),
    "unset": lambda s, p: s.variables.delete(p, "var_a"),
    "delete key": lambda s, p: s.keys.delete(p, "key_a"),
    "delete": lambda s, p: s.workflows.delete(p, "wf_a"),
}


def with_draft(store: Store) -> Store:
    try:
        store.drafts.put("proj_a", DRAFT)
    except Stale:
        pass  # it has one
    return store


@pytest.fixture
def store() -> Store:
    store = open_store("sqlite://")
    for number, name in enumerate(("proj_a", "proj_b")):
        organization = Organization(f"org_{name}", "o", float(number))
        project = Project(name, organization.id, "p", float(number))
        place = Connection(f"conn_{name}", name, "local", "Local", True, True, 1.0)
        store.tenancy.create_home(Home(organization, project, place))
    store.workflows.create(WORKFLOW, VERSION, [])
    store.deployments.activate(DEPLOYMENT)
    store.variables.create(VARIABLE)
    store.keys.create(KEY)
    return store


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_only_the_owner_finds_it(store: Store, call: Call) -> None:
    with pytest.raises(Missing):
        call(store, "proj_b")
    with pytest.raises(Missing):
        call(store, "proj_nobody")
    call(store, "proj_a")


def test_lists_hold_only_ones_own(store: Store) -> None:
    for project, count in (("proj_a", 1), ("proj_b", 0)):
        assert len(store.workflows.page(project, 10, None).items) == count
        assert len(store.workflows.ids(project)) == count
        assert len(store.workflows.numbers(project, ["wf_a", "wf_x"])) == count
        assert len(store.deployments.page(project, None, 10, None).items) == count
        assert len(store.variables.page(project, 10, None).items) == count
        assert len(store.variables.of(project, None)) == count
        assert len(store.keys.page(project, 10, None).items) == count
        assert [c.id for c in store.connections.page(project, 10, None).items] == [
            f"conn_{project}"
        ]


def test_deleting_a_workflow_takes_what_is_its_own_and_nothing_else(store: Store) -> None:
    own = replace(VARIABLE, id="var_own", workflow="wf_a")
    store.workflows.update("proj_a", "wf_a", {}, [own])
    store.workflows.delete("proj_a", "wf_a")
    assert store.variables.of("proj_a", "wf_a") == []
    assert store.variables.get("proj_a", "var_a") == VARIABLE
    assert store.connections.get("proj_a", "conn_proj_a").builtin
    with pytest.raises(Missing):
        store.deployments.load("dep_a")
    assert store.workflows.entries() == []


def test_what_a_deployment_needs_stays(store: Store) -> None:
    with pytest.raises(InUse):
        store.versions.delete("proj_a", "wf_a", "1")
    with pytest.raises(InUse):
        store.connections.delete("proj_a", "conn_proj_a")


def test_a_project_always_has_one_default(store: Store) -> None:
    other = Connection("conn_x", "proj_a", "local", "Other", True, False, 2.0)
    store.connections.create(other)
    assert store.connections.default("proj_a").id == "conn_x"
    assert store.connections.default("proj_b").id == "conn_proj_b"
    store.connections.delete("proj_a", "conn_x")
    assert store.connections.default("proj_a").id == "conn_proj_a"


def test_names_of_workers_are_unique_everywhere(store: Store) -> None:
    store.workflows.create(
        replace(WORKFLOW, id="wf_b", project="proj_b"),
        replace(VERSION, id="ver_b", workflow="wf_b"),
        [],
    )
    theirs = replace(DEPLOYMENT, id="dep_b", project="proj_b", workflow="wf_b", version="ver_b")
    with pytest.raises(Taken):
        store.deployments.activate(theirs)
    with pytest.raises(Missing):
        store.deployments.load("dep_b")
    store.deployments.activate(replace(theirs, worker_name="orders-b"))
    with pytest.raises(Taken):  # fixed at the first deploy
        store.deployments.activate(replace(theirs, id="dep_c", worker_name="orders-c"))


def test_the_entry_tells_what_is_live(store: Store) -> None:
    (entry,) = store.workflows.entries()
    assert (entry.deployment, entry.version, entry.connection) == ("dep_a", "ver_a", "conn_proj_a")
    assert (entry.engine, entry.worker_name) == ("local", "orders-a")
    store.deployments.stop("proj_a", "wf_a")
    entry_then = store.workflows.entry("wf_a")
    assert entry_then is not None
    assert (entry_then.deployment, entry_then.worker_name) == (None, "orders-a")
    assert store.deployments.load("dep_a").status == "stopped"


def test_the_numbers_of_versions_tell_newest_and_live(store: Store) -> None:
    def numbers() -> Numbers:
        return store.workflows.numbers("proj_a", ["wf_a"])["wf_a"]

    assert numbers() == Numbers(newest=1, live=1)
    store.versions.create("proj_a", replace(VERSION, id="ver_2"))
    assert numbers() == Numbers(newest=2, live=1)
    store.deployments.stop("proj_a", "wf_a")
    assert numbers() == Numbers(newest=2, live=None)


def test_limits_are_kept_with_the_workflow_and_shown_in_its_entry(store: Store) -> None:
    limits = {"concurrency": 2, "retention": {"most": 10}}
    changed = store.workflows.update("proj_a", "wf_a", {"limits": limits}, None)
    assert changed.limits == limits
    assert store.workflows.get("proj_a", "wf_a").limits == limits
    assert [entry.limits for entry in store.workflows.entries()] == [limits]
    store.workflows.update("proj_a", "wf_a", {"limits": None}, None)
    entry = store.workflows.entry("wf_a")
    assert entry is not None
    assert entry.limits is None


def test_a_draft_is_replaced_by_who_read_it_last(store: Store) -> None:
    first = store.drafts.put("proj_a", DRAFT)
    assert first == replace(DRAFT, revision=1)
    with pytest.raises(Stale) as stale:
        store.drafts.put("proj_a", DRAFT)
    assert stale.value.revision == 1
    second = store.drafts.put("proj_a", replace(first, ir={"a": 1}, updated_at=2.0))
    assert store.drafts.get("proj_a", "wf_a") == second
    assert (second.revision, second.ir) == (2, {"a": 1})
    with pytest.raises(Missing):  # a version of nobody, and the draft stays as it was
        store.drafts.put("proj_a", replace(second, base_version="ver_x"))
    assert store.drafts.get("proj_a", "wf_a") == second


def test_a_revision_never_comes_back(store: Store) -> None:
    first = store.drafts.put("proj_a", DRAFT)
    store.drafts.delete("proj_a", "wf_a")
    with pytest.raises(Missing):
        store.drafts.delete("proj_a", "wf_a")
    with pytest.raises(Stale) as stale:
        store.drafts.put("proj_a", first)
    assert stale.value.revision == 0
    later = store.drafts.put("proj_a", DRAFT)
    assert later.revision > first.revision
    with pytest.raises(Stale):
        store.drafts.put("proj_a", first)


def test_what_is_saved_is_no_draft_any_more(store: Store) -> None:
    def save(number: int, ir: dict[str, object]) -> None:
        store.versions.create("proj_a", replace(VERSION, id=f"ver_{number}", ir=ir))

    draft = store.drafts.put("proj_a", replace(DRAFT, ir={"nodes": [1], "edges": []}))
    save(2, {"nodes": [True], "edges": []})
    assert store.drafts.get("proj_a", "wf_a") == draft
    save(3, {"edges": [], "nodes": [1]})
    with pytest.raises(Missing):
        store.drafts.get("proj_a", "wf_a")
    coded = replace(DRAFT, entry_code="return 1")
    store.drafts.put("proj_a", coded)
    save(4, coded.ir)
    assert store.drafts.get("proj_a", "wf_a").entry_code == "return 1"
    store.workflows.update("proj_a", "wf_a", {"entry_code": "return 1"}, None)
    save(5, coded.ir)
    with pytest.raises(Missing):
        store.drafts.get("proj_a", "wf_a")


def test_a_draft_outlives_the_version_it_began_from_but_not_its_workflow(store: Store) -> None:
    store.versions.create("proj_a", replace(VERSION, id="ver_2", ir={"a": 1}))
    store.drafts.put("proj_a", replace(DRAFT, base_version="ver_2"))
    store.versions.delete("proj_a", "wf_a", "ver_2")
    assert store.drafts.get("proj_a", "wf_a").base_version is None
    store.workflows.delete("proj_a", "wf_a")
    store.workflows.create(WORKFLOW, VERSION, [])
    with pytest.raises(Missing):
        store.drafts.get("proj_a", "wf_a")


def test_settings_are_written_once(store: Store) -> None:
    assert store.tenancy.setting("x") is None
    store.tenancy.put_setting("x", b"1")
    store.tenancy.put_setting("x", b"2")
    assert store.tenancy.setting("x") == b"1"
