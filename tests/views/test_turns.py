"""The turns that a promotion may take besides the straight way, read aloud from its card."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.age import Older
from bot.domain.application import ApplicationRef
from bot.domain.caller import PILOTHOUSE
from bot.domain.errors import InvalidCommand
from bot.domain.identity import promotion_id
from bot.domain.intent import Context, Deploy, Promote, ShowApps, ShowSchedule
from bot.domain.promotion import (
    ApprovalRule,
    GateResult,
    Kind,
    MissingImage,
    Move,
    Phase,
    Progress,
    Promotion,
    Quorum,
    SourceCommit,
    Stage,
    Verdict,
)
from bot.domain.queueing import Waiting
from bot.domain.reply import (
    DryRun,
    GlassAsked,
    Occupied,
    OlderAsked,
    Postponed,
    Queued,
    Scheduled,
    Started,
    TrainApps,
    Unhindered,
)
from bot.ports import Rendered
from bot.router.buttons import read_button
from bot.views import card, dry_run, render
from bot.views.card import shown
from bot.views.direct import approval_request
from bot.views.ids import promotion_of
from bot.views.queueing import starts_soon
from bot.views.train import train_apps
from tests.views.reading import lines
from tests.views.samples import AT, BLOCKED, BO, COMMIT, PASSED, approval, following, move, plan, promotion

TRAIN = plan(moves=(move(), move("payments", "2.0", "2.1"), move("ledger", "7", "8")))
WAITING = GateResult("soak", "my-app", Verdict.waiting("Healthy for 4 minutes", retry_after=timedelta(minutes=1)))


def boxes(message: Rendered) -> list[dict[str, object]]:
    found = [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]
    return [element for element in found if element["type"] == "checkboxes"]


def test_void_approvals_are_told_and_asked_for_again() -> None:
    again = promotion(voided="what the gates found has changed")
    read = lines(card(again))
    assert "🚦 Waiting again for an approval from release-managers." in read
    assert (
        "♻️ Earlier approvals no longer count: what the gates found has changed. Look again, and decide again." in read
    )
    decided = replace(again, stage=Stage.COMMIT)
    assert not any("do not count" in line for line in lines(card(decided)))


def test_a_successor_is_pointed_to_and_nothing_can_be_pressed() -> None:
    moved = promotion(Stage.DONE, Phase.FAILED, successor="p-next", outcome="The overlay was changed by Cy.")
    read = lines(card(moved))
    assert read[1] == "❌ The overlay was changed by Cy."
    assert read[-2:] == ["➡️ A new card was issued: `p-next`.", "| (`p-7f3a`)"]


def test_what_takes_anothers_place_says_whose() -> None:
    assert lines(card(promotion(plan=plan(replaces="p-old"))))[1] == "This takes the place of `p-old`."


def test_an_automatic_rollback_is_announced_with_its_evidence() -> None:
    sick = following(Progress.FAILED, explanation="Back-off pulling image")
    failed = promotion(
        Stage.DONE, Phase.FAILED, commit=COMMIT, following=(sick,), successor="p-back", outcome="It turned Degraded."
    )
    read = lines(card(failed))
    assert "🤖 Pilothouse rolls this back automatically: `p-back`." in read
    assert [line for line in read if line.startswith("[")] == [
        "[History]"
    ]  # nobody rolls back what rolls back by itself

    train = replace(failed, plan=replace(failed.plan, missing=(MissingImage("payments", "v1", "v2", "It is gone."),)))
    assert "🤖 Pilothouse automatically rolls back the apps whose policy says so: `p-back`." in lines(card(train))

    back = plan(
        id="p-back",
        kind=Kind.ROLLBACK,
        requester=PILOTHOUSE,
        automatic=True,
        reason="my-app-production turned Degraded",
        approval=ApprovalRule(0),
        skipped_gates={"scan": "policy rolls back automatically", "health": "policy rolls back automatically"},
    )
    read = lines(card(promotion(Stage.COMMIT, plan=back)))
    assert read[:4] == [
        "# ⏪ my-app → production · v1.4.1 → v1.4.2",
        "🤖 *Pilothouse rolls back automatically*: my-app-production turned Degraded",
        "⏳ Writing the change to git.",
        "Requested by Pilothouse · Approvals: none needed · 1f2e3d4 → 5a6b7c8",
    ]


def test_broken_glass_is_loud() -> None:
    skipped = {"scan": "the glass was broken: site is down", "soak": "the glass was broken: site is down"}
    broken = plan(break_glass=True, reason="site is down", approval=ApprovalRule(0), skipped_gates=skipped)
    results = (replace(BLOCKED[0], waived="the glass was broken: site is down"), PASSED[1])
    read = lines(card(promotion(Stage.COMMIT, plan=broken, results=results)))
    assert read[:7] == [
        "# 🚨 my-app → production · v1.4.1 → v1.4.2",
        "🚨 *@U0ANA broke the glass*: site is down",
        "It needs no approval, and the scan gate cannot stop it. Once it is in git, somebody else must review it.",
        "⏳ Writing the change to git.",
        "⏭️ *Scan* is skipped; it would have been: ⛔ The image has 2 Critical vulnerabilities, and production allows "
        "none Details",
        "Requested by @U0ANA · Approvals: none: the glass is broken · 1f2e3d4 → 5a6b7c8",
        "✅ Health passes",
    ]
    assert not any("waived" in line for line in read)
    done = promotion(Stage.DONE, Phase.SUCCEEDED, plan=broken, commit=COMMIT)
    assert lines(card(done))[2].endswith("Somebody else must review it: `/review p-7f3a NOTE`.")


def test_a_pull_request_is_linked_and_waited_for() -> None:
    opened = promotion(Stage.COMMIT, approvals=(approval(),), pull_request="https://github.com/acme/overlays/pull/12")
    read = lines(card(opened))
    assert "(Pull request #12)" in read
    assert "⏳ Waiting for the pull request's checks, and for its merge." in read


def test_what_is_healthy_is_still_watched_where_policy_says_so() -> None:
    well = promotion(Stage.FOLLOW, commit=COMMIT, following=(following(Progress.HEALTHY),))
    assert lines(card(well))[1] == "👀 Healthy."
    assert lines(card(well, watched=timedelta(minutes=10)))[1] == (
        "👀 Healthy; watched for 10 minutes, and rolled back if it does not stay so."
    )
    gone = MissingImage("payments", "v1", "v2", "It is gone.")
    train = replace(well, plan=replace(well.plan, missing=(gone,)), left_out=("payments",))
    assert lines(card(train, watched=timedelta(hours=1)))[1] == (
        "👀 Healthy; apps whose policy says so are watched for up to 1 hour, and rolled back if they do not stay so."
    )


def test_either_of_two_quorums() -> None:
    rule = ApprovalRule(2, ("release-manager",), alternatives=(Quorum(1, ("admin",)),))
    read = lines(card(promotion(plan=plan(approval=rule), approvals=(approval(BO, "release-manager"),))))
    assert any("Approvals: 1 given: @U0BO" in line for line in read)
    assert "🚦 Waiting for an approval from release-manager, or an approval from admin." in read
    preview = lines(dry_run(promotion(Stage.GATES, plan=plan(approval=rule))))
    assert (
        "✅ No gate is in the way. It would wait for 2 approvals from release-manager, or an approval from admin."
        in preview
    )


def test_whoever_waits_for_a_gate_can_ask_to_be_told() -> None:
    read = lines(card(promotion(Stage.GATES, results=(*PASSED, WAITING))))
    assert read[1] == "⏳ Waiting for the soak gate. Nothing to do: it continues automatically."
    assert "[Notify me when ready] [Abort]" in read


def test_the_rows_of_a_train_can_be_unticked() -> None:
    results = (*PASSED, GateResult("scan", "ledger", Verdict.passed("clean")))
    waiting = promotion(plan=TRAIN, results=results, left_out=("payments",))
    read = lines(card(waiting))
    assert read[0] == "# 🚀 2 of 3 apps → production · 2 images"
    assert read[3:6] == [
        "[x] my-app · v1.4.1 → v1.4.2 (✅ Scan, ✅ Health)",
        "[ ] payments · 2.0 → 2.1",
        "[x] ledger · 7 → 8 (✅ Scan)",
    ]


def test_many_gates_are_told_in_few_words() -> None:
    """Those that do not hold come first."""
    gates = ("scan", "health", "soak", "lock", "freeze")
    passed = tuple(GateResult(gate, "my-app", Verdict.passed("yes")) for gate in gates)
    held = tuple(replace(result, verdict=Verdict.blocked("no", "fix it")) for result in passed[2:])

    def told(results: tuple[GateResult, ...]) -> str:
        return next(line for line in lines(card(promotion(plan=TRAIN, results=results))) if line.startswith("[x]"))

    assert told(passed).endswith("(✅ Scan, ✅ Health, ✅ 3 more)")
    assert told((*passed[:4], held[2])).endswith("(⛔ Freeze, ✅ 4 more)")
    assert told((*passed[:2], *held)).endswith("(⛔ Soak, ⛔ Lock, ✅ 2 more, ⛔ 1 more)")


def test_boxes_name_their_promotion_and_are_new_for_new_content() -> None:
    """S16: Slack keeps what a reader ticked for as long as the ids stay the same."""

    def block(shown: Promotion) -> str:
        return next(str(b["block_id"]) for b in card(shown).blocks if str(b.get("block_id", "")).startswith("ticks"))

    before, after = block(promotion(plan=TRAIN)), block(promotion(plan=TRAIN, left_out=("ledger",)))
    assert before != after
    assert promotion_of(before) == promotion_of(after) == "p-7f3a"
    with pytest.raises(InvalidCommand):
        promotion_of("something-else")


def test_more_than_ten_apps_are_several_groups_and_many_more_are_left_out_by_keyboard() -> None:
    """An element takes ten options."""

    def train(apps: int) -> Promotion:
        return promotion(plan=plan(moves=tuple(move(f"app-{n}") for n in range(apps))), results=())

    assert [len(one["options"]) for one in boxes(card(train(13)))] == [10, 3]  # type: ignore[arg-type]
    assert [one["action_id"] for one in boxes(card(train(13)))] == ["promotion.adjust", "promotion.adjust#1"]
    many = card(train(30))
    assert not boxes(many)
    assert "(Apps can be left out: `/adjust p-7f3a leave out APP…`)" in lines(many)


@pytest.mark.parametrize("stage", [Stage.COMMIT, Stage.FOLLOW])
def test_after_the_decision_rows_are_no_boxes_and_what_stayed_is_struck_through(stage: Stage) -> None:
    on_its_way = promotion(stage, plan=TRAIN, left_out=("payments",), results=())
    read = card(on_its_way)
    assert not boxes(read)
    rows = lines(read)
    first = next(index for index, line in enumerate(rows) if line.startswith("•"))
    assert rows[first : first + 3] == [
        "• `my-app` v1.4.1 → *v1.4.2*",
        "• `payments` ~2.0 → 2.1~ · left out",
        "• `ledger` 7 → *8*",
    ]


def test_an_app_that_is_left_out_neither_blocks_nor_rolls_back() -> None:
    results = (*PASSED, replace(BLOCKED[0], app="payments"))
    assert not promotion(plan=TRAIN, results=results, left_out=("payments",)).blocked
    sick = replace(following(Progress.FAILED), application=ApplicationRef("ledger-production", "production"))
    failed = promotion(
        Stage.DONE, Phase.FAILED, plan=TRAIN, left_out=("payments",), commit=COMMIT, following=(sick,), finished_at=AT
    )
    assert "[Roll back ledger]" in lines(card(failed))


def test_a_card_to_look_at_has_no_buttons_and_says_where_the_real_one_is() -> None:
    read = lines(shown(promotion()))
    assert "(The card itself is in #C0DEPLOY.)" in read
    assert not any(line.startswith("[") for line in read)


def test_the_second_person_is_told_and_can_press() -> None:
    context = Context("r1", "C0DEPLOY", "c1")
    wish = Deploy(context=context, app="my-app", environment="production")
    told = render(Occupied("Ana is already promoting my-app to production.", promotion(), wish))
    assert lines(told) == [
        "Ana is already promoting my-app to production.",
        "[Show it] [Queue behind it] [Notify me when ready] [Replace it?]",
        "(Or type the command again with `--queue` or `--replace`.)",
    ]
    many = Promote(context=context, apps=tuple(f"app-{n:0100}" for n in range(30)), environment="production")
    assert lines(render(Occupied("Ana is there.", promotion(), many)))[1] == "[Show it]"


def test_who_may_not_view_what_is_in_the_way_can_still_wait() -> None:
    wish = Deploy(context=Context("r1", "C0DEPLOY", "c1"), app="my-app", environment="production")
    assert lines(render(Occupied("Ana is already promoting my-app to production.", None, wish))) == [
        "Ana is already promoting my-app to production.",
        "[Queue behind it] [Notify me when ready] [Replace it?]",
        "(Or type the command again with `--queue` or `--replace`.)",
    ]
    assert lines(render(Queued(None))) == [
        "Yours starts when the promotion in progress has ended, and you get a message."
    ]
    assert lines(render(Queued(None, replacing=True))) == [
        "Pilothouse aborts the promotion in progress, as you asked; yours starts when that has ended, "
        "and you get a message."
    ]


def test_who_asks_again_reads_which_of_their_requests_no_longer_starts() -> None:
    wish = Deploy(context=Context("r1", "C0DEPLOY", "c1"), app="my-app", environment="production")
    timed, queued = replace(wish, start_at=AT), Waiting(wish, "U0ANA", "T1", AT)
    before = Waiting(timed, "U0ANA", "T1", AT)
    lost = " It replaces your earlier request, *my-app → production* (2026-05-04 14:02 UTC)."
    assert lines(render(Queued(None, instead_of=before))) == [
        f"Yours starts when the promotion in progress has ended, and you get a message.{lost}"
    ]
    assert lines(render(Queued(promotion(), replacing=True, instead_of=before)))[0].endswith(lost)
    assert f"and you get a message.{lost} Where it stands now:" in lines(render(Queued(promotion(), False, before)))[0]
    assert lines(render(Postponed(promotion(), timed, queued)))[0].endswith(
        " It replaces your earlier request, *my-app → production* (behind the promotion in progress)."
    )
    asked = replace(wish, notify=True)
    again = Waiting(replace(asked, image="v1.4.1"), "U0ANA", "T1", AT)
    assert lines(render(Postponed(promotion(), asked, again)))[0].endswith(
        " It replaces your earlier request, *my-app@v1.4.1 → production* (a message when it is open)."
    )


def test_an_app_that_was_named_and_does_not_change_is_not_left_out_in_silence() -> None:
    wish = Promote(context=Context("r1", "C0DEPLOY", "c1"), apps=("my-app", "payments"), environment="production")
    said = "payments is left out: production already pins its image in git."
    assert said in lines(render(Started(promotion(), "C0DEPLOY", here=True, unchanged=("payments",))))[0]
    assert said in lines(render(DryRun(promotion(), wish)))
    assert said in lines(render(Postponed(promotion(), replace(wish, start_at=AT))))[0]
    assert said in lines(render(GlassAsked(promotion(), replace(wish, break_glass=True, reason="it burns"))))[0]
    three = replace(wish, apps=("my-app", "payments", "ledger"))
    assert "payments and ledger are left out: production already pins their images in git." in lines(
        render(DryRun(promotion(), three))
    )
    assert not any("left out" in line for line in lines(render(DryRun(promotion(), replace(wish, apps=())))))


def test_a_closed_gate_offers_to_deploy_later_and_to_hear_of_it() -> None:
    frozen = GateResult("freeze", "my-app", Verdict.blocked("production is frozen.", "It opens on Monday."))
    ended = promotion(Stage.DONE, Phase.FAILED, results=(frozen,), finished_at=AT)
    assert "[Deploy when it opens] [Notify me when ready] [Try again] [History]" in lines(card(ended))
    presses = {one["text"]["text"]: one for b in card(ended).blocks if b["type"] == "actions" for one in b["elements"]}
    ask = read_button(presses["Notify me when ready"], Context("r1", "C0DEPLOY", "c1"))
    assert isinstance(ask, Deploy)
    assert (ask.app, ask.environment, ask.when_open, ask.notify) == ("my-app", "production", True, True)
    assert ask.image == ended.moves[0].after.digest


def test_what_one_waits_to_hear_of_is_told_and_called_off() -> None:
    wish = Deploy(context=Context("r1", "C0DEPLOY", "c1"), app="my-app", environment="production", notify=True)
    frozen = GateResult("freeze", "my-app", Verdict.blocked("production is frozen.", "It opens on Monday."))
    assert lines(render(Postponed(promotion(Stage.GATES, results=(frozen,)), wish)))[0] == (
        "🔔 You get a message when nothing holds *my-app → production · v1.4.1 → v1.4.2* back: right now the freeze "
        "gate does. Nothing starts before you say so."
    )
    assert lines(render(Postponed(promotion(), wish)))[1:] == ["[Cancel]"]
    assert lines(render(Postponed(promotion(), wish)))[0].endswith(
        "right now another promotion does. Nothing starts before you say so."
    )
    assert lines(render(Unhindered(promotion(), wish))) == [
        "🔔 Nothing holds *my-app → production · v1.4.1 → v1.4.2* back now.",
        "[Deploy]",
    ]


def test_what_starts_later_says_when_and_is_called_off_by_a_button() -> None:
    context = Context("r1", "C0DEPLOY", "c1")
    wish = Deploy(context=context, app="my-app", environment="production", image="v1.4.2", start_at=AT)
    answer, reminder = render(Postponed(promotion(), wish)), starts_soon(Waiting(wish, "U0ANA", "T1", AT))
    assert lines(answer) == [
        "🗓️ *my-app → production · v1.4.1 → v1.4.2* starts 2026-05-04 14:02 UTC. Every gate is asked again then, and it "
        "needs its approvals as usual.",
        "[Cancel]",
        "(`/schedule` lists what starts later, and cancels it.)",
    ]
    assert lines(reminder)[1:] == ["[Cancel]"]
    for message in (answer, reminder, render(Scheduled((Waiting(wish, "U0ANA", "T1", AT),)))):
        asked = read_button(pressed(message, "Cancel"), replace(context, request_id="r2"))
        assert isinstance(asked, ShowSchedule)
        assert asked.cancel == promotion_id("r1")


def pressed(message: Rendered, label: str) -> dict[str, Any]:
    elements = [e for block in message.blocks for e in (*block.get("elements", ()), block.get("accessory") or {})]
    return next(element for element in elements if (element.get("text") or {}) and label in str(element["text"]))


def test_who_waits_is_told_for_what() -> None:
    assert lines(render(Queued(promotion()))) == [
        "Yours starts when *my-app → production · v1.4.1 → v1.4.2* has ended, and you get a message. "
        "Where it stands now: Waiting for an approval from release-managers."
    ]
    assert lines(render(Queued(promotion(), replacing=True))) == [
        "Pilothouse aborts *my-app → production · v1.4.1 → v1.4.2*, as you asked; yours starts when that has ended, "
        "and you get a message."
    ]


def test_before_the_glass_is_broken_it_is_told_what_that_skips() -> None:
    skipped = dict.fromkeys(("freeze", "lock", "scan"), "the glass was broken: it burns")
    broken = promotion(
        Stage.GATES, Phase.PENDING, plan=plan(break_glass=True, reason="it burns", skipped_gates=skipped)
    )
    context = Context("r1", "C0DEPLOY", "c1")
    wish = Deploy(context=context, app="my-app", environment="production", reason="it burns", break_glass=True)
    asked = render(GlassAsked(broken, wish))
    assert lines(asked) == [
        "🔨 Nothing has started. Breaking the glass for *my-app → production · v1.4.1 → v1.4.2* skips the approval, "
        "freezes, locks and the scan gate. The channel sees it, and somebody else must review it. Reason: it burns",
        "[Break the glass?]",
        "(The button works only for these images and gates: if they change first, you are asked again.)",
    ]
    (button,) = asked.blocks[1]["elements"]
    assert button["confirm"]["text"]["text"] == (
        "my-app → production · v1.4.1 → v1.4.2. This skips the approval, freezes, locks and the scan gate."
    )
    train = replace(broken, results=(), plan=replace(TRAIN, break_glass=True, skipped_gates=skipped))
    assert lines(render(GlassAsked(train, wish)))[1:4] == [
        "• `my-app` v1.4.1 → *v1.4.2*",
        "• `payments` 2.0 → *2.1*",
        "• `ledger` 7 → *8*",
    ]
    long = replace(wish, reason="it burns " * 300)
    assert lines(render(GlassAsked(broken, long))) == [
        "Nothing has started: the apps and the reason are too long for one button. "
        "Name fewer apps, or shorten the reason."
    ]


def test_an_older_image_is_confirmed_before_anybody_is_asked() -> None:
    older = replace(move(before="v1.5.0"), older=(Older.PUSHED, Older.VERSION))
    would = promotion(Stage.GATES, Phase.PENDING, plan=plan(moves=(older,)))
    wish = Deploy(context=Context("r1", "C0DEPLOY", "c1"), app="my-app", environment="production", image="v1.4.2")
    asked = render(OlderAsked(would, wish))
    assert lines(asked) == [
        "⏬ Nothing has started. *my-app → production · v1.5.0 → v1.4.2* goes back to an older image: "
        "confirm it first.",
        "⏬ *Older than what production has now* (v1.5.0): my-app v1.4.2 was pushed before it and has a lower version",
        "[Deploy the older image] [Roll back …]",
        "(The button works only for these images: if they change first, you are asked again.)",
    ]
    train = replace(would, plan=replace(TRAIN, moves=(older, replace(move("ledger", "8", "7"), older=(Older.RAN,)))))
    assert lines(render(OlderAsked(train, wish)))[-2] == "[Deploy the older images]"
    long = replace(wish, reason="it burns " * 300)
    assert "shorten the reason" in render(OlderAsked(would, long)).text


GONE = MissingImage(
    "billing", "3.0", "3.1", "The registry no longer has harbor.example.com/apps/billing 3.1: build it again."
)
NEWS = (SourceCommit("Fix the checkout", "Ana"), SourceCommit("Faster search", "Bo"))


def test_a_train_names_the_newest_commit_of_each_app_and_how_many_there_are() -> None:
    moves = tuple(replace(one, commits=len(one.app), newest=NEWS) for one in TRAIN.moves)
    shown_ = lines(shown(promotion(Stage.APPROVAL, plan=plan(moves=moves))))
    assert "• `ledger` 7 → *8* · 6 commits" in shown_
    assert "        • `payments` Fix the checkout (Ana)" in shown_
    assert "        … and commits of 1 more app" in lines(
        shown(promotion(Stage.APPROVAL, plan=plan(moves=(*moves, *(replace(moves[0], app=f"a{n}") for n in range(3))))))
    )


def test_an_app_without_an_image_is_a_blocked_row_with_what_helps() -> None:
    waits = GateResult("image", "billing", Verdict.blocked(GONE.why, "Leave the app out."))
    train = promotion(Stage.GATES, results=(waits,), plan=replace(TRAIN, missing=(GONE,)))
    assert [box["value"] for box in boxes(card(train))[0]["options"]] == ["my-app", "payments", "ledger", "billing"]  # type: ignore[attr-defined]
    said = lines(card(train))
    assert said[0] == "# 🚀 3 of 4 apps → production · 3 images"
    assert GONE.why in " ".join(said)
    assert "[Abort]" in said
    gone = "• `billing` 3.0 → 3.1 · ⛔ " + GONE.why
    assert gone in lines(shown(train))
    assert "• `billing` ~3.0 → 3.1~ · left out" in lines(shown(replace(train, left_out=("billing",))))


def test_a_long_train_is_named_whole_in_a_window() -> None:
    """Those who approve see every app: the card has room for some of them, a direct message for ten."""
    moves = tuple(replace(move(f"app-{number}", "1", "2"), commits=2, newest=NEWS) for number in range(60))
    long = promotion(Stage.APPROVAL, plan=plan(moves=moves))
    for message in (card(long), approval_request(long, "", ())):
        [button] = [
            e for b in message.blocks if b["type"] == "actions" for e in b["elements"] if "apps" in e["action_id"]
        ]
        assert button["text"]["text"] == "All 60 apps"
        assert read_button(button, Context("r1", "C0DEPLOY", "c1")).promotion == long.id  # type: ignore[attr-defined]
    assert "All" not in str([b for b in card(promotion(plan=TRAIN)).blocks if b["type"] == "actions"])
    window = train_apps(TrainApps(long, long.plan.apps))
    told = "\n".join(block["text"]["text"] for block in window["blocks"] if block["type"] == "section")
    assert [f"`app-{number}`" in told for number in range(60)] == [True] * 60
    assert told.count("Faster search (Bo)") == 60
    assert len(window["blocks"]) <= 100
    assert all(len(block["text"]["text"]) <= 3000 for block in window["blocks"])


@pytest.mark.parametrize(("stage", "phase"), [(Stage.FOLLOW, Phase.RUNNING), (Stage.DONE, Phase.SUCCEEDED)])
def test_a_card_that_cuts_the_rows_of_few_apps_offers_all_of_them(stage: Stage, phase: Phase) -> None:
    """While it waits for approvals the same apps are boxes, which all fit."""
    names = [f"a-service-with-quite-a-long-name-of-its-own-{number}" for number in range(20)]
    moves = tuple(move(name, "v1.4.1-build.20261128", "v1.4.2-build.20261129") for name in names)
    few = promotion(stage, phase, plan=plan(moves=moves), commit=COMMIT)
    shown = lines(card(few))
    assert any("and " in line and line.endswith(" more") for line in shown)
    assert any("[All 20 apps]" in line for line in shown)
    assert not any("[All " in line for line in lines(card(replace(few, stage=Stage.APPROVAL, phase=Phase.RUNNING))))
    short = replace(few, plan=plan(moves=moves[:3]))
    assert not any("[All " in line for line in lines(card(short)))


def test_a_direct_message_whose_few_rows_are_long_offers_all_apps() -> None:
    wide = tuple(move(f"app-{n}-" + "n" * 70, "v" * 60, "w" * 60) for n in range(10))
    train = promotion(Stage.APPROVAL, plan=plan(moves=wide))
    results = tuple(
        GateResult(gate, one.app, Verdict.blocked("Not yet.", "Wait."))
        for one in wide
        for gate in ("scan", "soak", "order")
    )
    shown = lines(approval_request(replace(train, results=results), "", ()))
    assert any(line.endswith(" more") for line in shown)
    assert any("[All 10 apps]" in line for line in shown)


def part(app: str, image: str) -> Move:
    whole = move(app, "1", "2")
    return replace(whole, after=replace(whole.after, repository=f"harbor.example.com/apps/{image}"))


def test_a_direct_message_that_cuts_a_train_says_so_also_where_its_apps_have_several_images() -> None:
    images = (part(f"app-{n}", image) for n in range(8) for image in ("web", "worker"))
    shown = lines(approval_request(promotion(Stage.APPROVAL, plan=plan(moves=tuple(images))), "", ()))
    assert "… and 6 more images" in shown
    assert any("[All 8 apps]" in line for line in shown)
    alone = tuple(part("app", f"part-{n}") for n in range(12))
    shown = lines(approval_request(promotion(Stage.APPROVAL, plan=plan(moves=alone)), "", ()))
    assert "… and 2 more images" in shown
    assert not any("[All " in line for line in shown)


def test_what_is_confirmed_as_older_is_named_whole_and_a_card_says_how_many_more() -> None:
    older = tuple(replace(move(f"app-{n}", "2", "1"), older=(Older.VERSION,)) for n in range(8))
    train = promotion(Stage.APPROVAL, plan=plan(moves=older))
    wish = Deploy(context=Context("r1", "C0DEPLOY", "c1"), app="app-0", environment="production", image="1")
    asked = lines(render(OlderAsked(train, wish)))
    assert "⏬ *Older than what production has now:*" in asked
    assert all(f"• `app-{n}` 2 → 1: it has a lower version" in asked for n in range(8))
    assert not any("[All " in line for line in asked)
    assert "… and 3 more images older than now" in lines(card(train))
    window = train_apps(TrainApps(train, train.plan.apps))
    assert str(window).count("⏬ Older: it has a lower version") == 8


def test_of_very_many_older_images_a_window_names_all() -> None:
    older = tuple(replace(move(f"app-{n}", "2", "1"), older=(Older.VERSION, Older.RAN)) for n in range(300))
    train = promotion(Stage.APPROVAL, plan=plan(moves=older))
    wish = Promote(context=Context("r1", "C0DEPLOY", "c1"), apps=(), environment="production")
    asked = render(OlderAsked(train, wish))
    named = sum(line.startswith("• `app-") for line in lines(asked))
    assert 50 < named < 300
    assert f"(and {300 - named} more)" in lines(asked)
    [every] = [
        e for b in asked.blocks if b["type"] == "actions" for e in b["elements"] if "wish-apps" in e["action_id"]
    ]
    assert every["text"]["text"] == "All 300 apps"
    ask = read_button(every, Context("r2", "C0DEPLOY", "c1"))
    assert isinstance(ask, ShowApps)
    assert isinstance(ask.wish, Promote)
    assert (ask.wish.apps, ask.wish.environment, ask.promotion) == ((), "production", "")
    window = str(train_apps(TrainApps(train, train.plan.apps)))
    assert all(f"`app-{n}`" in window for n in range(300))


def test_a_dry_run_and_a_broken_glass_without_room_for_all_apps_offer_them() -> None:
    moves = tuple(move(f"a-service-with-a-long-name-{n}", "v1.4.1-build.1", "v1.4.2-build.2") for n in range(60))
    long = promotion(Stage.GATES, Phase.PENDING, plan=plan(moves=moves, skipped_gates={"soak": "broken"}))
    context = Context("r1", "C0DEPLOY", "c1")
    wish = Promote(context=context, apps=(), environment="production", break_glass=True, reason="it burns")
    for reply in (DryRun(long, wish), GlassAsked(long, wish)):
        assert any("[All 60 apps]" in line for line in lines(render(reply)))
    few = replace(long, plan=replace(long.plan, moves=moves[:3]))
    for reply in (DryRun(few, wish), GlassAsked(few, wish)):
        assert not any("[All " in line for line in lines(render(reply)))


def test_apps_that_the_reader_may_not_view_are_counted_in_the_window() -> None:
    train = promotion(Stage.APPROVAL, plan=TRAIN)
    window = str(train_apps(TrainApps(train, ("payments",))))
    assert "`payments`" in window
    assert "2 more apps that you may not view." in window
    assert "`my-app`" not in window


def test_a_train_without_end_says_how_many_are_not_named() -> None:
    moves = tuple(replace(move(f"app-{number}" * 4, "1", "2"), commits=2, newest=NEWS) for number in range(3000))
    endless = promotion(Stage.APPROVAL, plan=plan(moves=moves))
    window = train_apps(TrainApps(endless, endless.plan.apps))
    named = sum(block["text"]["text"].count("• `") for block in window["blocks"] if block["type"] == "section")
    assert len(window["blocks"]) <= 100
    assert f"and {3000 - named:,} more" in str(window["blocks"][-1])


def test_nothing_holds_it_is_not_said_of_what_a_gate_stops() -> None:
    """Only what opens again is waited for: a scan that says no is still there."""
    held = GateResult("scan", "my-app", Verdict.blocked("2 critical", "Build it again."))
    wish = Deploy(context=Context("r", "C0DEPLOY", "c"), app="my-app", environment="production")
    told = render(Unhindered(promotion(Stage.GATES, results=(held,)), wish)).text
    assert "Nothing holds" not in told
    assert told.endswith("back now, but the scan gate does.")
