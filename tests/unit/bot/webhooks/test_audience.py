"""Who hears of what cannot be processed, where policy names no channel for it."""

from dataclasses import replace

import pytest

from bot.domain.errors import Unavailable
from bot.policy import parse
from bot.settings import Settings
from bot.webhooks.assembly import open_webhooks
from bot.webhooks.audience import administrators
from tests.fakes.directory import FakeDirectory
from tests.unit.bot.webhooks.conftest import House


@pytest.mark.parametrize(
    ("bindings", "told"),
    [
        ("[{role: admin, users: [U0DEE]}]", ("U0DEE",)),
        ('[{role: admin, groups: ["@platform-admins"]}]', ("U0DEE",)),
        ("[{role: admin, groups: [S0RELEASE], users: [U0MIA]}]", ("U0MIA", "U0BO")),
        ("[{role: admin, emails: [cy@example.com]}]", ("U0CY",)),
        ("[{role: admin, users: [U0DEE], apps: [my-app]}]", ()),
        ("[{role: admin, users: [U0DEE], environments: [staging]}]", ()),
        ('[{role: engineer, groups: ["@engineers"]}]', ()),
        ('[{role: admin, groups: ["@nobody"]}, {role: admin, users: [U0CY]}]', ("U0CY",)),
        ("[{role: admin, emails: [gus@example.com]}]", ()),
    ],
)
async def test_who_administers_everything(bindings: str, told: tuple[str, ...]) -> None:
    assert await administrators(parse(f"bindings: {bindings}\n"), FakeDirectory.seeded()) == told


async def test_slack_away_is_nobody_and_no_error() -> None:
    directory = FakeDirectory.seeded()
    directory.down = Unavailable("Slack", "users.info", "no answer")
    policy = parse('bindings: [{role: admin, users: [U0DEE], groups: ["@platform-admins"]}]\n')
    assert await administrators(policy, directory) == ()


@pytest.mark.parametrize("default", ["C0DEPLOY", ""])
async def test_what_is_set_aside_is_told_in_the_channel_or_to_administrators(house: House, default: str) -> None:
    text = "bindings: [{role: admin, users: [U0DEE]}]\n" + (f"channels: {{default: {default}}}\n" if default else "")
    webhooks = open_webhooks(Settings(), replace(house.needs, policy=parse(text)), clock=house.clock)
    for _ in range(2):
        await webhooks.worker._tell("harbor", "d-1", "KeyError")
    await house.outbox.deliver_due()
    [message] = house.messenger.messages
    assert message.posted.channel == (default or "D0DEE")
    assert "set aside" in message.shown.text
