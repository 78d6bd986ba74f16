"""The turns that a story may take besides the straight way: what voids, what follows, what is skipped and by whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.application import Application, ApplicationRef, HealthStatus, ResourceHealth
from bot.domain.errors import Conflict, InvalidCommand, NotAllowed
from bot.domain.intent import Adjust, Deploy, Promote
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.scan import Severity, Vulnerability
from bot.promotions.watcher import BAD_LOOKS
from tests.fakes.applications import follows
from tests.fakes.delegations import lend
from tests.fakes.world import HARBOR, POLICY, House, house, kustomization, path
from tests.sentences import says

PRODUCTION = "environments:\n- {name: development}\n- {name: staging}\n- name: production\n"


def policy(rules: str) -> str:
    return POLICY + PRODUCTION + rules


async def successor(home: House, promotion: Promotion) -> Promotion:
    """The promotion that took this one's place, begun as the running bot begins it."""
    ended = await home.now(promotion)
    assert ended.successor
    await home.service.resume()
    await home.engine.settle()
    return await home.service.get(ended.successor)


async def test_a_moved_line_voids_the_votes_and_issues_a_new_card(home: House) -> None:
    asked = await home.deploy("ana")
    home.overlays.push({path("production"): kustomization("v1.4.0")}, "hotfix")
    with pytest.raises(Conflict):
        await home.approve("bo", asked)
    again = await successor(home, asked)
    assert (again.stage, again.approvals) == (Stage.APPROVAL, ())
    assert again.plan.moves[0].before.tag == "v1.4.0"
    with pytest.raises(Conflict, match=f"{again.id} replaced it: use that card"):
        await home.approve("bo", asked)
    await home.approve("bo", again)
    assert (await home.now(again)).phase is Phase.SUCCEEDED
    assert home.promotion_commits() == [again.id]


