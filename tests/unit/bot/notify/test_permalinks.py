"""A link only decorates a message: what decides must not wait for it."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.errors import NotFound, Unavailable
from bot.domain.promotion import Stage
from bot.notify.copies import subject
from bot.notify.permalinks import QUIET_SECONDS, Permalinks
from bot.ports import Posted, Rendered
from tests.fakes.messenger import FakeMessenger
from tests.unit.bot.notify.conftest import PATIENCE, Clock, Process
from tests.views.samples import promotion

ASKED = promotion(Stage.APPROVAL)
HANGS = 60.0
"""seconds after which a test that waits for Slack fails"""


class Slack:
    """What is asked for links, and how Slack answers: never (None), or with an error."""

    def __init__(self, messenger: FakeMessenger, error: Exception | None, *, only: Posted | None = None) -> None:
        self.asked: list[Posted] = []
        permalink = messenger.permalink

        async def ask(posted: Posted) -> str:
            self.asked.append(posted)
            if only not in (None, posted):
                return await permalink(posted)
            if error:
                raise error
            await asyncio.Event().wait()
            raise AssertionError

        messenger.permalink = ask  # type: ignore[method-assign]


NO_ANSWER = [None, Unavailable("Slack", "chat.getPermalink", "no answer within 10 seconds")]


@pytest.mark.parametrize("error", NO_ANSWER, ids=str)
async def test_a_decision_asks_a_silent_slack_once_and_goes_on(
    bot: Process, messenger: FakeMessenger, error: Exception | None
) -> None:
    """From the press to the commit a card is shown again and again, and each of its copies links to it."""
    await bot.cards.show(ASKED)
    await bot.messages.threads.want(subject(ASKED), "U0BO", Rendered("copy"), 0.0)
    slack = Slack(messenger, error)
    async with asyncio.timeout(HANGS):
        for stage in (Stage.APPROVAL, Stage.COMMIT, Stage.FOLLOW):
            await bot.cards.show(replace(ASKED, stage=stage))
    assert len(slack.asked) == 1


async def test_it_is_asked_again_when_it_may_be_back(bot: Process, messenger: FakeMessenger, clock: Clock) -> None:
    links, here = (
        Permalinks(bot.messages.threads, messenger, patience=PATIENCE, clock=clock),
        (ASKED.id, ASKED.plan.channel),
    )
    card, answers = await bot.cards.show(ASKED), messenger.permalink
    Slack(messenger, None)
    assert await links.to(*here) == ""
    messenger.permalink = answers  # type: ignore[method-assign]
    assert await links.to(*here) == ""
    clock.now += QUIET_SECONDS
    assert await links.to(*here) == await messenger.permalink(card)


async def test_a_message_that_is_gone_hides_no_other_link(bot: Process, messenger: FakeMessenger, clock: Clock) -> None:
    links, other = Permalinks(bot.messages.threads, messenger, patience=PATIENCE, clock=clock), "another"
    gone = await bot.cards.show(ASKED)
    there = await messenger.post("C0DEPLOY", Rendered("another card"))
    await bot.messages.threads.placed(other, "C0DEPLOY", there)
    Slack(messenger, NotFound("Slack", "chat.getPermalink", "message_not_found"), only=gone)
    assert await links.to(ASKED.id, ASKED.plan.channel) == ""
    assert await links.to(other, "C0DEPLOY")
