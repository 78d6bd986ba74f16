"""What Argo CD shows of changes that Pilothouse did not make: arrived, failed, ill, well again, drifting, set back."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.deliveries.annotations import EVENTS, MOST_NAMED, AnnotatedSubscriptions
from bot.deliveries.application_names import ApplicationNames
from bot.deliveries.application_observer import ApplicationObserver
from bot.deliveries.application_record import ApplicationRecord
from bot.deliveries.branch_observer import BranchObserver
from bot.deliveries.fold import deployments
from bot.deliveries.news_recorder import NewsRecorder
from bot.deliveries.overlay_changes import OverlayChanges
from bot.deliveries.recorder import Recorder
from bot.domain.application import (
    Application,
    ApplicationRef,
    FailedResource,
    HealthStatus,
    HistoryEntry,
    Operation,
    OperationPhase,
    ResourceHealth,
    SyncStatus,
)
from bot.domain.delivery import Cause, Deployment, Drifted, Fact, HealthChanged, Outcome, SyncUnknown
from bot.domain.errors import Unavailable
from bot.domain.event import Event
from bot.domain.overlay import Author
from bot.domain.source import Source
from bot.domain.subscription import ANNOTATION, Scope, Subscription
from bot.overlays.catalog import Catalog
from bot.policy import parse
from bot.runtime.metrics import REGISTRY
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsStore
from bot.store.promotions import PromotionStore
from bot.store.subscriptions import SubscriptionStore
from tests.fakes.applications import OVERLAY_REPOSITORY, MemoryApplications, follows
from tests.fakes.databases import create_tables
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.world import HARBOR, kustomization, path

BEN = Author("Ben", "ben@example.com")
REF = ApplicationRef("my-app-production", "production")
CRASH = ResourceHealth("Deployment", "my-app", "my-app", HealthStatus.DEGRADED, "back-off restarting failed container")


@dataclass
class Cluster:
    """my-app runs v1 in production. Time passes only where a test says so."""

    overlays: MemoryOverlays
    database: Database
    now: datetime
    applications: MemoryApplications = field(default_factory=MemoryApplications)

    def restart(self) -> None:
        policy, store = parse("{}"), DeliveryStore(self.database)
        seconds = lambda: self.now.timestamp()  # noqa: E731
        news_recorder = NewsRecorder(NewsStore(self.database), PromotionStore(self.database), seconds)
        self.store, self.recorder = store, Recorder(self.database, store, news_recorder, seconds)
        changes, clock = OverlayChanges(self.overlays, policy), lambda: self.now
        names = ApplicationNames(Catalog(self.overlays, policy), policy, ["staging", "production"])
        promotions = PromotionStore(self.database)
        self.branch = BranchObserver(self.overlays, changes, self.recorder, promotions, policy, clock=clock)
        self.subscriptions = SubscriptionStore(self.database)
        self.observer = ApplicationObserver(
            ApplicationRecord("", ("staging", "production"), self.applications), self.applications, self.overlays,
            names, changes, store,
            self.recorder, timedelta(minutes=2), timedelta(minutes=5),
            AnnotatedSubscriptions(self.subscriptions, self.applications, "production"), clock,
        )  # fmt: skip

    async def look(self, seconds: float = 0) -> None:
        """After so many seconds: git, and then Argo CD."""
        self.now += timedelta(seconds=seconds)
        await self.branch.look()
        self.observer.heard(self.applications._apps[REF.name])
        await self.observer.tick()

    def shows(self, **facts: object) -> None:
        self.applications.put(replace(self.applications._apps[REF.name], **facts))  # type: ignore[arg-type]

    def commit(self, tag: str = "v2") -> str:
        commit = self.overlays.push({path("production"): kustomization(tag)}, f"Run {tag}", BEN)
        self.now = max(self.now, commit.at)
        return commit.sha

    def syncs(self, revision: str, phase: OperationPhase = OperationPhase.SUCCEEDED, **more: object) -> Operation:
        return Operation(phase, "words", revision, self.now, self.now, **more)  # type: ignore[arg-type]

    def arrives(self, revision: str, tag: str = "v2", **facts: object) -> None:
        """A whole sync, and the look after it."""
        usual = {
            "revision": revision,
            "sync": SyncStatus.SYNCED,
            "health": HealthStatus.HEALTHY,
            "images": (f"{HARBOR}/my-app:{tag}",),
            "operation": self.syncs(revision),
            "reconciled_at": self.now,
        }
        self.shows(**{**usual, **facts})

    async def newest(self) -> Deployment:
        return deployments(await self.store.of())[-1]

    async def facts(self, kind: type) -> list[Fact]:
        every = reversed(await self.store.of())
        return [fact for fact in every if isinstance(fact.detail, kind)]


async def begun(directory: Path) -> Cluster:
    """my-app was looked at once. Its database is for the caller to close."""
    overlays = MemoryOverlays({path("production"): kustomization("v1")})
    database = Database(f"sqlite:///{directory / 'x.db'}")
    await create_tables(database)
    first = overlays.log[-1]
    cluster = Cluster(overlays, database, first.at + timedelta(hours=1))
    images, synced = (f"{HARBOR}/my-app:v1",), SyncStatus.SYNCED
    cluster.applications.put(Application(REF, synced, HealthStatus.HEALTHY, first.sha, images=images, auto_sync=True))
    cluster.restart()
    await cluster.observer.begin()
    await cluster.look()
    return cluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = await begun(tmp_path)
    yield cluster
    await cluster.database.close()


async def test_a_commit_by_hand_is_healthy_when_commit_sync_images_and_health_agree(cluster: Cluster) -> None:
    """A28: none of them alone is proof."""
    sha = cluster.commit()
    await cluster.look()
    assert (await cluster.newest()).outcome is Outcome.UNDER_WAY
    cluster.arrives(sha, images=(f"{HARBOR}/my-app:v1",))
    await cluster.look(1)
    assert (await cluster.newest()).outcome is Outcome.UNDER_WAY
    cluster.arrives(sha, health=HealthStatus.PROGRESSING)
    await cluster.look(1)
    assert (await cluster.newest()).outcome is Outcome.UNDER_WAY
    cluster.now += timedelta(seconds=10)
    cluster.arrives(sha)
    await cluster.look(30)
    one = await cluster.newest()
    assert (one.outcome, one.cause, one.who) == (Outcome.HEALTHY, Cause.GIT, "Ben")
    assert one.healthy_at == one.synced_at == cluster.now - timedelta(seconds=30)


@pytest.mark.parametrize(
    "lie",
    [
        lambda c, sha: {"revision": c.overlays.log[0].sha},
        lambda c, sha: {"images": ("elsewhere.example.com/apps/my-app:v2",)},
        lambda c, sha: {"images": ()},
        lambda c, sha: {"reconciled_at": c.now - timedelta(minutes=1)},
        lambda c, sha: {"sync": SyncStatus.OUT_OF_SYNC, "operation": c.syncs(c.overlays.log[0].sha)},
        lambda c, sha: {"sync": SyncStatus.UNKNOWN},
        lambda c, sha: {"operation": c.syncs(sha, OperationPhase.RUNNING)},
    ],
)
async def test_what_contradicts_itself_is_not_healthy(
    cluster: Cluster, lie: Callable[[Cluster, str], dict[str, object]]
) -> None:
    sha = cluster.commit()
    cluster.arrives(sha)
    cluster.shows(**lie(cluster, sha))
    await cluster.look(1)
    await cluster.look(20)
    assert (await cluster.newest()).outcome is not Outcome.HEALTHY


async def test_what_is_synced_and_never_runs_is_told_once_argo_cd_has_had_time_to_look_again(cluster: Cluster) -> None:
    sha = cluster.commit()
    cluster.arrives(sha, tag="v1")
    await cluster.look(1)
    await cluster.look(60)
    assert (await cluster.newest()).outcome is Outcome.UNDER_WAY
    await cluster.look(240)
    one = await cluster.newest()
    assert one.outcome is Outcome.NEVER_RAN
    assert "v1 runs" in one.explanation


async def test_a_sync_that_failed_says_why_and_may_yet_be_fixed(cluster: Cluster) -> None:
    sha = cluster.commit()
    failures = (FailedResource("Job", "migrate", "no such table", "Failed", "PreSync"),)
    failed = cluster.syncs(sha, OperationPhase.FAILED, failures=failures)
    cluster.arrives(sha, tag="v1", sync=SyncStatus.OUT_OF_SYNC, operation=failed)
    await cluster.look(1)
    one = await cluster.newest()
    assert one.outcome is Outcome.FAILED
    assert "PreSync hook Job migrate" in one.explanation
    cluster.now += timedelta(minutes=3)
    cluster.arrives(sha)
    await cluster.look(1)
    assert (await cluster.newest()).outcome is Outcome.HEALTHY


async def test_a_rollout_that_stays_ill_has_failed_and_names_the_resource(cluster: Cluster) -> None:
    sha = cluster.commit()
    cluster.arrives(sha)
    cluster.applications.sicken(REF.name, CRASH)
    await cluster.look(1)
    await cluster.look(100)
    assert (await cluster.newest()).outcome is Outcome.UNDER_WAY
    await cluster.look(30)
    one = await cluster.newest()
    assert one.outcome is Outcome.FAILED
    assert "Deployment my-app is Degraded: back-off restarting" in one.explanation


async def test_an_illness_is_on_record_when_it_has_lasted_and_so_is_its_end(cluster: Cluster) -> None:
    cluster.applications.sicken(REF.name, CRASH)
    await cluster.look(1)
    await cluster.look(119)
    assert await cluster.facts(HealthChanged) == []
    await cluster.look(1)
    [ill] = await cluster.facts(HealthChanged)
    assert ill.at == cluster.now - timedelta(seconds=120)
    assert isinstance(ill.detail, HealthChanged)
    assert (ill.detail.resource, ill.detail.message) == ("Deployment my-app", CRASH.message)
    await cluster.look(600)
    assert len(await cluster.facts(HealthChanged)) == 1
    cluster.applications.sicken(REF.name)
    await cluster.look(1)
    assert [fact.detail.healthy for fact in await cluster.facts(HealthChanged)] == [False, True]  # type: ignore[union-attr]


async def test_a_stumble_is_nothing(cluster: Cluster) -> None:
    cluster.applications.sicken(REF.name, CRASH)
    await cluster.look(1)
    cluster.applications.sicken(REF.name)
    await cluster.look(60)
    await cluster.look(600)
    assert await cluster.facts(HealthChanged) == []


async def test_after_a_restart_nothing_is_told_twice_and_an_end_that_nobody_saw_is_found(cluster: Cluster) -> None:
    cluster.applications.sicken(REF.name, CRASH)
    await cluster.look(1)
    await cluster.look(130)
    cluster.restart()
    await cluster.observer.begin()
    await cluster.look(500)
    assert len(await cluster.facts(HealthChanged)) == 1
    cluster.restart()
    cluster.applications.sicken(REF.name)  # while nobody looked
    await cluster.observer.begin()
    await cluster.look(500)
    assert len(await cluster.facts(HealthChanged)) == 2


async def test_the_cluster_drifts_though_nothing_was_committed(cluster: Cluster) -> None:
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, out_of_sync=("ConfigMap settings",))
    await cluster.look(1)
    await cluster.look(299)
    assert await cluster.facts(Drifted) == []
    await cluster.look(1)
    [drift] = await cluster.facts(Drifted)
    assert drift.detail == Drifted(("ConfigMap settings",))
    cluster.shows(sync=SyncStatus.SYNCED, out_of_sync=())
    await cluster.look(10)
    assert (await cluster.facts(Drifted))[-1].detail == Drifted((), over=True)


async def test_an_application_that_cannot_be_compared_is_told_once_it_has_lasted(cluster: Cluster) -> None:
    """A18: a manifest that does not build leaves the sync status Unknown, and nothing that is committed arrives."""
    unknown = {"sync": SyncStatus.UNKNOWN, "conditions": ("ComparisonError: no such chart",)}
    cluster.shows(**unknown)
    await cluster.look(1)
    await cluster.look(299)
    assert await cluster.facts(SyncUnknown) == []
    cluster.shows(sync=SyncStatus.SYNCED, conditions=())  # the repo-server was restarted
    await cluster.look(1)
    cluster.shows(**unknown)
    await cluster.look(1)
    await cluster.look(300)
    [fact] = await cluster.facts(SyncUnknown)
    assert fact.detail == SyncUnknown("ComparisonError: no such chart")
    cluster.restart()
    await cluster.observer.begin()
    await cluster.look(400)
    assert len(await cluster.facts(SyncUnknown)) == 1
    cluster.shows(sync=SyncStatus.SYNCED, conditions=())
    await cluster.look(10)
    assert [fact.detail for fact in await cluster.facts(SyncUnknown)][1:] == [SyncUnknown("", over=True)]
    assert await cluster.facts(Drifted) == []


async def test_a_deleted_application_is_not_one_that_cannot_be_compared(cluster: Cluster) -> None:
    cluster.shows(sync=SyncStatus.UNKNOWN, health=HealthStatus.MISSING, deleted=True)
    await cluster.look(1)
    await cluster.look(400)
    assert await cluster.facts(SyncUnknown) == []


async def test_a_commit_to_another_app_ends_no_drift(cluster: Cluster) -> None:
    """Argo CD compares each Application with each new commit of the branch."""
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, out_of_sync=("ConfigMap settings",))
    await cluster.look(1)
    await cluster.look(300)
    cluster.overlays.push({path("production", "other"): kustomization("v9", "other")})
    cluster.shows(revision=cluster.overlays.log[-1].sha)
    await cluster.look(10)
    assert len(await cluster.facts(Drifted)) == 1
    cluster.shows(sync=SyncStatus.SYNCED, out_of_sync=())
    await cluster.look(10)
    assert [fact.detail for fact in await cluster.facts(Drifted)][1:] == [Drifted((), over=True)]


BASE = "apps/my-app/base/kustomization.yaml"
OTHERS = path("production", "other")
SHARED = "shared/labels/kustomization.yaml"


def layered(cluster: Cluster) -> str:
    """my-app has a base, which has one of its own; it was seen Synced since. The commit."""
    files = {BASE: b"resources: [../../../shared/labels, settings.yaml]\n", "apps/my-app/base/settings.yaml": b"a: b\n",
             SHARED: b"resources: []\n"}  # fmt: skip
    return cluster.overlays.push(files).sha


async def out_of_sync(cluster: Cluster, files: dict[str, bytes], **facts: object) -> str:
    """Somebody commits; Argo CD compares with that commit, and nobody syncs for days. What is on record then."""
    commit = cluster.overlays.push(files)
    cluster.now = max(cluster.now, commit.at)
    cluster.shows(**{"sync": SyncStatus.OUT_OF_SYNC, "revision": commit.sha, **facts})
    await cluster.look(1)
    await cluster.look(300)
    await cluster.look(2 * 86400)  # no commit is anybody's case by now
    await cluster.look(1)
    await cluster.look(600)
    return " ".join("over" if fact.detail.over else "drift" for fact in await cluster.facts(Drifted))  # type: ignore[union-attr]


async def synced(cluster: Cluster, **facts: object) -> str:
    """Seen Synced at a commit that gives my-app its bases."""
    sha = layered(cluster)
    cluster.shows(revision=sha, **facts)
    await cluster.look(30)
    return sha


async def test_the_cluster_drifts_right_after_a_commit_to_another_app(cluster: Cluster) -> None:
    """Argo CD compares with the branch's newest commit, at which it never saw this one Synced."""
    await synced(cluster)
    assert await out_of_sync(cluster, {OTHERS: kustomization("v9", "other")}) == "drift"
    cluster.shows(revision=cluster.overlays.push({OTHERS: kustomization("v10", "other")}).sha)
    await cluster.look(600)
    assert len(await cluster.facts(Drifted)) == 1
    cluster.shows(sync=SyncStatus.SYNCED)
    await cluster.look(1)
    assert [fact.detail for fact in await cluster.facts(Drifted)][1:] == [Drifted((), over=True)]


