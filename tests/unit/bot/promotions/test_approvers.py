"""Who is asked in person."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Unavailable
from bot.domain.promotion import Promotion
from tests.fakes.delegations import lend
from tests.fakes.world import POLICY, House, house


async def asked(home: House, who: str = "ana") -> tuple[Promotion, list[tuple[str, ...]]]:
    promotion = await home.deploy(who)
    return promotion, home.cards.asked.get(promotion.id, [])


async def test_those_whose_yes_would_count(home: House) -> None:
    _, people = await asked(home)
    assert [set(names) for names in people] == [{"bo", "mia", "dee"}]


async def test_whoever_asked_is_not(home: House) -> None:
    _, people = await asked(home, "bo")
    assert [set(names) for names in people] == [{"mia", "dee"}]


@pytest.mark.parametrize(
    ("bindings", "names"),
    [
        ("- {role: release-manager, users: [U0CY, U0GONE]}", {"cy"}),
        ("- {role: release-manager, emails: [Cy@example.com, nobody@example.com]}", {"cy"}),
        ("- {role: release-manager, groups: ['@release-managers', '@gone']}", {"bo", "mia"}),
        ("- {role: release-manager, groups: ['@release-managers'], apps: [ledger]}\n"
         "- {role: admin, users: [U0DEE]}", {"dee"}),
        ("- {role: release-manager, groups: ['@crowd']}\n- {role: admin, users: [U0DEE]}", {"dee"}),
        ("- {role: release-manager, users: [U0GUS, U0BO]}", {"gus", "bo"}),  # a guest whom policy names
    ],
)  # fmt: skip
async def test_persons_and_small_groups(tmp_path: Path, bindings: str, names: set[str]) -> None:
    text = f"channels: {{default: C0DEPLOY}}\nbindings:\n- {{role: engineer, groups: [engineers]}}\n{bindings}\n"
    async with house(tmp_path, text) as home:
        home.directory.groups["S0CROWD", "crowd"] = frozenset([*home.directory.people, *(f"U0X{n}" for n in range(9))])
        _, people = await asked(home)
        assert [set(found) for found in people] == [names]


async def test_policy_may_ask_in_channels_only(tmp_path: Path) -> None:
    text = POLICY.replace("{default: C0DEPLOY}", "{default: C0DEPLOY, direct_messages: false}")
    async with house(tmp_path, text) as home:
        assert (await asked(home))[1] == [()]


async def test_a_role_that_is_asked_for_alone_is_asked_alone(tmp_path: Path) -> None:
    text = POLICY + "environments:\n- {name: development}\n- {name: staging}\n- name: production\n"
    text += "  approval: {count: 1, roles: [admin]}\n"
    async with house(tmp_path, text) as home:
        assert [set(names) for names in (await asked(home))[1]] == [{"dee"}]


async def test_a_directory_that_is_away_asks_nobody_in_person_and_stops_nothing(home: House) -> None:
    def away(name: str) -> None:
        if name.startswith("ask-people"):
            home.directory.down = Unavailable("Slack", "users.info", "down")

    home.engine.on_step = away
    promotion, people = await asked(home)
    assert people == [()]
    home.directory.down = None
    await home.approve("bo", promotion)
    assert (await home.now(promotion)).phase.final


async def test_a_crash_after_the_question_asks_the_same_again(home: House) -> None:
    home.engine.crash_after.add("ask-people#1")
    promotion, people = await asked(home)
    assert [set(names) for names in people] == [{"bo", "mia", "dee"}] * 2
    await home.approve("bo", promotion)
    assert (await home.now(promotion)).phase.final


async def test_who_stands_in_is_asked_too(home: House) -> None:
    await lend(home, "bo", "cy")
    _, people = await asked(home)
    assert [set(names) for names in people] == [{"bo", "mia", "dee", "cy"}]


@pytest.mark.parametrize(
    ("away", "delegate"),
    [
        ("ana", "cy"),  # whoever asked lends nothing
        ("cy", "gus"),  # an engineer may not approve
    ],
)
async def test_who_stands_in_for_somebody_whose_yes_counts_for_nothing_is_not(
    home: House, away: str, delegate: str
) -> None:
    await lend(home, away, delegate)
    _, people = await asked(home)
    assert [set(names) for names in people] == [{"bo", "mia", "dee"}]


async def test_who_has_stood_in_is_not_asked_any_longer(home: House) -> None:
    await lend(home, "bo", "cy", left=timedelta(minutes=-1))
    _, people = await asked(home)
    assert [set(names) for names in people] == [{"bo", "mia", "dee"}]
