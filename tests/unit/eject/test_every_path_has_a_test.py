"""One test for each path: it passes on the module, and fails on a module that goes another way."""

from __future__ import annotations

import re

import pytest

from .drawings import branch, choice, graph, node, step


def written(folder) -> str:
    return (folder / "tests/test_paths.py").read_text(encoding="utf-8")


def names_of(folder) -> list[str]:
    return re.findall(r"^def (test_\w+)", written(folder), re.MULTILINE)


@pytest.mark.parametrize(
    "condition",
    [
        "{{a}} > 10000",
        "{{a.n}} <= -2.5",
        '{{a.kind}} == "gold"',
        '{{a.kind}} in ("x", "y") and {{a.n}} >= 7',
        "not {{event.payload.ok}}",
        'event["payload"].get("ok") is None',
        "len({{a.items}}) > 0",
        "{{a.items[0].price}} != 3",
        "any(item['n'] == 4 for item in {{a.items}})",
        "{{a.x}} > {{event.payload.y}}",
        'env.MODE == "loud"',
    ],
)
def test_values_are_found_for_both_arms(condition, ejected, tested):
    folder = ejected(choice(condition))
    assert names_of(folder) == ["test_b_yes", "test_b_no"]
    done = tested(folder)
    assert "2 passed" in done.stdout, written(folder) + done.stdout


def test_waits_tries_races_and_loops_have_a_path_for_each_outcome(ejected, tested):
    given = graph(
        [
            node("wait", "wait_for_event", eventType="go", onTimeout="continue"),
            node("attempt", "try_catch"),
            step("risky"),
            step("caught"),
            node("first", "race"),
            step("left"),
            node("right", "sleep", duration="1 hour"),
            node("each", "loop", collection="event['payload']['rows']", itemVar="row"),
            node("stop", "break", condition="row['last']"),
            step("body"),
            step("end"),
        ],
        [
            ("wait", "attempt"),
            ("attempt", "risky", "try"),
            ("attempt", "caught", "catch"),
            ("attempt", "first", "then"),
            ("first", "left", "l"),
            ("first", "right", "r"),
            ("first", "each", "then"),
            ("each", "stop", "body"),
            ("stop", "body"),
            ("each", "end", "then"),
        ],
    )
    folder = ejected(given)
    assert len(names_of(folder)) == 2 * 2 * 2 * 2
    done = tested(folder)
    assert "16 passed" in done.stdout, done.stdout


def test_an_error_that_nobody_catches_ends_the_run(ejected, tested):
    given = graph(
        [node("attempt", "try_catch"), step("risky"), step("last"), step("after")],
        [("attempt", "risky", "try"), ("attempt", "last", "finally"), ("attempt", "after", "then")],
    )
    folder = ejected(given)
    assert names_of(folder) == ["test_attempt_works", "test_attempt_fails"]
    assert 'done.end == "errored"' in written(folder)
    assert "2 passed" in tested(folder).stdout


def test_a_path_that_no_values_lead_along_is_skipped_and_says_why(ejected, tested):
    folder = ejected(choice('{{a}} == "no" and {{a}} == "yes"'))
    done = tested(folder)
    assert "1 passed, 1 skipped" in done.stdout
    assert '{{a}} == "no" and {{a}} == "yes"' in done.stdout


def test_paths_that_are_left_out_are_counted(ejected, tested):
    nodes, edges = [step("start")], []
    before = "start"
    for number in range(6):
        arms = (("yes", f"event['payload'].get('k{number}') == 1"), ("no", ""))
        nodes += [branch(f"b{number}", *arms), step(f"y{number}"), step(f"n{number}")]
        edges += [
            (before, f"b{number}", *(["then"] if number else [])),
            (f"b{number}", f"y{number}", "yes"),
            (f"b{number}", f"n{number}", "no"),
        ]
        before = f"b{number}"
    folder = ejected(graph(nodes, edges))
    assert "There are 14 more paths" in written(folder)
    assert "50 passed" in tested(folder).stdout