@pytest.mark.parametrize(
    "files",
    [
        {path("production"): kustomization("v2")},
        {path("production"): kustomization("v1") + b"namePrefix: a-\n"},
        {path("production").replace("kustomization", "settings"): b"a: b\n"},
        {"apps/my-app/base/settings.yaml": b"a: c\n"},
        {BASE: b"resources: [settings.yaml]\n"},
        {SHARED: b"resources: []\nnamePrefix: a-\n"},
        {"shared/labels/more.yaml": b"a: b\n"},
        {OTHERS: kustomization("v9", "other"), path("production"): kustomization("v2")},
    ],
)
@pytest.mark.parametrize("auto_sync", [True, False])
async def test_a_change_in_git_that_is_not_synced_is_no_drift(
    cluster: Cluster, files: dict[str, bytes], *, auto_sync: bool
) -> None:
    """However long it waits: its own files, and those of what it is built from."""
    await synced(cluster, auto_sync=auto_sync)
    assert await out_of_sync(cluster, files) == ""
    cluster.shows(revision=cluster.overlays.push({OTHERS: kustomization("v9", "other")}).sha)
    await cluster.look(1)
    await cluster.look(3600)
    assert await cluster.facts(Drifted) == []


@pytest.mark.parametrize(
    "kustomize",
    [
        b"resources: ['https://example.com/bases?ref=main']\n",
        b"resources: [../../elsewhere]\n",
        b"helmCharts: [{name: web, repo: 'https://example.com'}]\n",
        b"resources: [\n",
    ],
)
async def test_where_the_files_do_not_say_what_it_is_built_from_nothing_is_called_drift(
    cluster: Cluster, kustomize: bytes
) -> None:
    """What is elsewhere may have changed, and is read with each new commit."""
    cluster.overlays.push({path("production"): kustomize})
    await synced(cluster)
    assert await out_of_sync(cluster, {OTHERS: kustomization("v9", "other")}) == ""


