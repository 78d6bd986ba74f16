"""Whoever Slack could not name when people were asked is asked as soon as it can; nobody is asked twice."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.background.late_copies import LateCopies
from bot.domain.caller import Caller
from bot.domain.errors import Unavailable
from bot.domain.promotion import Promotion, Stage
from bot.notify.copies import subject
from bot.promotions import approvers
from tests.fakes.delegations import lend
from tests.fakes.queues import delivered
from tests.fakes.world import House, house

AWAY = Unavailable("Slack", "users.info", "down")
EVERYBODY = {"U0BO", "U0MIA", "U0DEE"}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvers, "PATIENCE_SECONDS", 0.0)


async def copies(home: House, promotion: Promotion) -> set[str]:
    return {copy.channel for copy in await home.core.stores.messages.showing(subject(promotion))}


async def asked_while(home: House, answer: Callable[[str], Awaitable[Caller]] | None = None) -> Promotion:
    """A promotion whose approvers are looked up while the directory answers like this; None: not at all."""
    usual, asks = home.directory.caller, list[str]()

    async def caller(user: str, team: str = "") -> Caller:
        if asks and user in EVERYBODY:
            if answer is None:
                raise AWAY
            return await answer(user)
        return await usual(user, team)

    home.engine.on_step = lambda name: asks.append(name) if name.startswith("ask-people") else None
    home.directory.caller = caller  # type: ignore[method-assign]
    promotion = await home.deploy()
    home.directory.caller = usual  # type: ignore[method-assign]
    assert (await home.now(promotion)).stage is Stage.APPROVAL
    return promotion


async def test_a_directory_that_fails_once_is_asked_again(home: House) -> None:
    promotion = await asked_while(home)
    assert not await copies(home, promotion)
    assert home.core.approvers.late.is_set()
    assert await home.core.late_copies.look()
    assert await copies(home, promotion) == EVERYBODY


async def test_one_who_could_not_be_looked_up_is_the_only_one_asked_later(home: House) -> None:
    usual = home.directory.caller

    async def but_for_mia(user: str) -> Caller:
        if user == "U0MIA":
            raise AWAY
        return await usual(user)

    promotion = await asked_while(home, but_for_mia)
    assert await copies(home, promotion) == EVERYBODY - {"U0MIA"}
    before = await home.core.stores.messages.showing(subject(promotion))
    assert await home.core.late_copies.look()
    assert await copies(home, promotion) == EVERYBODY
    after = await home.core.stores.messages.showing(subject(promotion))
    assert all(one in after for one in before)  # theirs are as they were


@pytest.mark.usefixtures("impatient")
async def test_a_slow_directory_holds_nobody_up_and_the_copies_come(home: House) -> None:
    async def never(user: str) -> Caller:
        await asyncio.Event().wait()
        raise AssertionError

    promotion = await asked_while(home, never)
    assert not await copies(home, promotion)
    await home.core.late_copies.look()
    assert await copies(home, promotion) == EVERYBODY


async def test_who_answered_in_time_has_a_copy_at_once(home: House) -> None:
    usual = home.directory.caller

    async def slow_for_mia(user: str) -> Caller:
        if user == "U0MIA":
            await asyncio.Event().wait()
        return await usual(user)

    home.directory.caller, usual_caller = slow_for_mia, home.directory.caller  # type: ignore[assignment, method-assign]
    try:
        found = await home.core.approvers.find(await asked(home), 0.5)
    finally:
        home.directory.caller = usual_caller  # type: ignore[method-assign]
    assert {caller.id for caller in found.people} == EVERYBODY - {"U0MIA"}
    assert not found.complete


async def asked(home: House) -> Promotion:
    usual, home.directory.caller = home.directory.caller, type(home.directory).caller.__get__(home.directory)  # type: ignore[method-assign]
    promotion = await home.deploy()
    home.directory.caller = usual  # type: ignore[method-assign]
    return await home.now(promotion)


async def test_the_next_process_asks_whom_the_last_one_could_not(home: House) -> None:
    promotion = await asked_while(home)
    started_again = LateCopies(home.store, home.core.approvers, home.core.copies)
    home.core.approvers.missed.clear()  # in memory, so gone with the process
    assert await started_again.look()
    assert await copies(home, promotion) == EVERYBODY


async def test_nobody_is_asked_twice(home: House) -> None:
    promotion = await home.deploy()
    assert await copies(home, promotion) == EVERYBODY
    await delivered(home.core.outbox)
    sent = len(home.messenger.in_channel("D0BO"))
    for _ in range(3):
        assert await LateCopies(home.store, home.core.approvers, home.core.copies).look()
    await delivered(home.core.outbox)
    assert len(home.messenger.in_channel("D0BO")) == sent == 1


async def test_who_is_muted_meanwhile_is_not_asked(home: House) -> None:
    promotion = await asked_while(home)
    await home.core.stores.mutes.mute((await home.person("bo")).person)
    await home.core.late_copies.look()
    assert await copies(home, promotion) == EVERYBODY - {"U0BO"}


async def test_what_is_decided_meanwhile_is_not_asked(home: House) -> None:
    promotion = await asked_while(home)
    await home.approve("bo", promotion)
    await home.core.late_copies.look()
    assert not await copies(home, promotion)


async def test_who_has_said_yes_already_is_not_asked(tmp_path: Path) -> None:
    two = "channels: {default: C0DEPLOY}\nenvironments:\n- {name: development}\n- {name: staging}\n- name: production\n"
    two += "  approval: {count: 2}\nbindings:\n- {role: engineer, groups: [engineers]}\n"
    two += "- {role: release-manager, groups: ['@release-managers']}\n- {role: admin, groups: ['@platform-admins']}\n"
    async with house(tmp_path, two) as home:
        promotion = await asked_while(home)
        await home.approve("bo", promotion)
        await home.core.late_copies.look()
        assert await copies(home, promotion) == EVERYBODY - {"U0BO"}


async def test_a_copy_put_while_somebody_decides_shows_the_end(home: House) -> None:
    """Between the look at what waits and the copy, the decision."""
    promotion = await asked_while(home)
    usual = home.core.copies.send_missing

    async def decided_first(waiting: Promotion, people: tuple[Caller, ...]) -> bool:
        await home.approve("bo", promotion)
        return await usual(waiting, people)

    home.core.copies.send_missing = decided_first  # type: ignore[method-assign, assignment]
    await home.core.late_copies.look()
    await delivered(home.core.outbox)
    for user in EVERYBODY:
        assert not [m for m in home.messenger.in_channel(f"D{user[1:]}") if "promotion.approve" in str(m.shown.blocks)]


async def test_while_slack_is_away_the_round_says_that_it_is_not_complete(home: House) -> None:
    promotion = await asked_while(home)
    home.directory.down = AWAY
    assert not await home.core.late_copies.look()
    assert not await home.core.late_copies.look()
    home.directory.down = None
    assert await home.core.late_copies.look()
    assert await copies(home, promotion) == EVERYBODY


async def test_who_stands_in_from_now_on_is_asked_now(home: House) -> None:
    promotion = await home.deploy()
    assert await home.core.late_copies.look()
    await lend(home, "bo", "cy")
    assert await home.core.late_copies.look()
    assert await copies(home, promotion) == EVERYBODY | {"U0CY"}
