"""What was put in a transaction is said: at least once, in order, and for the reader once."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.event import Event
from bot.domain.promotion import Phase, Promotion, Stage
from bot.ports import Posted
from bot.store.outbox import OutboxEntry
from bot.views.layout import sentence
from tests.fakes.messenger import FakeMessenger
from tests.fakes.queues import delivered
from tests.sentences import says
from tests.unit.bot.notify.conftest import Clock, Process, Start
from tests.views.samples import AT, BLOCKED, plan, promotion
from tests.waiting import until

DOWN = Unavailable("Slack", "chat.postMessage", "down")
FAILED = promotion(Stage.DONE, Phase.FAILED, results=BLOCKED, finished_at=AT)
DONE = promotion(Stage.DONE, Phase.SUCCEEDED, finished_at=AT)


def entry(number: int, channel: str = "C0DEPLOY") -> OutboxEntry:
    return OutboxEntry(("my-app",), "production", f"p-{number}", Event.DONE, channel, sentence(f"number {number}"))


async def put(bot: Process, *entries: OutboxEntry) -> None:
    async with bot.database.begin() as connection:
        for one in entries:
            await bot.outbox.put(connection, one)


def texts(messenger: FakeMessenger, channel: str = "C0DEPLOY") -> list[str]:
    return [message.shown.text for message in messenger.in_channel(channel)]


async def test_what_is_rolled_back_is_never_said(bot: Process, messenger: FakeMessenger) -> None:
    with suppress(ZeroDivisionError):
        async with bot.database.begin() as connection:
            await bot.outbox.put(connection, entry(1))
            raise ZeroDivisionError
    assert await delivered(bot.outbox) == 0
    assert not messenger.messages


async def test_the_same_is_said_once(bot: Process, messenger: FakeMessenger) -> None:
    await put(bot, entry(1), entry(1))
    await delivered(bot.outbox)
    await put(bot, entry(1))
    assert await delivered(bot.outbox) == 0
    assert texts(messenger) == ["number 1"]


async def test_a_failure_holds_its_channel_back_and_no_other(
    bot: Process, messenger: FakeMessenger, clock: Clock
) -> None:
    await put(bot, entry(1), entry(2), entry(3, "C0INC"))
    messenger.closed["C0DEPLOY"] = DOWN
    await delivered(bot.outbox)
    assert (texts(messenger), texts(messenger, "C0INC")) == ([], ["number 3"])
    messenger.closed.clear()
    clock.now += 2
    await delivered(bot.outbox)
    assert sorted(texts(messenger)) == ["number 1", "number 2"], "of two promotions: in either order"


async def test_it_waits_longer_each_time_and_gives_up_in_the_end(
    bot: Process, messenger: FakeMessenger, clock: Clock
) -> None:
    await put(bot, entry(1))
    messenger.failures.extend([DOWN] * 20)
    begun = clock.now
    while messenger.failures:
        await delivered(bot.outbox)
        clock.now += 10
    assert 1800 < clock.now - begun < 7200
    await put(bot, entry(2))
    await delivered(bot.outbox)
    assert texts(messenger) == ["number 2"]
    counts = await bot.outbox.counts()
    assert (counts.pending, counts.dead, counts.oldest_pending) == (0, 1, None)


async def test_what_slack_refuses_is_not_tried_again(bot: Process, messenger: FakeMessenger) -> None:
    await put(bot, entry(1, "C0INC"), entry(2))
    messenger.closed["C0INC"] = Refused("Slack", "chat.postMessage", "is_archived")
    await delivered(bot.outbox)
    messenger.closed.clear()
    await delivered(bot.outbox)
    assert (texts(messenger, "C0INC"), texts(messenger)) == ([], ["number 2"])
    assert (await bot.outbox.counts()).dead == 1


async def test_what_waits_is_counted(bot: Process, clock: Clock) -> None:
    put_at = clock.now
    await put(bot, entry(1))
    clock.now += 5
    await put(bot, entry(2))
    counts = await bot.outbox.counts()
    assert (counts.pending, counts.dead, counts.oldest_pending) == (2, 0, put_at)


@pytest.mark.parametrize(("part", "step"), [("outbox", "settle"), ("threads", "placed")])
async def test_a_crash_after_the_post_does_not_say_it_twice(
    start: Start, messenger: FakeMessenger, clock: Clock, monkeypatch: pytest.MonkeyPatch, part: str, step: str
) -> None:
    """S3, S18: the next process finds it by its key."""
    first = await start()
    await put(first, entry(1))

    async def killed(*_arguments: object, **_named: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(getattr(first.messages, part), step, killed)
    with pytest.raises(asyncio.CancelledError):
        await delivered(first.outbox)
    second = await start()
    assert await delivered(second.outbox) == 0, "it is still leased to the process that died"
    await second.messages.outbox.release_all()
    assert await delivered(second.outbox) == 1
    assert texts(messenger) == ["number 1"]


async def test_a_lost_reply_does_not_say_it_twice(bot: Process, messenger: FakeMessenger, clock: Clock) -> None:
    """S3."""
    await put(bot, entry(1))
    messenger.lost_replies = 1
    await delivered(bot.outbox)
    clock.now += 2
    assert await delivered(bot.outbox) == 1
    assert texts(messenger) == ["number 1"]


async def test_two_replicas_do_not_say_it_twice(start: Start, messenger: FakeMessenger) -> None:
    replicas = [await start(), await start()]
    await put(replicas[0], *(entry(number) for number in range(10)))
    await asyncio.gather(*(delivered(one.outbox) for one in replicas))
    assert sorted(texts(messenger)) == [f"number {number}" for number in range(10)]


async def test_a_final_event_is_told_in_the_thread_in_the_channels_and_to_the_requester(
    bot: Process, messenger: FakeMessenger
) -> None:
    card = await bot.cards.show(DONE)
    await bot.tell(DONE, Event.DONE)
    await delivered(bot.outbox)
    thread = [m for m in messenger.in_channel("C0DEPLOY") if m.thread]
    [note] = thread
    assert (note.thread, note.broadcast) == (card.ts, False)
    assert says(note.shown.text, "✅", "my-app v1.4.2", "production", "Healthy")
    [elsewhere] = texts(messenger, "C0GENERAL")
    assert says(elsewhere, "✅ *my-app → production · v1.4.1 → v1.4.2*", "Healthy", "<#C0DEPLOY>")
    assert len(texts(messenger, "D0ANA")) == 1
    assert not texts(messenger, "C0INC"), "that channel hears of failures only"


async def test_a_failure_is_broadcast_and_calls_the_requester(bot: Process, messenger: FakeMessenger) -> None:
    await bot.cards.show(FAILED)
    await bot.tell(FAILED, Event.FAILED)
    await delivered(bot.outbox)
    [note] = [m for m in messenger.in_channel("C0DEPLOY") if m.thread]
    assert note.broadcast
    assert note.shown.text.startswith("❌ <@U0ANA>: Stopped by the scan and health gates.")
    assert "Build it on a newer base image" in str(messenger.in_channel("C0INC")[0].shown.blocks)


async def test_a_channel_hears_the_whole_story_in_one_thread(bot: Process, messenger: FakeMessenger) -> None:
    await bot.cards.show(promotion())
    for event, state in ((Event.STARTED, promotion()), (Event.WAITING, promotion()), (Event.DONE, DONE)):
        await bot.tell(state, event)
        await delivered(bot.outbox)
    root, waiting, done = messenger.in_channel("C0GENERAL")
    assert (root.thread, waiting.thread, done.thread) == ("", root.posted.ts, root.posted.ts)
    assert (waiting.broadcast, done.broadcast) == (False, True)


async def test_a_note_waits_for_its_card_and_no_longer(bot: Process, messenger: FakeMessenger, clock: Clock) -> None:
    """However long the card took, and however long the next wait would be by then."""
    await bot.tell(promotion(), Event.WAITING)
    for _ in range(6):
        await delivered(bot.outbox)
        clock.now += 120
    assert not texts(messenger)
    await bot.cards.show(promotion())
    await delivered(bot.outbox)
    assert [bool(m.thread) for m in messenger.in_channel("C0DEPLOY")] == [False, True]


async def test_a_requester_who_is_no_slack_user_gets_no_message(bot: Process, messenger: FakeMessenger) -> None:
    robot = replace(DONE, plan=plan(requester=replace(plan().requester, id="github")))
    await bot.cards.show(robot)
    await bot.tell(robot, Event.DONE)
    await delivered(bot.outbox)
    assert {m.posted.channel for m in messenger.messages} == {"C0DEPLOY", "C0GENERAL"}


async def test_a_train_tells_each_channel_once(bot: Process, messenger: FakeMessenger) -> None:
    moves = tuple(replace(plan().moves[0], app=app) for app in ("my-app", "payments", "ledger"))
    train: Promotion = promotion(plan=plan(moves=moves))
    await bot.tell(train, Event.STARTED)
    await delivered(bot.outbox)
    assert len(texts(messenger, "C0GENERAL")) == 1


async def test_it_delivers_for_ever(bot: Process, messenger: FakeMessenger) -> None:
    """Soon after the commit, and again after a failure; it stops when it is cancelled."""
    delivering = asyncio.create_task(bot.outbox.deliver_forever())
    try:
        await bot.cards.show(promotion(Stage.GATES))
        await bot.cards.show(promotion(Stage.APPROVAL))
        await put(bot, entry(1))
        await until(lambda: len(texts(messenger)) == 2 and "Waiting for an approval" in texts(messenger)[0])
    finally:
        delivering.cancel()
        with suppress(asyncio.CancelledError):
            await delivering


async def test_what_breaks_in_one_round_does_not_end_it(
    bot: Process, messenger: FakeMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    due, broken = bot.messages.outbox.due, iter([True])

    async def once_broken(now: float, limit: int, busy: Collection[str]) -> object:
        if next(broken, False):
            raise OSError("disk I/O error")
        return await due(now, limit, busy)

    monkeypatch.setattr(bot.messages.outbox, "due", once_broken)
    await put(bot, entry(1))
    delivering = asyncio.create_task(bot.outbox.deliver_forever())
    await until(lambda: texts(messenger) == ["number 1"])
    delivering.cancel()
    with suppress(asyncio.CancelledError):
        await delivering


async def test_what_was_sent_is_forgotten_in_time(bot: Process, clock: Clock) -> None:
    await put(bot, entry(1))
    await delivered(bot.outbox)
    assert await bot.messages.outbox.forget(clock.now) == 0
    assert await bot.messages.outbox.forget(clock.now + 1) == 1


async def test_only_a_repetition_looks_for_an_earlier_post(
    bot: Process, messenger: FakeMessenger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[bool] = []
    post = messenger.post

    async def watched(*place: Any, first: bool = False, **more: Any) -> Posted:
        tries.append(first)
        return await post(*place, first=first, **more)

    monkeypatch.setattr(messenger, "post", watched)
    await put(bot, entry(1))
    messenger.lost_replies = 1
    await delivered(bot.outbox)
    clock.now += 5
    await delivered(bot.outbox)
    await bot.cards.show(DONE)
    assert tries == [True, False, True]


async def test_a_try_that_began_in_a_process_that_died_is_no_first_one(bot: Process, clock: Clock) -> None:
    await put(bot, entry(1))
    [queued] = await bot.messages.outbox.due(clock.now, 10)
    assert await bot.messages.outbox.lease(queued, clock.now, 1.0)
    clock.now += 2
    assert not await bot.messages.outbox.lease(queued, clock.now, 1.0), "what was read before counts the tries wrongly"
    assert [one.tries for one in await bot.messages.outbox.due(clock.now, 10)] == [1]