@pytest.mark.parametrize("known", [True, False])
async def test_an_application_that_was_out_of_sync_before_the_bot_began(cluster: Cluster, *, known: bool) -> None:
    """A20: its history says what it was synced at; without one, nobody knows."""
    sha = await synced(cluster)
    cluster.restart()
    await cluster.observer.begin()
    history = (HistoryEntry(0, sha, cluster.now),) if known else ()
    assert await out_of_sync(cluster, {OTHERS: b"{}"}, history=history) == ("drift" if known else "")


async def test_an_application_that_waited_for_its_sync_before_the_bot_began(cluster: Cluster) -> None:
    sha = await synced(cluster)
    cluster.restart()
    await cluster.observer.begin()
    history = (HistoryEntry(0, sha, cluster.now),)
    assert await out_of_sync(cluster, {path("production"): kustomization("v2")}, history=history) == ""


async def test_a_recorded_drift_is_over_when_the_bot_comes_back_to_it_synced(cluster: Cluster) -> None:
    await synced(cluster)
    assert await out_of_sync(cluster, {OTHERS: b"{}"}) == "drift"
    cluster.restart()
    await cluster.observer.begin()
    await cluster.look(600)
    assert len(await cluster.facts(Drifted)) == 1
    cluster.shows(sync=SyncStatus.SYNCED)
    await cluster.look(1)
    assert (await cluster.facts(Drifted))[-1].detail == Drifted((), over=True)


