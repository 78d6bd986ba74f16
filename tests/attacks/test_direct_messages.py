"""A button in a direct message is judged as if it stood on the card: it carries names, and no rights."""

from dataclasses import replace

import pytest

from bot.domain.errors import Conflict, NotAllowed, UserError
from bot.domain.intent import Approve, AskReason
from bot.domain.promotion import Promotion
from bot.router.buttons import read_button
from bot.views import approval_request
from tests.fakes.world import House

LINK = "https://acme.slack.com/archives/C0DEPLOY/p1"


async def press(home: House, who: str, copy: Promotion, label: str = "Approve") -> None:
    """The button of the copy that showed this, pressed by somebody now."""
    message = approval_request(copy, LINK, "production")
    [button] = [
        element
        for block in message.blocks
        for element in block.get("elements", ())
        if block["type"] == "actions" and element["text"]["text"] == label
    ]
    intent = read_button(button, home.context())
    if isinstance(intent, AskReason):
        await home.service.consider(intent, await home.person(who))
    else:
        assert isinstance(intent, Approve)
        await home.service.approve(intent, await home.person(who))
    await home.engine.settle()


@pytest.mark.parametrize("label", ["Approve", "Reject"])
@pytest.mark.parametrize("who", ["cy", "gus"])
async def test_a_forwarded_copy_gives_no_rights(home: House, who: str, label: str) -> None:
    promotion = await home.deploy("ana")
    with pytest.raises(UserError):
        await press(home, who, await home.now(promotion), label)
    assert not home.promotion_commits()


@pytest.mark.parametrize("label", ["Approve", "Reject"])
async def test_who_has_lost_the_role_since_is_refused(home: House, label: str) -> None:
    promotion = await home.deploy("ana")
    copy = await home.now(promotion)
    home.directory.groups["S0RELEASE", "release-managers"] = frozenset({"U0MIA"})
    with pytest.raises(UserError):
        await press(home, "bo", copy, label)
    assert not home.promotion_commits()


async def test_the_requester_does_not_approve_by_somebody_elses_copy(home: House) -> None:
    promotion = await home.deploy("bo")
    with pytest.raises(NotAllowed):
        await press(home, "bo", await home.now(promotion))
    assert not home.promotion_commits()


async def test_a_copy_of_what_was_shown_before_does_not_count(home: House) -> None:
    promotion = await home.deploy("ana")
    now = await home.now(promotion)
    older = replace(now, plan=replace(now.plan, moves=(replace(now.plan.moves[0], overlay="another"),)))
    with pytest.raises(Conflict):
        await press(home, "bo", older)
    assert not home.promotion_commits()


async def test_a_copy_that_was_not_edited_yet_decides_nothing_twice(home: House) -> None:
    promotion = await home.deploy("ana")
    copy = await home.now(promotion)
    await press(home, "bo", copy)
    assert len(home.promotion_commits()) == 1
    with pytest.raises(Conflict):
        await press(home, "mia", copy)
    assert len(home.promotion_commits()) == 1


async def test_the_right_press_counts(home: House) -> None:
    promotion = await home.deploy("ana")
    await press(home, "bo", await home.now(promotion))
    assert home.promotion_commits() == [promotion.id]
