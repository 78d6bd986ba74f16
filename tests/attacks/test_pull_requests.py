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
from tests.fakes.world import House, house, kustomization, path
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


async def opened(home: House) -> Promotion:
    home.overlays.push({LEDGER: b"images: []\n"})
    asked = await home.deploy("ana")
    await home.approve("bo", asked)
    assert (await home.now(asked)).pull_request
    return asked


async def pass_minutes(home: House, minutes: int = 3) -> None:
    for _ in range(minutes):
        await home.engine.pass_time(MINUTE)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.promotions.pull_requests.MERGE_PAUSE", 0)


async def test_nobody_takes_the_name_of_a_branch_beforehand(tmp_path: Path) -> None:
    """Every name that follows from what the card shows is taken, by a pull request of somebody else."""
    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await home.deploy("ana")
        same = Deploy(context=home.context("r1"), app="my-app", environment="production")
        again = await home.service.planner.plan(same, asked.plan.requester, tuple)
        assert again.id == asked.id
        assert again.branch != asked.plan.branch
        for taken in (f"pilothouse/{asked.id}", f"pilothouse/{asked.id}-1", again.branch):
            await home.overlays.squat(taken, SMUGGLED["another environment"])
        await home.approve("bo", asked)
        home.overlays.set_checks(4, "success")
        await pass_minutes(home)
        assert (await home.now(asked)).phase is Phase.SUCCEEDED
        assert home.promotion_commits() == [asked.id]