async def test_an_application_that_was_never_synced_does_not_drift(cluster: Cluster) -> None:
    """A dry run is an operation that succeeds, and adds nothing to the history."""
    await synced(cluster)
    cluster.restart()
    await cluster.observer.begin()
    head = cluster.overlays.log[-1].sha
    facts = {"operation": cluster.syncs(head, by="mia"), "reconciled_at": cluster.now + timedelta(hours=1)}
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, revision=head, **facts)
    await cluster.look(1)
    await cluster.look(3600)
    assert await out_of_sync(cluster, {OTHERS: b"{}"}, **facts) == ""


async def test_a_dry_run_or_a_sync_of_one_resource_is_no_sync_of_its_commit(cluster: Cluster) -> None:
    sha = await synced(cluster, auto_sync=False)
    commit = cluster.commit()
    history = (HistoryEntry(0, sha, cluster.now),)
    facts = {"operation": cluster.syncs(commit, by="mia"), "reconciled_at": cluster.now, "history": history}
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, revision=commit, **facts)
    await cluster.look(1)
    await cluster.look(2 * 86400)  # the commit is nobody's case by now
    await cluster.look(1)
    await cluster.look(600)
    assert await cluster.facts(Drifted) == []


async def test_a_commit_that_was_synced_in_part_and_put_back_is_no_drift(cluster: Cluster) -> None:
    """Git says what it said when it was last seen Synced; what the sync of one resource has left is the operation's."""
    first = await synced(cluster, auto_sync=False)
    sha = cluster.commit()
    operation = cluster.syncs(sha, by="mia")
    facts = {"operation": operation, "reconciled_at": cluster.now, "history": (HistoryEntry(0, first, cluster.now),)}
    assert await out_of_sync(cluster, {path("production"): kustomization("v1")}, **facts) == ""


