from __future__ import annotations

import pytest

from awaitstep.engine.ids import valid_instance
from awaitstep.engine.port import StartRun
from awaitstep.triggers import api, manual
from awaitstep.triggers.target import Target

TARGET = Target("wf_a", "dep_a", "ver_a")


@pytest.mark.parametrize(("trigger", "name"), [(api, "api"), (manual, "manual")])
def test_a_trigger_is_a_start(trigger: object, name: str) -> None:
    start = trigger.start(TARGET, b"{}", "order-1")  # type: ignore[attr-defined]
    assert start == StartRun("wf_a", "dep_a", name, b"{}", "order-1", "ver_a")  # type: ignore[arg-type]


def test_a_key_leads_to_one_instance_id_for_ever() -> None:
    instance = api.keyed_instance("wf_a", "order-1")
    assert instance == ("idem-400907e46d844f8c1002237f3e1f3f1849b617330d836829863c80f65605cbee")
    assert valid_instance(instance)
    assert instance != api.keyed_instance("wf_b", "order-1")
    assert instance != api.keyed_instance("wf_a", "order-2")
