"""Deploy, promote, roll back, approve, reject, abort: each starts or signals, and answers with what the asker needs."""

from dataclasses import replace

import pytest

from bot.domain.errors import Conflict, NotAllowed, Unavailable, UnknownName
from bot.domain.intent import Approve, AskReason, Context, Reject
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.promotion import Phase, Stage
from bot.domain.reply import (
    ApprovalRequests,
    Decided,
    DryRun,
    Picker,
    ReasonForm,
    RollbackChoice,
    RollbackChoices,
    Silent,
    Started,
)
from tests.fakes.command_harness import CommandHarness, healthy
from tests.fakes.promotions import HOST, NOW

PRODUCTION = frozenset({"production"})
CONTEXT = Context("r2", "C0DEPLOY", "c2", "T0PILOT")


@pytest.mark.parametrize("typed", ["/deploy my-app prod", "/promote my-app to prod", "/rollback my-app prod to 1.4.0"])
async def test_starting_answers_with_the_promotion_and_its_channel(typed: str) -> None:
    harness = CommandHarness()
    reply = await harness.run(typed, "U0ANA")
    assert reply == Started(harness.promotions.only, "C0DEPLOY", here=True)


@pytest.mark.parametrize("typed", ["/deploy my-app prod --dry-run", "/promote my-app to prod --dry-run"])
async def test_a_dry_run_starts_nothing(typed: str) -> None:
    harness = CommandHarness()
    assert isinstance(await harness.run(typed, "U0ANA"), DryRun)
    assert not harness.promotions.all


async def test_rolling_back_without_a_target_shows_what_there_is() -> None:
    harness = CommandHarness()
    commit = Commit("c" * 40, Author("Ana", "ana@example.com"), "Promote my-app", NOW)
    choice = RollbackChoice(OverlayImage("x", f"{HOST}/my-app", "1.4.0"), NOW, commit, verified=True)
    harness.promotions.choices = (choice,)
    known = healthy("my-app", "production")
    harness.applications.put(replace(known, images=(f"{HOST}/my-app:1.4.1",)))
    reply = await harness.run("/rollback my-app prod", "U0ANA")
    running = OverlayImage(f"{HOST}/my-app", f"{HOST}/my-app", "1.4.1")
    assert reply == RollbackChoices("my-app", "production", running, (choice,), careful=True)
    assert not harness.promotions.all


@pytest.mark.parametrize(
    ("images", "revision", "runs"),
    [
        ((f"{HOST}/my-app:1.4.0",), "", "1.4.0 runs"),
        ((f"{HOST}/my-app:1.4.1", f"{HOST}/my-app:1.4.0"), "", ""),  # a rollout
        ((), "d" * 40, "Argo CD is at ddddddd"),
        ((), "", "Argo CD does not say what runs"),
        (None, "", "Argo CD does not say what runs"),  # no such Application
    ],
)
async def test_what_there_is_to_go_back_to_stands_beside_what_really_runs(
    images: tuple[str, ...] | None, revision: str, runs: str
) -> None:
    harness = CommandHarness()
    harness.applications.remove("my-app-production")
    if images is not None:
        harness.applications.put(replace(healthy("my-app", "production"), images=images, revision=revision))
    reply = await harness.run("/rollback my-app prod", "U0ANA")
    assert isinstance(reply, RollbackChoices)
    assert reply.runs == runs


async def test_an_argo_cd_that_is_away_hides_no_list_to_go_back_to() -> None:
    harness = CommandHarness()
    harness.applications.failing = Unavailable("Argo CD", "read", "timeout")
    reply = await harness.run("/rollback my-app prod", "U0ANA")
    assert isinstance(reply, RollbackChoices)
    assert (reply.running.label, reply.runs) == ("1.4.1", "Argo CD does not say what runs")


async def test_an_approval_by_keyboard_is_of_what_the_id_names_at_that_moment() -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    assert await harness.run(f"/approve {harness.promotions.only.id}") == Silent()
    (yes,) = harness.promotions.only.approvals
    assert yes.content_hash == harness.promotions.only.content_hash


@pytest.mark.parametrize(
    ("typed", "what"), [("/approve {}", "approved"), ("/reject {} too risky", "rejected"), ("/abort {}", "aborted")]
)
async def test_a_decision_that_is_typed_away_from_the_card_is_answered(typed: str, what: str) -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    live = harness.promotions.only
    user = "U0ANA" if what == "aborted" else "U0BO"
    asked = await harness.read(typed.format(live.id), replace(CONTEXT, request_id="r9", channel="C0GENERAL"))
    reply = await harness.run(asked, user)
    assert isinstance(reply, Decided)
    assert (reply.what, reply.about and reply.about.id) == (what, live.id)


async def test_an_approval_of_something_else_is_refused() -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    with pytest.raises(Conflict):
        await harness.run(Approve(context=CONTEXT, promotion=harness.promotions.only.id, content_hash="0" * 64))


async def test_a_rejection_by_keyboard_carries_its_reason() -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    await harness.run(f"/reject {harness.promotions.only.id} too risky on a Friday")
    assert harness.promotions.only.rejection
    assert harness.promotions.only.rejection.reason == "too risky on a Friday"


async def test_a_rejection_of_something_else_is_refused() -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    ask = Reject(context=CONTEXT, promotion=harness.promotions.only.id, content_hash="0" * 64, reason="no")
    with pytest.raises(Conflict):
        await harness.run(ask)


async def test_asking_for_a_reason_is_for_those_who_could_reject() -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    ask = AskReason(
        context=CONTEXT, promotion=harness.promotions.only.id, content_hash=harness.promotions.only.content_hash
    )
    assert await harness.run(ask, "U0BO") == ReasonForm(harness.promotions.only)
    with pytest.raises(NotAllowed, match="`approve` permission for my-app in production"):
        await harness.run(ask, "U0ANA")
    ended = replace(harness.promotions.only, phase=Phase.SUCCEEDED, stage=Stage.DONE)
    harness.promotions.all[ended.id] = ended
    with pytest.raises(Conflict, match="decided already"):
        await harness.run(ask, "U0BO")


async def test_abort_reaches_the_promotion() -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    await harness.run(f"/abort {harness.promotions.only.id}", "U0ANA")
    assert harness.promotions.only.phase is Phase.ABORTED
    with pytest.raises(UnknownName):
        await harness.run("/abort p-none", "U0ANA")


async def test_the_picker_offers_what_the_caller_may() -> None:
    harness = CommandHarness()
    offered = await harness.run("/scan", "U0CY")
    assert isinstance(offered, Picker)
    assert [choice.value for choice in offered.apps] == ["my-app"]
    with pytest.raises(NotAllowed, match="`promote` permission"):
        await harness.run("/deploy", "U0CY")
    everything = await harness.run("/deploy prod", "U0ANA")
    assert isinstance(everything, Picker)
    assert [choice.value for choice in everything.apps] == ["ledger", "my-app", "payments"]
    assert [choice.value for choice in everything.environments] == ["development", "staging", "production"]
    assert (everything.verb, everything.environment) == ("deploy", "production")


async def test_a_bare_approve_shows_what_waits_and_approves_nothing() -> None:
    harness = CommandHarness()
    assert await harness.run("/approve") == ApprovalRequests((), PRODUCTION)
    await harness.run("/deploy my-app prod", "U0ANA")
    waiting = harness.promotions.only
    assert await harness.run("/approve") == ApprovalRequests((waiting,), PRODUCTION)
    assert await harness.run("/approve", "U0ANA") == ApprovalRequests((), PRODUCTION), "nobody approves their own"
    assert harness.promotions.only == waiting
