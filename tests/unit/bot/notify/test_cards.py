"""One card for each promotion and channel, showing the newest, wherever the process dies."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.promotion import Stage
from bot.ports import Posted, Rendered
from tests.fakes.messenger import FakeMessenger
from tests.fakes.queues import delivered
from tests.unit.bot.notify.conftest import Clock, Process, Start
from tests.views.samples import approval, plan, promotion

LOST = Unavailable("Slack", "chat.postMessage", "down")


async def test_it_is_posted_once_and_then_edited(bot: Process, messenger: FakeMessenger) -> None:
    first = await bot.cards.show(promotion(Stage.GATES))
    assert await bot.cards.show(promotion(Stage.APPROVAL)) == first
    await delivered(bot.outbox)
    [card] = messenger.in_channel("C0DEPLOY")
    assert len(card.versions) == 2
    assert "Waiting for an approval from" in card.shown.text


async def test_people_see_who_may_approve(bot: Process, messenger: FakeMessenger) -> None:
    """S6: groups and users that the policy names by id are live mentions."""
    asked = plan(approval=plan().approval.__class__(1, ("release-manager",)))
    await bot.cards.show(promotion(plan=asked))
    text = messenger.in_channel("C0DEPLOY")[0].shown.text
    assert text.endswith(" from <!subteam^S0RELEASE>, @release-managers or <@U0MIA>.")


async def test_nothing_new_is_no_edit(bot: Process, messenger: FakeMessenger) -> None:
    for _ in range(3):
        await bot.cards.show(promotion())
    await delivered(bot.outbox)
    assert len(messenger.in_channel("C0DEPLOY")[0].versions) == 1


async def test_edits_that_were_overtaken_are_not_sent(bot: Process, messenger: FakeMessenger) -> None:
    await bot.cards.show(promotion(Stage.GATES))
    for stage in (Stage.APPROVAL, Stage.COMMIT, Stage.FOLLOW):
        await bot.cards.show(promotion(stage, approvals=(approval(),)))
    await delivered(bot.outbox)
    [card] = messenger.in_channel("C0DEPLOY")
    assert len(card.versions) == 2
    assert "Argo CD is looking at the commit" in card.shown.text


async def test_an_edit_is_not_waited_for(bot: Process, messenger: FakeMessenger) -> None:
    place = await bot.cards.show(promotion(Stage.GATES))
    messenger.closed["C0DEPLOY"] = LOST
    assert await bot.cards.show(promotion(Stage.APPROVAL)) == place


async def test_a_deleted_card_is_posted_again(bot: Process, messenger: FakeMessenger) -> None:
    """S4: message_not_found."""
    messenger.delete(await bot.cards.show(promotion(Stage.GATES)))
    await bot.cards.show(promotion(Stage.APPROVAL))
    await delivered(bot.outbox)
    [card] = messenger.in_channel("C0DEPLOY")
    assert "Waiting for an approval" in card.shown.text
    assert await bot.cards.show(promotion(Stage.APPROVAL)) == card.posted


async def test_a_lost_reply_does_not_post_twice(bot: Process, messenger: FakeMessenger) -> None:
    """S3."""
    messenger.lost_replies = 1
    with pytest.raises(Unavailable):
        await bot.cards.show(promotion(Stage.GATES))
    await bot.cards.show(promotion(Stage.APPROVAL))
    [card] = messenger.in_channel("C0DEPLOY")
    assert "Waiting for an approval" in card.shown.text


async def test_a_crash_between_post_and_note_does_not_post_twice(
    start: Start, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3, S18."""
    first = await start()

    async def killed(*_arguments: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(first.messages.threads, "placed", killed)
    with pytest.raises(asyncio.CancelledError):
        await first.cards.show(promotion(Stage.GATES))
    second = await start()
    await second.cards.show(promotion(Stage.APPROVAL))
    await delivered(second.outbox)
    assert len(messenger.in_channel("C0DEPLOY")) == 1


async def test_an_edit_that_was_lost_with_the_process_is_made_by_the_next(
    start: Start, messenger: FakeMessenger
) -> None:
    first = await start()
    await first.cards.show(promotion(Stage.GATES))
    await first.cards.show(promotion(Stage.APPROVAL))
    second = await start()
    await delivered(second.outbox)
    assert "Waiting for an approval" in messenger.in_channel("C0DEPLOY")[0].shown.text


async def test_a_first_post_that_fails_is_made_later(bot: Process, messenger: FakeMessenger, clock: Clock) -> None:
    messenger.failures.append(LOST)
    with pytest.raises(Unavailable):
        await bot.cards.show(promotion())
    assert await delivered(bot.outbox) == 0
    clock.now += 60
    assert await delivered(bot.outbox) == 1
    assert len(messenger.in_channel("C0DEPLOY")) == 1


async def test_an_edit_waits_as_long_as_slack_asks(bot: Process, messenger: FakeMessenger, clock: Clock) -> None:
    """S2."""
    await bot.cards.show(promotion(Stage.GATES))
    await bot.cards.show(promotion(Stage.APPROVAL))
    messenger.failures.append(Unavailable("Slack", "chat.update", "ratelimited", timedelta(seconds=30)))
    assert await delivered(bot.outbox) == 0
    assert (await bot.outbox.counts()).stale_cards == 1
    clock.now += 29
    assert await delivered(bot.outbox) == 0
    clock.now += 2
    assert await delivered(bot.outbox) == 1
    assert (await bot.outbox.counts()).stale_cards == 0


async def test_a_card_too_old_to_edit_is_left_alone_until_something_changes(
    bot: Process, messenger: FakeMessenger
) -> None:
    """S4: edit_window_closed."""
    await bot.cards.show(promotion(Stage.GATES))
    await bot.cards.show(promotion(Stage.APPROVAL))
    messenger.failures.append(Refused("Slack", "chat.update", "edit_window_closed"))
    await delivered(bot.outbox)
    assert (await bot.outbox.counts()).stale_cards == 0
    await bot.cards.show(promotion(Stage.COMMIT))
    await delivered(bot.outbox)
    assert "Writing the change to git" in messenger.in_channel("C0DEPLOY")[0].shown.text


async def test_showing_the_same_new_card_twice_at_once_posts_it_once(bot: Process, messenger: FakeMessenger) -> None:
    class Slow(FakeMessenger):
        async def post(self, channel: str, message: Rendered, **options: object) -> Posted:
            await asyncio.sleep(0.01)
            return await messenger.post(channel, message)  # without a key: only the lock keeps it single

    bot.cards._places._messenger = Slow()
    places = await asyncio.gather(bot.cards.show(promotion()), bot.cards.show(promotion()))
    assert places[0] == places[1]
    assert len(messenger.in_channel("C0DEPLOY")) == 1
