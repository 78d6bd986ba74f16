"""One person is one voice: not two by a second account, and not again after a no to the same images."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.approval import counted
from bot.domain.caller import Caller, Person
from bot.domain.errors import Conflict, NotAllowed, UnknownName
from bot.domain.intent import CloseReview, Deploy
from bot.domain.promotion import Approval, Kind, Phase, Promotion, Stage
from bot.safety.reviews import ReviewService
from tests.attacks.test_todays_policy import reload
from tests.fakes.delegations import lend
from tests.fakes.world import POLICY, CoreWorld, core_world, kustomization, path

PRODUCTION = POLICY + "environments: [{name: development}, {name: staging}, {name: production, %s}]\n"
REUSE = PRODUCTION % "approval: {count: 2, reuse: 2h}, rollback: {lock: false}"
SECOND = {
    "a plus-address": "{}+two@example.com",
    "upper case": "{}@EXAMPLE.com",
    "both": "{}+X@Example.Com",
}


def second_account(world: CoreWorld, name: str, address: str) -> None:
    """Of somebody in the workspace, under an address that reaches the same mailbox, in the approvers' group."""
    id = f"U0{name.upper()}2"
    world.directory.people[id] = Caller(Person(id, f"{name} two", address.format(name)), "T0PILOT")
    world.directory.groups["S0RELEASE", "release-managers"] |= {id}


@pytest.mark.parametrize("address", SECOND.values(), ids=SECOND)
async def test_the_requester_does_not_approve_as_somebody_else(world: CoreWorld, address: str) -> None:
    second_account(world, "ana", address)
    asked = await world.deploy("ana")
    with pytest.raises(NotAllowed, match="your own promotion"):
        await world.approve("ana2", asked)
    assert (await world.now(asked)).stage is Stage.APPROVAL


