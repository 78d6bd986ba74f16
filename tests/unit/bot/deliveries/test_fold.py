"""Facts in any order, and with repeats, fold to the same deployments."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.deliveries.fold import deployments
from bot.domain.build import ImageScanned, RunStarted
from bot.domain.delivery import (
    Cause,
    Committed,
    Drifted,
    Fact,
    HealthChanged,
    ImageChange,
    Judged,
    Outcome,
    SyncedByHand,
)
from bot.domain.overlay import Author, OverlayImage
from bot.domain.promotion import Progress
from bot.domain.scan import ScanStatus, Severity

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
PATH = "apps/my-app/overlays/production/kustomization.yaml"
SCAN = ImageScanned("sha256:" + "1" * 64, ScanStatus.SUCCESS, ((Severity.MEDIUM, 1),))
BEN = Author("Ben", "ben@example.com")


def moment(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def committed(sha: str, minutes: int, cause: Cause = Cause.GIT, app: str = "my-app") -> Fact:
    image = ImageChange(OverlayImage("x", "h/x", "v1"), OverlayImage("x", "h/x", "v2"))
    detail = Committed(sha, BEN, "Change by hand", cause, PATH, (image,))
    return Fact(f"git:{sha}:production:{app}", moment(minutes), app, "production", detail)


def judged(sha: str, minutes: int, progress: Progress, why: str = "", app: str = "my-app") -> Fact:
    return Fact(f"judged:{sha}:{progress}:{app}", moment(minutes), app, "production", Judged(sha, progress, why))


def health(minutes: int, *, healthy: bool) -> Fact:
    detail = HealthChanged(healthy, "Healthy" if healthy else "Degraded", "Deployment my-app", "it crashes")
    return Fact(f"health:{minutes}", moment(minutes), "my-app", "production", detail)


PLACES = st.sampled_from(["my-app", "other-app"])
SHAS = st.sampled_from(["a", "b", "c"])
MINUTES = st.integers(0, 30)
FACTS = st.one_of(
    st.builds(committed, SHAS, MINUTES, st.sampled_from(list(Cause)), PLACES),
    st.builds(judged, SHAS, MINUTES, st.sampled_from(list(Progress)), st.just("because"), PLACES),
    st.builds(lambda at, well: health(at, healthy=well), MINUTES, st.booleans()),
    st.builds(lambda at: Fact(f"drift:{at}", moment(at), "my-app", "production", Drifted(("Service x",))), MINUTES),
    st.builds(
        lambda sha, at: Fact(
            f"argocd:{at}", moment(at), "my-app", "production", SyncedByHand(sha, "admin", PATH, ())
        ),
        SHAS,
        MINUTES,
    ),
    st.builds(lambda at: Fact(f"run:{at}", moment(at), "my-app", "", RunStarted("r", "a" * 40)), MINUTES),
    st.builds(lambda at: Fact(f"scan:{at}", moment(at), "my-app", "", SCAN), MINUTES),
)  # fmt: skip


def with_repeats(facts: list[Fact]) -> st.SearchStrategy[list[Fact]]:
    again = st.lists(st.sampled_from(facts), max_size=6) if facts else st.just([])
    return again.flatmap(lambda more: st.permutations([*facts, *more]))


@given(
    st.lists(FACTS, max_size=14, unique_by=lambda fact: fact.key).flatmap(
        lambda f: st.tuples(st.just(f), with_repeats(f))
    )
)
def test_order_and_repeats_change_nothing(both: tuple[list[Fact], list[Fact]]) -> None:
    once, shuffled = both
    assert deployments(shuffled) == deployments(once)
    begun = [fact for fact in once if isinstance(fact.detail, Committed | SyncedByHand)]
    assert len(deployments(once)) == len(begun)


def test_a_deployment_tells_when_it_was_healthy_and_stays_so() -> None:
    facts = [
        committed("a", 0),
        judged("a", 3, Progress.FAILED, "The sync failed"),
        judged("a", 5, Progress.HEALTHY),
        judged("a", 9, Progress.SUPERSEDED),
    ]
    [one] = deployments(facts)
    assert (one.outcome, one.at, one.healthy_at) == (Outcome.HEALTHY, moment(0), moment(5))
    assert one.ended_at == moment(3)


def test_what_was_never_healthy_says_what_it_said_last() -> None:
    [one] = deployments([committed("a", 0), judged("a", 2, Progress.SYNCING), judged("a", 4, Progress.FAILED, "no")])
    assert (one.outcome, one.explanation, one.healthy_at) == (Outcome.FAILED, "no", None)


def test_an_illness_counts_against_the_deployment_that_runs_and_no_other() -> None:
    facts = [
        committed("a", 0), judged("a", 1, Progress.HEALTHY), health(3, healthy=False),
        committed("b", 5), judged("b", 6, Progress.HEALTHY), health(6, healthy=True),
    ]  # fmt: skip
    first, second = deployments(facts)
    assert (first.degraded_at, first.replaced_at) == (moment(3), moment(5))
    assert second.degraded_at is None


def test_before_it_was_healthy_an_illness_is_the_one_beforehand() -> None:
    [one] = deployments([committed("a", 2), health(3, healthy=False), judged("a", 4, Progress.HEALTHY)])
    assert one.degraded_at is None


def test_apps_are_folded_apart() -> None:
    other = replace(committed("a", 0), key="git:a:production:other", app="other")
    assert [one.outcome for one in deployments([committed("a", 0), other, judged("a", 1, Progress.HEALTHY)])] == [
        Outcome.HEALTHY,
        Outcome.UNDER_WAY,
    ]


def test_a_sync_by_hand_is_a_deployment_of_its_own() -> None:
    by_hand = Fact("argocd:1", moment(3), "my-app", "production", SyncedByHand("old", "ben", PATH, ()))
    assert [(one.sha, one.cause, one.who) for one in deployments([by_hand, committed("a", 0)])] == [
        ("a", Cause.GIT, "Ben"),
        ("old", Cause.ARGOCD, "ben"),
    ]