async def test_a_sync_that_has_just_ended_is_given_time_to_show(cluster: Cluster) -> None:
    """A19: the sync status is of before it until Argo CD has compared again."""
    sha = await synced(cluster)
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, reconciled_at=cluster.now)
    await cluster.look(1)
    cluster.now += timedelta(seconds=400)
    cluster.shows(operation=cluster.syncs(sha), history=(HistoryEntry(0, sha, cluster.now),))
    await cluster.look(1)
    assert await cluster.facts(Drifted) == []
    cluster.shows(sync=SyncStatus.SYNCED, reconciled_at=cluster.now)
    await cluster.look(600)
    assert await cluster.facts(Drifted) == []


async def test_a_sync_that_does_not_make_it_synced_is_a_drift_from_then_on(cluster: Cluster) -> None:
    """The commit waited for an hour; that it did is not the drift's."""
    await synced(cluster, auto_sync=False)
    sha = cluster.commit()
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, revision=sha)
    await cluster.look(1)
    await cluster.look(299)
    cluster.arrives(sha, sync=SyncStatus.OUT_OF_SYNC, history=(HistoryEntry(0, sha, cluster.now),))
    await cluster.look(20)
    assert await cluster.facts(Drifted) == []
    for _ in range(3):
        await cluster.look(300)
    [drift] = await cluster.facts(Drifted)
    assert drift.at >= cluster.now - timedelta(seconds=900)


async def test_what_is_put_back_in_git_before_its_sync_was_undone_is_no_drift(cluster: Cluster) -> None:
    """Git says again what it said when it was last seen Synced, but the cluster was made to be like another commit."""
    first = await synced(cluster, auto_sync=False)
    sha = cluster.commit()
    history = (HistoryEntry(0, first, cluster.now), HistoryEntry(1, sha, cluster.now))
    facts = {"operation": cluster.syncs(sha, by="mia"), "reconciled_at": cluster.now, "history": history}
    assert await out_of_sync(cluster, {path("production"): kustomization("v1")}, **facts) == ""


async def test_after_a_forced_push_it_is_compared_with_what_it_was_synced_at(cluster: Cluster) -> None:
    first = await synced(cluster)
    sha = cluster.commit()
    history = (HistoryEntry(0, first, cluster.now), HistoryEntry(1, sha, cluster.now))
    cluster.arrives(sha, history=history)
    await cluster.look(30)
    cluster.overlays.reset(first)
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, revision=first)
    await cluster.look(1)
    await cluster.look(3600)
    assert await cluster.facts(Drifted) == []


async def test_a_forced_push_that_changes_nothing_of_it_hides_no_drift(cluster: Cluster) -> None:
    first = await synced(cluster)
    other = cluster.overlays.push({OTHERS: b"{}"}).sha
    cluster.shows(revision=other)
    await cluster.look(30)
    cluster.overlays.reset(first)
    assert await out_of_sync(cluster, {OTHERS: b"{} # again"}) == "drift"


async def test_a_commit_that_git_does_not_know_yet_is_waited_for(cluster: Cluster) -> None:
    await synced(cluster)
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, revision="f" * 40)
    await cluster.look(1)
    await cluster.look(3600)
    assert await cluster.facts(Drifted) == []
    cluster.shows(revision=cluster.overlays.push({OTHERS: b"{}"}).sha)
    await cluster.look(15)
    assert len(await cluster.facts(Drifted)) == 1


async def test_while_git_is_away_no_drift_is_decided(cluster: Cluster) -> None:
    await synced(cluster)
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, revision=cluster.overlays.push({OTHERS: b"{}"}).sha)
    await cluster.look(1)
    cluster.now += timedelta(seconds=400)
    cluster.overlays.failing = Unavailable("git", "fetch", "timeout")
    await cluster.observer.tick()
    assert await cluster.facts(Drifted) == []
    cluster.overlays.failing = None
    await cluster.look(15)
    assert len(await cluster.facts(Drifted)) == 1


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ((Source("https://charts.example.com", chart="web", revision="1.2.3"),), True),
        ((Source("https://charts.example.com", chart="web", revision="1.*"),), False),
        ((Source("https://git.example.com/values.git", "prod", "main"),), False),
        ((Source(OVERLAY_REPOSITORY, "values", "main"),), True),
    ],
)
async def test_of_several_sources_those_that_may_have_moved_leave_a_doubt(
    cluster: Cluster, others: tuple[Source, ...], *, told: bool
) -> None:
    """Their commits are not told: it drifts for sure only where this one's is the same, and no other can move."""
    await synced(cluster, sources=(*follows(REF.name), *others))
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC)
    await cluster.look(1)
    await cluster.look(300)
    assert len(await cluster.facts(Drifted)) == told


async def test_an_application_that_is_changed_itself_does_not_drift(cluster: Cluster) -> None:
    """Another path or another image override: what it takes from git is another thing."""
    await synced(cluster)
    [source] = follows(REF.name)
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, sources=(replace(source, images=("web=web:2",)),))
    await cluster.look(1)
    await cluster.look(3600)
    assert await cluster.facts(Drifted) == []