async def test_new_findings_between_approval_and_commit_void_the_approval(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  approval: {count: 2}\n")) as home:
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        image = asked.plan.moves[0].after
        home.registry.finish_scan(image, Vulnerability("CVE-1", "zlib", "1", Severity.HIGH))
        await home.approve("mia", asked)
        waiting = await home.now(asked)
        assert (waiting.stage, waiting.approvals) == (Stage.APPROVAL, ())
        assert waiting.voided == "scan said “No known vulnerabilities” and says “1 high; adds 1 high” now"
        await home.approve("bo", asked)
        await home.approve("mia", asked)
        assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_either_quorum_is_enough(tmp_path: Path) -> None:
    rule = "  approval: {count: 2, roles: [release-manager], alternatives: [{count: 1, roles: [admin]}]}\n"
    async with house(tmp_path, policy(rule)) as home:
        asked = await home.deploy("ana")
        await home.approve("dee", asked)
        assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_a_required_role_must_be_among_the_approvers(tmp_path: Path) -> None:
    rule = "  approval: {count: 2, required: [admin]}\n"
    async with house(tmp_path, policy(rule)) as home:
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        await home.approve("mia", asked)
        assert (await home.now(asked)).stage is Stage.APPROVAL
        await home.approve("dee", asked)
        assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_approvals_count_again_for_the_same_image_within_the_window(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  approval: {reuse: 2h}\n")) as home:
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        home.overlays.push({path("production"): kustomization("v1.4.1")}, "back by hand")
        again = await home.now(await home.deploy("ana"))
        assert again.phase is Phase.SUCCEEDED
        assert [a.approver.name for a in again.approvals] == ["bo"]


async def test_approvers_are_reminded_and_the_question_escalates(tmp_path: Path) -> None:
    rule = "  approval: {expires: 4h, remind: 1h, escalate_after: 90m, escalate_to: [C0INC]}\n"
    async with house(tmp_path, policy(rule)) as home:
        home.engine.now = (home.engine.now + timedelta(days=1)).replace(hour=9)  # nobody is reminded at night
        await home.deploy("ana")
        await home.engine.pass_time(timedelta(minutes=61))
        told = [(m.posted.channel, m.thread) for m in home.messenger.messages if m.key.startswith("reminder")]
        assert [channel for channel, _ in told] == ["C0DEPLOY"]
        await home.engine.pass_time(timedelta(minutes=30))
        assert [m.posted.channel for m in home.messenger.messages].count("C0INC") == 1
        assert "is still waiting for" in home.messenger.messages[-1].shown.text


async def test_a_train_promotes_exactly_the_set_in_one_commit(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await add_app(home, "payments")
        ask = Promote(context=home.context(), apps=(), environment="production")
        train = await home.service.start(ask, await home.person("ana"))
        await home.engine.settle()
        assert train.plan.apps == ("my-app", "payments")
        before = len(home.overlays.log)
        await home.approve("bo", train)
        assert (await home.now(train)).phase is Phase.SUCCEEDED
        assert len(home.overlays.log) == before + 1
        assert "v1.4.2" in home.overlay("production")
        assert "v1.4.2" in home.overlay("production", "payments")


async def test_an_app_may_be_left_out_of_a_train_and_that_voids_the_votes(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  approval: {count: 2}\n")) as home:
        await add_app(home, "payments")
        ask = Promote(context=home.context(), apps=(), environment="production")
        train = await home.service.start(ask, await home.person("ana"))
        await home.engine.settle()
        await home.approve("bo", train)
        adjust = Adjust(context=home.context(), promotion=train.id, left_out=("payments",))
        with pytest.raises(NotAllowed):
            await home.service.adjust(adjust, await home.person("cy"))
        await home.service.adjust(replace(adjust, context=home.context()), await home.person("ana"))
        await home.engine.settle()
        assert (await home.now(train)).approvals == ()
        assert (await home.deploy("ana", app="payments", image="v1.4.1")).plan.apps == ("payments",)
        await home.approve("bo", train)
        await home.approve("mia", train)
        assert (await home.now(train)).phase is Phase.SUCCEEDED
        assert "v1.4.0" in home.overlay("production", "payments")


async def test_breaking_the_glass_needs_the_right_and_a_reason_and_owes_a_review(home: House) -> None:
    home.registry.finish_scan(
        (await home.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image,
        Vulnerability("CVE-1", "zlib", "1", Severity.CRITICAL),
    )

    def ask(reason: str) -> Deploy:
        return Deploy(context=home.context(), app="my-app", environment="production", break_glass=True, reason=reason)

    with pytest.raises(NotAllowed, match="break-glass"):
        await home.service.start(await home.shown(ask("site is down"), "ana"), await home.person("ana"))
    with pytest.raises(InvalidCommand, match="needs a reason"):
        await home.service.start(ask(""), await home.person("dee"))
    done = await home.service.start(await home.shown(ask("site is down"), "dee"), await home.person("dee"))
    await home.engine.settle()
    assert (await home.now(done)).phase is Phase.SUCCEEDED
    assert home.overlays.log[-1].trailer("Break-Glass") == "site is down"
    (review,) = await home.reviews.open()
    assert (review.promotion_id, review.by.name, review.reason) == (done.id, "dee", "site is down")
    assert [row.event for row in await home.audit.rows()][:2] == ["refused", "break-glass"]


async def test_a_rollback_locks_the_app_against_what_would_undo_it(home: House) -> None:
    asked = await home.deploy("ana")
    await home.approve("bo", asked)
    back = await home.rollback("ana")
    await home.approve("bo", back)
    lock = await home.locks.held("my-app", "production")
    assert lock is not None
    assert lock.automatic
    assert says(lock.reason, "rolled back", "v1.4.2", "v1.4.1", "ana")


async def test_policy_rolls_back_by_itself_once_and_says_why(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  rollback: {automatic: 10m}\n")) as home:
        break_on_sync(home, "v1.4.2")
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        back = await successor(home, asked)
        assert (back.plan.automatic, back.plan.requester.name) == (True, "Pilothouse")
        assert (await home.now(back)).phase is Phase.SUCCEEDED
        assert "v1.4.1" in home.overlay("production")
        assert "Back-off" in back.plan.reason
        async with home.database.begin() as connection:
            await home.locks.release(connection, "my-app", "production")
        again = await home.deploy("ana")
        await home.approve("bo", again)
        assert (await home.now(again)).phase is Phase.FAILED
        assert (await home.now(again)).successor == ""


async def test_what_was_rolled_back_is_held_until_somebody_unlocks_it(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  rollback: {automatic: 10m}\n")) as home:
        break_on_sync(home, "v1.4.2")
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        assert (await home.now(await successor(home, asked))).phase is Phase.SUCCEEDED
        held = await home.now(await home.deploy("ana"))
        assert held.outcome.startswith("Blocked: lock: my-app in production is locked by Pilothouse")


async def test_an_alert_soon_after_the_sync_takes_it_back(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  rollback: {automatic: 10m}\n")) as home:
        home.alerts.fire("HighErrorRate", "errors at 20 %", app="my-app", environment="production")
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        for _ in range(BAD_LOOKS):
            await home.engine.pass_time(timedelta(seconds=15))
        ended = await home.now(asked)
        assert says(ended.outcome, "HighErrorRate", "my-app", "errors at 20 %")
        assert (await successor(home, asked)).plan.automatic


async def test_pull_request_mode_merges_when_the_checks_are_green(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  mode: pull-request\n")) as home:
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        home.overlays.set_checks(1, "success")
        await home.engine.pass_time(timedelta(minutes=1))
        done = await home.now(asked)
        assert (done.phase, bool(done.pull_request)) == (Phase.SUCCEEDED, True)
        assert "v1.4.2" in home.overlay("production")


async def add_app(home: House, app: str) -> None:
    """Another app with the same versions: v1.4.2 in staging, v1.4.0 in production."""
    tags = {"staging": "v1.4.2", "production": "v1.4.0"}
    home.overlays.push({path(e, app): kustomization(t, app) for e, t in tags.items()})
    pushed = [home.registry.push(f"{HARBOR}/{app}", tag).image for tag in ("v1.4.0", "v1.4.1", "v1.4.2")]
    for image in pushed:
        home.registry.finish_scan(image)
    for environment in tags:
        ref = ApplicationRef(f"{app}-{environment}", environment)
        known = await home.applications.get(ApplicationRef(f"my-app-{environment}", environment))
        home.applications.put(replace(known, ref=ref, sources=follows(ref.name)))
    await home.seen(*pushed, app=app)


def break_on_sync(home: House, tag: str) -> None:
    """A rollout of this tag turns Degraded; of any other, Healthy."""
    deploy = home.applications.refresh

    async def refresh(ref: ApplicationRef) -> Application:
        application = await deploy(ref)
        if tag in home.overlay(ref.environment):
            pod = ResourceHealth("Pod", "my-app-1", "my-app", HealthStatus.DEGRADED, "Back-off pulling image")
            home.applications.sicken(ref.name, pod)
        else:
            home.applications.sicken(ref.name)
        return application

    home.applications.refresh = refresh  # type: ignore[method-assign]


async def test_a_rollback_that_nobody_let_happen_between_does_not_allow_a_second_automatic_one(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  rollback: {automatic: 10m, lock: false}\n")) as home:
        break_on_sync(home, "v1.4.2")
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        await successor(home, asked)
        rejected = await home.deploy("ana")
        await home.reject("mia", rejected, "not again")
        again = await home.deploy("ana")
        await home.approve("bo", again)
        assert (await home.now(again)).successor == ""


async def test_a_delegate_speaks_with_the_roles_of_who_is_away(home: House) -> None:
    asked = await home.deploy("ana")
    with pytest.raises(NotAllowed):
        await home.approve("cy", asked)
    await lend(home, "bo", "cy")
    await home.approve("cy", asked)
    done = await home.now(asked)
    assert done.phase is Phase.SUCCEEDED
    (approval,) = done.approvals
    assert (approval.approver.name, [p.name for p in approval.behalf]) == ("cy", ["bo"])


async def test_nobody_lends_a_voice_to_their_own_promotion(home: House) -> None:
    await lend(home, "bo", "cy")
    asked = await home.deploy("bo")
    with pytest.raises(NotAllowed):
        await home.approve("cy", asked)


async def test_a_voice_that_was_lent_does_not_count_twice(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  approval: {count: 2}\n")) as home:
        await lend(home, "bo", "cy")
        asked = await home.deploy("ana")
        await home.approve("cy", asked)
        with pytest.raises(Conflict, match="cy has approved on your behalf already"):
            await home.approve("bo", asked)
        await home.approve("mia", asked)
        assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_whose_word_would_not_count_lends_no_role_beside_others_who_do(home: House) -> None:
    await lend(home, "bo", "cy")
    await lend(home, "dee", "cy")
    asked = await home.now(await home.deploy("ana"))
    cy = await home.person("cy")
    both = await home.service.eligibility.lent_to(cy, asked)
    assert {"release-manager", "admin"} <= both.roles
    rule = replace(asked.plan.approval, author_approval=False)
    hers = replace(asked, plan=replace(asked.plan, approval=rule, authors=("dee@example.com",), authors_unknown=()))
    lent = await home.service.eligibility.lent_to(cy, hers)
    assert [person.name for person in lent.behalf] == ["bo"]
    assert "admin" not in lent.roles
    assert "release-manager" in lent.roles


async def test_a_soak_that_is_longer_than_gates_may_wait_is_waited_for(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  gate_timeout: 30m\n  gates: {soak: {for: 3h}}\n")) as home:
        ref = ApplicationRef("my-app-staging", "staging")
        known = await home.applications.get(ref)
        home.applications.put(replace(known, health_since=datetime.now(UTC)))
        asked = await home.deploy("ana")
        for _ in range(4):
            await home.engine.pass_time(timedelta(minutes=40))
        assert (await home.now(asked)).phase is Phase.RUNNING
        home.applications.put(replace(known, health_since=datetime.now(UTC) - timedelta(hours=4)))
        await home.engine.pass_time(timedelta(minutes=40))
        assert (await home.now(asked)).stage is Stage.APPROVAL


async def test_a_rollback_to_a_newer_image_is_asked_everything(tmp_path: Path) -> None:
    async with house(tmp_path, policy("  rollback: {lock: false}\n")) as home:
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        back = await home.rollback("ana", to="v1.4.1")
        assert back.plan.skipped_gates
        await home.approve("bo", back)
        forward = await home.rollback("ana", to="v1.4.2")
        assert forward.plan.skipped_gates == {}
        home.registry.finish_scan(forward.plan.moves[0].after, Vulnerability("CVE-1", "zlib", "1", Severity.CRITICAL))
        await home.approve("bo", forward)
        assert (await home.now(forward)).phase is Phase.FAILED
