"""The promotion from the request to Healthy, and every way in which it may end."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.age import Older
from bot.domain.application import Application, ApplicationRef, HealthStatus, ResourceHealth, SyncStatus
from bot.domain.errors import Conflict, NotAllowed, NothingToPromote, PromotionInProgress, Unavailable, UnknownName
from bot.domain.event import Event
from bot.domain.image import Image
from bot.domain.intent import Approve, Deploy
from bot.domain.promotion import Approval, Phase, Promotion, Stage
from bot.domain.scan import ScanStatus, Severity, Vulnerability
from bot.ports import Posted
from tests.fakes.world import HARBOR, CoreWorld, kustomization, path
from tests.sentences import says


def critical(fix: str = "") -> Vulnerability:
    return Vulnerability("CVE-2026-1", "openssl", "3.0.1", Severity.CRITICAL, fix)


async def image(world: CoreWorld, tag: str) -> Image:
    return (await world.registry.artifact(f"{HARBOR}/my-app", tag)).image


async def test_an_approved_promotion_changes_one_line_and_ends_healthy(world: CoreWorld) -> None:
    before = world.overlay("production")
    asked = await world.deploy("ana")
    waiting = await world.now(asked)
    assert (waiting.phase, waiting.stage) == (Phase.RUNNING, Stage.APPROVAL)
    gates = ("scan", "health", "order", "lock", "freeze", "rejected", "application")
    assert {r.gate: r.verdict.state for r in waiting.results} == dict.fromkeys(gates, "Passed")
    assert world.overlay("production") == before

    await world.approve("bo", asked)

    done = await world.now(asked)
    assert (done.phase, done.outcome) == (Phase.SUCCEEDED, "my-app v1.4.2 is Healthy in production.")
    assert world.overlay("production") == before.replace("v1.4.1", "v1.4.2")
    commit = world.overlays.log[-1]
    assert commit.author.email == "ana@example.com"
    assert commit.trailer("Promotion-Id") == asked.id
    assert commit.trailer("Approved-By") == "bo <bo@example.com> (U0BO)"
    assert commit.trailer("From") == "staging"
    assert [event for _, event in world.events.told] == [Event.STARTED, Event.WAITING, Event.DONE]
    assert await world.audit.verify() is None


async def test_staging_needs_no_approval_by_default(world: CoreWorld) -> None:
    done = await world.now(await world.deploy("ana", to="staging"))
    assert done.phase is Phase.SUCCEEDED
    assert "v1.4.3" in world.overlay("staging")


async def test_a_tag_or_digest_may_be_named(world: CoreWorld) -> None:
    asked = await world.deploy("ana", image="v1.4.3")
    assert asked.plan.moves[0].after.tag == "v1.4.3"
    with pytest.raises(UnknownName, match=r"There is no image `v9` .* The newest are `v1.4.3`, `v1.4.2`"):
        await world.deploy("ana", image="v9")


async def test_what_runs_there_already_is_no_promotion(world: CoreWorld) -> None:
    with pytest.raises(NothingToPromote):
        await world.deploy("ana", image="v1.4.1")


async def test_every_failing_reason_is_told_at_once(world: CoreWorld) -> None:
    world.registry.finish_scan(await image(world, "v1.4.2"), critical(fix="3.0.2"))
    staging, head = ApplicationRef("my-app-staging", "staging"), await world.overlays.head()
    world.applications.put(
        Application(staging, SyncStatus.SYNCED, HealthStatus.DEGRADED, head, health_message="no pods")
    )
    done = await world.now(await world.deploy("ana"))
    assert done.phase is Phase.FAILED
    assert done.outcome == (
        "Blocked: scan: 1 critical: CVE-2026-1 (adds 1 critical). health: staging is Degraded: no pods."
    )
    assert says(done.results[0].verdict.remedy, "Rebuild", "openssl 3.0.1 → 3.0.2")
    assert world.promotion_commits() == []


async def test_an_image_that_is_not_scanned_waits_for_its_scan_and_then_goes_on(world: CoreWorld) -> None:
    artifact = world.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    await world.seen(artifact.image)
    asked = await world.deploy("ana", image="v1.5.0")
    assert says((await world.now(asked)).results[0].verdict.reason, "not scanned", "started")
    assert world.registry.scans_started == [artifact.image]
    world.registry.finish_scan(artifact.image)
    await world.engine.pass_time(timedelta(seconds=10))
    assert (await world.now(asked)).stage is Stage.APPROVAL


async def test_a_failed_scan_is_never_a_pass(world: CoreWorld) -> None:
    world.registry.finish_scan(await image(world, "v1.4.2"), status=ScanStatus.ERROR)
    done = await world.now(await world.deploy("ana"))
    assert "The scan failed." in done.outcome


async def test_a_gate_whose_system_is_away_waits_and_is_asked_again(world: CoreWorld) -> None:
    world.applications.failing = Unavailable("Argo CD", "get", "connection refused")
    asked = await world.deploy("ana")
    assert (await world.now(asked)).results[1].verdict.reason == "Argo CD does not answer."
    world.applications.failing = None
    await world.engine.pass_time(timedelta(seconds=20))
    assert (await world.now(asked)).stage is Stage.APPROVAL


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("ana", "You do not have the `approve` permission for my-app in production. Ask @release-managers"),
        ("cy", "You do not have the `approve` permission"),
    ],
)
async def test_who_may_not_approve_is_told_the_rule_and_who_could(world: CoreWorld, who: str, sentence: str) -> None:
    asked = await world.deploy("ana")
    with pytest.raises(NotAllowed) as told:
        await world.approve(who, asked)
    assert sentence in told.value.sentence
    assert (await world.now(asked)).approvals == ()
    assert [row.event for row in await world.audit.rows()][-1] == "refused"


async def test_a_guest_is_answered_as_if_there_were_no_promotion(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    with pytest.raises(UnknownName, match="There is no promotion"):
        await world.approve("gus", asked)
    assert (await world.now(asked)).approvals == ()


async def test_nobody_approves_their_own_promotion(world: CoreWorld) -> None:
    asked = await world.deploy("bo")
    with pytest.raises(NotAllowed, match=r"You cannot approve your own promotion\. Ask @release-managers"):
        await world.approve("bo", asked)
    await world.approve("mia", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_a_press_on_another_content_is_refused(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    with pytest.raises(Conflict, match="use the newest card"):
        await world.approve("bo", asked, content_hash="0" * 64)


async def test_a_press_counts_as_soon_as_the_card_has_its_button(
    world: CoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_record: list[Stage] = []
    show = world.core.cards.show

    async def shown(promotion: Promotion) -> Posted:
        if promotion.stage is Stage.APPROVAL:
            on_record.append((await world.now(promotion)).stage)
        return await show(promotion)

    monkeypatch.setattr(world.core.cards, "show", shown)
    await world.deploy("ana")
    assert set(on_record) == {Stage.APPROVAL}


async def test_two_clicks_of_one_person_are_one_vote(world: CoreWorld) -> None:
    asked = await start_with_two_approvers(world)
    await world.approve("bo", asked)
    await world.approve("bo", asked)
    assert len((await world.now(asked)).approvals) == 1
    await world.approve("mia", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def start_with_two_approvers(world: CoreWorld) -> Promotion:
    production = world.service.policy.environments_[2]
    object.__setattr__(production, "approval", production.approval.model_copy(update={"count": 2}))
    return await world.deploy("ana")


async def test_a_rejection_ends_it_with_its_reason(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await world.reject("mia", asked, "wait for the migration")
    done = await world.now(asked)
    assert (done.phase, done.outcome) == (Phase.FAILED, "Rejected by mia: wait for the migration")
    with pytest.raises(Conflict, match=r"is over\. mia rejected it at \d\d:\d\d:\d\d UTC: wait for the migration\.$"):
        await world.approve("bo", asked)


async def test_a_vote_that_loses_the_race_hears_who_decided(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    votes = await asyncio.gather(world.approve("bo", asked), world.approve("mia", asked), return_exceptions=True)
    [late] = [answer for answer in votes if answer]
    assert isinstance(late, Conflict)
    assert re.match(r"(The decision has been made|This promotion is over)\. .*(bo|mia) approved it at ", late.sentence)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    assert [row.event for row in await world.audit.rows()].count("refused") == 1


async def test_a_vote_after_the_quorum_hears_who_decided(world: CoreWorld) -> None:
    asked = await world.now(await world.deploy("ana"))
    yes = Approval((await world.person("bo")).person, asked.content_hash, datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
    async with world.database.begin() as connection:
        await world.store.save(connection, replace(asked, approvals=(yes,)))
    with pytest.raises(Conflict, match=r"The decision has been made\. bo approved it at 09:30:00 UTC\."):
        await world.approve("mia", asked)


async def test_the_requester_aborts_and_a_stranger_does_not(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    with pytest.raises(NotAllowed):
        await world.abort("cy", asked)
    await world.abort("ana", asked)
    assert (await world.now(asked)).phase is Phase.ABORTED
    assert (await world.deploy("ana")).id != asked.id


async def test_a_question_that_nobody_answers_expires(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await world.engine.pass_time(timedelta(hours=5))
    done = await world.now(asked)
    assert done.phase == Phase.FAILED
    assert says(done.outcome, "Nobody decided in time", "an approval")


async def test_a_second_promotion_to_the_same_environment_is_told_about_the_first(world: CoreWorld) -> None:
    first = await world.deploy("ana")
    with pytest.raises(PromotionInProgress) as told:
        await world.deploy("bo", image="v1.4.3")
    assert says(told.value.sentence, "ana", "already promoting my-app to production", "v1.4.2", "needs an approval")
    assert told.value.promotion_id == first.id


async def test_a_line_that_was_changed_meanwhile_voids_the_approval_and_says_by_whom(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    world.overlays.push({path("production"): kustomization("v1.3.9")}, "hotfix")
    with pytest.raises(Conflict, match="was changed by Someone Else"):
        await world.approve("bo", asked)
    await world.engine.settle()
    done = await world.now(asked)
    assert done.phase is Phase.FAILED
    assert "was changed by Someone Else" in done.outcome
    assert "now shows v1.3.9" in done.outcome
    assert world.promotion_commits() == []


async def test_a_foreign_commit_elsewhere_does_not_matter(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    world.overlays.push({path("production"): world.overlay("production").encode() + b"# a comment\n"})
    world.overlays.push({"README.md": b"hello"})
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    assert world.overlay("production").endswith("# a comment\n")


async def test_a_tag_that_was_moved_after_the_approval_stops_it(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    moved = world.registry.push(f"{HARBOR}/my-app", "v1.4.2", revision="another")
    world.registry.finish_scan(moved.image)
    world.registry.push(f"{HARBOR}/my-app", "old", digest=asked.plan.moves[0].after.digest)
    world.registry.finish_scan(asked.plan.moves[0].after)
    await world.approve("bo", asked)
    done = await world.now(asked)
    assert done.phase is Phase.ERRORED
    assert "when it was approved" in done.outcome


async def test_an_approver_who_lost_the_role_before_the_commit_does_not_count(world: CoreWorld) -> None:
    asked = await start_with_two_approvers(world)
    await world.approve("bo", asked)
    world.directory.groups[("S0RELEASE", "release-managers")] = frozenset({"U0MIA"})
    await world.approve("mia", asked)
    waiting = await world.now(asked)
    assert (waiting.phase, waiting.stage) == (Phase.RUNNING, Stage.APPROVAL)
    assert [a.approver.name for a in waiting.approvals] == ["mia"]
    assert waiting.voided == "bo may no longer approve"


async def test_a_requester_who_left_does_not_change_production(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    world.directory.groups[("S0ENG", "engineers")] = frozenset()
    await world.approve("bo", asked)
    done = await world.now(asked)
    assert done.phase is Phase.FAILED
    assert done.outcome.startswith("ana may no longer do this.")


async def test_a_directory_that_is_away_lets_nobody_in(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    bo = await world.person("bo")
    world.directory.down = Unavailable("Slack", "users.info", "timeout")
    ask = Approve(context=world.context(), promotion=asked.id, content_hash=(await world.now(asked)).content_hash)
    await world.service.approve(ask, bo)
    await world.engine.settle()
    assert (await world.now(asked)).approvals == ()
    assert "press again" in world.messenger.messages[-1].shown.text


async def test_a_degraded_rollout_is_explained_by_its_resource(world: CoreWorld) -> None:
    world.applications.obeys = False
    asked = await world.deploy("ana")

    async def break_it(ref: ApplicationRef) -> Application:
        app = world.applications.deploy(ref.name, await world.overlays.head())
        sick = ResourceHealth("Pod", "my-app-1", "my-app", HealthStatus.DEGRADED, "Back-off pulling image")
        world.applications.sicken(ref.name, sick)
        return app

    world.applications.refresh = break_it  # type: ignore[method-assign]
    await world.approve("bo", asked)
    done = await world.now(asked)
    assert done.phase is Phase.FAILED
    assert says(done.outcome, "my-app-production", "Pod my-app-1 is Degraded", "Back-off pulling image")


async def test_a_rollback_restores_the_last_verified_image_without_the_waived_gates(world: CoreWorld) -> None:
    first = await world.deploy("ana", image="v1.4.2")
    await world.approve("bo", first)
    second = await world.deploy("ana", image="v1.4.3")
    await world.approve("bo", second)
    asked = await world.rollback("ana")
    assert asked.plan.moves[0].after.tag == "v1.4.2"
    waived = {r.gate: r.waived for r in (await world.now(asked)).results}
    assert {gate for gate, why in waived.items() if why == "policy skips it for a rollback"} == {
        "scan",
        "health",
        "order",
        "freeze",
    }
    assert (waived["lock"], waived["rejected"]) == ("", "")
    await world.approve("mia", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.2" in world.overlay("production")
    assert says(world.overlays.log[-1].headline, "my-app: ", "roll back", "v1.4.2", "production")


async def test_the_same_request_delivered_twice_starts_one_promotion(world: CoreWorld) -> None:
    ask = Deploy(context=world.context("slack-1"), app="my-app", environment="production")
    first = await world.service.start(ask, await world.person("ana"))
    second = await world.service.start(ask, await world.person("ana"))
    assert first.id == second.id
    assert len(world.engine.tapes) == 1


async def test_a_commit_that_the_application_would_never_see_is_not_made(world: CoreWorld) -> None:
    """Nobody is asked to approve it, and what is pinned elsewhere while people are asked stops it, too."""
    ref = ApplicationRef("my-app-production", "production")
    followed = await world.applications.get(ref)
    pinned = replace(followed.sources[0], revision="v1.4.1")
    world.applications.put(replace(followed, sources=(pinned,)))
    asked = await world.deploy()
    ended = await world.now(asked)
    assert (ended.phase, ended.stage) == (Phase.FAILED, Stage.DONE)
    assert says(ended.outcome, "my-app-production", "v1.4.1", "main")

    world.applications.put(followed)
    asked = await world.deploy()
    assert (await world.now(asked)).stage is Stage.APPROVAL
    world.applications.put(replace(followed, sources=(pinned,)))
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.FAILED
    assert world.promotion_commits() == []


async def test_what_waits_for_somebody_is_what_their_yes_would_count_for(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    people = {name: await world.person(name) for name in ("ana", "bo", "cy", "dee")}
    waiting = {name: await world.service.waiting_for(who) for name, who in people.items()}
    assert [one.id for one in waiting["bo"]] == [asked.id]
    assert waiting["ana"] == waiting["cy"] == ()
    await world.approve("bo", asked)
    assert await world.service.waiting_for(people["bo"]) == ()


async def test_an_image_that_is_older_is_known_by_two_signs_and_a_newer_one_has_none(world: CoreWorld) -> None:
    back = await world.deploy("ana", image="v1.4.0")
    assert back.plan.moves[0].older == (Older.PUSHED, Older.VERSION)
    await world.abort("ana", back)
    onwards = await world.deploy("ana", image="v1.4.3")
    assert onwards.plan.moves[0].older == ()


async def test_an_older_image_that_ran_there_before_is_told_apart_without_versions(world: CoreWorld) -> None:
    newest = world.registry.push(f"{HARBOR}/my-app", "main-c0ffee1").image
    world.registry.finish_scan(newest)
    await world.seen(newest)
    for tag in ("v1.4.2", "main-c0ffee1"):
        await world.approve("bo", await world.deploy("ana", image=tag))
    again = await world.deploy("ana", image="v1.4.2")
    assert again.plan.moves[0].older == (Older.PUSHED, Older.RAN)


async def test_a_push_alone_proves_nothing(world: CoreWorld) -> None:
    artifact = world.registry.push(f"{HARBOR}/my-app", "nightly").image
    world.registry.finish_scan(artifact)
    await world.seen(artifact)
    world.registry.finish_scan(world.registry.push(f"{HARBOR}/my-app", "v1.4.1", revision="built again").image)
    asked = await world.deploy("ana", image="nightly")
    assert asked.plan.moves[0].older == ()
