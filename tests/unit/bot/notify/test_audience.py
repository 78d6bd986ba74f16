"""Who administers everything; and that one place decides who hears of what."""

import ast
import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.caller import Caller
from bot.domain.delivery import News
from bot.domain.errors import Unavailable
from bot.domain.event import ROUTING, Event, Routing
from bot.notify.audience import by_name, everything_administrators, of_change, of_deed, of_webhook
from bot.policy import parse
from tests.fakes.directory import FakeDirectory

OF_CHANGES = (
    Event.DEPLOYED, Event.DEPLOY_FAILED, Event.DEGRADED, Event.DRIFTED, Event.SYNC_UNKNOWN, Event.JOURNEY,
    Event.PIPELINE_ENDED,
)  # fmt: skip


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
    assert await everything_administrators(parse(f"bindings: {bindings}\n"), FakeDirectory.seeded()) == told


async def test_slack_away_is_nobody_and_no_error() -> None:
    directory = FakeDirectory.seeded()
    directory.down = Unavailable("Slack", "users.info", "no answer")
    policy = parse('bindings: [{role: admin, users: [U0DEE], groups: ["@platform-admins"]}]\n')
    assert await everything_administrators(policy, directory) == ()


async def test_administrators_are_asked_about_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for the other one to have begun."""
    directory, both = FakeDirectory.seeded(), asyncio.Barrier(2)
    caller = directory.caller

    async def slow(user: str, team: str = "") -> Caller:
        await both.wait()
        return await caller(user, team)

    monkeypatch.setattr(directory, "caller", slow)
    policy = parse("bindings: [{role: admin, users: [U0DEE, U0MIA]}]\n")
    async with asyncio.timeout(10):
        assert await everything_administrators(policy, directory) == ("U0DEE", "U0MIA")


@pytest.mark.parametrize("event", list(Event))
def test_routes_lead_where_the_table_of_events_says(event: Event) -> None:
    """As each kind of news asks: of promotions, of deeds, of what comes by webhook, of changes, and by name."""
    routing = ROUTING[event]
    if routing is Routing.NONE:
        return  # `policy check` refuses it
    policy = parse(
        f'channels: {{routes: [{{channel: C0NAMED, events: [{event}]}}, {{channel: C0EVERY, events: ["*"]}}]}}\n'
    )
    quiet = News("k", event, "my-app", "development", datetime(2026, 1, 5, tzinfo=UTC))
    if event in OF_CHANGES:
        heard = {*of_change(policy, quiet)}
        loud = {*of_change(policy, replace(quiet, environment="production"))}
    elif routing is Routing.NAMED:
        heard = loud = {*by_name(policy, ["my-app"], "development", event)}
    else:
        heard = loud = {*of_deed(policy, ["my-app"], "development", event, "C0ASKED")} - {"C0ASKED"}
        assert {*of_webhook(policy, "my-app", "development", event)} == heard
    assert heard == ({"C0NAMED", "C0EVERY"} if routing is Routing.ANY else {"C0NAMED"})
    assert loud == ({"C0NAMED"} if routing is Routing.NAMED else {"C0NAMED", "C0EVERY"})


BOT = Path(__file__).parents[4] / "bot"
DECIDING = {"channels_for", "direct_messages", "by_email", "members", "mentions"}
"""names by which somebody would decide who hears of what"""
MAY = {
    "policy": "what policy says of channels and people is defined there",
    "notify/audience": "the one place that decides",
    "notify/lookup.py": "looks the policy's names up for sentences",
    "safety/delegations.py": "looks up the one person whom somebody names",
    "deliveries/authors.py": "looks up the authors whom commits name",
    "promotions/approvers.py": "asks the audience, if direct messages are on",
}


def deciding(source: str) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)} & DECIDING


def test_nothing_else_decides_who_hears_of_what() -> None:
    files = {str(file.relative_to(BOT)): deciding(file.read_text()) for file in BOT.rglob("*.py")}
    found = {name for name, names in files.items() if names}
    assert {name for name in found if not any(name.startswith(one) for one in MAY)} == set()
    assert [one for one in MAY if not any(name.startswith(one) for name in found)] == []


def test_who_would_decide_is_seen() -> None:
    assert deciding("where = self._policy.channels_for(app, environment, event)") == {"channels_for"}
