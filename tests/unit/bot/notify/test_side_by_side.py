"""Channels are spoken to side by side: one that Slack holds up holds up nobody else, and each hears in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.domain.event import Event
from bot.notify import outbox as module
from bot.ports import Posted
from bot.store.outbox import OutboxEntry
from bot.views.layout import sentence
from tests.fakes.messenger import FakeMessenger
from tests.unit.bot.notify.conftest import Process, Start
from tests.waiting import until

LIMITED = "C0LIMITED"
MOST = 5


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", MOST)


@dataclass
class Held:
    """Slack, which makes posts to some channels wait; `waiting` counts them."""

    messenger: FakeMessenger
    channels: set[str] = field(default_factory=set)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._post = self.messenger.post
        self.messenger.post = self.post  # type: ignore[method-assign]

    async def post(self, channel: str, *what: Any, **how: Any) -> Posted:
        if channel in self.channels:
            self.waiting[channel] = self.waiting.get(channel, 0) + 1
            await self.free.wait()
        return await self._post(channel, *what, **how)


def entry(channel: str, number: int) -> OutboxEntry:
    return OutboxEntry(("my-app",), "production", f"p-{number}", Event.DONE, channel, sentence(f"number {number}"))


async def put(bot: Process, *entries: OutboxEntry) -> None:
    async with bot.database.begin() as connection:
        for one in entries:
            await bot.outbox.put(connection, one)


@asynccontextmanager
async def delivering(bot: Process) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(bot.outbox.deliver_forever())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def heard(messenger: FakeMessenger, channel: str) -> list[str]:
    return [message.shown.text for message in messenger.in_channel(channel)]


@pytest.mark.parametrize("waiting", [1, 2 * MOST], ids=["one letter", "more letters than tasks"])
async def test_a_channel_that_slack_holds_up_holds_up_no_other(
    bot: Process, messenger: FakeMessenger, waiting: int
) -> None:
    slack = Held(messenger, {LIMITED})
    await put(bot, *(entry(LIMITED, number) for number in range(waiting)))
    async with delivering(bot):
        await until(lambda: slack.waiting)
        for number in range(4):
            await put(bot, entry("C0OTHER", number))
            await until(lambda number=number: len(heard(messenger, "C0OTHER")) == number + 1)  # type: ignore[misc]
        assert slack.waiting == {LIMITED: 1}, "the others of that channel wait their turn"
        assert not heard(messenger, LIMITED)


async def test_each_channel_hears_in_order_and_nothing_is_lost(bot: Process, messenger: FakeMessenger) -> None:
    slack = Held(messenger, {LIMITED})
    channels = (LIMITED, "C0A", "C0B")
    await put(bot, *(entry(channel, number) for number in range(8) for channel in channels))
    async with delivering(bot):
        await until(lambda: len(messenger.messages) == 16)
        slack.free.set()
        await until(lambda: len(messenger.messages) == 24)
    for channel in channels:
        assert heard(messenger, channel) == [f"number {number}" for number in range(8)], channel


async def test_no_more_are_spoken_to_at_a_time_than_there_are_tasks(bot: Process, messenger: FakeMessenger) -> None:
    names = [f"C0{number:04}" for number in range(2 * MOST)]
    slack = Held(messenger, set(names))
    await put(bot, *(entry(name, 1) for name in names))
    async with delivering(bot):
        await until(lambda: len(slack.waiting) == MOST)
        await bot.outbox.look()
        await asyncio.sleep(0)
        assert len(slack.waiting) == MOST
        slack.free.set()
        await until(lambda: len(messenger.messages) == len(names))


async def test_a_stop_waits_for_no_channel_and_the_next_process_says_it_once(
    start: Start, bot: Process, messenger: FakeMessenger
) -> None:
    slack = Held(messenger, {LIMITED})
    await put(bot, entry(LIMITED, 1), entry(LIMITED, 2))
    async with delivering(bot) as task:
        await until(lambda: slack.waiting)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 30)
    slack.free.set()
    async with delivering(await start()):
        await until(lambda: len(messenger.messages) == 2)
    assert heard(messenger, LIMITED) == ["number 1", "number 2"]
