"""What is merged is what was approved: whoever may push branches tries to have something else merged."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.domain.intent import Deploy
from bot.domain.overlay import Author, Change, ChangedPath, Commit
from bot.domain.promotion import Phase, Promotion, Stage, VoteKind
from bot.ports import PullRequest
from bot.promotions.signals import Signal
from tests.fakes.world import CoreWorld, core_world, kustomization, path
from tests.unit.bot.promotions.test_pull_requests import MINUTE, PULL_REQUESTS

PRODUCTION, STAGING = path("production"), path("staging")
OURS = kustomization("v1.4.2")
LEDGER = path("production", "ledger")
SMUGGLED: dict[str, dict[str, bytes]] = {
    "another app's overlay": {LEDGER: b"images:\n- name: x\n  newTag: evil\n"},
    "another environment": {STAGING: kustomization("v1.4.3")},
    "another image in place of the approved": {PRODUCTION: kustomization("v1.4.3")},
    "a second image in the approved file": {PRODUCTION: OURS + b"- name: sidecar\n  newTag: evil\n"},
    "a patch in the approved file": {PRODUCTION: OURS + b"patches:\n- path: evil.yaml\n"},
    "nothing of what was approved": {PRODUCTION: kustomization("v1.4.1")},
    "a new file": {"apps/my-app/base/evil.yaml": b"kind: ClusterRoleBinding\n"},
    "a workflow": {".github/workflows/evil.yaml": b"on: push\n"},
    "owners": {".github/CODEOWNERS": b"* @evil\n"},
    "only white space": {PRODUCTION: OURS + b"\n"},
    "another name for the image": {PRODUCTION: OURS.replace(b"newTag", b"newName: evil.example.com/x\n  newTag")},
}


async def opened(world: CoreWorld) -> Promotion:
    world.overlays.push({LEDGER: b"images: []\n"})
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    assert (await world.now(asked)).pull_request
    return asked


async def pass_minutes(world: CoreWorld, minutes: int = 3) -> None:
    for _ in range(minutes):
        await world.engine.pass_time(MINUTE)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.promotions.pull_requests.MERGE_PAUSE", 0)


async def test_nobody_takes_the_name_of_a_branch_beforehand(tmp_path: Path) -> None:
    """Every name that follows from what the card shows is taken, by a pull request of somebody else."""
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await world.deploy("ana")
        same = Deploy(context=world.context("r1"), app="my-app", environment="production")
        again = await world.service.planner.plan(same, asked.plan.requester, tuple)
        assert again.id == asked.id
        assert again.branch != asked.plan.branch
        for taken in (f"pilothouse/{asked.id}", f"pilothouse/{asked.id}-1", again.branch):
            await world.overlays.squat(taken, SMUGGLED["another environment"])
        await world.approve("bo", asked)
        world.overlays.set_checks(4, "success")
        await pass_minutes(world)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED
        assert world.promotion_commits() == [asked.id]


@pytest.mark.parametrize("force", [True, False], ids=["force-pushed", "added"])
@pytest.mark.parametrize("files", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_a_branch_that_holds_something_else_is_never_merged_by_us(
    tmp_path: Path, files: dict[str, bytes], force: bool
) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.push_to_branch(1, files, force=force)
        world.overlays.set_checks(1, "success")
        before = await world.overlays.head()
        await pass_minutes(world)
        waiting = await world.now(asked)
        assert (await world.overlays.head(), waiting.stage) == (before, Stage.COMMIT)
        assert "Pilothouse does not merge that" in waiting.held_up


async def test_a_file_that_the_branch_removes_is_seen(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.push_to_branch(1, {}, gone=[LEDGER], force=True)
        world.overlays.set_checks(1, "success")
        await pass_minutes(world)
        assert LEDGER in (await world.now(asked)).held_up


async def test_a_link_in_place_of_the_overlay_is_seen(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        world.overlays.odd = {PRODUCTION}
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        ended = await world.now(asked)
        assert (ended.phase, ended.commit) == (Phase.ERRORED, None)


@pytest.mark.parametrize("files", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_a_branch_of_our_name_that_was_there_before_is_not_adopted(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    """By somebody who reads our database: nobody else knows the name."""
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        world.overlays.push({LEDGER: b"images: []\n"})
        asked = await world.deploy("ana")
        await world.overlays.squat(asked.plan.branch, files)
        await world.approve("bo", asked)
        world.overlays.set_checks(1, "success")
        before = await world.overlays.head()
        await pass_minutes(world)
        ended = await world.now(asked)
        assert (await world.overlays.head(), ended.phase) == (before, Phase.ERRORED)
        assert "/pull/1" in ended.outcome


@pytest.mark.parametrize("force", [True, False], ids=["force-pushed", "added"])
async def test_what_is_pushed_right_before_the_merge_is_looked_at_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, force: bool
) -> None:
    """GitHub refuses the head that it no longer has: the next try must not simply name the new one."""
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        await opened(world)
        world.overlays.set_checks(1, "success")
        merge, tried = world.overlays.merge, []

        async def push_first(number: int, head: str, message: str, author: Author) -> PullRequest:
            tried.append(head)
            if len(tried) == 1:
                world.overlays.push_to_branch(1, SMUGGLED["a workflow"], force=force)
            return await merge(number, head, message, author)

        monkeypatch.setattr(world.overlays, "merge", push_first)
        before = await world.overlays.head()
        await pass_minutes(world)
        assert (len(tried), await world.overlays.head()) == (1, before)


async def test_two_commits_that_come_to_what_was_approved_are_not_what_was_approved(tmp_path: Path) -> None:
    """What the first adds and the second removes would be in the history that a merge brings."""
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.push_to_branch(1, {"secret.txt": b"x"})
        world.overlays.push_to_branch(1, {}, gone=["secret.txt"])
        world.overlays.set_checks(1, "success")
        before = await world.overlays.head()
        await pass_minutes(world)
        assert await world.overlays.head() == before
        assert "3 commits" in (await world.now(asked)).held_up


AWAY = {
    "does not answer": Unavailable("github", "read #1", "no answer"),
    "refuses": Refused("github", "read #1", "403"),
    "answers nonsense": Refused("github", "read #1", "the answer is not what the API promises"),
}


@pytest.mark.parametrize("error", AWAY.values(), ids=AWAY.keys())
async def test_nobody_approves_while_nobody_can_tell_what_the_pull_request_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: IntegrationError
) -> None:
    async def away(number: int) -> PullRequest:
        raise error

    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.set_checks(1, "pending")
        open_again = replace(await world.now(asked), stage=Stage.APPROVAL, approvals=())
        vote = Signal(VoteKind.APPROVE, "U0MIA", "T0PILOT", open_again.content_hash, "r-vote")
        with monkeypatch.context() as patch:
            patch.setattr(world.overlays, "get", away)
            refused = await world.steps.judge(open_again, vote)
        assert refused.vote is None
        assert "does not count" in refused.refusal
        counted = await world.steps.judge(open_again, replace(vote, request_id="r-again"))
        assert counted.vote is not None


async def test_what_is_pushed_between_look_and_merge_is_not_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The merge names the head that was looked at."""
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.set_checks(1, "success")
        source, looked = world.overlays.differences, False

        async def then_push(before: str, after: str) -> tuple[ChangedPath, ...]:
            nonlocal looked
            found = await source(before, after)
            if not looked:
                looked = True
                world.overlays.push_to_branch(1, SMUGGLED["a workflow"], force=True)
            return found

        monkeypatch.setattr(world.overlays, "differences", then_push)
        world.overlays.push_to_branch(1, {}, force=True)  # another sha, so that it is looked at again
        before = await world.overlays.head()
        await pass_minutes(world)
        assert looked
        assert await world.overlays.head() == before
        assert "does not merge that" in (await world.now(asked)).held_up


