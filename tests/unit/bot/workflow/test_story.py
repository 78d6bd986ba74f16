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
from tests.fakes.world import HARBOR, House, kustomization, path
from tests.sentences import says


def critical(fix: str = "") -> Vulnerability:
    return Vulnerability("CVE-2026-1", "openssl", "3.0.1", Severity.CRITICAL, fix)


async def image(home: House, tag: str) -> Image:
    return (await home.registry.artifact(f"{HARBOR}/my-app", tag)).image


async def test_an_approved_promotion_changes_one_line_and_ends_healthy(home: House) -> None:
    before = home.overlay("production")
    asked = await home.deploy("ana")
    waiting = await home.now(asked)
    assert (waiting.phase, waiting.stage) == (Phase.RUNNING, Stage.APPROVAL)
    gates = ("scan", "health", "order", "lock", "freeze", "rejected", "application")
    assert {r.gate: r.verdict.state for r in waiting.results} == dict.fromkeys(gates, "Passed")
    assert home.overlay("production") == before

    await home.approve("bo", asked)

    done = await home.now(asked)
    assert (done.phase, done.outcome) == (Phase.SUCCEEDED, "my-app v1.4.2 is Healthy in production.")
    assert home.overlay("production") == before.replace("v1.4.1", "v1.4.2")
    commit = home.overlays.log[-1]
    assert commit.author.email == "ana@example.com"
    assert commit.trailer("Promotion-Id") == asked.id
    assert commit.trailer("Approved-By") == "bo <bo@example.com> (U0BO)"
    assert commit.trailer("From") == "staging"
    assert [event for _, event in home.events.told] == [Event.STARTED, Event.WAITING, Event.DONE]
    assert await home.audit.verify() is None


async def test_staging_needs_no_approval_by_default(home: House) -> None:
    done = await home.now(await home.deploy("ana", to="staging"))
    assert done.phase is Phase.SUCCEEDED
    assert "v1.4.3" in home.overlay("staging")


async def test_a_tag_or_digest_may_be_named(home: House) -> None:
    asked = await home.deploy("ana", image="v1.4.3")
    assert asked.plan.moves[0].after.tag == "v1.4.3"
    with pytest.raises(UnknownName, match=r"There is no image 'v9' .* The newest are v1.4.3, v1.4.2"):
        await home.deploy("ana", image="v9")


async def test_what_runs_there_already_is_no_promotion(home: House) -> None:
    with pytest.raises(NothingToPromote):
        await home.deploy("ana", image="v1.4.1")


async def test_every_failing_reason_is_told_at_once(home: House) -> None:
    home.registry.finish_scan(await image(home, "v1.4.2"), critical(fix="3.0.2"))
    staging, head = ApplicationRef("my-app-staging", "staging"), await home.overlays.head()
    home.applications.put(
        Application(staging, SyncStatus.SYNCED, HealthStatus.DEGRADED, head, health_message="no pods")
    )
    done = await home.now(await home.deploy("ana"))
    assert done.phase is Phase.FAILED
    assert done.outcome == (
        "Blocked: scan: 1 critical: CVE-2026-1 (adds 1 critical). health: staging is Degraded: no pods."
    )
    assert says(done.results[0].verdict.remedy, "Rebuild", "openssl 3.0.1 → 3.0.2")
    assert home.promotion_commits() == []


async def test_an_image_that_is_not_scanned_waits_for_its_scan_and_then_goes_on(home: House) -> None:
    artifact = home.registry.push(f"{HARBOR}/my-app", "v1.5.0")
    await home.seen(artifact.image)
    asked = await home.deploy("ana", image="v1.5.0")
    assert says((await home.now(asked)).results[0].verdict.reason, "not scanned", "started")
    assert home.registry.scans_started == [artifact.image]
    home.registry.finish_scan(artifact.image)
    await home.engine.pass_time(timedelta(seconds=10))
    assert (await home.now(asked)).stage is Stage.APPROVAL


async def test_a_failed_scan_is_never_a_pass(home: House) -> None:
    home.registry.finish_scan(await image(home, "v1.4.2"), status=ScanStatus.ERROR)
    done = await home.now(await home.deploy("ana"))
    assert "The scan failed." in done.outcome


