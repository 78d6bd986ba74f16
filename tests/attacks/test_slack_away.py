"""Slack answers half of what it is asked: cards come all the same, and what is not known is not shown as nothing."""

import json
from typing import Any

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.ports import Rendered
from bot.views import home
from integrations.slack import SlackApi, SlackMessenger
from tests.contract.test_slack_wire import Recorder


class HalfAway(Recorder):
    """Answers everything but the reads that make sure."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def answer(self, method: str, arguments: Any, **more: Any) -> Any:
        if method in ("conversations.history", "conversations.replies"):
            raise self.error
        return await super().answer(method, arguments, **more)


@pytest.mark.parametrize("thread", ["", "1.1"])
@pytest.mark.parametrize(
    "error",
    [
        Unavailable("Slack", "conversations.history", "ratelimited"),
        Unavailable("Slack", "conversations.history", "status 503"),
        Unavailable("Slack", "conversations.history", "no answer within 10 seconds"),
        Refused("Slack", "conversations.history", "missing_scope"),
        Refused("Slack", "conversations.history", "the answer is not Slack's"),
    ],
    ids=str,
)
async def test_a_card_comes_though_nobody_can_look_for_an_earlier_one(error: Exception, thread: str) -> None:
    api = HalfAway(error)
    posted = await SlackMessenger(api).post("C0DEPLOY", Rendered("card"), thread=thread, key="card:1")
    assert posted.ts
    assert [method for method, _ in api.sent] == ["chat.postMessage"]


def test_home_does_not_say_that_nobody_waits_when_nobody_looked() -> None:
    assert "nobody waits for you" in json.dumps(home((), ()))
    shown = json.dumps(home((), (), looked_up=False))
    assert "nobody waits for you" not in shown
    assert "not looked up" in shown


async def test_a_missing_app_level_token_is_called_by_its_name() -> None:
    api = SlackApi(lambda: "")
    with pytest.raises(Refused, match="PILOTHOUSE_SLACK__APP_TOKEN"):
        await api.write("apps.connections.open", idempotent=True)
    with pytest.raises(Refused, match="PILOTHOUSE_SLACK__BOT_TOKEN"):
        await api.read("auth.test")
