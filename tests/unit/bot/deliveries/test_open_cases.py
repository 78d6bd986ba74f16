"""A commit that waits for days: for a sync window, for a person, for Argo CD or for the bot. Its end is found."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.deliveries.fold import deployments
from bot.deliveries.open_cases import LOOK_BACK
from bot.domain.application import HealthStatus, HistoryEntry, OperationPhase, SyncStatus
from bot.domain.delivery import Cause, Judged, Outcome
from bot.domain.errors import Unavailable
from bot.domain.overlay import Author
from bot.domain.promotion import Progress
from bot.promotions.containment import LATER_COMMITS
from bot.runtime.metrics import REGISTRY
from tests.fakes.world import kustomization, path
from tests.unit.bot.deliveries.test_application_observer import Cluster, begun

HOUR = 3600


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = await begun(tmp_path)
    yield cluster
    await cluster.database.close()


async def waits(cluster: Cluster, hours: int, *, tag: str = "v2") -> str:
    """A commit that nobody syncs, under a window that is closed."""
    sha = cluster.commit(tag)
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, revision=sha, auto_sync=False)
    await cluster.look()
    for _ in range(5):
        await cluster.look(hours * HOUR / 5)
    assert (await cluster.newest()).outcome is Outcome.UNDER_WAY
    return sha


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("hours", [25, 62, 24 * 20])
async def test_what_is_synced_days_after_its_commit_is_healthy(cluster: Cluster, hours: int, *, restarts: bool) -> None:
    labels = {"app": "my-app", "environment": "production", "cause": Cause.GIT, "outcome": Outcome.HEALTHY}
    before = REGISTRY.get_sample_value("pilothouse_deployments_total", labels) or 0
    sha = await waits(cluster, hours)
    if restarts:
        cluster.restart()
        await cluster.observer.begin()
    cluster.arrives(sha)
    synced = cluster.now
    await cluster.look(5)
    one = await cluster.newest()
    assert (one.outcome, one.healthy_at) == (Outcome.HEALTHY, synced)
    assert REGISTRY.get_sample_value("pilothouse_deployments_total", labels) == before + 1
    cluster.restart()
    await cluster.observer.begin()
    await cluster.look(HOUR)
    assert len(await cluster.facts(Judged)) == 1


async def test_what_arrived_while_the_bot_was_away_for_days_is_healthy(cluster: Cluster) -> None:
    sha = cluster.commit()
    at = cluster.now
    cluster.now += timedelta(minutes=3)
    cluster.arrives(sha, history=(HistoryEntry(1, sha, cluster.now),))
    cluster.now = at + timedelta(hours=50)
    cluster.restart()
    await cluster.observer.begin()
    await cluster.look()
    one = await cluster.newest()
    assert (one.outcome, one.healthy_at) == (Outcome.HEALTHY, at + timedelta(minutes=3))


async def test_a_failure_that_is_fixed_days_later_is_healthy_and_is_told_once(cluster: Cluster) -> None:
    sha = cluster.commit()
    cluster.arrives(sha, tag="v1", sync=SyncStatus.OUT_OF_SYNC, operation=cluster.syncs(sha, OperationPhase.FAILED))
    await cluster.look(1)
    await cluster.look(40 * HOUR)
    cluster.restart()
    await cluster.observer.begin()
    await cluster.look(HOUR)
    assert (await cluster.newest()).outcome is Outcome.FAILED
    assert len(await cluster.facts(Judged)) == 1
    cluster.arrives(sha)
    await cluster.look(5)
    assert (await cluster.newest()).outcome is Outcome.HEALTHY


@pytest.mark.parametrize("restarts", [False, True])
async def test_of_two_that_waited_the_newer_one_replaces_the_older(cluster: Cluster, *, restarts: bool) -> None:
    older, newer = await waits(cluster, 30), await waits(cluster, 30, tag="v3")
    if restarts:
        cluster.restart()
        await cluster.observer.begin()
    cluster.arrives(newer, "v3")
    await cluster.look(5)
    verdicts = {fact.detail.sha: fact.detail.progress for fact in await cluster.facts(Judged)}  # type: ignore[union-attr]
    assert verdicts == {older: Progress.SUPERSEDED, newer: Progress.HEALTHY}


async def test_it_is_found_below_any_number_of_commits_to_other_apps(cluster: Cluster) -> None:
    sha = await waits(cluster, 30)
    for number in range(LATER_COMMITS + 5):
        cluster.overlays.push({path("production", "other"): kustomization(f"v{number}", "other")})
    head = cluster.overlays.log[-1].sha
    cluster.arrives(head, operation=cluster.syncs(head))
    await cluster.look(5)
    verdicts = {fact.detail.sha: fact.detail.progress for fact in await cluster.facts(Judged)}  # type: ignore[union-attr]
    assert verdicts == {sha: Progress.HEALTHY}


async def test_a_line_that_was_replaced_far_below_is_not_called_healthy(cluster: Cluster) -> None:
    sha = await waits(cluster, 30)
    cluster.commit("v3")
    for number in range(LATER_COMMITS + 5):
        cluster.overlays.push({path("production", "other"): kustomization(f"v{number}", "other")})
    head = cluster.overlays.log[-1].sha
    cluster.arrives(head, "v3", operation=cluster.syncs(head))
    await cluster.look(5)
    verdicts = {fact.detail.sha: fact.detail.progress for fact in await cluster.facts(Judged)}  # type: ignore[union-attr]
    assert verdicts.pop(sha) is Progress.SUPERSEDED
    assert list(verdicts.values()) == [Progress.HEALTHY]


async def test_one_that_waits_costs_git_nothing_while_only_the_branch_moves(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Argo CD compares each Application with each commit, whichever app that is of."""
    await waits(cluster, 30)
    asked: list[str] = []
    history = cluster.overlays.history

    async def counted(path: str, limit: int, at: str = "") -> object:
        asked.append(path)
        return await history(path, limit, at)

    monkeypatch.setattr(cluster.overlays, "history", counted)
    for number in range(60):
        cluster.now += timedelta(seconds=10)
        other = cluster.overlays.push({path("production", "other"): kustomization(f"v{number}", "other")})
        cluster.shows(revision=other.sha)
        cluster.observer.heard(cluster.applications._apps["my-app-production"])
        await cluster.observer.tick()
    assert len(asked) <= 1