async def test_a_gate_whose_system_is_away_waits_and_is_asked_again(home: House) -> None:
    home.applications.failing = Unavailable("Argo CD", "get", "connection refused")
    asked = await home.deploy("ana")
    assert (await home.now(asked)).results[1].verdict.reason == "Argo CD does not answer."
    home.applications.failing = None
    await home.engine.pass_time(timedelta(seconds=20))
    assert (await home.now(asked)).stage is Stage.APPROVAL


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("ana", "You do not have the `approve` permission for my-app in production. Ask @release-managers"),
        ("cy", "You do not have the `approve` permission"),
    ],
)
async def test_who_may_not_approve_is_told_the_rule_and_who_could(home: House, who: str, sentence: str) -> None:
    asked = await home.deploy("ana")
    with pytest.raises(NotAllowed) as told:
        await home.approve(who, asked)
    assert sentence in told.value.sentence
    assert (await home.now(asked)).approvals == ()
    assert [row.event for row in await home.audit.rows()][-1] == "refused"


async def test_a_guest_is_answered_as_if_there_were_no_promotion(home: House) -> None:
    asked = await home.deploy("ana")
    with pytest.raises(UnknownName, match="There is no promotion"):
        await home.approve("gus", asked)
    assert (await home.now(asked)).approvals == ()


