"""The four figures: what counts, what does not, and from when to when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.deliveries.dora import figures, together
from bot.domain.delivery import Cause, Deployment, Figures, ImageChange, Outcome, middle, percentile
from bot.domain.overlay import OverlayImage

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
    [found] = figures(every, "production", START, NOW)
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


def test_lead_time_begins_with_the_images_first_commit_anywhere() -> None:
    development = deployment("v1", 1, environment="development")
    assert of(development, deployment("v1", 25)).lead_times == (timedelta(hours=24, minutes=10),)


def test_lead_time_of_another_image_or_app_is_its_own() -> None:
    others = deployment("v0", 1, environment="development"), deployment("v1", 1, app="other")
    assert of(deployment("v1", 25), *others[:1]).lead_times == (timedelta(minutes=10),)
    mine, _ = figures([deployment("v1", 25), others[1]], "production", START, NOW)
    assert mine.lead_times == (timedelta(minutes=10),)


def test_a_rollbacks_lead_time_begins_with_the_rollback() -> None:
    found = of(deployment("v1", 1), deployment("v1", 100, cause=Cause.ROLLBACK))
    assert found.lead_times == (timedelta(minutes=10), timedelta(minutes=10))


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
    assert of(old, deployment("v1", -5, before="v9"), deployment("v1", 1)).lead_times == (
        timedelta(hours=101, minutes=10),
    )


def test_apps_are_told_apart_and_add_up() -> None:
    parts = figures(
        [deployment("v1", 1), deployment("v1", 1, app="b"), deployment("v2", 5, app="b")], "production", START, NOW
    )
    assert [(one.app, len(one.deployments)) for one in parts] == [("b", 2), ("my-app", 1)]
    assert len(together(parts).deployments) == 3
    assert together(parts).a_day == pytest.approx(0.3)
    assert figures([], "production", START, NOW, ["nothing"])[0].failure_rate is None


def test_the_median_and_the_nearest_rank() -> None:
    times = [timedelta(hours=hours) for hours in range(1, 11)]
    assert percentile(times, 90) == timedelta(hours=9)
    assert percentile(times[:1], 90) == times[0]
    assert percentile([], 90) is None
    assert middle(times) == timedelta(hours=5.5)
    assert middle([]) is None