async def test_a_change_that_is_heard_while_git_is_away_is_looked_at_when_it_is_back(cluster: Cluster) -> None:
    sha = await waits(cluster, 30)
    cluster.arrives(sha)
    cluster.overlays.failing = Unavailable("git", "fetch", "timeout")
    cluster.observer.heard(cluster.applications._apps["my-app-production"])
    await cluster.observer.tick()
    cluster.overlays.failing = None
    cluster.now += timedelta(seconds=15)
    await cluster.observer.tick()
    assert (await cluster.newest()).outcome is Outcome.HEALTHY


async def test_an_illness_of_its_rollout_must_last_after_days_as_well(cluster: Cluster) -> None:
    sha = await waits(cluster, 30)
    cluster.arrives(sha, health=HealthStatus.DEGRADED)
    await cluster.look(5)
    await cluster.look(60)
    assert (await cluster.newest()).outcome is Outcome.UNDER_WAY
    await cluster.look(100)
    assert (await cluster.newest()).outcome is Outcome.FAILED


async def test_only_commits_of_environments_that_it_serves_are_cases(cluster: Cluster) -> None:
    cluster.overlays.push({path("development"): kustomization("v9")})
    await cluster.look()
    assert not cluster.observer._cases.of(("my-app", "development"))
    cluster.commit()
    await cluster.look()
    assert len(cluster.observer._cases.of(("my-app", "production"))) == 1


async def test_what_no_application_ever_comes_to_is_not_kept_in_memory_for_ever(cluster: Cluster) -> None:
    cluster.overlays.push({path("staging"): kustomization("v9")})
    await cluster.look()
    place = ("my-app", "staging")
    await cluster.look((LOOK_BACK - timedelta(hours=1)).total_seconds())
    assert cluster.observer._cases.of(place)
    await cluster.look(2 * HOUR)
    assert not cluster.observer._cases.of(place)


async def test_an_overlay_that_could_not_be_read_never_ran_whatever_came_after_it(cluster: Cluster) -> None:
    """The commit that repairs it contains it, and is Healthy."""
    broken = cluster.overlays.push({path("production"): b"images: ["}, "Broken", Author("Ben", "ben@example.com")).sha
    cluster.shows(sync=SyncStatus.UNKNOWN, revision=broken)
    await cluster.look(60)
    repaired = cluster.commit("v2")
    cluster.arrives(repaired)
    await cluster.look(60)
    found = {one.sha: one for one in deployments(await cluster.store.of("my-app"))}
    assert (found[broken].outcome, found[repaired].outcome) == (Outcome.NEVER_RAN, Outcome.HEALTHY)
    assert "cannot be read" in found[broken].explanation
