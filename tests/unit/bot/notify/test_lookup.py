"""Group handles, group ids, user ids and addresses: each becomes what it is needed as."""

import re
from pathlib import Path

import pytest

from bot.background.roster import RosterUpdates
from bot.domain.caller import Permission, Target
from bot.domain.errors import NotAllowed, Unavailable
from bot.domain.event import Event
from bot.domain.promotion import ApprovalRule, Phase, Promotion, Stage
from bot.notify.audience import administrator_ids, approvers
from bot.policy import Policy, authorize, parse
from bot.views import thread_note
from tests.fakes.directory import FakeDirectory
from tests.views.samples import plan, promotion

README = Path(__file__).parents[4] / "README.md"
RULE = ApprovalRule(1, ("release-manager",))


def asked(rule: ApprovalRule) -> Promotion:
    return Promotion(plan(approval=rule), Phase.RUNNING, Stage.APPROVAL)


async def learned(text: str, directory: FakeDirectory | None = None) -> Policy:
    policy = parse(text)
    await RosterUpdates(policy, directory or FakeDirectory.seeded()).first()
    return policy


@pytest.mark.parametrize(
    ("named", "live", "readable"),
    [
        ("groups: ['@release-managers']", "<!subteam^S0RELEASE>", "@release-managers"),
        ("groups: [release-managers]", "<!subteam^S0RELEASE>", "@release-managers"),
        ("groups: [S0RELEASE]", "<!subteam^S0RELEASE>", "@release-managers"),
        ("users: [U0BO]", "<@U0BO>", "<@U0BO>"),
        ("emails: [Bo@example.com]", "<@U0BO>", "<@U0BO>"),
        ("groups: ['@release-managers', '@gone'], users: [U0GONE]", "<!subteam^S0RELEASE>", "@release-managers"),
    ],
)
async def test_whoever_policy_names_is_pinged_and_can_be_read(named: str, live: str, readable: str) -> None:
    policy = await learned(f"bindings:\n- {{role: release-manager, {named}}}\n")
    assert approvers(policy, asked(RULE)) == live
    cy = await FakeDirectory.seeded().caller("U0CY")
    with pytest.raises(NotAllowed) as refused:
        authorize(policy, cy, Permission.APPROVE, Target("my-app", "production"))
    assert refused.value.sentence.endswith(f"Ask {readable}.")


async def test_with_the_policy_of_the_readme_somebody_is_pinged() -> None:
    text = re.findall(r"   ```yaml\n(.*?)   ```", README.read_text(), re.DOTALL)[0]
    policy = await learned("\n".join(line[3:] for line in text.splitlines()))
    asked = policy.rules("my-app", "production").approval()
    waiting = promotion(Stage.APPROVAL, plan=plan(approval=asked))
    note = thread_note(waiting, Event.WAITING, approvers=approvers(policy, waiting))
    assert "<!subteam^S0RELEASE> or <!subteam^S0ADMIN>" in str(note.blocks)


async def test_before_slack_has_answered_names_stand_as_they_are() -> None:
    directory = FakeDirectory.seeded()
    directory.down = Unavailable("Slack", "usergroups.list", "down")
    policy = await learned("bindings:\n- {role: release-manager, groups: ['@rm', S0RELEASE], emails: [a@b.example]}\n",
                           directory)  # fmt: skip
    assert approvers(policy, asked(RULE)) == "@rm, <!subteam^S0RELEASE> or a@b.example"


async def test_what_slack_does_not_answer_now_is_as_it_was() -> None:
    directory = FakeDirectory.seeded()
    policy = parse("bindings:\n- {role: release-manager, groups: ['@release-managers'], emails: [mia@example.com]}\n")
    updates = RosterUpdates(policy, directory)
    await updates.update()
    before = approvers(policy, asked(RULE))
    directory.down = Unavailable("Slack", "usergroups.list", "down")
    await updates.update()
    assert approvers(policy, asked(RULE)) == before == "<!subteam^S0RELEASE> or <@U0MIA>"


async def test_administrators_are_told_whom_policy_names_as_persons() -> None:
    policy = await learned("bindings:\n- {role: admin, users: [U0DEE], emails: [bo@example.com], groups: [S0ENG]}\n")
    assert administrator_ids(policy, plan()) == ("U0BO", "U0DEE")
