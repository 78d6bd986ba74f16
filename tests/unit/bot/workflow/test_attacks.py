"""Ways around four eyes and around each other: each of them was open once, or is one that somebody would try."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.approval import missing, quorum, together
from bot.domain.caller import Person
from bot.domain.errors import NotAllowed
from bot.domain.intent import Approve
from bot.domain.promotion import Approval, ApprovalRule, Phase, Stage, VoteKind
from tests.fakes.delegations import lend
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, path
from tests.unit.bot.promotions.test_scheduler import add_app
from tests.unit.bot.workflow.test_trains import adjust, train

APPS = """
environments:
- {name: development}
- {name: staging}
- name: production
  approval: {count: 2, roles: [release-manager]}
apps:
  payments: {environments: {production: {approval: {count: 1, roles: [admin]}}}}
"""


async def test_a_train_carries_no_app_past_its_own_approvers(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY + APPS) as world:
        await add_app(world, "payments")
        asked = await train(world)
        await world.approve("bo", asked)
        await world.approve("mia", asked)
        waiting = await world.now(asked)
        assert (waiting.stage, world.promotion_commits()) == (Stage.APPROVAL, [])
        assert missing(waiting.rule, waiting.approvals) == "an approval from admin for payments"
        await world.approve("dee", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


def test_the_rule_of_a_train_is_never_laxer_than_any_of_its_apps() -> None:
    day, hour = timedelta(days=1), timedelta(hours=1)
    lax = ApprovalRule(count=3, roles=("crowd",), expires=day, self_approval=True, author_approval=True, reuse=day)
    strict = ApprovalRule(count=1, roles=("security",), expires=hour, author_approval=False)
    rule = together({"a": lax, "b": strict, "c": ApprovalRule(count=0)})
    assert (rule.self_approval, rule.author_approval, rule.reuse, rule.expires) == (False, False, None, hour)
    crowd = [yes(f"U{number}", "a", "crowd") for number in range(3)]
    assert not quorum(rule, crowd)
    assert quorum(rule, [*crowd, yes("U9", "b", "security")])
    assert not quorum(rule, [*crowd, yes("U9", "a", "security")])


def yes(user: str, app: str, role: str) -> Approval:
    return Approval(Person(user, user), "hash", datetime.now(UTC), (role,), voices={app: (role,)})


async def test_an_app_that_was_left_out_comes_back_only_while_nobody_else_moves_it(tmp_path: Path) -> None:
    async with core_world(tmp_path, POLICY) as world:
        await add_app(world, "payments")
        asked = await train(world)
        await adjust(world, asked, "payments")
        other = await world.deploy("ana", app="payments", image="v1.4.1")
        await adjust(world, asked)
        assert (await world.now(asked)).left_out == ("payments",)
        assert "already promoting payments" in world.messenger.messages[-1].shown.text
        await world.abort("ana", other)
        await adjust(world, asked)
        assert (await world.now(asked)).left_out == ()
        live = await world.store.live("payments", "production")
        assert live is not None
        assert live.id == asked.id


async def test_a_tag_beside_a_digest_is_not_believed(world: CoreWorld) -> None:
    """Whoever may write the staging overlay must not have "v1.4.2" approved and another image promoted."""
    evil = world.registry.push(f"{HARBOR}/my-app", "nightly").image
    world.registry.finish_scan(evil)
    entry = f"images:\n- name: {HARBOR}/my-app\n  newTag: v1.4.2\n  digest: {evil.digest}\n"
    world.overlays.push({path("staging"): entry.encode()}, "looks harmless")
    asked = await world.deploy("ana")
    assert (asked.plan.moves[0].after.digest, asked.plan.moves[0].after.label) == (evil.digest, "nightly")


async def test_whose_address_is_not_known_cannot_be_told_apart_from_the_author(world: CoreWorld) -> None:
    asked = await world.now(await world.deploy("ana"))
    rule = replace(asked.plan.approval, author_approval=False)
    promotion = replace(
        asked, plan=replace(asked.plan, approval=rule, authors=("mia@example.com",), authors_unknown=())
    )
    bo = await world.person("bo")
    hidden = replace(bo, person=replace(bo.person, email=""))
    check = world.service.eligibility.check
    ask = Approve(context=world.context(), promotion=asked.id, content_hash=promotion.content_hash)
    assert check(promotion, VoteKind.APPROVE, bo, ask.content_hash)
    with pytest.raises(NotAllowed, match="does not show your confirmed e-mail address"):
        check(promotion, VoteKind.APPROVE, hidden, ask.content_hash)


async def test_delegations_neither_chain_nor_vote_twice_nor_speak_for_the_requester(world: CoreWorld) -> None:
    await lend(world, "bo", "cy")
    await lend(world, "cy", "ana")
    by_mia = await world.deploy("mia")
    with pytest.raises(NotAllowed):  # what cy is lent, cy lends to nobody
        await world.approve("ana", by_mia)
    await world.abort("mia", by_mia)
    by_bo = await world.deploy("bo")
    with pytest.raises(NotAllowed):  # cy speaks with bo's voice alone, and bo asked for it
        await world.approve("cy", by_bo)
