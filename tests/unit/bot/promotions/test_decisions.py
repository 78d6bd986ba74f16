"""A vote hears what became of it from the word itself, not by looking again and again."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.promotion import Phase, Promotion, Stage, Vote, VoteKind
from bot.promotions.decisions import wait_until_heard
from bot.promotions.signals import Signal
from bot.store.written import Written
from tests.views.samples import BO, promotion

REJECT = Signal(VoteKind.REJECT, BO.id, "T1", "", "r-1", "not today")


class Row:
    """What stands in the database, and how often somebody looked."""

    def __init__(self) -> None:
        self.now = promotion(Stage.APPROVAL)
        self.looks = 0

    async def look(self) -> Promotion:
        self.looks += 1
        return self.now

    def rejected(self) -> None:
        rejection = Vote(VoteKind.REJECT, BO, datetime(2026, 1, 2, tzinfo=UTC), "", "not today")
        self.now = replace(self.now, phase=Phase.FAILED, rejection=rejection)


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks again by the clock."""
    monkeypatch.setattr("bot.promotions.decisions.PAUSE", 60.0)
    monkeypatch.setattr("bot.promotions.decisions.LONGEST_PAUSE", 60.0)


@pytest.mark.usefixtures("never")
async def test_two_looks_are_enough() -> None:
    row, written = Row(), Written()
    with written.watched("p-1") as event:
        waiting = asyncio.create_task(wait_until_heard(REJECT, row.look, event))
        await asyncio.sleep(0)
        row.rejected()
        written.tell("p-1")
        await asyncio.wait_for(waiting, 30)
    assert row.looks == 2


@pytest.mark.usefixtures("never")
async def test_a_word_between_the_look_and_the_wait_is_not_missed() -> None:
    row, written = Row(), Written()
    with written.watched("p-1") as event:

        async def look() -> Promotion:
            seen = await row.look()
            if row.looks == 1:
                row.rejected()
                written.tell("p-1")
            return seen

        await asyncio.wait_for(wait_until_heard(REJECT, look, event), 30)
    assert row.looks == 2


async def test_what_another_replica_writes_is_found_by_looking() -> None:
    row = Row()
    waiting = asyncio.create_task(wait_until_heard(REJECT, row.look, asyncio.Event()))
    await asyncio.sleep(0)
    row.rejected()
    await asyncio.wait_for(waiting, 30)
