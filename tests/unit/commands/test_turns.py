"""Adjust, show, notify, and what a second promotion is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import Conflict, InvalidCommand, NotAllowed, UnknownName
from bot.domain.intent import Context, IfBusy
from bot.domain.promotion import GateResult, Stage, Verdict
from bot.domain.reply import Occupied, Queued, Reply, Shown, Silent, Told
from tests.fakes.command_harness import CommandHarness

WAITS = GateResult("soak", "my-app", Verdict.waiting("4 of 10 min", retry_after=timedelta(minutes=1)))


async def train(harness: CommandHarness) -> str:
    await harness.run("/promote my-app payments ledger to prod", "U0ANA")
    return harness.promotions.only.id


async def test_apps_are_left_out_and_taken_in_again_in_the_trains_order() -> None:
    harness = CommandHarness()
    id = await train(harness)
    assert await harness.run(f"/adjust {id} leave out ledger, my-app", "U0ANA") == Silent()
    assert list(harness.promotions.only.left_out) == ["my-app", "ledger"]
    await harness.run(f"/adjust {id} take in ledger", "U0ANA")
    assert list(harness.promotions.only.left_out) == ["my-app"]


async def test_what_cannot_be_adjusted() -> None:
    harness = CommandHarness()
    id = await train(harness)
    with pytest.raises(Conflict, match="abort the train instead"):
        await harness.run(f"/adjust {id} leave out my-app payments ledger", "U0ANA")
    with pytest.raises(UnknownName, match="`storefront` is not in this train"):
        await harness.run(f"/adjust {id} leave out storefront", "U0ANA")
    with pytest.raises(InvalidCommand, match="Say which apps"):
        await harness.run(f"/adjust {id} leave out", "U0ANA")
    with pytest.raises(NotAllowed):
        await harness.run(f"/adjust {id} leave out ledger", "U0BO")
    assert harness.promotions.only.left_out == ()


async def test_a_promotion_is_shown_to_who_may_view_all_of_it() -> None:
    harness = CommandHarness()
    id = await train(harness)
    assert await harness.run(f"/show {id}") == Shown(harness.promotions.only)
    with pytest.raises(UnknownName):
        await harness.run(f"/show {id}", "U0CY")


async def test_to_be_told_when_it_is_ready_there_must_be_something_to_wait_for() -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    only = harness.promotions.only
    reply = await harness.run(f"/notify {only.id}", "U0CY")
    assert isinstance(reply, Told)
    assert "nothing left to wait for" in reply.sentence
    assert not harness.subscribers.asked
    harness.promotions.all[only.id] = replace(only, stage=Stage.GATES, results=(WAITS,))
    await harness.run(f"/notify {only.id}", "U0CY")
    assert harness.subscribers.asked == {(only.id, "U0CY")}


@pytest.mark.parametrize("typed", ["/deploy my-app prod", "/promote my-app to prod", "/rollback my-app prod to 1.4.0"])
async def test_the_second_promotion_is_told_about_the_first_and_may_wait(typed: str) -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    first = harness.promotions.only

    async def asked(line: str, number: int) -> Reply:
        return await harness.run(await harness.read(line, Context(f"r{number}", "C0DEPLOY", "c", "T0PILOT")))

    told = await asked(typed, 2)
    assert isinstance(told, Occupied)
    assert (told.promotion, told.wish.if_busy) == (first, IfBusy.REFUSE)
    assert await asked(f"{typed} --queue", 3) == Queued(first)
    [(waiting, behind)] = harness.queue.waiting
    assert (waiting.user, waiting.team, behind) == ("U0BO", "T0PILOT", first.id)
    with pytest.raises(InvalidCommand, match="either waits"):
        await asked(f"{typed} --queue --replace", 4)
