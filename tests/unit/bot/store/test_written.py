"""Who waits in this process is woken by what it writes."""

import asyncio

from bot.store.written import Written


async def test_everybody_who_waits_is_woken_and_only_for_theirs() -> None:
    written = Written()
    with written.watched("p-1") as mine, written.watched("p-1") as yours, written.watched("p-2") as other:
        written.tell("p-1")
        assert mine.is_set()
        assert yours.is_set()
        assert not other.is_set()
        mine.clear()
        written.tell("p-1")
        await asyncio.wait_for(mine.wait(), 1)


def test_what_was_told_before_wakes_nobody_and_nothing_is_kept() -> None:
    written = Written()
    written.tell("p-1")
    with written.watched("p-1") as late:
        assert not late.is_set()
        with written.watched("p-1"):
            pass
        written.tell("p-1")
        assert late.is_set()
    assert not written._waiting