async def test_many_that_drift_after_one_commit_are_all_told_and_git_is_asked_a_few_at_a_time(
    cluster: Cluster,
) -> None:
    names = [f"app-{number:03}" for number in range(50)]
    bases = {f"apps/{name}/base/kustomization.yaml": b"resources: []\n" for name in names}
    sha = cluster.overlays.push(
        {**{path("production", name): kustomization("v1", name) for name in names}, **bases}
    ).sha
    await cluster.observer.names._catalog.listing(fresh=True)
    cluster.now += timedelta(seconds=40)
    app = replace(cluster.applications._apps[REF.name], revision=sha)
    every = [
        replace(
            app,
            ref=replace(REF, name=f"{name}-production"),
            sources=follows(f"{name}-production"),
            images=(f"{HARBOR}/{name}:v1",),
        )
        for name in names
    ]
    await cluster.look()
    for one in every:
        cluster.observer.heard(one)
    await cluster.look()
    await cluster.look(30)
    other = cluster.overlays.push({OTHERS: b"{}"}).sha
    for one in every:
        cluster.observer.heard(replace(one, sync=SyncStatus.OUT_OF_SYNC, revision=other))
    await cluster.look(1)
    cluster.now += timedelta(seconds=300)
    told = []
    for _ in range(4):
        await cluster.observer.tick()
        told.append(len(await cluster.facts(Drifted)))
    assert told[0] < 50
    assert told[-1] == 50


async def test_a_commit_that_waits_for_its_sync_is_no_drift(cluster: Cluster) -> None:
    sha = cluster.commit()
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, revision=sha)
    await cluster.look(1)
    await cluster.look(900)
    assert await cluster.facts(Drifted) == []


async def test_somebody_sets_an_application_back_in_argo_cd(cluster: Cluster) -> None:
    """A20: a rollback there writes nothing to git."""
    old, sha = cluster.overlays.log[0].sha, cluster.commit()
    cluster.arrives(sha)
    await cluster.look(1)
    cluster.now += timedelta(minutes=10)
    cluster.arrives(old, tag="v1", sync=SyncStatus.OUT_OF_SYNC, operation=cluster.syncs(old, by="mia"))
    await cluster.look(1)
    await cluster.look(1)
    one = await cluster.newest()
    assert (one.cause, one.who, one.sha) == (Cause.ARGOCD, "mia", old)
    assert [image.labels for image in one.images] == [("v2", "v1")]
    cluster.restart()
    await cluster.observer.begin()
    await cluster.look(5)
    assert len(deployments(await cluster.store.of())) == 2


@pytest.mark.parametrize("by", ["", "mia"])
async def test_a_sync_of_what_git_says_is_no_deployment_of_its_own(cluster: Cluster, by: str) -> None:
    sha = cluster.commit()
    cluster.arrives(sha, operation=cluster.syncs(sha, by=by))
    await cluster.look(1)
    assert [one.cause for one in deployments(await cluster.store.of())] == [Cause.GIT]


async def test_what_was_synced_and_replaced_while_nobody_looked_was_synced(cluster: Cluster) -> None:
    """A20: Argo CD's history tells."""
    first = cluster.commit("v2")
    synced = cluster.now
    second = cluster.commit("v3")
    history = (HistoryEntry(1, first, synced), HistoryEntry(2, second, cluster.now))
    cluster.arrives(second, tag="v3", history=history)
    await cluster.look(3600)
    one, other = deployments(await cluster.store.of())
    assert (one.outcome, one.synced_at) == (Outcome.SYNCED, synced)
    assert other.outcome is Outcome.HEALTHY


async def test_what_argo_cd_never_came_to_is_superseded(cluster: Cluster) -> None:
    cluster.commit("v2")
    second = cluster.commit("v3")
    cluster.arrives(second, tag="v3", history=(HistoryEntry(2, second, cluster.now),))
    await cluster.look(60)
    assert [one.outcome for one in deployments(await cluster.store.of())] == [Outcome.SUPERSEDED, Outcome.HEALTHY]


async def test_other_applications_are_nobodys_here(cluster: Cluster) -> None:
    cluster.observer.heard(
        Application(ApplicationRef("grafana", "production"), SyncStatus.UNKNOWN, HealthStatus.DEGRADED)
    )
    cluster.now += timedelta(hours=1)
    await cluster.observer.tick()
    assert await cluster.store.of() == ()


async def test_while_git_is_away_nothing_is_judged_and_then_it_is(cluster: Cluster) -> None:
    sha = cluster.commit()
    await cluster.look()
    cluster.arrives(sha)
    cluster.overlays.failing = Unavailable("git", "fetch", "timeout")
    cluster.observer.heard(cluster.applications._apps[REF.name])
    await cluster.observer.tick()
    cluster.overlays.failing = None
    await cluster.look(15)
    assert (await cluster.newest()).outcome is Outcome.HEALTHY


async def test_what_came_to_an_end_is_counted_once_by_cause_and_outcome(cluster: Cluster) -> None:
    labels = {"app": "my-app", "environment": "production", "cause": Cause.GIT, "outcome": Outcome.HEALTHY}
    before = REGISTRY.get_sample_value("pilothouse_deployments_total", labels) or 0
    sha = cluster.commit()
    cluster.arrives(sha)
    await cluster.look(1)
    await cluster.look(30)
    assert REGISTRY.get_sample_value("pilothouse_deployments_total", labels) == before + 1


