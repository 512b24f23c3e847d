"""Functions, and workflows that call others: their tests, and what their settings leave open."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from awaitstep.eject import stand_in

from .drawings import branch, choice, graph, node, step
from .test_a_project_is_complete import without_comments
from .test_every_path_has_a_test import names_of, written

GOLDEN = Path(__file__).parents[2] / "golden/graphs"
ORDER_LINE = json.loads((GOLDEN / "order_line.json").read_text())
PRICE_LIST = json.loads((GOLDEN / "price_list.json").read_text())


def function(drawn: dict[str, Any]) -> dict[str, Any]:
    return {**drawn, "kind": "script"}


def child(node_id: str, **data: Any) -> dict[str, Any]:
    return node(node_id, "sub_workflow", workflowId=f"wf_{node_id}", **data)


def uncommented(text: str) -> Any:
    """The settings when the slashes before what is called are taken away, and words stay."""
    return without_comments(
        re.sub(r"^( +)// ( *(?:[{\]]|\"services|\"workflows))", r"\1\2", text, flags=re.M)
    )


def test_steps_and_entry_code_of_a_function_are_not_executed(ejected, tested, tmp_path):
    touch = f"open({str(tmp_path / 'touched')!r}, 'w').close()\nreturn 4"
    given = function(choice("{{a}} == 4"))
    for number in (0, 2):
        given["nodes"][number]["data"]["code"] = touch
    folder = ejected(
        {"awaitstep": 1, "name": "x", "kind": "script", "entryCode": touch, "ir": given}
    )
    assert "2 passed" in tested(folder).stdout
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "condition",
    [
        "{{a.n}} > 10000",
        '{{event.method}} == "GET"',
        'event["headers"].get("x-token") == env.TOKEN',
        'event.payload.get("sku") is None',
    ],
)
def test_values_are_found_for_both_arms_of_a_function(condition, ejected, tested):
    folder = ejected(function(choice(condition)))
    assert names_of(folder) == ["test_b_yes", "test_b_no"]
    assert "2 passed" in tested(folder).stdout, written(folder)


def test_a_step_of_a_function_may_fail_and_lose_a_race(ejected, tested):
    given = graph(
        [
            node("attempt", "try_catch"),
            step("risky", "return await fetch('https://x.example')"),
            step("caught"),
            node("first", "race"),
            step("left"),
            step("right", "return await fetch('https://y.example')"),
        ],
        [
            ("attempt", "risky", "try"),
            ("attempt", "caught", "catch"),
            ("attempt", "first", "then"),
            ("first", "left", "l"),
            ("first", "right", "r"),
        ],
    )
    folder = ejected(function(given))
    assert len(names_of(folder)) == 4
    assert 'fails=["risky"]' in written(folder)
    assert 'never=["left"]' in written(folder)
    assert "4 passed" in tested(folder).stdout


def test_a_function_without_one_of_its_steps_is_not_loaded():
    source = "class Default:\n    async def run(self, event):\n        async def _a(): ...\n"
    assert stand_in.load(source, "worker.py", ["a"])["Default"]
    with pytest.raises(LookupError, match="_b"):
        stand_in.load(source, "worker.py", ["a", "b"])


def test_an_arm_of_a_function_that_nothing_holds_up_wins_over_later_ones(ejected, tested):
    given = graph(
        [node("first", "race"), step("left", inline=True), step("right")],
        [("first", "left", "l"), ("first", "right", "r")],
    )
    folder = ejected(function(given))
    assert names_of(folder) == ["test_first_l"]
    assert "1 passed" in tested(folder).stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("price_list = _price_list()", "price_list = None"),
        ('["count"] > 0', '["count"] <= 0'),
        ("here = await _here()", "here = await _here()\n                here = await _here()"),
        ("def _nothing()", "def _nothing_more()"),
    ],
    ids=["a step is missing", "arms are swapped", "a step too many", "another name"],
)
def test_a_function_that_goes_another_way_fails_its_tests(old, new, ejected, tested):
    folder = ejected(PRICE_LIST)
    module = folder / "worker.py"
    text = module.read_text()
    assert text.count(old) == 1
    module.write_text(text.replace(old, new))
    done = tested(folder)
    assert done.returncode == 1, done.stdout
    assert re.search(r"\d (failed|error)", done.stdout)


def test_a_function_is_no_workflow_of_its_settings_and_says_how_to_call_it(ejected):
    folder = ejected(PRICE_LIST)
    assert '"workflows"' not in (folder / "wrangler.jsonc").read_text()
    readme = (folder / "README.md").read_text()
    assert "curl http://localhost:8787" in readme
    assert "Each request is a call" in readme
    assert "awaitstep run" not in readme


def test_a_way_that_only_an_empty_loop_leads_to_has_a_test(ejected):
    text = written(ejected(PRICE_LIST))
    assert "def test_each_sku_is_empty_some_no(run):" in text
    assert "skip" not in text


def test_a_run_that_is_waited_for_and_fails_has_a_path_of_its_own(ejected, tested):
    given = graph(
        [
            node("attempt", "try_catch"),
            step("first"),
            child("pack"),
            branch("big", ("yes", "{{pack.kilos}} > 30"), ("no", "")),
            step("crane"),
            step("caught"),
        ],
        [
            ("attempt", "first", "try"),
            ("first", "pack"),
            ("pack", "big"),
            ("big", "crane", "yes"),
            ("attempt", "caught", "catch"),
        ],
    )
    folder = ejected(given)
    assert names_of(folder) == [
        "test_attempt_works_big_yes",
        "test_attempt_works_big_no",
        "test_attempt_fails",
        "test_pack_its_run_fails_attempt_fails",
    ]
    assert 'results={"pack · result": {"kilos": 31}}' in written(folder)
    assert 'fails=["pack · result"]' in written(folder)
    assert "4 passed" in tested(folder).stdout


def test_a_run_that_is_not_waited_for_is_one_step(ejected, tested):
    folder = ejected(graph([child("audit", waitForCompletion=False)], []))
    assert "· result" not in written(folder)
    assert "1 passed" in tested(folder).stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('safe["value"] = await _safe_catch', 'safe["value"] = str'),
        ("charge = await child_output(", "charge = (lambda *_: 1)("),
        ('"Charge · result"', '"Charge · results"'),
        ('raise ChildFailed(outcome["error"], name)', "return None"),
    ],
    ids=["no catch", "no wait", "another name", "failures are overlooked"],
)
def test_a_module_that_treats_other_runs_differently_fails_its_tests(old, new, ejected, tested):
    folder = ejected(ORDER_LINE)
    module = folder / "worker.py"
    text = module.read_text()
    assert text.count(old) == 1
    module.write_text(text.replace(old, new))
    done = tested(folder)
    assert done.returncode == 1, done.stdout
    assert "failed" in done.stdout


def test_what_is_called_waits_as_comments_for_names(ejected):
    folder = ejected(ORDER_LINE)
    text = (folder / "wrangler.jsonc").read_text()
    assert "services" not in without_comments(text)
    assert [entry["binding"] for entry in without_comments(text)["workflows"]] == ["WORKFLOW"]
    for id in ("wf_packing", "wf_charging", "wf_cancelling", "wf_audit", "wf_prices"):
        assert f'// Calls "{id}": fill in each "?".' in text
        assert f"| `{id}` |" in (folder / "README.md").read_text()
    filled = uncommented(text)
    assert filled["services"] == [{"binding": "FUNCTION_PRICE", "service": "?"}]
    assert filled["workflows"][3] == {
        "binding": "WORKFLOW_PACK",
        "name": "?",
        "class_name": "?",
        "script_name": "?",
    }
    assert filled["workflows"][4]["binding"] == "WORKFLOW"


def test_a_function_may_call_as_well(ejected, tested):
    ask = node("ask", "sub_script", workflowId="fn_ask")
    given = graph([child("go", waitForCompletion=False), ask], [("go", "ask")])
    folder = ejected(function(given))
    text = (folder / "wrangler.jsonc").read_text()
    assert not {"workflows", "services"} & without_comments(text).keys()
    filled = uncommented(text)
    assert [entry["binding"] for entry in filled["workflows"]] == ["WORKFLOW_GO"]
    assert [entry["binding"] for entry in filled["services"]] == ["FUNCTION_ASK"]
    assert "1 passed" in tested(folder).stdout
