"""Whoever hears that a row is not there can rely on it, also where the answer comes at the same moment."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.store.group_commit import GroupCommit


async def test_a_row_is_taken_back_where_its_answer_came_in_the_moment_in_which_nobody_waited_any_longer() -> None:
    refused: list[str] = []

    async def write(group: Sequence[str]) -> Sequence[bool]:
        asyncio.get_running_loop().call_soon(asking.cancel)  # after the answer is set, before it is read
        return [True] * len(group)

    notes = GroupCommit(write, refused.extend)
    asking = asyncio.create_task(notes.add("r-1"))
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert refused == ["r-1"]


async def test_a_row_whose_answer_was_read_stays() -> None:
    refused: list[str] = []

    async def write(group: Sequence[str]) -> Sequence[bool]:
        return [True] * len(group)

    assert await GroupCommit(write, refused.extend).add("r-1")
    assert refused == []


async def test_a_row_that_nobody_waits_for_before_it_is_written_is_not_written() -> None:
    written: list[str] = []
    refused: list[str] = []

    async def write(group: Sequence[str]) -> Sequence[bool]:
        written.extend(group)
        return [True] * len(group)

    notes = GroupCommit(write, refused.extend, gather=0.01)
    asking = asyncio.create_task(notes.add("r-1"))
    await asyncio.sleep(0)
    asking.cancel()
    assert await notes.add("r-2")
    assert (written, refused) == (["r-2"], [])
