"""A button in a direct message is judged as if it stood on the card: it carries names, and no rights."""

from dataclasses import replace

import pytest

from bot.domain.errors import Conflict, NotAllowed, UserError
from bot.domain.intent import Approve, AskReason
from bot.domain.promotion import Promotion
from bot.router.buttons import read_button
from bot.views import approval_request
from tests.fakes.world import CoreWorld

LINK = "https://acme.slack.com/archives/C0DEPLOY/p1"


async def press(world: CoreWorld, who: str, copy: Promotion, label: str = "Approve") -> None:
    """The button of the copy that showed this, pressed by somebody now."""
    message = approval_request(copy, LINK, "production")
    [button] = [
        element
        for block in message.blocks
        for element in block.get("elements", ())
        if block["type"] == "actions" and element["text"]["text"] == label
    ]
    intent = read_button(button, world.context())
    if isinstance(intent, AskReason):
        await world.service.consider(intent, await world.person(who))
    else:
        assert isinstance(intent, Approve)
        await world.service.approve(intent, await world.person(who))
    await world.engine.settle()


@pytest.mark.parametrize("label", ["Approve", "Reject"])
@pytest.mark.parametrize("who", ["cy", "gus"])
async def test_a_forwarded_copy_gives_no_rights(world: CoreWorld, who: str, label: str) -> None:
    promotion = await world.deploy("ana")
    with pytest.raises(UserError):
        await press(world, who, await world.now(promotion), label)
    assert not world.promotion_commits()


@pytest.mark.parametrize("label", ["Approve", "Reject"])
async def test_who_has_lost_the_role_since_is_refused(world: CoreWorld, label: str) -> None:
    promotion = await world.deploy("ana")
    copy = await world.now(promotion)
    world.directory.groups["S0RELEASE", "release-managers"] = frozenset({"U0MIA"})
    with pytest.raises(UserError):
        await press(world, "bo", copy, label)
    assert not world.promotion_commits()


async def test_the_requester_does_not_approve_by_somebody_elses_copy(world: CoreWorld) -> None:
    promotion = await world.deploy("bo")
    with pytest.raises(NotAllowed):
        await press(world, "bo", await world.now(promotion))
    assert not world.promotion_commits()


async def test_a_copy_of_what_was_shown_before_does_not_count(world: CoreWorld) -> None:
    promotion = await world.deploy("ana")
    now = await world.now(promotion)
    older = replace(now, plan=replace(now.plan, moves=(replace(now.plan.moves[0], overlay="another"),)))
    with pytest.raises(Conflict):
        await press(world, "bo", older)
    assert not world.promotion_commits()


async def test_a_copy_that_was_not_edited_yet_decides_nothing_twice(world: CoreWorld) -> None:
    promotion = await world.deploy("ana")
    copy = await world.now(promotion)
    await press(world, "bo", copy)
    assert len(world.promotion_commits()) == 1
    with pytest.raises(Conflict):
        await press(world, "mia", copy)
    assert len(world.promotion_commits()) == 1


async def test_the_right_press_counts(world: CoreWorld) -> None:
    promotion = await world.deploy("ana")
    await press(world, "bo", await world.now(promotion))
    assert world.promotion_commits() == [promotion.id]
