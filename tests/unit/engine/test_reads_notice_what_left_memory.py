"""A run that leaves memory during a read is read again, once, whoever else reads meanwhile."""

from __future__ import annotations

from awaitstep.engine.embedded.freshness import Freshness


def test_a_run_that_left_since_the_read_began_is_stale():
    fresh = Freshness()
    with fresh.reading() as began:
        fresh.left(7)
        assert fresh.is_stale(7, began)
        assert not fresh.is_stale(8, began)


def test_a_read_that_began_after_is_fresh_however_readers_overlap():
    fresh = Freshness()
    first = fresh.reading()
    first_began = first.__enter__()
    fresh.left(7)
    for _ in range(3):  # two readers that never leave a moment without a read
        second = fresh.reading()
        second_began = second.__enter__()
        assert not fresh.is_stale(7, second_began)
        assert fresh.is_stale(7, first_began)
        first.__exit__(None, None, None)
        first, first_began = second, second_began
        fresh.left(7)


def test_nothing_is_kept_once_no_read_needs_it():
    fresh = Freshness()
    fresh.left(1)
    with fresh.reading():
        fresh.left(2)
        with fresh.reading() as inner:
            fresh.left(3)
            fresh.left(2)
            assert fresh.is_stale(2, inner)
            assert fresh.is_stale(3, inner)
    assert not fresh._left
    assert not fresh._reads


def test_reads_that_end_out_of_order_keep_what_the_others_need():
    fresh = Freshness()
    first, second = fresh.reading(), fresh.reading()
    first.__enter__()
    began = second.__enter__()
    fresh.left(5)
    first.__exit__(None, None, None)
    assert fresh.is_stale(5, began)
    second.__exit__(None, None, None)
    assert not fresh._left