@pytest.mark.parametrize("address", SECOND.values(), ids=SECOND)
async def test_nobody_approves_twice(tmp_path: Path, address: str) -> None:
    async with core_world(tmp_path, PRODUCTION % "approval: {count: 2}") as world:
        second_account(world, "bo", address)
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        with pytest.raises(Conflict, match="already, as bo"):
            await world.approve("bo2", asked)
        assert (await world.now(asked)).stage is Stage.APPROVAL
        await world.approve("mia", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("absent", ["ana2", "bo2"], ids=["of the requester", "of who has approved"])
async def test_a_second_account_lends_nothing(tmp_path: Path, absent: str) -> None:
    async with core_world(tmp_path, PRODUCTION % "approval: {count: 2}") as world:
        second_account(world, absent[:-1], "{}+two@example.com")
        await lend(world, absent, "gus")
        world.directory.people["U0GUS"] = Caller(Person("U0GUS", "gus", "gus@example.com"), "T0PILOT")
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        with pytest.raises(UnknownName):  # of his own he may not even see it
            await world.approve("gus", asked)


async def test_nobody_approves_by_a_second_account_what_a_stand_in_approved_for_them(tmp_path: Path) -> None:
    async with core_world(tmp_path, PRODUCTION % "approval: {count: 2}") as world:
        second_account(world, "mia", "{}+two@example.com")
        await lend(world, "mia", "gus")
        world.directory.people["U0GUS"] = Caller(Person("U0GUS", "gus", "gus@example.com"), "T0PILOT")
        asked = await world.deploy("ana")
        await world.approve("gus", asked)
        with pytest.raises(Conflict, match="on your behalf already"):
            await world.approve("mia2", asked)
        assert (await world.now(asked)).stage is Stage.APPROVAL


async def test_who_comes_back_may_say_no_to_what_a_stand_in_approved_for_them(tmp_path: Path) -> None:
    async with core_world(tmp_path, PRODUCTION % "approval: {count: 2}") as world:
        await lend(world, "mia", "gus")
        world.directory.people["U0GUS"] = Caller(Person("U0GUS", "gus", "gus@example.com"), "T0PILOT")
        asked = await world.deploy("ana")
        await world.approve("gus", asked)
        await world.reject("mia", asked, "not with this migration")
        over = await world.now(asked)
        assert (over.phase, over.rejection and over.rejection.by.name) == (Phase.FAILED, "mia")


@pytest.mark.parametrize("address", ["", "bo@other.example.org", "b.o@example.com"])
def test_people_whom_addresses_do_not_make_one_are_two(address: str) -> None:
    at = datetime.now(UTC)
    people = (Person("U0BO", "bo", "bo@example.com"), Person("U0BO2", "bo", address))
    assert len(counted((Approval(person, "h", at) for person in people), "h")) == 2


def test_two_accounts_of_one_person_are_counted_once() -> None:
    at = datetime.now(UTC)
    people = (Person("U0BO", "bo", "bo@example.com"), Person("U0BO2", "bo", "bo+2@example.com"))
    assert [a.approver.id for a in counted((Approval(person, "h", at) for person in people), "h")] == ["U0BO"]


KNOWN = "people: {bo@example.com: [bo@other.example.org]}\n"
"""as policy says it of two addresses that have nothing in common"""


async def test_two_accounts_that_policy_knows_by_now_are_one_voice_at_the_effect(tmp_path: Path) -> None:
    three = PRODUCTION % "approval: {count: 3}"
    async with core_world(tmp_path, three) as world:
        second_account(world, "bo", "{}@other.example.org")
        asked = await world.deploy("ana")
        for who in ("bo", "bo2"):
            await world.approve(who, asked)
        await reload(world, three + KNOWN)
        await world.approve("mia", asked)
        now = await world.now(asked)
        assert (now.stage, [approval.approver.id for approval in now.approvals]) == (Stage.APPROVAL, ["U0BO", "U0MIA"])
        assert now.voided == "bo two may no longer approve"
        assert world.promotion_commits() == []


async def test_two_accounts_whose_addresses_have_become_one_are_one_voice_at_the_effect(tmp_path: Path) -> None:
    async with core_world(tmp_path, PRODUCTION % "approval: {count: 3}") as world:
        second_account(world, "bo", "{}@other.example.org")
        asked = await world.deploy("ana")
        for who in ("bo", "bo2"):
            await world.approve(who, asked)
        second_account(world, "bo", "{}+two@example.com")
        await world.approve("mia", asked)
        now = await world.now(asked)
        assert (now.stage, [approval.approver.id for approval in now.approvals]) == (Stage.APPROVAL, ["U0BO", "U0MIA"])


async def test_an_author_lends_nothing_once_policy_keeps_authors_from_approving(tmp_path: Path) -> None:
    """Also where that was tightened after it was asked."""
    async with core_world(tmp_path, PRODUCTION % "approval: {count: 1}") as world:
        await lend(world, "mia", "gus")
        world.directory.people["U0GUS"] = Caller(Person("U0GUS", "gus", "gus@example.com"), "T0PILOT")
        asked = await world.deploy("ana")
        await reload(world, PRODUCTION % "approval: {count: 1, author_approval: false}")
        await world.approve("bo", asked)
        now = await world.now(asked)
        assert now.tightened is not None
        caller = await world.person("gus")
        assert not (await world.service.eligibility.lent_to(caller, now)).roles


# Approvals of earlier promotions, where policy lets them count again.


async def done(world: CoreWorld, who: str = "ana", image: str = "") -> Promotion:
    asked = await world.deploy(who, image)
    await world.approve("bo", asked)
    await world.approve("mia", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    return asked


def by_hand(world: CoreWorld, tag: str) -> None:
    world.overlays.push({path("production"): kustomization(tag)}, "by hand")


async def approvals(world: CoreWorld, image: str = "") -> tuple[Stage, list[str]]:
    asked = await world.now(await world.deploy("ana", image))
    assert asked.plan.kind is Kind.PROMOTION
    return asked.stage, [approval.approver.name for approval in asked.approvals]


async def test_without_a_no_they_count_again(tmp_path: Path) -> None:
    async with core_world(tmp_path, REUSE) as world:
        await done(world)
        by_hand(world, "v1.4.1")
        assert await approvals(world) == (Stage.DONE, ["bo", "mia"])


async def test_two_accounts_are_one_voice_where_they_count_again(tmp_path: Path) -> None:
    """Each of them said yes to another promotion of these images, and neither of those was decided."""
    async with core_world(tmp_path, REUSE.replace("2h", "20h") + KNOWN) as world:
        second_account(world, "bo", "{}@other.example.org")
        managers = world.directory.groups["S0RELEASE", "release-managers"]
        for who in ("bo", "bo2"):
            world.directory.groups["S0RELEASE", "release-managers"] = frozenset({f"U0{who.upper()}"})
            await world.approve(who, await world.deploy("ana"))
            await world.engine.pass_time(timedelta(hours=5))
        world.directory.groups["S0RELEASE", "release-managers"] = managers
        asked = await world.now(await world.deploy("ana"))
        assert (asked.stage, len(asked.approvals)) == (Stage.APPROVAL, 1)
        assert world.promotion_commits() == []


async def test_who_has_said_no_since_is_not_passed_by(tmp_path: Path) -> None:
    async with core_world(tmp_path, REUSE) as world:
        await done(world)
        by_hand(world, "v1.4.1")
        group = world.directory.groups["S0RELEASE", "release-managers"]
        world.directory.groups["S0RELEASE", "release-managers"] = group - {"U0MIA"}  # so that it is asked at all
        again = await world.deploy("ana")
        await world.reject("bo", again, "it eats the database")
        world.directory.groups["S0RELEASE", "release-managers"] = group
        assert await approvals(world) == (Stage.APPROVAL, [])


async def test_what_was_rolled_back_since_is_asked_about_again(tmp_path: Path) -> None:
    async with core_world(tmp_path, REUSE) as world:
        await done(world)
        back = await world.rollback("ana")
        for who in ("bo", "mia"):
            await world.approve(who, back)
        assert (await world.now(back)).phase is Phase.SUCCEEDED
        assert await approvals(world) == (Stage.APPROVAL, [])


async def test_a_yes_to_go_back_is_no_yes_to_go_forward(tmp_path: Path) -> None:
    async with core_world(tmp_path, REUSE) as world:
        await done(world)
        back = await world.rollback("ana")
        for who in ("bo", "mia"):
            await world.approve(who, back)
        by_hand(world, "v1.4.0")
        assert await approvals(world, "v1.4.1") == (Stage.APPROVAL, [])


@pytest.mark.parametrize("address", SECOND.values(), ids=SECOND)
async def test_nobody_reviews_their_own_broken_glass_as_somebody_else(world: CoreWorld, address: str) -> None:
    second_account(world, "dee", address)
    ask = Deploy(context=world.context(), app="my-app", environment="production", break_glass=True, reason="it burns")
    await world.service.start(await world.shown(ask, "dee"), await world.person("dee"))
    await world.engine.settle()
    [owed] = await world.reviews.open()
    reviews = world.core.safety.services[ReviewService]
    for who in ("dee", "dee2"):
        with pytest.raises(NotAllowed, match="broke the glass"):
            await reviews.close(_looked(world, owed.promotion_id), await world.person(who))
    assert await world.reviews.open()
    await reviews.close(_looked(world, owed.promotion_id), await world.person("bo"))
    assert not await world.reviews.open()


def _looked(world: CoreWorld, promotion: str) -> CloseReview:
    return CloseReview(context=world.context(), promotion=promotion, note="all is well")