def test_steps_and_entry_code_are_not_executed(ejected, tmp_path):
    touch = f"open({str(tmp_path / 'touched')!r}, 'w').close()\nreturn 4"
    given = choice("{{a}} == 4")
    given["nodes"][0]["data"]["code"] = touch
    ejected({"awaitstep": 1, "name": "x", "kind": "workflow", "entryCode": touch, "ir": given})
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "code", ["while True:\n    pass", "raise SystemExit(3)", "print('x')\nreturn 1"]
)
def test_code_between_steps_cannot_hold_up_or_end_the_command(code, ejected, tested):
    folder = ejected(graph([step("a", code, inline=True), step("b")], [("a", "b")]))
    done = tested(folder)
    assert ("1 passed" if "return" in code else "1 skipped") in done.stdout


def test_unknown_kinds_of_steps_are_steps(ejected, tested):
    transform = node("shape", "json_transform", input="{{a}}", mapping={"n": "$"})
    slack = node("tell", "slack_message", webhookUrl="{{env.HOOK}}", text="{{shape.n}}")
    given = graph(
        [step("a"), transform, branch("b", ("yes", "{{shape.n}} == 5")), slack],
        [("a", "shape"), ("shape", "b"), ("b", "tell", "yes")],
    )
    folder = ejected(given)
    done = tested(folder)
    assert "2 passed" in done.stdout, written(folder) + done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        c = await _c()\n", "        c = None\n"),
        ("> 10000", "<= 10000"),
        ('@step.do("c")', '@step.do("d")'),
        ("        a = await _a()\n", "        a = await _a()\n        a = await _a()\n"),
    ],
    ids=["a step is missing", "arms are swapped", "another name", "a step too many"],
)
def test_a_module_that_goes_another_way_fails_its_tests(old, new, ejected, tested):
    given = choice("{{a}} > 10000")
    folder = ejected(given)
    assert "2 passed" in tested(folder).stdout
    module = folder / "worker.py"
    indent = re.search(r"^( +)c = await", module.read_text(), re.MULTILINE)
    assert indent
    old, new = (part.replace("        c =", f"{indent[1]}c =") for part in (old, new))
    text = module.read_text()
    assert text.count(old) == 1
    module.write_text(text.replace(old, new))
    done = tested(folder)
    assert done.returncode == 1, done.stdout
    assert "failed" in done.stdout


def test_arms_that_lead_right_to_what_follows_are_paths_too(ejected, tested):
    given = graph(
        [
            node("attempt", "try_catch"),
            step("risky"),
            node("first", "race"),
            step("left"),
            step("end"),
        ],
        [
            ("attempt", "risky", "try"),
            ("attempt", "first", "catch"),
            ("attempt", "first", "then"),
            ("first", "left", "l"),
            ("first", "end", "r"),
            ("first", "end", "then"),
        ],
    )
    folder = ejected(given)
    assert len(names_of(folder)) == 4
    assert 'fails=["risky"]' in written(folder)
    assert 'results={"first · winner": "r"}, never=["left"]' in written(folder)
    assert "4 passed" in tested(folder).stdout


def test_tries_inside_each_other_cost_no_more_for_each_level(ejected, tested):
    levels = range(40)
    tries = [node(f"t{level}", "try_catch") for level in levels]
    caught = [step(f"c{level}") for level in levels]
    edges = [(f"t{level}", f"t{level + 1}", "try") for level in levels[:-1]]
    edges += [(f"t{level}", f"c{level}", "catch") for level in levels]
    given = graph([*tries, step("risky"), *caught], [*edges, ("t39", "risky", "try")])
    folder = ejected(given)
    assert names_of(folder) == ["test_t39_works", "test_t39_fails"]
    assert "2 passed" in tested(folder).stdout
