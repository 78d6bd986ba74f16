"""Answers by response URL, with the SDK's webhook client (S14)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from integrations.sandbox.serving import serve
from integrations.sandbox.slack.delivery import Answer
from integrations.sandbox.slack.server import SlackServer
from tests.unit.integrations.sandbox.slack.manual_clock import ManualClock
from tests.unit.integrations.sandbox.slack.test_people import App

BUTTON = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}],
}


class World:
    def __init__(self) -> None:
        self.clock, self.app = ManualClock(), App()
        self.slack = SlackServer(clock=self.clock, commands=["/deploy"])
        self.slack.transport = self.app

    async def command(self) -> AsyncWebhookClient:
        await self.slack.command("ana", "deployments", "/deploy")
        return self.hook()

    def hook(self) -> AsyncWebhookClient:
        return AsyncWebhookClient(self.app.last["response_url"])

    def texts(self, who: str) -> list[str]:
        return [message["text"] for message in self.slack.messages("deployments", who)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with serve(world.slack.app) as url:
        world.slack.public_url = url
        yield world


async def test_ephemeral_is_the_default(world: World) -> None:
    """S14."""
    hook = await world.command()
    assert (await hook.send(text="only you")).body == "ok"
    await hook.send(text="for all", response_type="in_channel")
    assert world.texts("ana") == ["only you", "for all"]
    assert world.texts("bo") == ["for all"]


async def test_five_uses(world: World) -> None:
    """S14."""
    hook = await world.command()
    for number in range(5):
        assert (await hook.send(text=str(number))).status_code == 200
    sixth = await hook.send(text="6")
    assert sixth.status_code == 404
    assert "expired_url" in sixth.body


async def test_thirty_minutes(world: World) -> None:
    """S14."""
    hook = await world.command()
    world.clock.advance(30 * 60 + 1)
    assert (await hook.send(text="late")).status_code == 404


async def test_ephemeral_message_is_replaced_and_deleted_by_it_alone(world: World) -> None:
    """S4, S14: chat.update cannot."""
    world.app.reply = lambda _: Answer(True, {"text": "choose", "blocks": [BUTTON]})
    shown = await world.slack.command("ana", "deployments", "/deploy")
    world.app.reply = lambda _: Answer(True)
    await world.slack.act("ana", "deployments", shown["ts"], "go")
    await world.hook().send(text="chosen", replace_original=True)
    (message,) = world.slack.messages("deployments", "ana")
    assert (message["ts"], message["text"], message["blocks"], message["ephemeral"]) == (
        shown["ts"],
        "chosen",
        [],
        True,
    )
    assert "edited" not in message
    await world.hook().send_dict({"delete_original": True})
    assert world.texts("ana") == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"response_type": "ephemeral"}, "no_text"),
        ({"text": "x", "blocks": [{"type": "shout"}]}, "invalid_blocks"),
        ({"text": "x", "response_type": "loud"}, "invalid_response_type"),
    ],
)
async def test_wrong_bodies_are_refused(world: World, body: dict[str, Any], error: str) -> None:
    response = await (await world.command()).send_dict(body)
    assert response.status_code == 400
    assert error in response.body
    assert world.texts("ana") == []
