"""Whoever hears that a row is not there can rely on it, also where the answer comes at the same moment."""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

import pytest

from bot.store.group_commit import GroupCommit, WriteGroup, WriteInDoubt

Rows: TypeAlias = "WriteGroup[str, bool]"
PATIENCE = 0.02


async def test_an_answer_that_comes_in_the_last_moment_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[asyncio.Timeout] = []
    real = asyncio.timeout

    def bounded(seconds: float | None) -> asyncio.Timeout:
        bounds.append(real(seconds))
        return bounds[-1]

    async def write(group: Rows) -> Sequence[bool]:
        handed = group.hand_over()
        bounds[0].reschedule(asyncio.get_running_loop().time())  # after the answer is set, before it is read
        return [True] * len(handed)

    monkeypatch.setattr("bot.store.group_commit.asyncio.timeout", bounded)
    assert await GroupCommit(write).add("r-1", 30)
    assert bounds[0].expired()


async def test_a_row_that_was_handed_over_is_in_doubt() -> None:
    answered = asyncio.Event()

    async def write(group: Rows) -> Sequence[bool]:
        handed = group.hand_over()
        await answered.wait()
        return [True] * len(handed)

    notes = GroupCommit(write)
    with pytest.raises(WriteInDoubt):
        await notes.add("r-1", PATIENCE)
    answered.set()
    assert await notes.add("r-2", 30)


async def test_a_row_that_was_not_handed_over_in_time_never_is() -> None:
    """The connection comes too late: whoever asked was told that nothing is done."""
    connected = asyncio.Event()
    written: list[str] = []

    async def write(group: Rows) -> Sequence[bool]:
        await connected.wait()
        written.extend(handed := group.hand_over())
        return [True] * len(handed)

    notes = GroupCommit(write)
    with pytest.raises(TimeoutError):
        await notes.add("r-1", PATIENCE)
    later = asyncio.create_task(notes.add("r-2", 30))
    connected.set()
    assert await later
    assert written == ["r-2"]


async def test_a_row_that_nobody_waits_for_before_it_is_written_is_not_written() -> None:
    written: list[str] = []

    async def write(group: Rows) -> Sequence[bool]:
        written.extend(handed := group.hand_over())
        return [True] * len(handed)

    notes = GroupCommit(write, gather=0.01)
    asking = asyncio.create_task(notes.add("r-1"))
    await asyncio.sleep(0)
    asking.cancel()
    assert await notes.add("r-2")
    assert written == ["r-2"]


async def test_what_breaks_is_heard_by_all_of_a_group() -> None:
    async def write(group: Rows) -> Sequence[bool]:
        group.hand_over()
        raise RuntimeError("the disk is gone")

    notes = GroupCommit(write)
    heard = await asyncio.gather(notes.add("r-1"), notes.add("r-2"), return_exceptions=True)
    assert [type(one) for one in heard] == [RuntimeError, RuntimeError]