async def test_nobody_approves_their_own_promotion(home: House) -> None:
    asked = await home.deploy("bo")
    with pytest.raises(NotAllowed, match=r"You cannot approve your own promotion\. Ask @release-managers"):
        await home.approve("bo", asked)
    await home.approve("mia", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_a_press_on_another_content_is_refused(home: House) -> None:
    asked = await home.deploy("ana")
    with pytest.raises(Conflict, match="use the newest card"):
        await home.approve("bo", asked, content_hash="0" * 64)


async def test_a_press_counts_as_soon_as_the_card_has_its_button(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    on_record: list[Stage] = []
    show = home.core.cards.show

    async def shown(promotion: Promotion) -> Posted:
        if promotion.stage is Stage.APPROVAL:
            on_record.append((await home.now(promotion)).stage)
        return await show(promotion)

    monkeypatch.setattr(home.core.cards, "show", shown)
    await home.deploy("ana")
    assert set(on_record) == {Stage.APPROVAL}


async def test_two_clicks_of_one_person_are_one_vote(home: House) -> None:
    asked = await start_with_two_approvers(home)
    await home.approve("bo", asked)
    await home.approve("bo", asked)
    assert len((await home.now(asked)).approvals) == 1
    await home.approve("mia", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def start_with_two_approvers(home: House) -> Promotion:
    production = home.service.policy.environments_[2]
    object.__setattr__(production, "approval", production.approval.model_copy(update={"count": 2}))
    return await home.deploy("ana")


async def test_a_rejection_ends_it_with_its_reason(home: House) -> None:
    asked = await home.deploy("ana")
    await home.reject("mia", asked, "wait for the migration")
    done = await home.now(asked)
    assert (done.phase, done.outcome) == (Phase.FAILED, "Rejected by mia: wait for the migration")
    with pytest.raises(Conflict, match=r"This promotion is over\. .* mia rejected it at \d\d:\d\d:\d\d UTC\."):
        await home.approve("bo", asked)


async def test_a_vote_that_loses_the_race_hears_who_decided(home: House) -> None:
    asked = await home.deploy("ana")
    votes = await asyncio.gather(home.approve("bo", asked), home.approve("mia", asked), return_exceptions=True)
    [late] = [answer for answer in votes if answer]
    assert isinstance(late, Conflict)
    assert re.match(r"(The decision has been made|This promotion is over)\. .*(bo|mia) approved it at ", late.sentence)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED
    assert [row.event for row in await home.audit.rows()].count("refused") == 1


async def test_a_vote_after_the_quorum_hears_who_decided(home: House) -> None:
    asked = await home.now(await home.deploy("ana"))
    yes = Approval((await home.person("bo")).person, asked.content_hash, datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
    async with home.database.begin() as connection:
        await home.store.save(connection, replace(asked, approvals=(yes,)))
    with pytest.raises(Conflict, match=r"The decision has been made\. bo approved it at 09:30:00 UTC\."):
        await home.approve("mia", asked)


async def test_the_requester_aborts_and_a_stranger_does_not(home: House) -> None:
    asked = await home.deploy("ana")
    with pytest.raises(NotAllowed):
        await home.abort("cy", asked)
    await home.abort("ana", asked)
    assert (await home.now(asked)).phase is Phase.ABORTED
    assert (await home.deploy("ana")).id != asked.id


async def test_a_question_that_nobody_answers_expires(home: House) -> None:
    asked = await home.deploy("ana")
    await home.engine.pass_time(timedelta(hours=5))
    done = await home.now(asked)
    assert done.phase == Phase.FAILED
    assert says(done.outcome, "Nobody decided in time", "an approval")


async def test_a_second_promotion_to_the_same_environment_is_told_about_the_first(home: House) -> None:
    first = await home.deploy("ana")
    with pytest.raises(PromotionInProgress) as told:
        await home.deploy("bo", image="v1.4.3")
    assert says(told.value.sentence, "ana", "already promoting my-app to production", "v1.4.2")
    assert told.value.promotion_id == first.id


async def test_a_line_that_was_changed_meanwhile_voids_the_approval_and_says_by_whom(home: House) -> None:
    asked = await home.deploy("ana")
    home.overlays.push({path("production"): kustomization("v1.3.9")}, "hotfix")
    with pytest.raises(Conflict, match="was changed by Someone Else"):
        await home.approve("bo", asked)
    await home.engine.settle()
    done = await home.now(asked)
    assert done.phase is Phase.FAILED
    assert "was changed by Someone Else" in done.outcome
    assert "now shows v1.3.9" in done.outcome
    assert home.promotion_commits() == []


async def test_a_foreign_commit_elsewhere_does_not_matter(home: House) -> None:
    asked = await home.deploy("ana")
    home.overlays.push({path("production"): home.overlay("production").encode() + b"# a comment\n"})
    home.overlays.push({"README.md": b"hello"})
    await home.approve("bo", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED
    assert home.overlay("production").endswith("# a comment\n")


async def test_a_tag_that_was_moved_after_the_approval_stops_it(home: House) -> None:
    asked = await home.deploy("ana")
    moved = home.registry.push(f"{HARBOR}/my-app", "v1.4.2", revision="another")
    home.registry.finish_scan(moved.image)
    home.registry.push(f"{HARBOR}/my-app", "old", digest=asked.plan.moves[0].after.digest)
    home.registry.finish_scan(asked.plan.moves[0].after)
    await home.approve("bo", asked)
    done = await home.now(asked)
    assert done.phase is Phase.ERRORED
    assert "when it was approved" in done.outcome


async def test_an_approver_who_lost_the_role_before_the_commit_does_not_count(home: House) -> None:
    asked = await start_with_two_approvers(home)
    await home.approve("bo", asked)
    home.directory.groups[("S0RELEASE", "release-managers")] = frozenset({"U0MIA"})
    await home.approve("mia", asked)
    waiting = await home.now(asked)
    assert (waiting.phase, waiting.stage) == (Phase.RUNNING, Stage.APPROVAL)
    assert [a.approver.name for a in waiting.approvals] == ["mia"]
    assert waiting.voided == "bo may no longer approve"


async def test_a_requester_who_left_does_not_change_production(home: House) -> None:
    asked = await home.deploy("ana")
    home.directory.groups[("S0ENG", "engineers")] = frozenset()
    await home.approve("bo", asked)
    done = await home.now(asked)
    assert done.phase is Phase.FAILED
    assert done.outcome.startswith("ana may no longer do this.")


async def test_a_directory_that_is_away_lets_nobody_in(home: House) -> None:
    asked = await home.deploy("ana")
    bo = await home.person("bo")
    home.directory.down = Unavailable("Slack", "users.info", "timeout")
    ask = Approve(context=home.context(), promotion=asked.id, content_hash=(await home.now(asked)).content_hash)
    await home.service.approve(ask, bo)
    await home.engine.settle()
    assert (await home.now(asked)).approvals == ()
    assert "press again" in home.messenger.messages[-1].shown.text


async def test_a_degraded_rollout_is_explained_by_its_resource(home: House) -> None:
    home.applications.obeys = False
    asked = await home.deploy("ana")

    async def break_it(ref: ApplicationRef) -> Application:
        app = home.applications.deploy(ref.name, await home.overlays.head())
        sick = ResourceHealth("Pod", "my-app-1", "my-app", HealthStatus.DEGRADED, "Back-off pulling image")
        home.applications.sicken(ref.name, sick)
        return app

    home.applications.refresh = break_it  # type: ignore[method-assign]
    await home.approve("bo", asked)
    done = await home.now(asked)
    assert done.phase is Phase.FAILED
    assert says(done.outcome, "my-app-production", "Pod my-app-1 is Degraded", "Back-off pulling image")


async def test_a_rollback_restores_the_last_verified_image_without_the_waived_gates(home: House) -> None:
    first = await home.deploy("ana", image="v1.4.2")
    await home.approve("bo", first)
    second = await home.deploy("ana", image="v1.4.3")
    await home.approve("bo", second)
    asked = await home.rollback("ana")
    assert asked.plan.moves[0].after.tag == "v1.4.2"
    waived = {r.gate: r.waived for r in (await home.now(asked)).results}
    assert {gate for gate, why in waived.items() if why == "policy skips it for a rollback"} == {
        "scan",
        "health",
        "order",
        "freeze",
    }
    assert (waived["lock"], waived["rejected"]) == ("", "")
    await home.approve("mia", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED
    assert "v1.4.2" in home.overlay("production")
    assert says(home.overlays.log[-1].headline, "my-app: ", "roll back", "v1.4.2", "production")


async def test_the_same_request_delivered_twice_starts_one_promotion(home: House) -> None:
    ask = Deploy(context=home.context("slack-1"), app="my-app", environment="production")
    first = await home.service.start(ask, await home.person("ana"))
    second = await home.service.start(ask, await home.person("ana"))
    assert first.id == second.id
    assert len(home.engine.tapes) == 1


async def test_a_commit_that_the_application_would_never_see_is_not_made(home: House) -> None:
    """Nobody is asked to approve it, and what is pinned elsewhere while people are asked stops it, too."""
    ref = ApplicationRef("my-app-production", "production")
    followed = await home.applications.get(ref)
    pinned = replace(followed.sources[0], revision="v1.4.1")
    home.applications.put(replace(followed, sources=(pinned,)))
    asked = await home.deploy()
    ended = await home.now(asked)
    assert (ended.phase, ended.stage) == (Phase.FAILED, Stage.DONE)
    assert says(ended.outcome, "my-app-production", "v1.4.1", "main")

    home.applications.put(followed)
    asked = await home.deploy()
    assert (await home.now(asked)).stage is Stage.APPROVAL
    home.applications.put(replace(followed, sources=(pinned,)))
    await home.approve("bo", asked)
    assert (await home.now(asked)).phase is Phase.FAILED
    assert home.promotion_commits() == []


async def test_what_waits_for_somebody_is_what_their_yes_would_count_for(home: House) -> None:
    asked = await home.deploy("ana")
    people = {name: await home.person(name) for name in ("ana", "bo", "cy", "dee")}
    waiting = {name: await home.service.waiting_for(who) for name, who in people.items()}
    assert [one.id for one in waiting["bo"]] == [asked.id]
    assert waiting["ana"] == waiting["cy"] == ()
    await home.approve("bo", asked)
    assert await home.service.waiting_for(people["bo"]) == ()


async def test_an_image_that_is_older_is_known_by_two_signs_and_a_newer_one_has_none(home: House) -> None:
    back = await home.deploy("ana", image="v1.4.0")
    assert back.plan.moves[0].older == (Older.PUSHED, Older.VERSION)
    await home.abort("ana", back)
    onwards = await home.deploy("ana", image="v1.4.3")
    assert onwards.plan.moves[0].older == ()


async def test_an_older_image_that_ran_there_before_is_told_apart_without_versions(home: House) -> None:
    newest = home.registry.push(f"{HARBOR}/my-app", "main-c0ffee1").image
    home.registry.finish_scan(newest)
    await home.seen(newest)
    for tag in ("v1.4.2", "main-c0ffee1"):
        await home.approve("bo", await home.deploy("ana", image=tag))
    again = await home.deploy("ana", image="v1.4.2")
    assert again.plan.moves[0].older == (Older.PUSHED, Older.RAN)


async def test_a_push_alone_proves_nothing(home: House) -> None:
    artifact = home.registry.push(f"{HARBOR}/my-app", "nightly").image
    home.registry.finish_scan(artifact)
    await home.seen(artifact)
    home.registry.finish_scan(home.registry.push(f"{HARBOR}/my-app", "v1.4.1", revision="built again").image)
    asked = await home.deploy("ana", image="nightly")
    assert asked.plan.moves[0].older == ()
