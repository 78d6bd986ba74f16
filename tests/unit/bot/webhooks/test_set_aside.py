"""Who hears of what cannot be processed, where policy names no channel for it."""

from dataclasses import replace

import pytest

from bot.policy import parse
from bot.settings import Settings
from bot.webhooks.assembly import open_webhooks
from tests.fakes.queues import delivered
from tests.unit.bot.webhooks.conftest import WebhookHarness


@pytest.mark.parametrize("default", ["C0DEPLOY", ""])
async def test_what_is_set_aside_is_told_in_the_channel_or_to_administrators(
    harness: WebhookHarness, default: str
) -> None:
    text = "bindings: [{role: admin, users: [U0DEE]}]\n" + (f"channels: {{default: {default}}}\n" if default else "")
    webhooks = open_webhooks(Settings(), replace(harness.needs, policy=parse(text)), clock=harness.clock)
    for _ in range(2):
        await webhooks.worker._tell("harbor", "d-1", "KeyError")
    await delivered(harness.outbox)
    [message] = harness.messenger.messages
    assert message.posted.channel == (default or "D0DEE")
    assert "set aside" in message.shown.text
