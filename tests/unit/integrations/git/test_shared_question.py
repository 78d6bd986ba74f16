"""Many who ask the same at once are one question, and nobody hears an answer from before they asked."""

import asyncio
from pathlib import Path

import pytest

from bot.settings import GitSettings
from integrations.git import GitRemote
from integrations.git.shared_question import SharedQuestion
from tests.contract.overlays import PATH, change
from tests.fakes.bare import BareRepository
from tests.unit.integrations.git.conftest import Connect
from tests.unit.integrations.git.test_cost import Spy


class Host:
    """Answers with what is there when a question reaches it, as soon as it is let."""

    def __init__(self) -> None:
        self.there, self.asked, self.broken = 0, 0, False
        self.free = asyncio.Event()

    async def ask(self) -> int:
        self.asked += 1
        found, broken = self.there, self.broken
        await self.free.wait()
        if broken:
            raise OSError("away")
        return found


async def test_who_asks_meanwhile_hears_the_next_answer_and_shares_it() -> None:
    host = Host()
    question = SharedQuestion(host.ask)
    first = asyncio.create_task(question.answer())
    await asyncio.sleep(0.01)
    host.there = 1
    others = [asyncio.create_task(question.answer()) for _ in range(50)]
    await asyncio.sleep(0.01)
    host.free.set()
    assert (await first, set(await asyncio.gather(*others))) == (0, {1})
    assert host.asked == 2
    host.there = 2
    assert await question.answer() == 2


async def test_who_gives_up_leaves_the_answer_to_the_others_and_an_error_is_everybody_s() -> None:
    host = Host()
    question = SharedQuestion(host.ask)
    one, other = (asyncio.create_task(question.answer()) for _ in range(2))
    await asyncio.sleep(0.01)
    one.cancel()
    host.broken = True
    late = [asyncio.create_task(question.answer()) for _ in range(2)]
    await asyncio.sleep(0.01)
    host.free.set()
    assert await other == 0
    for task in late:
        with pytest.raises(OSError, match="away"):
            await task
    host.broken = False
    assert await question.answer() == 0
    assert host.asked == 3


async def test_nothing_goes_on_after_the_end() -> None:
    host = Host()
    question = SharedQuestion(host.ask)
    asked = [asyncio.create_task(question.answer()) for _ in range(2)]
    await asyncio.sleep(0.01)
    asked.append(asyncio.create_task(question.answer()))
    await asyncio.sleep(0.01)
    await question.aclose()
    assert [type(end) for end in await asyncio.gather(*asked, return_exceptions=True)] == [asyncio.CancelledError] * 3
    assert host.asked == 1


async def test_fifty_who_follow_a_branch_ask_its_host_little_more_than_one(remote: GitRemote, spied: Spy) -> None:
    head = await remote.head()
    spied()
    assert set(await asyncio.gather(*(remote.head() for _ in range(50)))) == {head}
    assert [line.split()[0] for line in spied()] == ["ls-remote"]


async def test_whoever_asks_after_a_commit_of_somebody_else_sees_it(
    bare: BareRepository, connect: Connect, tmp_path: Path
) -> None:
    one = connect(GitSettings(url=bare.url), tmp_path / "one")
    before = asyncio.create_task(one.head())
    for number in range(5):
        theirs = bare.commit({PATH: b"%d" % number})
        assert await one.head() == theirs
    await before
    ours = await one.commit(change(), theirs)
    assert await one.head() == ours.sha
