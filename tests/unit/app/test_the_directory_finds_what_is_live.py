from __future__ import annotations

from dataclasses import replace

import pytest

from awaitstep.app.directory import Directory
from awaitstep.app.errors import NotFound
from awaitstep.app.runs import node_of
from awaitstep.storage.records import Entry

ENTRY = Entry("wf_a", "proj_a", "local", "orders-a", "api.example.com/orders/*", "dep_a")


def test_workers_are_found_by_name_while_they_are_live() -> None:
    directory = Directory([ENTRY])
    assert directory.by_name("orders-a") == "dep_a"
    assert directory.by_name("orders-b") is None
    directory.put(replace(ENTRY, deployment=None))
    assert directory.by_name("orders-a") is None
    directory.put(replace(ENTRY, deployment="dep_b"))
    assert directory.by_name("orders-a") == "dep_b"
    directory.remove("wf_a")
    assert directory.by_name("orders-a") is None
    directory.remove("wf_a")


def test_the_longest_route_wins() -> None:
    directory = Directory(
        [
            replace(ENTRY, workflow=name, worker_name=name, deployment=name, route=route)
            for name, route in (
                ("all", "api.example.com/*"),
                ("orders", "api.example.com/orders/*"),
                ("exact", "api.example.com/orders/7"),
                ("root", "other.example.com/"),
                ("stem", "other.example.com/a*"),
                ("domain", "whole.example.com"),
                ("beside", "both.example.com"),
                ("before", "both.example.com/*"),
            )
        ]
    )
    for host, path, found in (
        ("api.example.com", "/", "all"),
        ("api.example.com", "/orders", "all"),
        ("api.example.com", "/orders/", "orders"),
        ("api.example.com", "/orders/7", "exact"),
        ("api.example.com", "/orders/77", "orders"),
        ("api.example.com", "/orders/7/x", "orders"),
        ("other.example.com", "/", "root"),
        ("other.example.com", "/b", None),
        ("other.example.com", "/abc", "stem"),
        ("whole.example.com", "/", "domain"),
        ("whole.example.com", "/any/where", "domain"),
        ("both.example.com", "/any", "before"),
        ("example.com", "/", None),
        ("", "", None),
    ):
        assert directory.by_route(host, path) == found, (host, path)


def test_a_route_without_a_deployment_gives_way() -> None:
    directory = Directory(
        [
            replace(ENTRY, workflow="all", worker_name="all", route="api.example.com/*"),
            replace(ENTRY, workflow="off", worker_name="off", deployment=None),
        ]
    )
    assert directory.by_route("api.example.com", "/orders/1") == "dep_a"


def test_a_changed_route_is_found_under_its_new_address_only() -> None:
    directory = Directory([ENTRY])
    directory.put(replace(ENTRY, route="new.example.com/*"))
    assert directory.by_route("api.example.com", "/orders/1") is None
    assert directory.by_route("new.example.com", "/orders/1") == "dep_a"
    directory.put(replace(ENTRY, route=None))
    assert directory.by_route("new.example.com", "/orders/1") is None


def test_workflows_are_found_by_their_owner_only() -> None:
    directory = Directory([ENTRY])
    assert directory.find("proj_a", "wf_a") is ENTRY
    for project, workflow in (("proj_b", "wf_a"), ("proj_a", "wf_b"), ("", "")):
        with pytest.raises(NotFound):
            directory.find(project, workflow)
    assert directory.of_project("proj_b") == []


@pytest.mark.parametrize(
    ("step", "node"),
    [
        ("Charge", "charge"),
        ("Charge [2]", "charge"),
        ("Charge [2.10.0]", "charge"),
        ("Pick · winner", "pick"),
        ("Pick · winner [3]", "pick"),
        ("List [0]", "list_zero"),
        ("Charge [x]", None),
        ("Charge ", None),
        ("Nobody", None),
    ],
)
def test_a_step_leads_to_its_node(step: str, node: str | None) -> None:
    nodes = {"Charge": "charge", "Pick": "pick", "List [0]": "list_zero"}
    assert node_of(step, nodes) == node