@pytest.mark.parametrize("force", [True, False], ids=["force-pushed", "added"])
@pytest.mark.parametrize("files", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_a_branch_that_holds_something_else_is_never_merged_by_us(
    tmp_path: Path, files: dict[str, bytes], force: bool
) -> None:
    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        home.overlays.push_to_branch(1, files, force=force)
        home.overlays.set_checks(1, "success")
        before = await home.overlays.head()
        await pass_minutes(home)
        waiting = await home.now(asked)
        assert (await home.overlays.head(), waiting.stage) == (before, Stage.COMMIT)
        assert "Pilothouse does not merge that" in waiting.held_up


async def test_a_file_that_the_branch_removes_is_seen(tmp_path: Path) -> None:
    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        home.overlays.push_to_branch(1, {}, gone=[LEDGER], force=True)
        home.overlays.set_checks(1, "success")
        await pass_minutes(home)
        assert LEDGER in (await home.now(asked)).held_up


async def test_a_link_in_place_of_the_overlay_is_seen(tmp_path: Path) -> None:
    async with house(tmp_path, PULL_REQUESTS) as home:
        home.overlays.odd = {PRODUCTION}
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        ended = await home.now(asked)
        assert (ended.phase, ended.commit) == (Phase.ERRORED, None)


@pytest.mark.parametrize("files", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_a_branch_of_our_name_that_was_there_before_is_not_adopted(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    """By somebody who reads our database: nobody else knows the name."""
    async with house(tmp_path, PULL_REQUESTS) as home:
        home.overlays.push({LEDGER: b"images: []\n"})
        asked = await home.deploy("ana")
        await home.overlays.squat(asked.plan.branch, files)
        await home.approve("bo", asked)
        home.overlays.set_checks(1, "success")
        before = await home.overlays.head()
        await pass_minutes(home)
        ended = await home.now(asked)
        assert (await home.overlays.head(), ended.phase) == (before, Phase.ERRORED)
        assert "/pull/1" in ended.outcome


@pytest.mark.parametrize("force", [True, False], ids=["force-pushed", "added"])
async def test_what_is_pushed_right_before_the_merge_is_looked_at_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, force: bool
) -> None:
    """GitHub refuses the head that it no longer has: the next try must not simply name the new one."""
    async with house(tmp_path, PULL_REQUESTS) as home:
        await opened(home)
        home.overlays.set_checks(1, "success")
        merge, tried = home.overlays.merge, []

        async def push_first(number: int, head: str, message: str, author: Author) -> PullRequest:
            tried.append(head)
            if len(tried) == 1:
                home.overlays.push_to_branch(1, SMUGGLED["a workflow"], force=force)
            return await merge(number, head, message, author)

        monkeypatch.setattr(home.overlays, "merge", push_first)
        before = await home.overlays.head()
        await pass_minutes(home)
        assert (len(tried), await home.overlays.head()) == (1, before)


async def test_two_commits_that_come_to_what_was_approved_are_not_what_was_approved(tmp_path: Path) -> None:
    """What the first adds and the second removes would be in the history that a merge brings."""
    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        home.overlays.push_to_branch(1, {"secret.txt": b"x"})
        home.overlays.push_to_branch(1, {}, gone=["secret.txt"])
        home.overlays.set_checks(1, "success")
        before = await home.overlays.head()
        await pass_minutes(home)
        assert await home.overlays.head() == before
        assert "3 commits" in (await home.now(asked)).held_up


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

    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        home.overlays.set_checks(1, "pending")
        open_again = replace(await home.now(asked), stage=Stage.APPROVAL, approvals=())
        vote = Signal(VoteKind.APPROVE, "U0MIA", "T0PILOT", open_again.content_hash, "r-vote")
        with monkeypatch.context() as patch:
            patch.setattr(home.overlays, "get", away)
            refused = await home.steps.judge(open_again, vote)
        assert refused.vote is None
        assert "does not count" in refused.refusal
        counted = await home.steps.judge(open_again, replace(vote, request_id="r-again"))
        assert counted.vote is not None


async def test_what_is_pushed_between_look_and_merge_is_not_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The merge names the head that was looked at."""
    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        home.overlays.set_checks(1, "success")
        source, looked = home.overlays.differences, False

        async def then_push(before: str, after: str) -> tuple[ChangedPath, ...]:
            nonlocal looked
            found = await source(before, after)
            if not looked:
                looked = True
                home.overlays.push_to_branch(1, SMUGGLED["a workflow"], force=True)
            return found

        monkeypatch.setattr(home.overlays, "differences", then_push)
        home.overlays.push_to_branch(1, {}, force=True)  # another sha, so that it is looked at again
        before = await home.overlays.head()
        await pass_minutes(home)
        assert looked
        assert await home.overlays.head() == before
        assert "does not merge that" in (await home.now(asked)).held_up


@pytest.mark.parametrize("files", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_what_people_merge_beside_it_is_told_loudly_and_taken_back(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        before = home.overlays._tree(await home.overlays.head())
        home.overlays.push_to_branch(1, files, force=True)
        await home.overlays.merge_by_hand(1)
        await pass_minutes(home)
        ended = await home.now(asked)
        assert (ended.phase, ended.commit) == (Phase.ERRORED, None)
        assert "something else than what was approved" in ended.outcome
        after = home.overlays._tree(await home.overlays.head())
        assert {p: body for p, body in after.items() if p in before} == before
        left = after.keys() - before.keys()
        assert left == files.keys() - before.keys()
        assert all(name in ended.outcome for name in left)
        assert [row for row in await home.audit.rows() if (row.promotion_id, row.event) == (asked.id, "tampered")]
        assert any("🚨" in message.shown.text for message in home.messenger.messages)


async def test_a_rebase_of_several_commits_is_told_though_the_last_one_is_what_was_approved(tmp_path: Path) -> None:
    """Rebased one by one, the rest lies before the commit that the pull request names as its merge."""
    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        home.overlays.push_to_branch(1, {"evil.yaml": b"x"})
        home.overlays.push({"evil.yaml": b"x"}, "the first of two, rebased")
        await home.overlays.merge_by_hand(1)
        await pass_minutes(home)
        ended = await home.now(asked)
        assert (ended.phase, ended.commit) == (Phase.ERRORED, None)
        assert "2 commits" in ended.outcome
        assert [row for row in await home.audit.rows() if (row.promotion_id, row.event) == (asked.id, "tampered")]
        assert any("🚨" in message.shown.text for message in home.messenger.messages)


async def test_a_merge_that_cannot_be_taken_back_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def protected(change: Change, expected_head: str) -> Commit:
        raise Refused("github", "commit", "Changes must be made through a pull request.")

    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        home.overlays.push_to_branch(1, SMUGGLED["another environment"], force=True)
        await home.overlays.merge_by_hand(1)
        monkeypatch.setattr(home.overlays, "commit", protected)
        await pass_minutes(home)
        assert "revert" in (await home.now(asked)).outcome


async def test_what_somebody_changed_after_the_bad_merge_is_not_overwritten(tmp_path: Path) -> None:
    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        home.overlays.push_to_branch(1, SMUGGLED["another environment"], force=True)
        await home.overlays.merge_by_hand(1)
        home.overlays.push({STAGING: b"fixed: by hand\n"})
        await pass_minutes(home)
        assert home.overlay("staging") == "fixed: by hand\n"
        assert home.overlay("production") == kustomization("v1.4.1").decode()
        assert STAGING in (await home.now(asked)).outcome


async def test_the_base_moving_elsewhere_does_no_harm(tmp_path: Path) -> None:
    async with house(tmp_path, PULL_REQUESTS) as home:
        asked = await opened(home)
        home.overlays.push({STAGING: kustomization("v1.4.3"), "new.txt": b"x"})
        home.overlays.set_checks(1, "success")
        await pass_minutes(home)
        assert (await home.now(asked)).phase is Phase.SUCCEEDED
        assert home.overlay("staging") == kustomization("v1.4.3").decode()
