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
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, kustomization, path
from tests.sentences import says

PRODUCTION = "environments:\n- {name: development}\n- {name: staging}\n- name: production\n"


def policy(rules: str) -> str:
    return POLICY + PRODUCTION + rules


async def successor(world: CoreWorld, promotion: Promotion) -> Promotion:
    """The promotion that took this one's place, begun as the running bot begins it."""
    ended = await world.now(promotion)
    assert ended.successor
    await world.service.resume()
    await world.engine.settle()
    return await world.service.get(ended.successor)


async def test_a_moved_line_voids_the_votes_and_issues_a_new_card(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    world.overlays.push({path("production"): kustomization("v1.4.0")}, "hotfix")
    with pytest.raises(Conflict):
        await world.approve("bo", asked)
    again = await successor(world, asked)
    assert (again.stage, again.approvals) == (Stage.APPROVAL, ())
    assert again.plan.moves[0].before.tag == "v1.4.0"
    with pytest.raises(Conflict, match=f"{again.id} replaced it: use that card"):
        await world.approve("bo", asked)
    await world.approve("bo", again)
    assert (await world.now(again)).phase is Phase.SUCCEEDED
    assert world.promotion_commits() == [again.id]


async def test_new_findings_between_approval_and_commit_void_the_approval(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  approval: {count: 2}\n")) as world:
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        image = asked.plan.moves[0].after
        world.registry.finish_scan(image, Vulnerability("CVE-1", "zlib", "1", Severity.HIGH))
        await world.approve("mia", asked)
        waiting = await world.now(asked)
        assert (waiting.stage, waiting.approvals) == (Stage.APPROVAL, ())
        assert waiting.voided == "scan said “No known vulnerabilities” and says “1 high; adds 1 high” now"
        await world.approve("bo", asked)
        await world.approve("mia", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_either_quorum_is_enough(tmp_path: Path) -> None:
    rule = "  approval: {count: 2, roles: [release-manager], alternatives: [{count: 1, roles: [admin]}]}\n"
    async with core_world(tmp_path, policy(rule)) as world:
        asked = await world.deploy("ana")
        await world.approve("dee", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_a_required_role_must_be_among_the_approvers(tmp_path: Path) -> None:
    rule = "  approval: {count: 2, required: [admin]}\n"
    async with core_world(tmp_path, policy(rule)) as world:
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        await world.approve("mia", asked)
        assert (await world.now(asked)).stage is Stage.APPROVAL
        await world.approve("dee", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_approvals_count_again_for_the_same_image_within_the_window(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  approval: {reuse: 2h}\n")) as world:
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        world.overlays.push({path("production"): kustomization("v1.4.1")}, "back by hand")
        again = await world.now(await world.deploy("ana"))
        assert again.phase is Phase.SUCCEEDED
        assert [a.approver.name for a in again.approvals] == ["bo"]


async def test_approvers_are_reminded_and_the_question_escalates(tmp_path: Path) -> None:
    rule = "  approval: {expires: 4h, remind: 1h, escalate_after: 90m, escalate_to: [C0INC]}\n"
    async with core_world(tmp_path, policy(rule)) as world:
        world.engine.now = (world.engine.now + timedelta(days=1)).replace(hour=9)  # nobody is reminded at night
        await world.deploy("ana")
        await world.engine.pass_time(timedelta(minutes=61))
        told = [(m.posted.channel, m.thread) for m in world.messenger.messages if m.key.startswith("reminder")]
        assert [channel for channel, _ in told] == ["C0DEPLOY"]
        await world.engine.pass_time(timedelta(minutes=30))
        assert [m.posted.channel for m in world.messenger.messages].count("C0INC") == 1
        assert "is still waiting for" in world.messenger.messages[-1].shown.text


async def test_a_train_promotes_exactly_the_set_in_one_commit(tmp_path: Path) -> None:
    async with core_world(tmp_path) as world:
        await add_app(world, "payments")
        ask = Promote(context=world.context(), apps=(), environment="production")
        train = await world.service.start(ask, await world.person("ana"))
        await world.engine.settle()
        assert train.plan.apps == ("my-app", "payments")
        before = len(world.overlays.log)
        await world.approve("bo", train)
        assert (await world.now(train)).phase is Phase.SUCCEEDED
        assert len(world.overlays.log) == before + 1
        assert "v1.4.2" in world.overlay("production")
        assert "v1.4.2" in world.overlay("production", "payments")


async def test_an_app_may_be_left_out_of_a_train_and_that_voids_the_votes(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  approval: {count: 2}\n")) as world:
        await add_app(world, "payments")
        ask = Promote(context=world.context(), apps=(), environment="production")
        train = await world.service.start(ask, await world.person("ana"))
        await world.engine.settle()
        await world.approve("bo", train)
        adjust = Adjust(context=world.context(), promotion=train.id, left_out=("payments",))
        with pytest.raises(NotAllowed):
            await world.service.adjust(adjust, await world.person("cy"))
        await world.service.adjust(replace(adjust, context=world.context()), await world.person("ana"))
        await world.engine.settle()
        assert (await world.now(train)).approvals == ()
        assert (await world.deploy("ana", app="payments", image="v1.4.1")).plan.apps == ("payments",)
        await world.approve("bo", train)
        await world.approve("mia", train)
        assert (await world.now(train)).phase is Phase.SUCCEEDED
        assert "v1.4.0" in world.overlay("production", "payments")


async def test_breaking_the_glass_needs_the_right_and_a_reason_and_owes_a_review(world: CoreWorld) -> None:
    world.registry.finish_scan(
        (await world.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image,
        Vulnerability("CVE-1", "zlib", "1", Severity.CRITICAL),
    )

    def ask(reason: str) -> Deploy:
        return Deploy(context=world.context(), app="my-app", environment="production", break_glass=True, reason=reason)

    with pytest.raises(NotAllowed, match="break-glass"):
        await world.service.start(await world.shown(ask("site is down"), "ana"), await world.person("ana"))
    with pytest.raises(InvalidCommand, match="needs a reason"):
        await world.service.start(ask(""), await world.person("dee"))
    done = await world.service.start(await world.shown(ask("site is down"), "dee"), await world.person("dee"))
    await world.engine.settle()
    assert (await world.now(done)).phase is Phase.SUCCEEDED
    assert world.overlays.log[-1].trailer("Break-Glass") == "site is down"
    (review,) = await world.reviews.open()
    assert (review.promotion_id, review.by.name, review.reason) == (done.id, "dee", "site is down")
    assert [row.event for row in await world.audit.rows()][:2] == ["refused", "break-glass"]


async def test_a_rollback_locks_the_app_against_what_would_undo_it(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    back = await world.rollback("ana")
    await world.approve("bo", back)
    lock = await world.locks.held("my-app", "production")
    assert lock is not None
    assert lock.automatic
    assert says(lock.reason, "rolled back", "v1.4.2", "v1.4.1", "ana")


async def test_policy_rolls_back_by_itself_once_and_says_why(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  rollback: {automatic: 10m}\n")) as world:
        break_on_sync(world, "v1.4.2")
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        back = await successor(world, asked)
        assert (back.plan.automatic, back.plan.requester.name) == (True, "Pilothouse")
        assert (await world.now(back)).phase is Phase.SUCCEEDED
        assert "v1.4.1" in world.overlay("production")
        assert "Back-off" in back.plan.reason
        async with world.database.begin() as connection:
            await world.locks.release(connection, "my-app", "production")
        again = await world.deploy("ana")
        await world.approve("bo", again)
        assert (await world.now(again)).phase is Phase.FAILED
        assert (await world.now(again)).successor == ""


async def test_what_was_rolled_back_is_held_until_somebody_unlocks_it(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  rollback: {automatic: 10m}\n")) as world:
        break_on_sync(world, "v1.4.2")
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        assert (await world.now(await successor(world, asked))).phase is Phase.SUCCEEDED
        held = await world.now(await world.deploy("ana"))
        assert held.outcome.startswith("Blocked: lock: my-app in production is locked by Pilothouse")


async def test_an_alert_soon_after_the_sync_takes_it_back(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  rollback: {automatic: 10m}\n")) as world:
        world.alerts.fire("HighErrorRate", "errors at 20 %", app="my-app", environment="production")
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        for _ in range(BAD_LOOKS):
            await world.engine.pass_time(timedelta(seconds=15))
        ended = await world.now(asked)
        assert says(ended.outcome, "HighErrorRate", "my-app", "errors at 20 %")
        assert (await successor(world, asked)).plan.automatic


async def test_pull_request_mode_merges_when_the_checks_are_green(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  mode: pull-request\n")) as world:
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        world.overlays.set_checks(1, "success")
        await world.engine.pass_time(timedelta(minutes=1))
        done = await world.now(asked)
        assert (done.phase, bool(done.pull_request)) == (Phase.SUCCEEDED, True)
        assert "v1.4.2" in world.overlay("production")


async def add_app(world: CoreWorld, app: str) -> None:
    """Another app with the same versions: v1.4.2 in staging, v1.4.0 in production."""
    tags = {"staging": "v1.4.2", "production": "v1.4.0"}
    world.overlays.push({path(e, app): kustomization(t, app) for e, t in tags.items()})
    pushed = [world.registry.push(f"{HARBOR}/{app}", tag).image for tag in ("v1.4.0", "v1.4.1", "v1.4.2")]
    for image in pushed:
        world.registry.finish_scan(image)
    for environment in tags:
        ref = ApplicationRef(f"{app}-{environment}", environment)
        known = await world.applications.get(ApplicationRef(f"my-app-{environment}", environment))
        world.applications.put(replace(known, ref=ref, sources=follows(ref.name)))
    await world.seen(*pushed, app=app)


def break_on_sync(world: CoreWorld, tag: str) -> None:
    """A rollout of this tag turns Degraded; of any other, Healthy."""
    deploy = world.applications.refresh

    async def refresh(ref: ApplicationRef) -> Application:
        application = await deploy(ref)
        if tag in world.overlay(ref.environment):
            pod = ResourceHealth("Pod", "my-app-1", "my-app", HealthStatus.DEGRADED, "Back-off pulling image")
            world.applications.sicken(ref.name, pod)
        else:
            world.applications.sicken(ref.name)
        return application

    world.applications.refresh = refresh  # type: ignore[method-assign]


async def test_a_rollback_that_nobody_let_happen_between_does_not_allow_a_second_automatic_one(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  rollback: {automatic: 10m, lock: false}\n")) as world:
        break_on_sync(world, "v1.4.2")
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        await successor(world, asked)
        rejected = await world.deploy("ana")
        await world.reject("mia", rejected, "not again")
        again = await world.deploy("ana")
        await world.approve("bo", again)
        assert (await world.now(again)).successor == ""


async def test_a_delegate_speaks_with_the_roles_of_who_is_away(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    with pytest.raises(NotAllowed):
        await world.approve("cy", asked)
    await lend(world, "bo", "cy")
    await world.approve("cy", asked)
    done = await world.now(asked)
    assert done.phase is Phase.SUCCEEDED
    (approval,) = done.approvals
    assert (approval.approver.name, [p.name for p in approval.behalf]) == ("cy", ["bo"])


async def test_nobody_lends_a_voice_to_their_own_promotion(world: CoreWorld) -> None:
    await lend(world, "bo", "cy")
    asked = await world.deploy("bo")
    with pytest.raises(NotAllowed):
        await world.approve("cy", asked)


async def test_a_voice_that_was_lent_does_not_count_twice(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  approval: {count: 2}\n")) as world:
        await lend(world, "bo", "cy")
        asked = await world.deploy("ana")
        await world.approve("cy", asked)
        with pytest.raises(Conflict, match="cy has approved on your behalf already"):
            await world.approve("bo", asked)
        await world.approve("mia", asked)
        assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_whose_word_would_not_count_lends_no_role_beside_others_who_do(world: CoreWorld) -> None:
    await lend(world, "bo", "cy")
    await lend(world, "dee", "cy")
    asked = await world.now(await world.deploy("ana"))
    cy = await world.person("cy")
    both = await world.service.eligibility.lent_to(cy, asked)
    assert {"release-manager", "admin"} <= both.roles
    rule = replace(asked.plan.approval, author_approval=False)
    hers = replace(asked, plan=replace(asked.plan, approval=rule, authors=("dee@example.com",), authors_unknown=()))
    lent = await world.service.eligibility.lent_to(cy, hers)
    assert [person.name for person in lent.behalf] == ["bo"]
    assert "admin" not in lent.roles
    assert "release-manager" in lent.roles


async def test_a_soak_that_is_longer_than_gates_may_wait_is_waited_for(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  gate_timeout: 30m\n  gates: {soak: {for: 3h}}\n")) as world:
        ref = ApplicationRef("my-app-staging", "staging")
        known = await world.applications.get(ref)
        world.applications.put(replace(known, health_since=datetime.now(UTC)))
        asked = await world.deploy("ana")
        for _ in range(4):
            await world.engine.pass_time(timedelta(minutes=40))
        assert (await world.now(asked)).phase is Phase.RUNNING
        world.applications.put(replace(known, health_since=datetime.now(UTC) - timedelta(hours=4)))
        await world.engine.pass_time(timedelta(minutes=40))
        assert (await world.now(asked)).stage is Stage.APPROVAL


async def test_a_rollback_to_a_newer_image_is_asked_everything(tmp_path: Path) -> None:
    async with core_world(tmp_path, policy("  rollback: {lock: false}\n")) as world:
        asked = await world.deploy("ana")
        await world.approve("bo", asked)
        back = await world.rollback("ana", to="v1.4.1")
        assert back.plan.skipped_gates
        await world.approve("bo", back)
        forward = await world.rollback("ana", to="v1.4.2")
        assert forward.plan.skipped_gates == {}
        world.registry.finish_scan(forward.plan.moves[0].after, Vulnerability("CVE-1", "zlib", "1", Severity.CRITICAL))
        await world.approve("bo", forward)
        assert (await world.now(forward)).phase is Phase.FAILED
