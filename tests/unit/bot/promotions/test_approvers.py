"""Who is asked in person."""

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.errors import Unavailable
from bot.domain.intent import Promote
from bot.domain.promotion import Promotion
from bot.domain.safety import Delegation
from bot.promotions.approvers import MOST
from tests.fakes.delegations import lend
from tests.fakes.world import POLICY, CoreWorld, core_world
from tests.unit.bot.promotions.test_scheduler import add_app


async def asked(world: CoreWorld, who: str = "ana") -> tuple[Promotion, list[tuple[str, ...]]]:
    promotion = await world.deploy(who)
    return promotion, world.cards.asked.get(promotion.id, [])


async def test_those_whose_yes_would_count(world: CoreWorld) -> None:
    _, people = await asked(world)
    assert [set(names) for names in people] == [{"bo", "mia", "dee"}]


async def test_whoever_asked_is_not(world: CoreWorld) -> None:
    _, people = await asked(world, "bo")
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
    async with core_world(tmp_path, text) as world:
        world.directory.groups["S0CROWD", "crowd"] = frozenset(
            [*world.directory.people, *(f"U0X{n}" for n in range(9))]
        )
        _, people = await asked(world)
        assert [set(found) for found in people] == [names]


async def test_whose_yes_counts_for_nothing_takes_nobodys_place(tmp_path: Path) -> None:
    """Policy names many who have left: who comes after them is asked all the same."""
    gone = ", ".join(f"U0LEFT{n:02}" for n in range(MOST + 5))
    text = "channels: {default: C0DEPLOY}\nbindings:\n- {role: engineer, groups: [engineers]}\n"
    text += f"- {{role: release-manager, users: [{gone}, U0BO]}}\n"
    async with core_world(tmp_path, text) as world:
        assert [set(found) for found in (await asked(world))[1]] == [{"bo"}]


async def test_a_crowd_is_not_asked_one_by_one_and_the_log_says_so(
    world: CoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.promotions.approvers.MOST", 2)
    with capture_logs() as logs:
        _, people = await asked(world)
    assert [len(names) for names in people] == [2]
    (told,) = [one for one in logs if one["event"] == "approvers.too_many"]
    assert (told["counting"], told["asked"]) == (3, 2)


async def test_who_is_away_is_looked_up_once_however_many_apps_go(
    world: CoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for app in ("payments", "ledger"):
        await add_app(world, app)
    ask = Promote(context=world.context(), apps=("my-app", "payments", "ledger"), environment="production")
    train = await world.service.preview(ask, await world.person("ana"))
    await lend(world, "bo", "cy")
    reads, absent_for = [], world.delegations.absent_for

    async def counted(delegate: str) -> tuple[Delegation, ...]:
        reads.append(delegate)
        return await absent_for(delegate)

    monkeypatch.setattr(world.delegations, "absent_for", counted)
    eligibility = world.core.approvers.eligibility
    lent = await eligibility.lent_to(await world.person("cy"), train)
    assert ([one.id for one in lent.behalf], len(reads)) == (["U0BO"], 1)


async def test_policy_may_ask_in_channels_only(tmp_path: Path) -> None:
    text = POLICY.replace("{default: C0DEPLOY}", "{default: C0DEPLOY, direct_messages: false}")
    async with core_world(tmp_path, text) as world:
        assert (await asked(world))[1] == [()]


async def test_a_role_that_is_asked_for_alone_is_asked_alone(tmp_path: Path) -> None:
    text = POLICY + "environments:\n- {name: development}\n- {name: staging}\n- name: production\n"
    text += "  approval: {count: 1, roles: [admin]}\n"
    async with core_world(tmp_path, text) as world:
        assert [set(names) for names in (await asked(world))[1]] == [{"dee"}]


async def test_a_directory_that_is_away_asks_nobody_in_person_and_stops_nothing(world: CoreWorld) -> None:
    def away(name: str) -> None:
        if name.startswith("ask-people"):
            world.directory.down = Unavailable("Slack", "users.info", "down")

    world.engine.on_step = away
    promotion, people = await asked(world)
    assert people == [()]
    world.directory.down = None
    await world.approve("bo", promotion)
    assert (await world.now(promotion)).phase.final


async def test_a_crash_after_the_question_asks_the_same_again(world: CoreWorld) -> None:
    world.engine.crash_after.add("ask-people#1")
    promotion, people = await asked(world)
    assert [set(names) for names in people] == [{"bo", "mia", "dee"}] * 2
    await world.approve("bo", promotion)
    assert (await world.now(promotion)).phase.final


async def test_who_stands_in_is_asked_too(world: CoreWorld) -> None:
    await lend(world, "bo", "cy")
    _, people = await asked(world)
    assert [set(names) for names in people] == [{"bo", "mia", "dee", "cy"}]


@pytest.mark.parametrize(
    ("away", "delegate"),
    [
        ("ana", "cy"),  # whoever asked lends nothing
        ("cy", "gus"),  # an engineer may not approve
    ],
)
async def test_who_stands_in_for_somebody_whose_yes_counts_for_nothing_is_not(
    world: CoreWorld, away: str, delegate: str
) -> None:
    await lend(world, away, delegate)
    _, people = await asked(world)
    assert [set(names) for names in people] == [{"bo", "mia", "dee"}]


async def test_who_has_stood_in_is_not_asked_any_longer(world: CoreWorld) -> None:
    await lend(world, "bo", "cy", left=timedelta(minutes=-1))
    _, people = await asked(world)
    assert [set(names) for names in people] == [{"bo", "mia", "dee"}]