async def test_the_lead_time_is_measured_once_when_a_change_is_healthy(cluster: Cluster) -> None:
    def measured() -> tuple[float, float]:
        labels = {"environment": "production", "since": "pin"}
        names = ("pilothouse_lead_time_seconds_count", "pilothouse_lead_time_seconds_sum")
        count, total = (REGISTRY.get_sample_value(name, labels) or 0 for name in names)
        return count, total

    count, total = measured()
    sha = cluster.commit()
    cluster.arrives(sha)
    await cluster.look(1)
    await cluster.look(30)
    [one] = [found for found in deployments(await cluster.store.of()) if found.sha == sha]
    assert one.healthy_at is not None
    assert measured() == (count + 1, total + (one.healthy_at - one.at).total_seconds())
    cluster.arrives(cluster.commit("v3"), "v3")
    await cluster.look(1)
    assert measured()[0] == count + 2, "the first one was measured again"


# Subscriptions by annotations.


async def by_annotation(cluster: Cluster) -> list[tuple[str, str]]:
    return [(one.listener, one.scope.event) for one in await cluster.subscriptions.all() if one.by == ANNOTATION]


async def test_annotations_are_subscriptions_for_as_long_as_they_are_there(cluster: Cluster) -> None:
    cluster.shows(subscribed=(("on-health-degraded", "#my-team"), ("on-deployed", "my-team"), ("on-deployed", "C0OPS")))
    await cluster.look()
    expected = [("C0OPS", "deployed"), ("C0OPS", "done"), ("my-team", "degraded"), ("my-team", "deployed"),
                ("my-team", "done")]  # fmt: skip
    assert await by_annotation(cluster) == expected
    cluster.restart()
    await cluster.observer.begin()
    await cluster.look()
    assert await by_annotation(cluster) == expected
    cluster.shows(subscribed=(("on-sync-failed", "my-team"),))
    await cluster.look()
    assert await by_annotation(cluster) == [("my-team", "deploy-failed"), ("my-team", "failed")]
    cluster.shows(subscribed=())
    await cluster.look()
    assert await by_annotation(cluster) == []


async def test_an_annotation_that_subscribes_nobody_is_logged_once(cluster: Cluster) -> None:
    """Argo CD's catalogue has two triggers that nothing corresponds to: the documents say so."""
    annotated = [
        ("on-deployed", "my-team"),
        ("on-created", "my-team"),
        ("on-deployd", "my-team"),
        ("on-deployed", "U0ANA"),
    ]
    with capture_logs() as logs:
        for more in ([], [("mine", "my-team")]):
            cluster.shows(subscribed=(*annotated, *more))
            await cluster.look()
    said = [
        (one["trigger"], one["recipient"]) for one in logs if one["event"] == "deliveries.annotation_without_effect"
    ]
    assert said == [("on-deployd", "my-team"), ("on-deployed", "U0ANA"), ("mine", "my-team")]


def without_effect(logs: Sequence[Mapping[str, Any]]) -> list[tuple[list[str], int]]:
    return [(one["apps"], one["more"]) for one in logs if one["event"] == "deliveries.annotation_without_effect"]


async def test_who_has_an_annotation_without_effect_is_named(cluster: Cluster) -> None:
    """A project's stands for all of its Applications; one that comes later is named then."""
    with capture_logs() as logs:
        for apps in (["my-app", "her-app"], ["her-app", "new-app"]):
            await written(cluster, apps)
    both = ["her-app in production", "my-app in production"]
    assert without_effect(logs) == [(both, 0), (["new-app in production"], 0)]


async def written(cluster: Cluster, apps: Iterable[str]) -> None:
    """Each has an annotation whose trigger nobody knows."""
    annotated = cluster.observer.annotated
    shown = replace(cluster.applications._apps[REF.name], subscribed=(("on-deployd", "my-team"),))
    for app in apps:
        annotated.take((app, "production"), shown)
    await annotated.write()


async def test_many_that_have_it_are_counted(cluster: Cluster) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            await written(cluster, [f"app-{number:03}" for number in range(MOST_NAMED + 7)])
    ((named, more),) = without_effect(logs)
    assert (len(named), named[0], more) == (MOST_NAMED, "app-000 in production", 7)


async def test_an_annotation_subscribes_channels_and_no_person(cluster: Cluster) -> None:
    odd = ("U0ANA", "W0ANA12", "D0ANA", "<!channel>", "", "a b", "@ana", "x" * 90, "ana@example.com")
    cluster.shows(subscribed=tuple(("on-deployed", name) for name in odd))
    await cluster.look()
    assert await by_annotation(cluster) == []


