"""What the collector looks through, and when."""

import gc

import pytest

from bot.runtime.gc import set_aside, uncollected


def test_imports_are_left_alone_and_the_collector_goes_on_after_them() -> None:
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    assert gc.isenabled()


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
