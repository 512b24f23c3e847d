"""Instance ids: made here or chosen by a caller."""

import uuid

import pytest

from awaitstep.engine import ids


def test_made_ids_are_uuids_of_version_7_that_rise():
    made = [ids.new_instance(1_800_000_000.0) for _ in range(1_000)]
    made += [ids.new_instance(1_700_000_000.0), ids.new_instance(1_800_000_100.0)]
    assert sorted(made) == made
    assert len(set(made)) == len(made)
    for id in made:
        parsed = uuid.UUID(id)
        assert parsed.version == 7
        assert parsed.variant == uuid.RFC_4122
        assert str(parsed) == id
        assert ids.valid_instance(id)


def test_made_ids_take_16_bytes_and_chosen_ones_stay_text():
    made = ids.new_instance(0.0)
    assert len(ids.pack(made, True)) == 16
    assert ids.unpack(ids.pack(made, True)) == (made, True)
    assert ids.unpack(ids.pack(made, False)) == (made, False)


@pytest.mark.parametrize("id", ["a", "_", "0", "A-b_9", "x" * 100, "_-", "order-1"])
def test_ids_a_caller_may_choose(id):
    assert ids.valid_instance(id)


@pytest.mark.parametrize(
    "id",
    ["", "-", "-a", "x" * 101, "a b", "a/b", "..", "a.b", "a\n", "ä", "a\u0661", "a\x00", "\ud800", "а"],
    ids=repr,
)  # fmt: skip
def test_ids_nobody_may_choose(id):
    assert not ids.valid_instance(id)