async def test_a_projects_annotations_are_those_of_its_applications(cluster: Cluster) -> None:
    """As with Argo CD's own controller: they are merged."""
    asks = (("on-health-degraded", "C0ALL"),)
    cluster.applications.projects["apps"] = asks
    cluster.shows(ref=replace(REF, project="apps"), subscribed=(("on-health-degraded", "my-team"),))
    await cluster.look()
    await cluster.look(1)
    both = [("C0ALL", "degraded"), ("my-team", "degraded")]
    assert await by_annotation(cluster) == both
    cluster.applications.projects["apps"] = ()
    await cluster.look(60)
    assert await by_annotation(cluster) == both
    await cluster.look(70)
    assert await by_annotation(cluster) == [("my-team", "degraded")]
    del cluster.applications.projects["apps"]
    cluster.shows(subscribed=())
    await cluster.look(130)
    assert await by_annotation(cluster) == []


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_project_that_does_not_answer_takes_nothing_away(cluster: Cluster, *, restarted: bool) -> None:
    cluster.applications.projects["apps"] = (("on-health-degraded", "C0ALL"),)
    cluster.shows(ref=replace(REF, project="apps"))
    await cluster.look()
    await cluster.look(1)
    cluster.applications.failing = Unavailable("Argo CD", "read", "timeout")
    if restarted:
        cluster.restart()
        await cluster.observer.begin()
    await cluster.look(130)
    assert await by_annotation(cluster) == [("C0ALL", "degraded")]
    cluster.applications.failing = None
    cluster.applications.projects["apps"] = ()
    await cluster.look(130)
    assert await by_annotation(cluster) == []


async def test_what_a_project_said_before_another_replica_took_over_is_not_believed(cluster: Cluster) -> None:
    cluster.applications.projects["apps"] = ()
    cluster.shows(ref=replace(REF, project="apps"))
    await cluster.look()
    await cluster.look(1)
    place = ("my-app", "production")
    said = [Subscription("C0ALL", Scope(*place, Event.DEGRADED), ANNOTATION)]
    await cluster.subscriptions.annotate({place: said})
    cluster.applications.failing = Unavailable("Argo CD", "read", "timeout")
    await cluster.observer.begin()
    await cluster.look(130)
    assert await by_annotation(cluster) == [("C0ALL", "degraded")]


async def test_projects_are_asked_side_by_side(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other would never pass a barrier of two."""
    barrier = asyncio.Barrier(2)

    async def subscribed(environment: str, project: str) -> tuple[tuple[str, str], ...]:
        await barrier.wait()
        return (("on-health-degraded", project),)

    monkeypatch.setattr(cluster.applications, "subscribed", subscribed)
    annotated, app = cluster.observer.annotated, cluster.applications._apps[REF.name]
    for project in ("apps", "infra"):
        annotated.take(("my-app", "production"), replace(app, ref=replace(REF, project=project)))
    async with asyncio.timeout(30):
        assert await annotated.ask() == {"apps", "infra"}
        assert await annotated.ask() == frozenset()


async def test_a_project_that_the_bot_may_not_read_asks_for_nothing(cluster: Cluster) -> None:
    cluster.shows(ref=replace(REF, project="hidden"), subscribed=(("on-health-degraded", "my-team"),))
    await cluster.look()
    await cluster.look(1)
    cluster.shows(subscribed=())
    await cluster.look(1)
    assert await by_annotation(cluster) == []


@pytest.mark.parametrize("trigger", ["on-created", "on-deleted", "mine", ""])
async def test_a_trigger_that_is_nothing_here_subscribes_to_nothing(cluster: Cluster, trigger: str) -> None:
    cluster.shows(subscribed=((trigger, "my-team"),))
    await cluster.look()
    assert await by_annotation(cluster) == []


async def test_what_has_not_changed_is_not_written_again(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.shows(subscribed=(("on-deployed", "my-team"),))
    await cluster.look()
    cluster.restart()
    await cluster.observer.begin()

    async def written(*_: object) -> None:
        raise AssertionError("nothing has changed")

    monkeypatch.setattr(cluster.subscriptions, "annotate", written)
    await cluster.look()


async def test_thousands_of_annotated_applications_are_written_together(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that is annotated subscribes each of its Applications: not one transaction for each."""
    names = [f"app-{number:04}" for number in range(500)]
    cluster.overlays.push({path("production", name): kustomization("v1", name) for name in names})
    app = cluster.applications._apps[REF.name]
    ask = (("on-health-degraded", "C0ALL"), ("on-sync-status-unknown", "C0ALL"))
    cluster.now += timedelta(seconds=40)
    await cluster.branch.look()
    await cluster.observer.names._catalog.listing(fresh=True)
    for name in names:
        cluster.observer.heard(replace(app, ref=replace(REF, name=f"{name}-production"), subscribed=ask))
    begun, begin = [], cluster.database.begin

    def counted() -> object:
        begun.append(1)
        return begin()

    monkeypatch.setattr(cluster.database, "begin", counted)
    await cluster.observer.tick()
    found = {(one.scope.app, one.scope.event) for one in await cluster.subscriptions.all()}
    assert found == {(name, event) for name in names for event in ("degraded", "sync-unknown")}
    assert len(begun) < 10


async def test_what_people_subscribed_to_stays(cluster: Cluster) -> None:
    mine = Subscription("my-team", Scope("my-app", "production", "deployed"), "U0BO")
    await cluster.subscriptions.subscribe([mine])
    cluster.shows(subscribed=(("on-deployed", "my-team"),))
    await cluster.look()
    cluster.shows(subscribed=())
    await cluster.look()
    assert await cluster.subscriptions.all() == (mine,)


def test_the_table_in_the_documents_is_what_is_honoured() -> None:
    text = (Path(__file__).parents[4] / "docs" / "deliveries.md").read_text()
    rows = dict(re.findall(r"^\| `(on-[a-z-]+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert {trigger for trigger, events in rows.items() if events != "nothing"} == set(EVENTS)
    for trigger, events in EVENTS.items():
        assert re.findall(r"`([a-z-]+)`", rows[trigger]) == [str(event) for event in events]