@pytest.mark.parametrize("files", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_what_people_merge_beside_it_is_told_loudly_and_taken_back(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        before = world.overlays._tree(await world.overlays.head())
        world.overlays.push_to_branch(1, files, force=True)
        await world.overlays.merge_by_hand(1)
        await pass_minutes(world)
        ended = await world.now(asked)
        assert (ended.phase, ended.commit) == (Phase.ERRORED, None)
        assert "something else than what was approved" in ended.outcome
        after = world.overlays._tree(await world.overlays.head())
        assert {p: body for p, body in after.items() if p in before} == before
        left = after.keys() - before.keys()
        assert left == files.keys() - before.keys()
        assert all(name in ended.outcome for name in left)
        assert [row for row in await world.audit.rows() if (row.promotion_id, row.event) == (asked.id, "tampered")]
        assert any("🚨" in message.shown.text for message in world.messenger.messages)


async def test_a_rebase_of_several_commits_is_told_though_the_last_one_is_what_was_approved(tmp_path: Path) -> None:
    """Rebased one by one, the rest lies before the commit that the pull request names as its merge."""
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.push_to_branch(1, {"evil.yaml": b"x"})
        world.overlays.push({"evil.yaml": b"x"}, "the first of two, rebased")
        await world.overlays.merge_by_hand(1)
        await pass_minutes(world)
        ended = await world.now(asked)
        assert (ended.phase, ended.commit) == (Phase.ERRORED, None)
        assert "2 commits" in ended.outcome
        assert [row for row in await world.audit.rows() if (row.promotion_id, row.event) == (asked.id, "tampered")]
        assert any("🚨" in message.shown.text for message in world.messenger.messages)


async def test_a_merge_that_cannot_be_taken_back_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def protected(change: Change, expected_head: str) -> Commit:
        raise Refused("github", "commit", "Changes must be made through a pull request.")

    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.push_to_branch(1, SMUGGLED["another environment"], force=True)
        await world.overlays.merge_by_hand(1)
        monkeypatch.setattr(world.overlays, "commit", protected)
        await pass_minutes(world)
        assert "revert" in (await world.now(asked)).outcome


async def test_what_somebody_changed_after_the_bad_merge_is_not_overwritten(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.push_to_branch(1, SMUGGLED["another environment"], force=True)
        await world.overlays.merge_by_hand(1)
        world.overlays.push({STAGING: b"fixed: by hand\n"})
        await pass_minutes(world)
        assert world.overlay("staging") == "fixed: by hand\n"
        assert world.overlay("production") == kustomization("v1.4.1").decode()
        assert STAGING in (await world.now(asked)).outcome


async def test_the_base_moving_elsewhere_does_no_harm(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.push({STAGING: kustomization("v1.4.3"), "new.txt": b"x"})
        world.overlays.set_checks(1, "success")
        await pass_minutes(world)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED
        assert world.overlay("staging") == kustomization("v1.4.3").decode()


@pytest.mark.parametrize("tag", ["v1.4.2", "v1.4.3"], ids=["to what was approved", "to something else"])
async def test_a_line_that_somebody_changed_since_is_not_merged_and_people_are_asked_anew(
    tmp_path: Path, tag: str
) -> None:
    """The same change on both sides is no conflict for git: the merge would hold nothing, and look tampered with."""
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.push({PRODUCTION: kustomization(tag)})
        world.overlays.set_checks(1, "success")
        await pass_minutes(world)
        ended = await world.now(asked)
        assert ended.phase is Phase.FAILED
        assert "Someone Else" in ended.outcome
        assert f"now shows {tag}" in ended.outcome
        assert (await world.overlays.get(1)).state == "closed"
        assert world.promotion_commits() == []
        assert await world.overlays.read([PRODUCTION], await world.overlays.head()) == {PRODUCTION: kustomization(tag)}
        assert not [row for row in await world.audit.rows() if row.event == "tampered"]


async def test_a_merge_by_people_that_holds_nothing_is_not_called_tampered_with(tmp_path: Path) -> None:
    async with core_world(tmp_path, PULL_REQUESTS) as world:
        asked = await opened(world)
        world.overlays.push({PRODUCTION: OURS})
        await world.overlays.merge_by_hand(1)
        await pass_minutes(world)
        ended = await world.now(asked)
        assert (ended.phase, "now shows v1.4.2" in ended.outcome) == (Phase.FAILED, True), ended.outcome
        assert not [row for row in await world.audit.rows() if row.event == "tampered"]
