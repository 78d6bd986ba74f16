"""What the collector looks through, and when."""

import gc
from weakref import ref

import pytest

from bot.runtime.gc import kept, lasting, set_aside, uncollected


class Circle:
    def __init__(self) -> None:
        self.itself = self


def test_imports_are_left_alone_and_the_collector_goes_on_after_them() -> None:
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    assert gc.isenabled()


def test_what_lasts_is_looked_through_neither_while_it_is_made_nor_later() -> None:
    before = gc.get_freeze_count()
    try:
        with lasting():
            assert not gc.isenabled()
            lives_on: list[object] = [[] for _ in range(10_000)]
            searches = [generation["collections"] for generation in gc.get_stats()]
        assert gc.isenabled()
        assert [generation["collections"] for generation in gc.get_stats()] == searches
        assert gc.get_freeze_count() - before >= len(lives_on)
    finally:
        gc.unfreeze()


def test_what_is_set_aside_is_looked_through_no_more_and_what_comes_later_is() -> None:
    before = gc.get_freeze_count()
    try:
        set_aside()
        assert gc.get_freeze_count() > before
        assert len(gc.get_objects()) < gc.get_freeze_count()
        later: list[object] = []
        later.append(later)
        del later
        assert gc.collect() >= 1
    finally:
        gc.unfreeze()


def test_what_is_kept_is_looked_through_no_more_and_no_garbage_is_kept_with_it() -> None:
    before, garbage = gc.get_freeze_count(), Circle()
    there = ref(garbage)
    del garbage
    with kept():
        assert not gc.isenabled()
        lives_on: list[object] = [[] for _ in range(10_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() > before
    assert not any(one is lives_on for one in gc.get_objects())
    assert there() is None


def test_of_a_reading_that_breaks_nothing_is_kept() -> None:
    before = gc.get_freeze_count()
    with pytest.raises(OSError, match="away"), kept():
        raise OSError("away")
    assert gc.isenabled()
    assert gc.get_freeze_count() <= before
