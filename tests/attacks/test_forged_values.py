"""A press comes back with another value than the button had: whoever has Slack's secret can sign that, too.

What a value can say is no more than what the presser may type: it is authorised, compared with what is there now, and
its words are inert.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Conflict, InvalidCommand, NotAllowed, UserError
from bot.domain.intent import Context, Deploy
from bot.domain.reply import LockTaken
from bot.domain.safety import Lock
from bot.router.buttons import read_button
from bot.views.ids import VALUE_LIMIT, Action
from tests.fakes.command_harness import CommandHarness
from tests.fakes.world import CoreWorld

CHANNEL = "C0DEPLOY"
CONTEXT = Context("r1", CHANNEL, "c", "T0PILOT")


def pressed(kind: Action, **value: str) -> dict[str, Any]:
    return {"action_id": str(kind), "type": "button", "value": json.dumps(value)}


def steal(lock: Lock, **forged: str) -> dict[str, Any]:
    usual = {"app": lock.app, "env": lock.environment, "since": lock.since.isoformat(), "until": "", "why": "INC-1"}
    return pressed(Action.LOCK_STEAL, **usual | forged)


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[CommandHarness]:
    made = CommandHarness(database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await made.safety.create()
    yield made
    await made.safety.database.close()


async def taken(harness: CommandHarness) -> Lock:
    context = Context("r0", CHANNEL, "c", "T0PILOT")
    reply = await harness.run(await harness.read("/lock my-app prod a migration", context), "U0ANA")
    assert isinstance(reply, LockTaken)
    await harness.safety.told(CHANNEL)
    return reply.lock


async def untouched(harness: CommandHarness, lock: Lock) -> bool:
    same = await harness.safety.stores.locks.held(lock.app, lock.environment) == lock
    return same and await harness.safety.events() == ["locked"] and not await harness.safety.told("U0ANA")


@pytest.mark.parametrize("who", ["U0CY", "U0GUS"])
async def test_who_may_not_lock_steals_nothing(harness: CommandHarness, who: str) -> None:
    lock = await taken(harness)
    with pytest.raises(NotAllowed):
        await harness.run(read_button(steal(lock), CONTEXT), who)
    assert await harness.safety.stores.locks.held("my-app", "production") == lock


@pytest.mark.parametrize(
    "forged",
    [
        {"since": "2026-01-01T00:00:00+00:00"},
        {"since": "x"},
        {"app": ""},
        {"app": "ledger"},
        {"app": "../my-app"},
        {"env": "staging"},
        {"env": "nowhere"},
        {"until": "forever and a day"},
        {"until": "-3h"},
        {"why": ""},
        {"why": "\u200b"},
        {"why": "x" * VALUE_LIMIT},
    ],
    ids=str,
)
async def test_a_lock_is_stolen_as_it_was_seen_or_not_at_all(harness: CommandHarness, forged: dict[str, str]) -> None:
    lock = await taken(harness)
    with pytest.raises(UserError):
        await harness.run(read_button(steal(lock, **forged), CONTEXT), "U0BO")
    assert await untouched(harness, lock)


@pytest.mark.parametrize(
    "why", ["<!channel> <@U0MIA> *bold*", "line\nother: <https://x.example|here>", "&lt;!here&gt;"]
)
async def test_words_of_a_forged_value_are_as_inert_as_typed_ones(harness: CommandHarness, why: str) -> None:
    lock = await taken(harness)
    await harness.run(read_button(steal(lock, why=why), CONTEXT), "U0BO")
    *_, told = await harness.safety.told(CHANNEL)
    assert not any(live in told for live in ("<!channel>", "<@U0MIA>", "<https:", "<!here>"))
    assert "\n" not in told
    held = await harness.safety.stores.locks.held("my-app", "production")
    assert held
    assert held.owner.id == "U0BO", "it is on record whose press it was"


async def test_the_same_forged_value_works_once(harness: CommandHarness) -> None:
    lock = await taken(harness)
    await harness.run(read_button(steal(lock), CONTEXT), "U0BO")
    with pytest.raises(Conflict):
        await harness.run(read_button(steal(lock), Context("r2", CHANNEL, "c", "T0PILOT")), "U0MIA")


@pytest.mark.parametrize("kind", list(Action))
@pytest.mark.parametrize(
    "value", ["", "{}", "[]", "null", "1", '"x"', "[" * 5000, json.dumps({"app": "x" * 9000}), '{"app": {"a": 1}}']
)
def test_what_no_button_carries_is_refused(kind: Action, value: str) -> None:
    with pytest.raises(InvalidCommand):
        read_button({"action_id": str(kind), "type": "button", "value": value}, CONTEXT)


async def test_a_forged_wish_breaks_no_glass_and_starts_nothing_that_may_not_be_typed(world: CoreWorld) -> None:
    """The hash of what was shown is made from what is there now; a value can only repeat it."""
    value = {
        "verb": "deploy",
        "apps": "my-app",
        "env": "production",
        "to": "",
        "from": "",
        "why": "it burns",
        "!": "0" * 64,
    }
    wish = read_button(pressed(Action.BREAK_GLASS, **value), world.context())
    assert isinstance(wish, Deploy)
    for who in ("bo", "cy"):
        with pytest.raises(UserError):
            await world.service.start(wish, await world.person(who))
    assert not world.promotion_commits()
