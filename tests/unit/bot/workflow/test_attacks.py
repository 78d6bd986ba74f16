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
from tests.fakes.world import HARBOR, POLICY, House, house, path
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
    async with house(tmp_path, POLICY + APPS) as home:
        await add_app(home, "payments")
        asked = await train(home)
        await home.approve("bo", asked)
        await home.approve("mia", asked)
        waiting = await home.now(asked)
        assert (waiting.stage, home.promotion_commits()) == (Stage.APPROVAL, [])
        assert missing(waiting.rule, waiting.approvals) == "an approval from admin for payments"
        await home.approve("dee", asked)
        assert (await home.now(asked)).phase is Phase.SUCCEEDED


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
    async with house(tmp_path, POLICY) as home:
        await add_app(home, "payments")
        asked = await train(home)
        await adjust(home, asked, "payments")
        other = await home.deploy("ana", app="payments", image="v1.4.1")
        await adjust(home, asked)
        assert (await home.now(asked)).left_out == ("payments",)
        assert "already promoting payments" in home.messenger.messages[-1].shown.text
        await home.abort("ana", other)
        await adjust(home, asked)
        assert (await home.now(asked)).left_out == ()
        live = await home.store.live("payments", "production")
        assert live is not None
        assert live.id == asked.id


async def test_a_tag_beside_a_digest_is_not_believed(home: House) -> None:
    """Whoever may write the staging overlay must not have "v1.4.2" approved and another image promoted."""
    evil = home.registry.push(f"{HARBOR}/my-app", "nightly").image
    home.registry.finish_scan(evil)
    entry = f"images:\n- name: {HARBOR}/my-app\n  newTag: v1.4.2\n  digest: {evil.digest}\n"
    home.overlays.push({path("staging"): entry.encode()}, "looks harmless")
    asked = await home.deploy("ana")
    assert (asked.plan.moves[0].after.digest, asked.plan.moves[0].after.label) == (evil.digest, "nightly")


async def test_whose_address_is_not_known_cannot_be_told_apart_from_the_author(home: House) -> None:
    asked = await home.now(await home.deploy("ana"))
    rule = replace(asked.plan.approval, author_approval=False)
    promotion = replace(
        asked, plan=replace(asked.plan, approval=rule, authors=("mia@example.com",), authors_unknown=())
    )
    bo = await home.person("bo")
    hidden = replace(bo, person=replace(bo.person, email=""))
    check = home.service.eligibility.check
    ask = Approve(context=home.context(), promotion=asked.id, content_hash=promotion.content_hash)
    assert check(promotion, VoteKind.APPROVE, bo, ask.content_hash)
    with pytest.raises(NotAllowed, match="does not show your confirmed e-mail address"):
        check(promotion, VoteKind.APPROVE, hidden, ask.content_hash)


async def test_delegations_neither_chain_nor_vote_twice_nor_speak_for_the_requester(home: House) -> None:
    await lend(home, "bo", "cy")
    await lend(home, "cy", "ana")
    by_mia = await home.deploy("mia")
    with pytest.raises(NotAllowed):  # what cy is lent, cy lends to nobody
        await home.approve("ana", by_mia)
    await home.abort("mia", by_mia)
    by_bo = await home.deploy("bo")
    with pytest.raises(NotAllowed):  # cy speaks with bo's voice alone, and bo asked for it
        await home.approve("cy", by_bo)
