"""The card, read aloud."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.age import Older
from bot.domain.intent import Context, Rollback, ShowHistory
from bot.domain.promotion import (
    ApprovalRule,
    GateResult,
    Kind,
    MissingImage,
    Move,
    Phase,
    Progress,
    Promotion,
    SourceCommit,
    Stage,
    Verdict,
    Vote,
    VoteKind,
)
from bot.domain.reply import ReasonForm
from bot.domain.safety import Review
from bot.router.buttons import read_button
from bot.views import card, dry_run, modal
from bot.views.direct import approval_request
from bot.views.facts import passed_line
from bot.views.ids import OPEN, ImageValue, PromotionValue, WishValue, decode
from tests.views.reading import lines
from tests.views.samples import (
    ANA,
    AT,
    BLOCKED,
    BO,
    COMMIT,
    DIGEST,
    MIA,
    PASSED,
    approval,
    following,
    move,
    plan,
    promotion,
)

CONTEXT = Context("r1", "C0DEPLOY", "c1")
HEADER = "# 🚀 my-app → production · v1.4.1 → v1.4.2"

AGAIN = ("promotion.again", "promotion.again#1", "promotion.notify")


def buttons(shown: Promotion, **options: object) -> dict[str, dict[str, object]]:
    blocks = card(shown, **options).blocks  # type: ignore[arg-type]
    return {part["action_id"]: part for block in blocks if block["type"] == "actions" for part in block["elements"]}


def test_waiting_for_an_approval() -> None:
    assert lines(card(promotion())) == [
        HEADER,
        "🚦 Waiting for an approval from release-managers.",
        "[Approve?] [Reject] [Abort]",
        "Requested by @U0ANA · Approvals: 0/1 · 1f2e3d4 → 5a6b7c8",
        "✅ Scan: 0 Critical, 2 High · Health passes",
        "| (`p-7f3a` · expires 2026-05-04 18:02 UTC)",
    ]


def test_the_text_stands_for_the_blocks_in_notifications() -> None:
    """S5."""
    text = "my-app → production · v1.4.1 → v1.4.2: Waiting for an approval from release-managers."
    assert card(promotion()).text == text


def test_every_reason_is_told_at_once_with_its_remedy() -> None:
    shown = lines(card(promotion(Stage.DONE, Phase.FAILED, results=BLOCKED, finished_at=AT)))
    assert shown == [
        HEADER,
        "❌ Stopped by the scan and health gates. Nothing has changed.",
        "⛔ *Scan*: The image has 2 Critical vulnerabilities, and production allows none Details",
        "        → Build it on a newer base image, then deploy that one",
        "⛔ *Health*: my-app is Degraded in staging",
        "        → Fix staging first",
        "[Try again] [Rescan] [Rebuild] [History]",
        "Requested by @U0ANA · Approvals: 0/1 · 1f2e3d4 → 5a6b7c8",
        "| (`p-7f3a` · ended 2026-05-04 14:02 UTC)",
    ]


def test_a_scan_that_says_no_leads_to_the_registry() -> None:
    address = "https://harbor.example.com/harbor/projects/7/repositories/my-app/artifacts-tab/artifacts/sha256:1"
    ended = promotion(Stage.DONE, Phase.FAILED, results=BLOCKED, finished_at=AT)
    ended = replace(ended, plan=replace(ended.plan, moves=(replace(ended.plan.moves[0], page=address),)))
    assert "[Try again] [Rescan] [Rebuild] [Open in Harbor] [History]" in lines(card(ended))
    assert address in str(card(ended).blocks)


def test_the_approvals_that_are_missing() -> None:
    rule = ApprovalRule(2, ("release-managers", "admins"), required=("security",))
    shown = lines(card(promotion(plan=plan(approval=rule), approvals=(approval(BO, "release-managers"),))))
    assert any("Approvals: 1/2: @U0BO" in line for line in shown)
    assert shown[1] == "🚦 Waiting for an approval from security."


def test_who_may_approve_can_be_mentioned_and_nobody_else() -> None:
    """S6."""
    text = card(promotion(), approvers="<!subteam^S0RELEASE> or <@U0DEE>, not <!channel>").blocks[1]["text"]["text"]
    assert text == "🚦 Waiting for an approval from <!subteam^S0RELEASE> or <@U0DEE>, not &lt;!channel&gt;."


def test_while_the_gates_are_asked_it_can_only_be_aborted() -> None:
    asked = promotion(Stage.GATES, Phase.PENDING, results=())
    assert lines(card(asked))[1:3] == ["⏳ Asking the scan and health gates.", "[Abort]"]


def test_a_gate_that_waits() -> None:
    waiting = Verdict.waiting("The scan is running (40 %)", retry_after=timedelta(seconds=5))
    shown = lines(card(promotion(Stage.GATES, results=(GateResult("scan", "my-app", waiting), PASSED[1]))))
    assert "⏳ *Scan*: The scan is running (40 %)" in shown
    assert shown[1] == "⏳ Waiting for the scan gate. Nothing to do: it continues automatically."


def test_a_gate_that_waits_when_it_is_asked_once_more() -> None:
    """Nothing is written to git meanwhile."""
    waiting = Verdict.waiting("Argo CD does not answer.", retry_after=timedelta(seconds=5))
    results = (PASSED[0], GateResult("health", "my-app", waiting))
    last = promotion(Stage.COMMIT, approvals=(approval(),), results=results)
    assert lines(card(last))[1] == "⏳ Waiting for the health gate. Nothing to do: it continues automatically."


def test_after_the_decision_there_are_no_buttons_but_who_and_when() -> None:
    shown = lines(card(promotion(Stage.COMMIT, approvals=(approval(),))))
    assert "(✅ Approved by @U0BO 14:02 UTC)" in shown
    assert not any(line.startswith("[") for line in shown)
    assert shown[1] == "⏳ Writing the change to git."


def test_an_abort_while_the_change_is_written_says_what_is_looked_for() -> None:
    aborted = promotion(Stage.COMMIT, approvals=(approval(),), rejection=Vote(VoteKind.ABORT, ANA, AT, "h"))
    assert lines(card(aborted))[1] == "🛑 @U0ANA aborted it. Looking whether git has it already."
    opened = replace(aborted, pull_request="https://git.example.com/pull/1")
    assert lines(card(opened))[1] == "🛑 @U0ANA aborted it. Closing the pull request."


def test_from_the_last_approval_on_it_waits_for_nobody() -> None:
    asked = promotion()
    enough = replace(asked, approvals=(replace(approval(BO, "release-managers"), content_hash=asked.content_hash),))
    shown = lines(card(enough, approvers="<!subteam^S0RELEASE>"))
    assert shown[1] == "⏳ Asking every gate once more, then writing the change to git."
    assert shown[-2:] == ["(✅ Approved by @U0BO 14:02 UTC)", "| (`p-7f3a`)"]


def test_gates_that_pass_are_one_line_but_for_what_approvers_rely_on() -> None:
    told = {"lock": "Not locked", "freeze": "No freeze", "rejected": "Not rejected", "team": "QA has signed off"}
    quiet = tuple(GateResult(gate, "my-app", Verdict.passed(reason)) for gate, reason in told.items())
    signed = GateResult("signature", "my-app", Verdict.passed("Signed with ci-key", fingerprint="ci-key"))
    of_plan = plan(gates=("scan", "health", "signature", *told))
    shown = lines(card(promotion(plan=of_plan, results=(*PASSED, signed, *quiet))))
    assert shown[4] == (
        "✅ Scan: 0 Critical, 2 High · Signature: Signed with ci-key · Team: QA has signed off · "
        "Health, lock, freeze and rejection pass"
    )
    own = replace(quiet[0], verdict=Verdict.passed("Locked by the requester"))
    shown = lines(card(promotion(plan=of_plan, results=(*PASSED, own, *quiet[1:]))))
    assert "Lock: Locked by the requester" in shown[4]


def test_on_a_phone_the_decision_is_on_the_first_screen() -> None:
    """Whatever passes, and however many: the buttons come right behind what speaks against it."""
    gates = tuple(f"gate-{number}" for number in range(12))
    results = tuple(GateResult(gate, "my-app", Verdict.passed("well")) for gate in gates)
    kinds = [block["type"] for block in card(promotion(plan=plan(gates=gates), results=results)).blocks]
    assert kinds[:3] == ["header", "section", "actions"]


def test_a_gate_is_called_by_a_noun() -> None:
    no = GateResult("rejected", "my-app", Verdict.blocked("Mia rejects v1.4.2: it leaks", "Promote another image"))
    shown = lines(card(promotion(Stage.DONE, Phase.FAILED, plan=plan(gates=("rejected",)), results=(no,))))
    assert any(line.startswith("⛔ *Rejection*: Mia rejects") for line in shown)
    assert shown[1] == "❌ Stopped by the rejection gate. Nothing has changed."


def test_a_dry_run_that_would_wait_says_so() -> None:
    waiting = GateResult("soak", "my-app", Verdict.waiting("10 minutes to go", retry_after=timedelta(minutes=10)))
    shown = lines(dry_run(promotion(Stage.GATES, Phase.PENDING, results=(*PASSED, waiting))))
    assert shown[1] == "⏳ This would start, and wait for the soak gate."


def test_rejected() -> None:
    no = Vote(VoteKind.REJECT, MIA, AT, "h", "Not on a Friday")
    shown = lines(card(promotion(Stage.DONE, Phase.FAILED, rejection=no, finished_at=AT)))
    assert shown[1] == "❌ Rejected by @U0MIA: Not on a Friday"
    assert shown[-2:] == ["(❌ Rejected by @U0MIA 14:02 UTC)", "| (`p-7f3a` · ended 2026-05-04 14:02 UTC)"]


def test_on_its_way() -> None:
    committed = replace(COMMIT, url="https://git.example.com/c0ffee1")
    rolling = following(Progress.PROGRESSING, url="https://argo.example.com/applications/my-app-production")
    shown = lines(card(promotion(Stage.FOLLOW, approvals=(approval(),), commit=committed, following=(rolling,))))
    assert "Argo CD: 🔄 Synced · Progressing Open" in shown
    assert "(Commit c0ffee1)" in shown
    assert shown[1] == "🔄 my-app-production is rolling out."


def test_done() -> None:
    healthy = promotion(
        Stage.DONE, Phase.SUCCEEDED, commit=COMMIT, following=(following(Progress.HEALTHY),), finished_at=AT
    )
    shown = lines(card(healthy))
    assert shown[1] == "✅ my-app v1.4.2 runs in production, Synced and Healthy."
    assert card(healthy).color == "#18be52"
    assert "[Roll back …] [History]" in shown
    way_back = buttons(healthy)["rollback.choose"]["value"]
    assert decode("rollback.choose", str(way_back)) == ImageValue("my-app", "production")
    place = {"context": CONTEXT, "app": "my-app", "environment": "production"}
    shown_there = {action: read_button(part, CONTEXT) for action, part in buttons(healthy).items()}
    assert shown_there == {
        "rollback.choose": Rollback(**place, choose=True),  # type: ignore[arg-type]
        "app.history": ShowHistory(**place),  # type: ignore[arg-type]
    }, "a press shows; it starts nothing"


def test_a_commit_with_a_page_is_a_button() -> None:
    committed = replace(COMMIT, url="https://git.example.com/c0ffee1")
    ended = promotion(Stage.DONE, Phase.SUCCEEDED, commit=committed, following=(following(Progress.HEALTHY),))
    assert "[Roll back …] [Commit] [History]" in lines(card(ended))
    assert buttons(ended)["promotion.commit"]["url"] == committed.url
    back = replace(ended, plan=plan(kind=Kind.ROLLBACK))
    assert "[Commit] [History]" in lines(card(back)), "nobody goes back from a rollback by a press"


def test_a_train_that_succeeded_offers_the_way_back_of_each_of_its_apps() -> None:
    train = plan(moves=(move(), move("ledger")))
    ended = promotion(Stage.DONE, Phase.SUCCEEDED, plan=train, commit=COMMIT)
    assert "[Roll back my-app …] [Roll back ledger …]" in lines(card(ended))
    many = plan(moves=tuple(move(f"app-{number}") for number in range(6)))
    assert not buttons(promotion(Stage.DONE, Phase.SUCCEEDED, plan=many, commit=COMMIT))


def test_the_newest_source_commits_stand_on_the_card() -> None:
    newest = (SourceCommit("Fix <!channel> the till", "Kim"), SourceCommit("Add a till", "Lea"))
    message = card(promotion(plan=plan(moves=(replace(move(), commits=7, newest=newest),))))
    assert "&lt;!channel&gt;" in str(message.blocks), "it pings nobody"
    shown = lines(message)
    assert any(line.endswith("7 commits") for line in shown)
    at = next(number for number, line in enumerate(shown) if "till" in line)
    assert shown[at : at + 3] == [
        "        • Fix <!channel> the till (Kim)",
        "        • Add a till (Lea)",
        "        … and 5 more",
    ]


def several(*names: str, **changes: object) -> Promotion:
    """Of one app, so many images, built from one range of commits but where `changes` says otherwise."""
    newest = (SourceCommit("Fix the till", "Kim"), SourceCommit("Add a till", "Lea"))
    one = replace(move(), commits=7, newest=newest)
    moves = [replace(one, before=replace(one.before, name=f"h/{name}")) for name in names]
    moves[-1] = replace(moves[-1], **changes)  # type: ignore[arg-type]
    return promotion(plan=plan(moves=tuple(moves)))


def test_commits_of_two_images_of_one_range_count_once() -> None:
    shown = lines(card(several("web", "jobs")))
    assert sum("7 commits" in line for line in shown) == 1
    assert sum("Fix the till" in line for line in shown) == 1
    assert "        • Fix the till (Kim)" in shown


def test_each_of_two_images_of_an_app_has_its_own_commits() -> None:
    shown = lines(card(several("web", "jobs", revision="ffff000", commits=3)))
    assert [sum(f"{number} commits" in line for line in shown) for number in (7, 3)] == [1, 1]
    assert [line for line in shown if "till" in line] == [
        f"        • `{name}` {said}" for name in ("web", "jobs") for said in ("Fix the till (Kim)", "Add a till (Lea)")
    ]
    assert "        … and 5 more in `web`" in shown


def test_an_older_image_says_so_and_by_what_it_is_known() -> None:
    older = replace(move(before="v1.5.0"), older=(Older.PUSHED, Older.VERSION))
    asked = promotion(plan=plan(moves=(older,)))
    told = (
        "⏬ *Older than what production has now* (v1.5.0): my-app v1.4.2 was pushed before it and has a lower version"
    )
    assert told in lines(card(asked))
    assert told in lines(approval_request(asked, "", frozenset()))
    assert told in lines(dry_run(asked))
    assert "Approve an older image for production?" in str(buttons(asked, careful=())["promotion.approve"]["confirm"])
    back = promotion(plan=plan(moves=(older,), kind=Kind.ROLLBACK))
    assert not any("⏬" in line for line in lines(card(back))), "a rollback is called one"


def test_a_review_that_was_given_takes_the_place_of_the_one_that_is_owed() -> None:
    broken = promotion(Stage.DONE, Phase.SUCCEEDED, plan=plan(break_glass=True, reason="outage"), commit=COMMIT)
    owed = Review("p-7f3a", ("my-app",), "production", ANA, "outage", AT)
    assert any("Somebody else must review it" in line for line in lines(card(broken, review=owed)))
    shown = lines(card(broken, review=replace(owed, closed_by=MIA, closed_at=AT, note="all is well")))
    assert any("👀 @U0MIA reviewed it 2026-05-04 14:02 UTC: all is well" in line for line in shown)
    assert not any("owes" in line for line in shown)


def test_a_rollback_says_rollback_where_people_say_yes() -> None:
    asked = promotion(plan=plan(kind=Kind.ROLLBACK))
    assert "the rollback of production" in str(buttons(asked)["promotion.approve"]["confirm"])
    assert "asks for your approval of a rollback" in approval_request(asked, "", frozenset()).text
    assert modal(ReasonForm(asked), "")["title"]["text"] == "Reject the rollback"
    assert modal(ReasonForm(promotion()), "")["title"]["text"] == "Reject"


def test_unhealthy_explains_and_offers_the_way_back() -> None:
    sick = following(Progress.FAILED, explanation="Deployment my-app: container app is in CrashLoopBackOff")
    failed = promotion(Stage.DONE, Phase.FAILED, commit=COMMIT, following=(sick,), finished_at=AT)
    shown = lines(card(failed))
    assert "⚠️ *my-app-production* is Degraded: Deployment my-app: container app is in CrashLoopBackOff" in shown
    assert shown[1] == "❌ The change is in git, but my-app-production is unhealthy."
    assert "[Roll back] [History]" in shown
    value = buttons(failed)["promotion.rollback"]["value"]
    assert decode("promotion.rollback", str(value)) == ImageValue("my-app", "production")


def test_try_again_names_the_same_image() -> None:
    value = buttons(promotion(Stage.DONE, Phase.ERRORED, outcome="Argo CD does not answer."))["promotion.again"][
        "value"
    ]
    assert decode("promotion.again", str(value)) == WishValue("deploy", "my-app", "production", DIGEST)


def test_buttons_carry_the_promotion_and_what_was_seen() -> None:
    carried = {decode(action, str(part["value"])) for action, part in buttons(promotion()).items()}
    [value] = carried
    assert isinstance(value, PromotionValue)
    assert value.promotion == "p-7f3a"
    other = promotion(plan=plan(moves=(move(before="v1.4.0"),)))
    assert decode("promotion.approve", str(buttons(other)["promotion.approve"]["value"])) != value


def test_only_the_last_environment_asks_twice() -> None:
    staging = promotion(plan=plan(environment="staging"))
    assert "confirm" not in buttons(staging)["promotion.approve"]
    assert "confirm" in buttons(staging, careful={"staging"})["promotion.approve"]
    assert "confirm" not in buttons(promotion())["promotion.reject"]


def test_aborted() -> None:
    assert lines(card(promotion(Stage.DONE, Phase.ABORTED)))[1] == "🛑 Aborted. Nothing has changed."


def test_whoever_takes_a_promotion_back_has_rejected_nothing() -> None:
    mine = Vote(VoteKind.ABORT, MIA, AT, "h")
    ended = promotion(Stage.DONE, Phase.ABORTED, rejection=mine, outcome="Aborted by Mia.", finished_at=AT)
    shown = lines(card(ended))
    assert shown[1].startswith("🛑 Aborted by Mia.")
    assert not any("Rejected by" in line for line in shown)


def test_a_stand_in_is_told_as_one() -> None:
    lent = replace(approval(MIA, "release-manager"), behalf=(BO,))
    shown = lines(card(promotion(Stage.DONE, Phase.SUCCEEDED, approvals=(lent,), commit=COMMIT)))
    assert any("Approved by @U0MIA for @U0BO" in line for line in shown)


def test_only_an_open_question_expires() -> None:
    until = AT + timedelta(hours=4)
    assert any("expires" in line for line in lines(card(promotion(expires_at=until))))
    rolling = following(Progress.PROGRESSING)
    decided = promotion(Stage.FOLLOW, approvals=(approval(),), commit=COMMIT, following=(rolling,), expires_at=until)
    assert not any("expires" in line for line in lines(card(decided)))


def test_several_applications_are_rolling_out() -> None:
    train = plan(moves=(move(), move("payments", "2.0", "2.1")))
    rolling = (following(Progress.PROGRESSING), following(Progress.PROGRESSING, "payments"))
    shown = lines(card(promotion(Stage.FOLLOW, plan=train, commit=COMMIT, following=rolling)))
    assert shown[1] == "🔄 my-app-production and payments-production are rolling out."


def test_rollback() -> None:
    back = plan(kind=Kind.ROLLBACK, moves=(move(before="v1.4.2", after="v1.4.1"),), skipped_gates={"scan": "rollback"})
    shown = lines(card(promotion(plan=back)))
    assert shown[0] == "# ⏪ my-app → production · v1.4.2 → v1.4.1"
    assert "⏭️ Skipped: Scan (rollback)" in shown


def test_a_release_train_has_a_row_for_each_app() -> None:
    train = plan(moves=(move(), move("payments", "2.0", "2.1"), move("ledger", "7", "8")))
    results = (
        *PASSED,
        GateResult("scan", "payments", Verdict.passed("clean")),
        GateResult("scan", "ledger", Verdict.blocked("1 Critical", "Build it again")),
    )
    shown = lines(card(promotion(Stage.DONE, Phase.FAILED, plan=train, results=results)))
    assert shown[0] == "# 🚀 3 apps → production · 3 images"
    first = shown.index("• `my-app` v1.4.1 → *v1.4.2* · ✅ Scan, ✅ Health")
    assert shown[first : first + 3] == [
        "• `my-app` v1.4.1 → *v1.4.2* · ✅ Scan, ✅ Health",
        "• `payments` 2.0 → *2.1* · ✅ Scan",
        "• `ledger` 7 → *8* · ⛔ Scan",
    ]
    assert "⛔ *Scan* of ledger: 1 Critical" in shown


def test_the_rows_of_an_app_with_several_images_say_which_image() -> None:
    worker = move("my-app", after="v1.4.3")
    worker = replace(worker, before=replace(worker.before, name="harbor.example.com/apps/my-app-worker"))
    train = plan(moves=(move("my-app"), worker, move("ledger")))
    shown = lines(card(promotion(Stage.DONE, Phase.SUCCEEDED, plan=train)))
    rows = [line for line in shown if line.startswith("• ")]
    assert [row.split(" v1.4.1")[0] for row in rows] == ["• `my-app` my-app", "• `my-app` my-app-worker", "• `ledger`"]


def test_a_train_in_trouble_offers_one_way_back_for_each_app() -> None:
    """S19: ids are unique within a message."""
    train = plan(moves=(move(), move("payments", "2.0", "2.1"), move("ledger", "7", "8")))
    stuck = (
        following(Progress.HEALTHY),
        following(Progress.FAILED, "payments"),
        following(Progress.FAILED, "ledger"),
    )
    found = buttons(promotion(Stage.DONE, Phase.FAILED, plan=train, commit=COMMIT, following=stuck))
    assert list(found) == ["promotion.rollback", "promotion.rollback#1"]
    assert decode("promotion.rollback#1", str(found["promotion.rollback#1"]["value"])) == ImageValue(
        "ledger", "production"
    )


def test_waived_is_told_as_such() -> None:
    waived = replace(BLOCKED[0], waived="Break-glass by Dee: site is down.")
    shown = lines(card(promotion(results=(waived, PASSED[1]))))
    assert any(line.startswith("⚠️ *Scan* is waived: Break-glass by Dee: site is down. It says: The") for line in shown)


def test_commits_are_counted_when_they_are_known() -> None:
    known = plan(moves=(replace(move(), commits=12),))
    details = str(card(promotion(plan=known)).blocks)
    assert "<https://github.com/acme/my-app/compare/1f2e3d4c00...5a6b7c8d00|12 commits>" in details


def test_dry_run_has_no_buttons_and_says_what_would_happen() -> None:
    shown = lines(dry_run(promotion(Stage.GATES)))
    assert shown[0] == "# 🧪 Dry run: my-app → production · v1.4.1 → v1.4.2"
    assert shown[1] == "✅ No gate is in the way. It would wait for an approval from release-managers."
    assert shown[-1] == "| (Nothing has changed and nobody is asked. The same command without `--dry-run` starts it.)"
    assert "p-7f3a" not in str(dry_run(promotion(Stage.GATES))), "it is not written down: there is nothing to look up"
    assert not any(line.startswith("[") for line in shown)
    refused = lines(dry_run(promotion(Stage.GATES, results=BLOCKED)))
    assert refused[1] == "⛔ This would be stopped by the scan and health gates."


def test_what_comes_from_outside_is_escaped() -> None:
    """S6."""
    hostile = plan(reason="<!channel> & <https://evil.example|click>")
    details = str(card(promotion(plan=hostile)).blocks)
    assert "Reason: &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;" in details


def test_no_tick_beside_what_argo_cd_does_not_call_synced() -> None:
    drifts = following(Progress.HEALTHY, sync="OutOfSync", explanation="ConfigMap settings drifts from git.")
    done = promotion(Stage.DONE, Phase.SUCCEEDED, commit=COMMIT, following=(drifts,), finished_at=AT)
    shown = lines(card(done))
    assert "Argo CD: ⚠️ OutOfSync · Healthy" in shown


def test_why_it_waits_is_on_the_card() -> None:
    waits = following(Progress.WAITING, explanation="ComparisonError: the repository needs a new token")
    shown = "\n".join(lines(card(promotion(Stage.FOLLOW, approvals=(approval(),), commit=COMMIT, following=(waits,)))))
    assert "ComparisonError: the repository needs a new token." in shown


@pytest.mark.parametrize(
    ("progress", "says"),
    [(Progress.NEVER_RAN, "does not run it"), (Progress.SUPERSEDED, "got another image instead")],
)
def test_what_is_no_illness_is_not_called_one(progress: Progress, says: str) -> None:
    gone = following(progress, sync="Synced", health="Healthy", explanation="v1.4.1 runs instead.")
    failed = promotion(Stage.DONE, Phase.FAILED, commit=COMMIT, following=(gone,), finished_at=AT)
    shown = "\n".join(lines(card(failed)))
    assert f"my-app-production {says}." in shown
    assert "is Healthy" not in shown
    assert "✅ Synced" not in shown


def test_what_a_lock_has_ended_can_go_when_it_opens() -> None:
    locked = GateResult("lock", "my-app", Verdict.blocked("my-app is locked by Dee.", "Ask Dee"))
    stopped = promotion(Stage.DONE, Phase.FAILED, plan=plan(gates=("lock",)), results=(locked,))
    assert "[Deploy when it opens] [Notify me when ready] [Try again] [History]" in lines(card(stopped))
    value = decode("promotion.again#1", str(buttons(stopped)["promotion.again#1"]["value"]))
    assert value == WishValue("deploy", "my-app", "production", DIGEST, start=OPEN)
    assert "promotion.again#1" not in buttons(promotion(Stage.DONE, Phase.FAILED, results=BLOCKED))


@pytest.mark.parametrize(
    ("moves", "source", "asked"),
    [
        ((move("my-app"), move("api")), "staging", WishValue("promote", "my-app/api", "production", source="staging")),
        ((move("my-app"), move("my-app")), "staging", WishValue("promote", "my-app", "production", source="staging")),
        ((move("my-app"), move("my-app")), "", WishValue("deploy", "my-app", "production", "v1.4.2")),
        ((move("my-app"), move("my-app", after="v1.4.3")), "", None),
    ],
)
def test_several_images_are_asked_for_again_by_what_names_them_all(
    moves: tuple[Move, ...], source: str, asked: WishValue | None
) -> None:
    locked = GateResult("lock", "my-app", Verdict.blocked("my-app is locked by Dee.", "Ask Dee"))
    gone = plan(moves=moves, source=source, gates=("lock",))
    pressed = buttons(promotion(Stage.DONE, Phase.FAILED, plan=gone, results=(locked,)))
    values = {name: decode(name, str(one["value"])) for name, one in pressed.items() if name in AGAIN}
    expected = {"promotion.again": asked, "promotion.again#1": asked and replace(asked, start=OPEN)}
    assert values == ({**expected, "promotion.notify": asked} if asked else {})


def again(gone: Promotion) -> WishValue:
    value = decode("promotion.again", str(buttons(gone)["promotion.again"]["value"]))
    assert isinstance(value, WishValue)
    return value


def test_what_was_left_out_of_a_train_is_not_asked_for_again() -> None:
    """Somebody decided that it does not go: where nobody need approve, a press would take it in unseen."""
    train = plan(moves=(move("my-app"), move("api"), move("ledger")), missing=(MissingImage("shop", "1", "2", "gone"),))
    ended = promotion(Stage.DONE, Phase.FAILED, plan=train)
    assert again(ended).apps == "my-app/api/ledger/shop"
    assert again(replace(ended, left_out=("api", "shop"))).apps == "my-app/ledger"
    one = replace(ended, left_out=("api", "ledger", "shop"))
    assert again(one) == WishValue("deploy", "my-app", "production", DIGEST)


def test_a_train_with_an_app_that_skips_an_environment_is_asked_for_as_it_was() -> None:
    """Nobody named staging: named now, it would be asked for an app that is not there."""
    skipping = plan(moves=(move("my-app"), replace(move("api"), origin="development")))
    assert again(promotion(Stage.DONE, Phase.FAILED, plan=skipping)) == WishValue("promote", "my-app/api", "production")
    gone = plan(moves=(move("my-app"),), missing=(MissingImage("api", "1", "2", "gone", origin="development"),))
    ended = promotion(Stage.DONE, Phase.FAILED, plan=gone)
    assert again(ended) == WishValue("promote", "my-app/api", "production")
    both = replace(gone, moves=(move("my-app"), move("ledger")))
    left_out = replace(ended, plan=both, left_out=("api",))
    assert again(left_out) == WishValue("promote", "my-app/ledger", "production", source="staging")


def test_what_nobody_asked_has_no_tick() -> None:
    idle = Verdict.passed("the image was named by hand", asked=False)
    asked = promotion()
    results = [replace(one, verdict=idle) if one.gate == "health" else one for one in asked.results]
    told = passed_line(replace(asked, results=tuple(results)))
    assert "➖ Not asked: Health (the image was named by hand)" in told.splitlines()
    assert "ealth" not in told.splitlines()[0]


def test_an_image_of_another_repository_is_told_plainly() -> None:
    asked = promotion()
    (move, *_) = asked.plan.moves
    there = replace(move, after=replace(move.after, repository="mirror.example.net/apps/my-app"))
    shown = "\n".join(lines(card(replace(asked, plan=replace(asked.plan, moves=(there,))))))
    assert f"⚠️ From another repository: `{move.before.repository}` → `mirror.example.net/apps/my-app`" in shown
    assert "another repository" not in "\n".join(lines(card(asked)))
