"""Slack limits one of its methods, or is away for ten minutes: nothing is lost, nothing comes twice, and how late."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.errors import IntegrationError, Unavailable
from bot.domain.event import Event
from bot.domain.promotion import Phase, Stage
from bot.ports import Posted, Rendered
from bot.runtime.patience import LONGEST_WAIT
from bot.store.outbox import OutboxEntry
from bot.views.layout import sentence
from tests.fakes.messenger import FakeMessenger
from tests.fakes.queues import delivered
from tests.unit.bot.notify.conftest import Clock, Process, clock, messenger, policy, start
from tests.views.samples import AT, promotion

__all__ = ["clock", "messenger", "policy", "start"]
STEP = 20.0
"""virtual seconds between two looks"""
STORM = 600.0
RETRY_AFTER = timedelta(seconds=30)
CHANNELS = ("C0A", "C0B", "U0ANA")


@pytest.fixture
async def bot(start: Callable[[], Any]) -> Process:
    process: Process = await start()
    return process


@dataclass
class Storm:
    """Slack answers so to the named methods of the messenger, until `until`."""

    messenger: FakeMessenger
    clock: Clock
    error: IntegrationError
    methods: tuple[str, ...]
    until: float

    def __post_init__(self) -> None:
        for method in self.methods:
            setattr(self.messenger, method, self._within(getattr(self.messenger, method)))

    def _within(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def answer(*what: Any, **how: Any) -> Any:
            if self.clock.now < self.until:
                raise self.error
            return await call(*what, **how)

        return answer


def limited(method: str) -> Unavailable:
    return Unavailable("Slack", method, "ratelimited", RETRY_AFTER)


AWAY = Unavailable("Slack", "chat.postMessage", "no connection")
WEATHERS = [
    pytest.param(limited("chat.postMessage"), ("post",), id="429 on chat.postMessage"),
    pytest.param(limited("chat.update"), ("update",), id="429 on chat.update"),
    pytest.param(AWAY, ("post", "update"), id="away"),
]


async def story(bot: Process, number: int, at: float) -> None:
    """A letter to each channel, ordered by their numbers."""
    async with bot.database.begin() as connection:
        for channel in CHANNELS:
            said = sentence(f"{number} at {at:.0f}")
            await bot.outbox.put(connection, OutboxEntry(("my-app",), "production", "p-1", Event.DONE, channel, said,
                                                    round=str(number)))  # fmt: skip


@pytest.mark.parametrize(("error", "methods"), WEATHERS)
async def test_ten_minutes_of_it_lose_nothing(
    bot: Process,
    messenger: FakeMessenger,
    clock: Clock,
    error: Unavailable,
    methods: tuple[str, ...],
) -> None:
    posted: Posted = await bot.cards.show(promotion(Stage.GATES))
    begun, numbers = clock.now, 0
    Storm(messenger, clock, error, methods, begun + STORM)
    last: Rendered | None = None
    arrived = edited = None
    while clock.now < begun + STORM + 2 * LONGEST_WAIT:
        if clock.now < begun + STORM and (clock.now - begun) % 60 == 0:
            await story(bot, numbers, clock.now)
            numbers += 1
        if clock.now == begun + 60:
            await bot.cards.show(promotion(Stage.DONE, Phase.SUCCEEDED, finished_at=AT))
        await delivered(bot.outbox)
        counts = await bot.outbox.counts()
        last = messenger.at(posted).shown
        if arrived is None and numbers == 10 and not counts.pending:
            arrived = clock.now - begun - STORM
        if edited is None and "Healthy" in last.text:
            edited = clock.now - begun - STORM
        if arrived is not None and edited is not None:
            break
        clock.now += STEP
    assert arrived is not None
    assert edited is not None
    assert max(arrived, edited) <= LONGEST_WAIT + STEP
    if "post" not in methods:
        assert arrived <= 0, "letters do not wait for edits"
    if "update" not in methods:
        assert edited <= 0, "edits do not wait for letters"
    assert (await bot.outbox.counts()).dead == 0
    for channel in ("C0A", "C0B", "D0ANA"):
        heard = [int(message.shown.text.split()[0]) for message in messenger.in_channel(channel)]
        assert heard == list(range(10)), channel
