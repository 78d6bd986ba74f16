"""The four figures: what counts, what does not, and from when to when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deliveries.dora import DeploymentRecord, deployed, figures, together
from bot.domain.build import Pushed, RunEnded
from bot.domain.delivery import (
    Cause,
    Committed,
    Deployment,
    Detail,
    Fact,
    Figures,
    ImageChange,
    Judged,
    LeadTime,
    Outcome,
    middle,
    percentile,
)
from bot.domain.overlay import Author, OverlayImage
from bot.domain.pipeline import RunStatus
from bot.domain.promotion import Progress

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=10)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def pin(tag: str) -> OverlayImage:
    return OverlayImage("x", "h/x", tag)


def deployment(tag: str, hours: float, before: str = "v0", minutes: float | None = 10, **more: object) -> Deployment:
    """To production; Healthy after so many minutes."""
    healthy = at(hours) + timedelta(minutes=minutes) if minutes is not None else None
    images = (ImageChange(pin(before), pin(tag)),)
    usual = Deployment(
        "my-app", "production", f"{tag}-{hours}", Cause.PROMOTION, at(hours), "ana", images=images,
        outcome=Outcome.HEALTHY, healthy_at=healthy, ended_at=healthy,
    )  # fmt: skip
    return replace(usual, **more)  # type: ignore[arg-type]


def of(*every: Deployment) -> Figures:
    [found] = figures(DeploymentRecord(every), "production", START, NOW)
    return found


def test_frequency_counts_what_reached_the_environment() -> None:
    found = of(
        deployment("v1", 1),
        deployment("v2", 30, minutes=None, outcome=Outcome.FAILED, ended_at=at(31)),
        deployment("v3", 60, minutes=None, outcome=Outcome.SYNCED),
        deployment("v4", 70, minutes=None, outcome=Outcome.SUPERSEDED),
        deployment("v5", 80, minutes=None, outcome=Outcome.NEVER_RAN),
        deployment("v6", 90, minutes=None, outcome=Outcome.UNDER_WAY),
        deployment("v7", 100, images=()),
    )
    assert [one.images[0].labels[1] for one in found.deployments] == ["v1", "v2", "v3"]
    assert found.a_day == pytest.approx(0.3)


@pytest.mark.parametrize("cause", list(Cause))
def test_whoever_does_it_it_counts(cause: Cause) -> None:
    assert len(of(deployment("v1", 1, cause=cause)).deployments) == 1


def test_without_a_push_lead_time_begins_with_the_first_pin_of_the_image_anywhere() -> None:
    development = deployment("v1", 1, environment="development")
    found = of(development, deployment("v1", 25))
    assert found.lead_times == (timedelta(hours=24, minutes=10),)
    assert found.from_pin == 1


def test_lead_time_of_another_image_or_app_is_its_own() -> None:
    others = deployment("v0", 1, environment="development"), deployment("v1", 1, app="other")
    assert of(deployment("v1", 25), *others[:1]).lead_times == (timedelta(minutes=10),)
    mine, _ = figures(DeploymentRecord((deployment("v1", 25), others[1])), "production", START, NOW)
    assert mine.lead_times == (timedelta(minutes=10),)


@pytest.mark.parametrize("cause", list(Cause))
def test_going_back_brings_no_change_and_has_no_lead_time(cause: Cause) -> None:
    found = of(deployment("v1", 1), deployment("v2", 50, "v1"), deployment("v1", 100, "v2", cause=cause))
    assert [one.deployment.at for one in found.leads] == [at(1), at(50)]
    assert len(found.deployments) == 3


def test_an_image_from_before_the_record_is_no_change_when_it_comes_back() -> None:
    found = of(deployment("v1", 50, "v0"), deployment("v0", 100, "v1"))
    assert [one.deployment.at for one in found.leads] == [at(50)]


def test_an_image_that_never_ran_there_is_still_a_change_at_the_second_try() -> None:
    failed = deployment("v2", 10, "v1", minutes=None, outcome=Outcome.FAILED, ended_at=at(11))
    found = of(failed, deployment("v1", 12, "v2"), deployment("v2", 20, "v1"))
    assert [(one.since, one.until) for one in found.leads] == [(at(10), at(20) + timedelta(minutes=10))]


# From the commit.

DIGEST = "sha256:" + "d" * 64
SOURCE = "https://github.com/example/my-app.git"


def fact(key: str, hours: float, detail: Detail, environment: str = "", app: str = "my-app") -> Fact:
    return Fact(f"{key}:{app}:{environment}", at(hours), app, environment, detail)


def built(hours: float, digest: str = DIGEST, tag: str = "v1", app: str = "my-app") -> Fact:
    """A run that has made an image of the commit "c0ffee"."""
    ended = RunEnded("r1", RunStatus.SUCCEEDED, "c0ffee", SOURCE, "", "h/x", tag, digest)
    return fact("ended", hours, ended, app=app)


def pushed(hours: float, app: str = "my-app") -> Fact:
    return fact("push", hours, Pushed(SOURCE, "c0ffee", Author("Ben", "b@example.com"), "x"), app=app)


def runs(environment: str, hours: float, digest: str = DIGEST) -> list[Fact]:
    """Committed then, and Healthy six minutes later."""
    sha = f"{environment}-{hours}"
    images = (ImageChange(pin("v0"), OverlayImage("x", "h/x", "v1", digest)),)
    commit = Committed(sha, Author("Ana", "a@example.com"), "x", Cause.PROMOTION, "k.yaml", images)
    judged = Judged(sha, Progress.HEALTHY)
    return [fact(f"git:{sha}", hours, commit, environment), fact(f"j:{sha}", hours + 0.1, judged, environment)]


@pytest.mark.parametrize(
    ("facts", "since", "push"),
    [
        ([pushed(1), built(1.2), *runs("development", 1.3)], 1.0, True),
        ([pushed(1), built(1.2)], 1.0, True),  # nobody saw it in development
        ([pushed(1), built(1.2, digest="", tag="v1"), *runs("development", 1.3)], 1.3, False),  # the tag was moved
        ([built(1.2), *runs("development", 1.3)], 1.3, False),  # a run alone says when it ran, not when it was pushed
        ([pushed(1), *runs("development", 1.3)], 1.3, False),  # no run says what it became
        ([pushed(1, "other"), built(1.2, app="other"), *runs("development", 1.3)], 1.3, False),
        ([pushed(1), built(1.2, digest="sha256:" + "e" * 64), *runs("development", 1.3)], 1.3, False),
        ([pushed(9), built(1.2), *runs("development", 1.3)], 1.3, False),  # a clock is wrong
    ],
)
def test_lead_time_begins_with_the_push_of_the_commit(facts: list[Fact], since: float, push: bool) -> None:
    record = DeploymentRecord.of([*facts, *runs("production", 25)])
    [found] = figures(record, "production", START, NOW, ["my-app"])
    [lead] = found.leads
    assert (lead.since, lead.until, lead.pushed) == (at(since), at(25.1), push)
    assert found.from_pin == (not push)
    assert lead.deployment in found.deployments


# Of each commit.


def push_of(revision: str, hours: float, count: int = 1, source: str = SOURCE) -> Fact:
    return fact(f"push-{revision}", hours, Pushed(source, revision, Author("Ben", ""), "x", count=count))


def build_of(revision: str, hours: float, source: str = SOURCE, repository: str = "h/x") -> Fact:
    ended = RunEnded(f"r-{revision}", RunStatus.SUCCEEDED, revision, source, "", repository, revision, digest(revision))
    return fact(f"ended-{revision}", hours, ended)


def digest(revision: str) -> str:
    return f"sha256:{revision:0>64}"


def entry(revision: str) -> OverlayImage:
    return OverlayImage(f"x{revision}", "h/x", revision, digest(revision))


def brings(hours: float, *revisions: str, before: str = "", progress: Progress = Progress.HEALTHY) -> list[Fact]:
    """Their images to production; six minutes later it has come so far."""
    images = tuple(ImageChange(entry(before) if before else None, entry(one)) for one in revisions)
    commit = Committed(f"c{hours}", Author("Ana", ""), "x", Cause.PROMOTION, "k.yaml", images)
    verdict = fact(f"j{hours}", hours + 0.1, Judged(f"c{hours}", progress), "production")
    return [fact(f"c{hours}", hours, commit, "production"), verdict]


def leads(*facts: Fact) -> list[tuple[str, float, int]]:
    """Revision, hours on the way, commits."""
    [found] = figures(DeploymentRecord.of(facts), "production", START, NOW, ["my-app"])
    return [(one.revision, round(one.lasted / timedelta(hours=1), 2), one.commits) for one in found.leads]


HISTORY = [push_of("a", 1), push_of("b", 2, count=3), push_of("c", 3), push_of("d", 4, count=0),
           build_of("a", 1.1), build_of("b", 2.1), build_of("d", 4.1)]  # fmt: skip


def test_a_deployment_brings_each_commit_since_the_one_that_ran_there() -> None:
    facts = [*HISTORY, *brings(1.5, "a"), *brings(10, "d", before="a")]
    assert leads(*facts) == [("a", 0.6, 1), ("b", 8.1, 3), ("c", 7.1, 1), ("d", 6.1, 1)]
    [found] = figures(DeploymentRecord.of(facts), "production", START, NOW, ["my-app"])
    assert sorted(found.lead_times) == [timedelta(hours=hours) for hours in (0.6, 6.1, 7.1, 8.1, 8.1, 8.1)]
    assert found.lead_time == timedelta(hours=7.6)
    assert found.from_pin == 0


def test_what_failed_leaves_its_commits_to_what_succeeds() -> None:
    failed = brings(5, "b", before="a", progress=Progress.FAILED)
    facts = [*HISTORY, *brings(1.5, "a"), *failed, *brings(6, "a", before="b"), *brings(10, "d", before="a")]
    assert [revision for revision, _, _ in leads(*facts)] == ["a", "b", "c", "d"]


def test_what_comes_back_after_a_rollback_is_no_change_and_what_follows_counts_from_the_newest() -> None:
    there = [*brings(1.5, "a"), *brings(5, "b", before="a"), *brings(6, "a", before="b"), *brings(7, "b", before="a")]
    assert leads(*HISTORY, *there, *brings(10, "d", before="a"))[1:] == [("b", 3.1, 3), ("c", 7.1, 1), ("d", 6.1, 1)]


def test_where_nothing_that_ran_there_has_a_push_the_image_counts_alone() -> None:
    assert leads(*HISTORY, *brings(10, "d", before="unknown")) == [("d", 6.1, 1)]
    assert leads(*HISTORY, *brings(10, "d")) == [("d", 6.1, 1)]


def test_what_was_replaced_ran_there_though_nobody_saw_it_come() -> None:
    assert [revision for revision, _, _ in leads(*HISTORY, *brings(10, "d", before="b"))] == ["c", "d"]


def test_commits_of_two_images_of_one_repository_count_once_and_other_repositories_are_their_own() -> None:
    other = "https://github.com/example/side.git"
    side = [push_of("s", 2, source=other), push_of("t", 3, source=other), build_of("t", 3.1, other, "h/side")]
    facts = [*HISTORY, *side, *brings(1.5, "a"), *brings(10, "b", "d", "t", before="a")]
    assert leads(*facts)[1:] == [("b", 8.1, 3), ("c", 7.1, 1), ("t", 7.1, 1), ("d", 6.1, 1)]


def test_a_repeated_push_counts_once() -> None:
    again = replace(push_of("b", 2.5, count=3), key="another replica's")
    assert len(leads(*HISTORY, again, *brings(1.5, "a"), *brings(10, "d", before="a"))) == 4


@given(st.permutations([*HISTORY, *brings(1.5, "a"), *brings(10, "d", before="a")]))
def test_the_order_of_facts_changes_no_lead_time(facts: list[Fact]) -> None:
    assert leads(*facts, *facts[:3]) == [("a", 0.6, 1), ("b", 8.1, 3), ("c", 7.1, 1), ("d", 6.1, 1)]


@given(st.permutations([pushed(1), built(1.2), *runs("development", 1.3), *runs("production", 25)]))
def test_the_order_of_facts_changes_no_figure(facts: list[Fact]) -> None:
    record = DeploymentRecord.of([*facts, *facts])
    [found] = figures(record, "production", START, NOW)
    assert found.lead_times == (at(25.1) - at(1),)
    assert deployed(record, "production", START) == ("my-app",)


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        ({}, False),
        ({"degraded_at": at(1.9)}, True),
        ({"degraded_at": at(3)}, False),
        ({"outcome": Outcome.FAILED, "healthy_at": None, "ended_at": at(2)}, True),
    ],
)
def test_what_fails_is_what_failed_or_fell_ill_soon(change: dict[str, Any], fails: bool) -> None:
    found = of(deployment("v1", 1, **change))
    assert bool(found.failures) is fails
    assert found.failure_rate == (1.0 if fails else 0.0)


@pytest.mark.parametrize(
    ("later", "fails"),
    [
        (deployment("v1", 3, before="v2"), True),  # back, by whomever
        (deployment("v9", 3, before="v2", cause=Cause.ROLLBACK), True),
        (deployment("v3", 3, before="v2"), False),
        (deployment("v1", 30, before="v2"), False),  # a day later it is another decision
    ],
)
def test_what_is_rolled_back_has_failed(later: Deployment, fails: bool) -> None:
    found = of(deployment("v2", 2, before="v1"), later)
    assert [one.deployment.at for one in found.failures] == ([at(2)] if fails else [])


def test_an_automatic_rollback_fails_what_it_follows_and_nothing_before_it() -> None:
    back = deployment("v2", 4, before="v3", cause=Cause.ROLLBACK)
    found = of(deployment("v2", 2, before="v1"), deployment("v3", 3, before="v2"), back)
    assert [one.deployment.at for one in found.failures] == [at(3)]


def test_time_to_restore_ends_with_whatever_came_first() -> None:
    by_itself = deployment("v1", 1, degraded_at=at(1.5), recovered_at=at(2))
    assert of(by_itself).time_to_restore == timedelta(minutes=30)
    by_another = deployment("v1", 1, degraded_at=at(1.5), recovered_at=at(9))
    assert of(by_another, deployment("v2", 2)).time_to_restore == timedelta(minutes=40)
    assert of(deployment("v1", 1, degraded_at=at(1.5))).time_to_restore is None


def test_only_the_time_that_was_asked_for_counts_though_an_image_is_older() -> None:
    old = deployment("v1", -100, environment="development")
    assert of(old, deployment("v9", -5), deployment("v1", 1, before="v9")).lead_times == (
        timedelta(hours=101, minutes=10),
    )


@pytest.mark.parametrize(
    ("known_since", "days"),
    [(None, 10), (at(-100), 10), (at(120), 5), (at(239), 1), (NOW, 1), (at(300), 1)],
)
def test_a_day_is_one_that_the_record_covers(known_since: datetime | None, days: float) -> None:
    [found] = figures(DeploymentRecord((deployment("v1", 1),)), "production", START, NOW, (), known_since)
    assert found.days == pytest.approx(days)


def test_a_record_of_some_minutes_counts_as_what_was_asked_for_where_that_is_less_than_a_day() -> None:
    [found] = figures(DeploymentRecord((deployment("v1", 238),)), "production", at(234), NOW, (), at(239))
    assert found.days == pytest.approx(0.25)


def test_apps_are_told_apart_and_add_up() -> None:
    every = deployment("v1", 1), deployment("v1", 1, app="b"), deployment("v2", 5, app="b")
    parts = figures(DeploymentRecord(every), "production", START, NOW)
    assert [(one.app, len(one.deployments)) for one in parts] == [("b", 2), ("my-app", 1)]
    assert len(together(parts).deployments) == 3
    assert together(parts).a_day == pytest.approx(0.3)
    assert figures(DeploymentRecord(()), "production", START, NOW, ["nothing"])[0].failure_rate is None


def test_the_median_and_the_nearest_rank() -> None:
    times = [timedelta(hours=hours) for hours in range(1, 11)]
    assert percentile(times, 90) == timedelta(hours=9)
    assert percentile(times[:1], 90) == times[0]
    assert percentile([], 90) is None
    assert middle(times) == timedelta(hours=5.5)
    assert middle([]) is None


def test_a_push_counts_for_a_thousand_commits_at_most() -> None:
    """However many it claims to have brought, nothing grows with that."""
    at = datetime(2026, 11, 29, tzinfo=UTC)
    deployed = Deployment("my-app", "production", "c0ffee", Cause.PROMOTION, at, "ana", outcome=Outcome.HEALTHY)
    lead = LeadTime(deployed, at - timedelta(hours=1), at, pushed=True, commits=10**12)
    found = Figures("my-app", 1, (deployed,), (lead,))
    assert (len(found.lead_times), found.lead_time) == (1000, timedelta(hours=1))
