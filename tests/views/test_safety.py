"""Locks, freezes, rejected images, history and permissions, read aloud; and the buttons beside a lock."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.caller import Caller, Permission, Person
from bot.domain.errors import InvalidCommand
from bot.domain.intent import AwaitLock, BreakLock, Context, StealLock
from bot.domain.overlay import Author, OverlayImage
from bot.domain.promotion import Approval, Phase, Stage
from bot.domain.reply import (
    Abilities,
    Ability,
    ChangeHistory,
    Delegated,
    FreezeCalled,
    Grant,
    Holds,
    Identity,
    ImageRejected,
    LockHeld,
    LockTaken,
)
from bot.domain.safety import ClosedWindow, Delegation, Freeze, Lock, Rejection, Review
from bot.domain.source_range import BroughtCommit, CommitsFound, SourceRange
from bot.domain.trouble import Trouble, TroubleKind
from bot.ports import Rendered
from bot.router.buttons import read_button
from bot.views import render, safety
from bot.views.ids import Action, LockValue, encode
from bot.views.words import DAY_AND_TIME, moment
from tests.views.reading import lines, read
from tests.views.samples import AT, COMMIT, DIGEST, move, plan, promotion

ANA, BO, MIA = Person("U0ANA", "ana", "ana@example.com"), Person("U0BO", "bo"), Person("U0MIA", "mia")
LOCK = Lock("my-app", "production", ANA, "a <b>migration</b> & more.", AT, AT + timedelta(hours=2))
FREEZE = Freeze("f-1", "production", BO, "INC-123", AT, AT + timedelta(hours=20), "", ("payments",))
REJECTION = Rejection("my-app", DIGEST, "1.4.2", BO, "leaks memory", AT)
REVIEW = Review("p-abc", ("my-app",), "production", BO, "INC-1", AT)
DELEGATION = Delegation(BO, MIA, AT, AT + timedelta(days=2))
SIDECAR = OverlayImage("harbor.example.com/apps/proxy", "harbor.example.com/apps/proxy", "7")
CONTEXT = Context("r1", "C0DEPLOY", "c1", "T0PILOT")


def elements(message: Rendered) -> list[dict[str, Any]]:
    return [dict(element) for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


def said(message: Rendered) -> str:
    return "\n".join(lines(message))


def test_a_lock_that_was_taken_says_how_to_release_it() -> None:
    shown = said(render(LockTaken(LOCK)))
    assert shown.startswith("🔒 You hold *my-app* in *production* until ")
    assert "a <b>migration</b> & more" in shown  # read aloud: it is escaped on the wire
    assert "&lt;b&gt;" in render(LockTaken(LOCK)).text
    assert said(render(LockTaken(LOCK, builds="Pipelines ask first."))).endswith("Pipelines ask first.)")
    assert "/unlock my-app production" in shown
    assert "It belonged to <@U0ANA>, who gets a message" in render(LockTaken(replace(LOCK, owner=BO), LOCK)).text


def test_a_lock_that_somebody_else_holds_can_be_stolen_after_a_question_or_waited_for() -> None:
    message = render(LockHeld(LOCK, "mine now", "1h"))
    assert said(message).startswith("🔒 *my-app* in *production* is locked by @U0ANA (since ")
    assert "Wait until it is free, or take it over." in said(message)
    steal, wait = elements(message)
    assert (steal["text"]["text"], steal["confirm"]["title"]["text"]) == ("Take it over", "Take over the lock?")
    assert steal["confirm"]["text"]["text"] == "ana holds it: a <b>migration</b> & more. They get a message."
    assert wait["text"]["text"] == "Notify me when it is free"
    pressed = read_button(steal, CONTEXT)
    assert pressed == StealLock(
        context=CONTEXT, app="my-app", environment="production", since=AT.isoformat(), until="1h", reason="mine now"
    )
    assert read_button(wait, CONTEXT) == AwaitLock(context=CONTEXT, app="my-app", environment="production")


def test_releasing_somebody_elses_lock_asks_once_more() -> None:
    release, _ = elements(render(LockHeld(LOCK, release=True)))
    assert release["confirm"]["confirm"]["text"] == "Release it"
    assert read_button(release, CONTEXT) == BreakLock(
        context=CONTEXT, app="my-app", environment="production", since=AT.isoformat()
    )


def test_a_reason_too_long_for_a_button_costs_the_button_and_nothing_else() -> None:
    message = render(LockHeld(LOCK, "why " * 600))
    assert [element["text"]["text"] for element in elements(message)] == ["Notify me when it is free"]


@pytest.mark.parametrize("value", [LockValue("my-app", ""), LockValue("my-app", "production"), LockValue("", "", "x")])
def test_a_button_that_names_no_lock_is_refused(value: LockValue) -> None:
    with pytest.raises(InvalidCommand):
        read_button({"action_id": str(Action.LOCK_STEAL), "value": encode(value)}, CONTEXT)


def test_what_holds_promotions_back() -> None:
    shown = said(render(Holds((LOCK, replace(LOCK, app="", expires_at=None)), (FREEZE,), (REJECTION,), (REVIEW,))))
    for part in (
        "# 🔒 Locked", "*my-app* in *production* · @U0ANA since", "All of *production* · @U0ANA since",
        "# ❄️ Frozen", "Exempt: payments.", "# 🚫 Rejected images", "*my-app* *1.4.2* · @U0BO",
        "# 👀 Waiting for a review", "p-abc",
    ):  # fmt: skip
        assert part in shown, part
    assert said(render(Holds((), (), ()))) == "Nothing is locked, frozen or rejected."


WINDOW = ClosedWindow("production", "year end.", AT)


@pytest.mark.parametrize(
    ("window", "line"),
    [
        (WINDOW, "All of *production* · by policy until {at}: year end."),
        (replace(WINDOW, reason=""), "All of *production* · by policy until {at}."),
        (replace(WINDOW, denied=False, reason=""),
         "All of *production* · by policy, outside its open windows, until {at}."),
        (replace(WINDOW, opens=None), "All of *production* · by policy with no open window in sight: year end."),
        (replace(WINDOW, app="my-app"), "*my-app* in *production* · by policy until {at}: year end."),
        (replace(WINDOW, exempt_apps=("ledger",), exempt_roles=("sre",)),
         "All of *production* · by policy until {at}: year end. Exempt: ledger and the role `sre`."),
        (replace(WINDOW, exempt_apps=tuple("abcdefg")),
         "All of *production* · by policy until {at}: year end. Exempt: a, b, c, d, e and 2 more apps."),
    ],
)  # fmt: skip
def test_what_the_policys_windows_keep_closed(window: ClosedWindow, line: str) -> None:
    header, shown = lines(render(Holds((), (), (), (), (window,))))
    assert header == "# ❄️ Frozen"
    assert shown == line.format(at=read(moment(AT, DAY_AND_TIME)))


def test_a_thousand_locks_fit_into_one_message() -> None:
    many = tuple(replace(LOCK, app=f"app-{number}", reason="x" * 400) for number in range(1000))
    message = render(Holds(many, (FREEZE,) * 100, (REJECTION,) * 100, (REVIEW,) * 100, (WINDOW,) * 100))
    assert len(message.blocks) <= 50
    assert len(json.dumps(message.blocks)) < 30_000
    assert "more" in said(message)


def test_many_short_holds_of_every_kind_fit_into_one_message() -> None:
    """S19: fifty blocks, with a title and "and 5 more" for each of four kinds."""
    some = (replace(LOCK, reason=""),) * 15
    message = render(Holds(some, (replace(FREEZE, reason=""),) * 15, (REJECTION,) * 15, (REVIEW,) * 15))
    assert len(message.blocks) <= 50


def test_freezes_rejections_and_stand_ins() -> None:
    assert said(render(FreezeCalled(FREEZE, "Pipelines ask first."))).endswith("Pipelines ask first.)")
    assert said(render(FreezeCalled(FREEZE))).startswith("❄️ All of *production* is frozen until ")
    later = replace(FREEZE, until=FREEZE.until + timedelta(days=1))
    stays = f"All of *production* stays frozen until {read(moment(later.until, DAY_AND_TIME))}, as @U0BO asked before."
    assert said(render(FreezeCalled(FREEZE, longer=later))).endswith(
        f"({stays} `/unfreeze production` ends both. Exempt: payments.)"
    )
    own = replace(FREEZE, app="my-app")
    assert said(render(FreezeCalled(own, longer=later))).endswith(
        f"({stays} `/unfreeze my-app production` ends yours. Exempt: payments.)"
    )
    assert read(safety.frozen(FREEZE, later).text).endswith(stays)
    shown = said(render(ImageRejected((REJECTION,), ("staging",))))
    assert "*my-app* *1.4.2* is rejected everywhere: leaks memory." in shown
    assert "It is already committed in staging" in shown
    assert "/unreject my-app@1.4.2" in shown
    assert "@U0MIA stands in for you until" in said(render(Delegated(DELEGATION)))


def test_what_channels_and_people_are_told() -> None:
    assert safety.locked(LOCK, None).text.startswith("🔒 *my-app* in *production* is locked by <@U0ANA> until ")
    assert "taken over from <@U0ANA>" in safety.locked(replace(LOCK, owner=BO), LOCK).text
    assert safety.unlocked(LOCK, BO).text == "🔓 *my-app* in *production* is unlocked by <@U0BO>."
    assert "You have held" in safety.lock_ending(replace(LOCK, expires_at=None)).text
    assert safety.rejected(REJECTION, ()).text == "🚫 <@U0BO> rejected *my-app* *1.4.2*: leaks memory."
    assert "took back the rejection" in safety.cleared(REJECTION, MIA).text
    assert "<!subteam^S0RELEASE>:" in safety.review_owed(REVIEW, "<!subteam^S0RELEASE>").text
    closed = replace(REVIEW, closed_by=MIA, note="fine")
    assert safety.reviewed(closed).text.endswith("on my-app in *production*: fine")


def test_history_tells_what_who_when_and_how_it_ended() -> None:
    done = promotion(phase=Phase.SUCCEEDED, stage=Stage.DONE, commit=COMMIT, approvals=(Approval(MIA, "h", AT),))
    shown = lines(render(ChangeHistory("my-app", "production", (done,))))
    assert shown[0] == "# History of my-app in production"
    assert shown[1].startswith("✅ *production* ")
    assert "approved by @U0MIA" in shown[2]
    assert COMMIT.short in shown[2]
    two = replace(done, plan=plan(moves=(done.plan.moves[0], replace(move("my-app", "7", "8"), before=SIDECAR))))
    assert "my-app v1.4.1 → v1.4.2, proxy 7 → 8 · Succeeded" in lines(render(ChangeHistory("my-app", "", (two,))))[1]
    failed = replace(done, phase=Phase.FAILED, outcome="Rejected by mia: no")
    assert "Rejected by mia: no" in said(render(ChangeHistory("my-app", "", (failed,))))
    assert said(render(ChangeHistory("my-app", "", ()))).startswith("Nothing has been promoted for my-app yet. ")


TROUBLE = Trouble(
    "my-app", "production", TroubleKind.ILL, AT, AT + timedelta(hours=1), "Degraded", ("Pod x",), "crashes"
)


@pytest.mark.parametrize(
    ("trouble", "shown"),
    [
        (TROUBLE, ["🩹 *production* Degraded · from {at} until {over}", "Pod x: crashes"]),
        (replace(TROUBLE, over_at=None, message=""), ["🔴 *production* Degraded · since {at}", "Pod x"]),
        (replace(TROUBLE, kind=TroubleKind.DRIFT, over_at=None, what="", resources=tuple("abcde"), message=""),
         ["〰️ *production* changed in the cluster, without a commit · since {at}", "a, b, c and 2 more"]),
        (replace(TROUBLE, kind=TroubleKind.NOT_COMPARED, over_at=None, resources=(), message="no manifest"),
         ["❔ *production* not compared with git by Argo CD · since {at}", "no manifest"]),
        (replace(TROUBLE, resources=(), message="", over_at=None), ["🔴 *production* Degraded · since {at}"]),
    ],
)  # fmt: skip
def test_history_tells_what_went_wrong_without_a_deployment(trouble: Trouble, shown: list[str]) -> None:
    header, *found, known = lines(render(ChangeHistory("my-app", "", (), (), AT, (trouble,))))
    times = {"at": read(moment(AT, DAY_AND_TIME)), "over": read(moment(AT + timedelta(hours=1), DAY_AND_TIME))}
    assert header == "# History of my-app"
    assert found == [line.format(**times) for line in shown]
    assert known == f"(Changes by hand and by the pipeline are known since {times['at']}.)"


def test_pages_of_the_history_lead_to_each_other() -> None:
    second = ChangeHistory("my-app", "production", (), (), AT, (TROUBLE,), page=2, more=True)
    *_, pressed, foot = lines(render(second))
    assert pressed == "[Newer] [Older]"
    assert foot.startswith("(Page 2 · `/history my-app production --page N` · Changes by hand")
    assert said(render(replace(second, troubles=(), page=9, more=False))) == (
        "The history of my-app in production has no page 9."
    )


def test_a_page_of_the_longest_rows_is_whole() -> None:
    long = replace(TROUBLE, environment="e" * 60, resources=("r" * 200,) * 9, message="m" * 900)
    message = render(ChangeHistory("my-app", "", (), (), AT, (long,) * 10, more=True))
    assert sum(block["type"] == "section" for block in message.blocks) == 10
    assert len(message.blocks) <= 50


def test_a_row_with_the_commits_of_many_images_fits_into_a_section() -> None:
    """An entry alone on its page has the room of the page, and Slack takes 3,000 characters of a section."""
    brought = (BroughtCommit("Make it faster " * 5, Author("Ana", "ana@example.com")),) * 3
    ranges = tuple(
        SourceRange((f"image-{n}",), f"https://github.com/acme/{n}", "a", "b", 3, (), brought) for n in range(20)
    )
    done = promotion(phase=Phase.SUCCEEDED, stage=Stage.DONE, commit=COMMIT)
    message = render(ChangeHistory("my-app", "", (done,), commits={done.id: CommitsFound("fact", ranges)}))
    (text,) = (block["text"]["text"] for block in message.blocks if block["type"] == "section")
    assert len(text) <= 3000
    assert "more" in text.rpartition("\n")[2]


def test_who_one_is_and_what_one_may_do() -> None:
    caller = Caller(ANA, "T0PILOT", frozenset({"S0ENG", "engineers"}))
    grant = Grant("engineer", ("*",), ("staging",), (Permission.VIEW, Permission.PROMOTE))
    shown = lines(render(Identity(caller, (grant,), (DELEGATION,))))
    assert shown[:3] == [
        "You are @U0ANA (ana@example.com).",
        "User groups: @engineers.",
        "*engineer* for every app in staging: view and promote",
    ]
    assert shown[3].startswith("You stand in for @U0BO until ")
    nobody = said(render(Identity(replace(caller, guest=True, groups=frozenset()), ())))
    assert "a guest" in nobody
    assert "You have no role yet: ask the people who keep pilothouse.yaml for one." in nobody
    helped = said(render(Identity(caller, (), helpers="@platform-admins or <@U0DEE>")))
    assert "You have no role yet: ask @platform-admins or @U0DEE for one." in helped
    can = Abilities(
        "my-app", "production",
        (Ability(Permission.PROMOTE, ("engineer",)), Ability(Permission.APPROVE, (), "Ask @release-managers.")),
    )  # fmt: skip
    assert lines(render(can)) == [
        "# You and my-app in production",
        "✅ `promote` as engineer",
        "❌ `approve` Ask @release-managers.",
    ]


def test_a_lock_without_an_end_says_so() -> None:
    """A time that was left to the reason is seen here at the latest."""
    endless = replace(LOCK, expires_at=None, reason="audit until friday")
    assert "It has no end. Release it with" in str(render(LockTaken(endless)).blocks)
    assert "is locked by <@U0ANA>, with no end: audit until friday." in safety.locked(endless, None).text
    assert "no end" not in str(render(LockTaken(LOCK)).blocks) + safety.locked(LOCK, None).text
