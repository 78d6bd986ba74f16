"""A promotion is Healthy only when commit, sync, images and health agree; what contradicts that is told (A28)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

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
from bot.domain.errors import Unavailable
from bot.domain.image import Image
from bot.domain.overlay import Author, OverlayImage
from bot.domain.promotion import Following, Move, Progress
from bot.promotions.follower import Followed, Follower
from tests.fakes.applications import MemoryApplications
from tests.fakes.overlays import MemoryOverlays

REPOSITORY = "r.example.com:5000/apps/web"
OLD, NEW, THIRD = (f"sha256:{digit * 64}" for digit in "123")
REF = ApplicationRef("web-production", "production")
PATH = "apps/web/overlays/production/kustomization.yaml"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def overlay(tag: str, digest: str = "") -> bytes:
    pin = f"  newTag: {tag}\n" + (f"  digest: {digest}\n" if digest else "")
    return f"images:\n- name: {REPOSITORY}\n{pin}".encode()


@dataclass
class AskedApplications(MemoryApplications):
    """Counts what it is asked for; `on_refresh` is what the next refreshes find."""

    refreshes: int = 0
    on_refresh: list[Application] = field(default_factory=list)
    away: int = 0
    """refreshes that find git or the cache away"""

    async def refresh(self, ref: ApplicationRef) -> Application:
        self.refreshes += 1
        if self.away:
            self.away -= 1
            raise Unavailable("Argo CD", "refresh", "repo-server is away")
        if self.on_refresh:
            return self.put(self.on_refresh.pop(0))
        return await self.get(ref)


class Place:
    """web in production, from v1 to v2; time passes only while the follower sleeps."""

    def __init__(self, *, pinned: bool = False) -> None:
        self.now = START
        self.overlays = MemoryOverlays({PATH: overlay("v1")})
        self.before = self.overlays.log[-1].sha
        self.commit = self.overlays.push({PATH: overlay("v2", NEW if pinned else "")}, "Promote web v2")
        entry = OverlayImage(REPOSITORY, REPOSITORY, "v1", OLD if pinned else "")
        self.move = Move("web", PATH, entry, Image(REPOSITORY, NEW, "v2"), REF)
        self.moves: tuple[Move, ...] = (self.move,)
        self.applications = AskedApplications()
        self.told: list[Following] = []
        self.changes: dict[int, Callable[[], object]] = {}

    def sync(self, phase: OperationPhase, revision: str = "", **more: object) -> Operation:
        return Operation(phase, "words", revision or self.commit.sha, START, START, **more)  # type: ignore[arg-type]

    def app(self, **facts: object) -> Application:
        known: dict[str, object] = {
            "sync": SyncStatus.SYNCED,
            "health": HealthStatus.HEALTHY,
            "revision": self.commit.sha,
            "reconciled_at": START + timedelta(seconds=1),
            "operation": self.sync(OperationPhase.SUCCEEDED),
            "images": (f"{REPOSITORY}:v2",),
            "auto_sync": True,
            **facts,
        }
        return self.applications.put(Application(REF, **known))  # type: ignore[arg-type]

    async def _pass(self, seconds: float) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        self.now += timedelta(seconds=seconds)
        passed = int((self.now - START).total_seconds())
        for at in [at for at in self.changes if at <= passed]:
            self.changes.pop(at)()

    async def follow(self, seconds: float = 300) -> Followed:
        async def told(following: tuple[Following, ...]) -> None:
            self.told += following

        follower = Follower(self.applications, self.overlays, 1, clock=lambda: self.now, sleep=self._pass)
        return await follower.follow(self.moves, self.commit, START + timedelta(seconds=seconds), told)


async def ended(place: Place, seconds: float = 300) -> Following:
    followed = await place.follow(seconds)
    assert followed.healthy is (followed.following[0].progress is Progress.HEALTHY)
    return followed.following[0]


DIGEST = f"{REPOSITORY}@{NEW}"


@pytest.mark.parametrize(
    ("pinned", "images", "progress"),
    [
        (False, [f"{REPOSITORY}:v2"], Progress.HEALTHY),
        (False, [f"{REPOSITORY}:v2", "redis:7"], Progress.HEALTHY),
        (False, [f"{REPOSITORY}:v1", f"{REPOSITORY}:v2"], Progress.HEALTHY),  # an old Job's Pod stays listed
        (False, [DIGEST], Progress.HEALTHY),  # a webhook wrote the digest in the place of the tag
        (False, [f"{REPOSITORY}:v2@{NEW}"], Progress.HEALTHY),
        (False, [f"mirror.example.com/web@{NEW}"], Progress.HEALTHY),  # identity is content
        (True, [DIGEST], Progress.HEALTHY),
        (True, [f"{REPOSITORY}:v2@{NEW}"], Progress.HEALTHY),
        (True, [f"{REPOSITORY}:v2"], Progress.WAITING),  # the tag alone does not prove the digest
        (True, [f"{REPOSITORY}:v2@{THIRD}"], Progress.NEVER_RAN),
        (False, [f"{REPOSITORY}:v2@{THIRD}"], Progress.NEVER_RAN),  # the tag has moved
        (False, [f"{REPOSITORY}:v1"], Progress.NEVER_RAN),
        (False, [f"{REPOSITORY}:v20"], Progress.NEVER_RAN),
        (False, [REPOSITORY], Progress.NEVER_RAN),
        (False, [], Progress.WAITING),
        (False, ["redis:7"], Progress.WAITING),
        (False, ["other.example.com/apps/web:v2"], Progress.WAITING),
        (False, ["r.example.com/apps/web:v2"], Progress.WAITING),  # another port is another registry
    ],
)
async def test_healthy_needs_our_image(pinned: bool, images: list[str], progress: Progress) -> None:
    place = Place(pinned=pinned)
    place.app(images=tuple(images))
    end = await ended(place)
    assert end.progress is progress
    if progress is not Progress.HEALTHY:
        assert end.explanation
        assert "v2" in end.explanation


async def test_two_images_of_which_one_runs_are_not_healthy() -> None:
    place = Place()
    other = replace(place.move, after=Image(f"{REPOSITORY}-worker", THIRD, "v9"))
    place.moves = (place.move, other)
    place.app(images=(f"{REPOSITORY}:v2", f"{REPOSITORY}-worker:v8"))
    assert (await ended(place)).progress is Progress.NEVER_RAN


async def test_a_commit_that_changes_nothing_in_the_cluster_starts_no_sync_and_is_told() -> None:
    """The base renamed the image: the overlay's entry matches nothing, and Argo CD has nothing to do."""
    place = Place()
    place.app(images=(f"{REPOSITORY}:v1",), operation=place.sync(OperationPhase.SUCCEEDED, place.before))
    end = await ended(place)
    assert end.progress is Progress.NEVER_RAN
    assert "v1 runs" in end.explanation


async def test_a_line_that_somebody_put_back_is_told_with_who() -> None:
    place = Place()
    later = place.overlays.push({PATH: overlay("v1")}, "Put it back", Author("Cy", "cy@example.com"))
    top = place.overlays.push({"README": b"words"}, "Words")
    place.app(revision=top.sha, images=(f"{REPOSITORY}:v1",), operation=place.sync(OperationPhase.SUCCEEDED, top.sha))
    end = await ended(place)
    assert end.progress is Progress.SUPERSEDED
    assert "Cy" in end.explanation
    assert later.short in end.explanation


REFUSED = "admission webhook denied the request: runAsNonRoot is missing"


@pytest.mark.parametrize("retrying", [True, False])
async def test_who_is_replaced_still_says_why_argo_cd_had_refused(retrying: bool) -> None:
    """The card of a promotion that somebody rolled back is where people look for why."""
    place = Place()
    phase = OperationPhase.RUNNING if retrying else OperationPhase.FAILED
    failing = replace(place.sync(phase, retrying=retrying), message=REFUSED)
    place.app(sync=SyncStatus.OUT_OF_SYNC, images=(f"{REPOSITORY}:v1",), operation=failing)
    if not retrying:  # a failed sync of ours ends it at once, with the reason
        assert REFUSED in (await ended(place)).explanation
        return

    def roll_back() -> None:
        later = place.overlays.push({PATH: overlay("v1")}, "Roll back", Author("Cy", "cy@example.com"))
        done = place.sync(OperationPhase.SUCCEEDED, later.sha)
        place.app(revision=later.sha, images=(f"{REPOSITORY}:v1",), operation=done)

    place.changes[20] = roll_back
    end = await ended(place)
    assert end.progress is Progress.SUPERSEDED
    assert end.explanation.startswith("Cy changed the line to v1")
    assert end.explanation.endswith(f"Before that: Argo CD could not sync it: {REFUSED}")


async def test_who_is_replaced_after_a_retry_that_went_well_speaks_of_no_trouble() -> None:
    place = Place()
    retrying = replace(place.sync(OperationPhase.RUNNING, retrying=True), message=REFUSED)
    place.app(sync=SyncStatus.OUT_OF_SYNC, images=(f"{REPOSITORY}:v1",), operation=retrying)
    place.changes[10] = lambda: place.app(health=HealthStatus.PROGRESSING)

    def change() -> None:
        later = place.overlays.push({PATH: overlay("v3")})
        place.app(revision=later.sha, images=(f"{REPOSITORY}:v3",))

    place.changes[20] = change
    assert "Before that" not in (await ended(place)).explanation


async def test_a_later_commit_with_another_tag_is_not_ours_though_healthy() -> None:
    place = Place()
    later = place.overlays.push({PATH: overlay("v3")})
    place.app(revision=later.sha, images=(f"{REPOSITORY}:v3",))
    assert (await ended(place)).progress is Progress.SUPERSEDED


async def test_a_later_commit_that_keeps_our_line_is_as_good_as_ours() -> None:
    place = Place()
    later = place.overlays.push({"README": b"words"})
    place.app(revision=later.sha)
    assert (await ended(place)).progress is Progress.HEALTHY


@pytest.mark.parametrize("revision", ["", "main", "f" * 40])
async def test_a_commit_that_git_does_not_know_is_not_ours(revision: str) -> None:
    """A28: of a manifest error the revision is the branch's name."""
    place = Place()
    place.app(revision=revision)
    assert (await ended(place)).progress is Progress.WAITING


async def test_synced_without_a_sync_is_looked_at_again() -> None:
    """A28: after a refusal by admission Argo CD says Synced and Healthy, until it looks once more."""
    place = Place()
    old = {"images": (f"{REPOSITORY}:v1",), "operation": place.sync(OperationPhase.SUCCEEDED, place.before)}
    untrue = place.app(**old)
    truth = ("ComparisonError: admission webhook denied the request",)
    unknown = replace(untrue, sync=SyncStatus.UNKNOWN, conditions=truth)
    place.applications.on_refresh = [untrue, unknown]
    end = await ended(place)
    assert end.progress is Progress.WAITING
    assert "denied the request" in end.explanation
    assert Progress.HEALTHY not in {one.progress for one in place.told}


async def test_a_commit_back_to_what_is_live_needs_no_sync() -> None:
    """A29: the newest operation is an older one that failed."""
    place = Place()
    place.app(operation=place.sync(OperationPhase.FAILED, place.before))
    assert (await ended(place, 5)).progress is Progress.HEALTHY


async def test_an_older_failure_says_nothing_of_ours() -> None:
    place = Place()
    place.app(sync=SyncStatus.OUT_OF_SYNC, operation=place.sync(OperationPhase.FAILED, place.before))
    end = await ended(place, 5)
    assert end.progress is Progress.WAITING
    assert "words" not in end.explanation


async def test_a_failed_sync_of_ours_names_the_hook() -> None:
    """A33."""
    place = Place()
    hook = FailedResource("Job", "migrate", "column exists", "Failed", "PreSync")
    place.app(operation=place.sync(OperationPhase.FAILED, failures=(hook,)))
    end = await ended(place)
    assert end.progress is Progress.FAILED
    assert all(word in end.explanation for word in ("PreSync", "migrate", "Failed", "column exists"))


async def test_a_failed_sync_of_a_later_commit_does_not_undo_ours() -> None:
    place = Place()
    later = place.overlays.push({"README": b"words"})
    failed = place.sync(OperationPhase.FAILED, later.sha)
    place.app(revision=later.sha, operation=failed, history=(HistoryEntry(1, place.commit.sha),))
    assert (await ended(place)).progress is Progress.HEALTHY
    place.app(revision=later.sha, operation=failed, history=(HistoryEntry(1, place.before),))
    assert (await ended(place)).progress is Progress.FAILED


async def test_what_else_drifts_is_named_and_does_no_harm() -> None:
    place = Place()
    place.app(sync=SyncStatus.OUT_OF_SYNC, out_of_sync=("ConfigMap settings",))
    end = await ended(place, 60)
    assert end.progress is Progress.HEALTHY
    assert "ConfigMap settings" in end.explanation


@pytest.mark.parametrize("health", [HealthStatus.SUSPENDED, HealthStatus.UNKNOWN])
async def test_health_that_is_none_is_waited_for_and_said(health: HealthStatus) -> None:
    place = Place()
    place.app(health=health)
    end = await ended(place, 5)
    assert end.progress is Progress.WAITING
    assert end.explanation


async def test_health_of_before_the_sync_is_not_believed() -> None:
    """A19."""
    place = Place()
    place.app(reconciled_at=START - timedelta(seconds=1))
    assert (await ended(place, 5)).progress is Progress.SYNCING


async def test_unknown_is_never_healthy() -> None:
    place = Place()
    place.app(sync=SyncStatus.UNKNOWN, conditions=("OrphanedResourceWarning: one", "ComparisonError: no manifests"))
    end = await ended(place, 5)
    assert (end.progress, end.explanation) == (Progress.WAITING, "ComparisonError: no manifests")


async def test_the_cause_is_told_while_it_rolls_out() -> None:
    place = Place()
    place.app(health=HealthStatus.PROGRESSING)
    pull = ResourceHealth("Pod", "web-1", "web", HealthStatus.DEGRADED, 'Back-off pulling image "web:v2"')
    place.applications._sick[REF.name] = (pull,)
    end = await ended(place, 5)
    assert end.progress is Progress.PROGRESSING
    assert "Back-off pulling image" in end.explanation


async def test_a_refresh_that_found_git_away_is_repeated() -> None:
    """A32."""
    place = Place()
    behind = place.app(revision=place.before, images=(f"{REPOSITORY}:v1",))
    place.applications.away = 1
    place.applications.on_refresh = [replace(behind, revision=place.commit.sha, images=(f"{REPOSITORY}:v2",))]
    assert (await ended(place, 61)).progress is Progress.HEALTHY
    assert place.applications.refreshes == 2


async def test_waiting_asks_for_a_refresh_every_minute_at_the_latest_and_never_every_look() -> None:
    """A32."""
    place = Place()
    place.app(revision=place.before)
    await ended(place, 600)
    assert 600 / 60 <= place.applications.refreshes <= 600 / 30


async def test_somebody_elses_sync_does_not_count_as_ours() -> None:
    """A31: ours is asked for when it is over."""
    place = Place()
    theirs = {"sync": SyncStatus.OUT_OF_SYNC, "auto_sync": False, "images": (f"{REPOSITORY}:v1",)}
    place.app(**theirs, operation=Operation(OperationPhase.RUNNING, revision=place.before))
    place.changes[20] = lambda: place.app(**theirs, operation=place.sync(OperationPhase.SUCCEEDED, place.before))
    place.changes[60] = lambda: place.app(auto_sync=False)
    assert (await ended(place)).progress is Progress.HEALTHY
    assert place.applications.syncs == [(REF.name, place.commit.sha)]


async def test_a_sync_that_was_lost_is_asked_for_again() -> None:
    """A31: as long as no operation of our line is seen."""
    place = Place()
    waiting = {"sync": SyncStatus.OUT_OF_SYNC, "auto_sync": False, "images": (f"{REPOSITORY}:v1",), "operation": None}
    place.app(**waiting)
    place.changes[5] = lambda: place.app(**waiting)
    await ended(place, 40)
    assert len(place.applications.syncs) == 2


async def test_the_retries_of_a_bad_commit_are_said_to_hold_ours() -> None:
    """A34."""
    place = Place()
    retrying = place.sync(OperationPhase.RUNNING, place.before, retrying=True)
    place.app(sync=SyncStatus.OUT_OF_SYNC, operation=retrying)
    end = await ended(place, 5)
    assert end.progress is Progress.WAITING
    assert place.before[:7] in end.explanation
    assert "retries" in end.explanation


async def test_only_pruning_is_left() -> None:
    place = Place()
    left = ("Service old",)
    old = place.sync(OperationPhase.SUCCEEDED, place.before)
    place.app(sync=SyncStatus.OUT_OF_SYNC, out_of_sync=left, to_prune=left, operation=old)
    assert "Service old" in (await ended(place, 5)).explanation


async def test_no_end_without_words() -> None:
    """Never "Not Healthy in time. web: Healthy"."""
    place = Place()
    for sync in SyncStatus:
        for health in HealthStatus:
            for images in ((), (f"{REPOSITORY}:v1",), (f"{REPOSITORY}:v2",)):
                place.app(sync=sync, health=health, images=images)
                end = await ended(place, 40)
                place.now = START
                good = (sync, health, images) == (SyncStatus.SYNCED, HealthStatus.HEALTHY, (f"{REPOSITORY}:v2",))
                waits = end.progress in (Progress.WAITING, Progress.SUPERSEDED, Progress.NEVER_RAN)
                assert good or end.explanation or not waits, (sync, health, images, end)
                if sync is SyncStatus.UNKNOWN or images != (f"{REPOSITORY}:v2",):
                    assert end.progress is not Progress.HEALTHY


@pytest.mark.parametrize(
    ("later", "instead"),
    [
        (overlay("v2", THIRD), "v2"),  # the tag stays, another digest is pinned
        (f"images:\n- name: {REPOSITORY}\n  newName: other.example.com/web\n  newTag: v2\n".encode(), "v2"),
        (f"images:\n- name: {REPOSITORY}\n  digest: {THIRD}\n".encode(), "333333333333"),
        (b"images: []\n", "nothing"),
        (b"resources: []\n", "nothing"),
        (b"images: {\n", "nothing"),
        (overlay("v2.0"), "v2.0"),
        (overlay("V2"), "V2"),
    ],
)
async def test_what_a_later_commit_made_of_our_line_is_superseded(later: bytes, instead: str) -> None:
    place = Place()
    top = place.overlays.push({PATH: later}, "Another", Author("Cy", "cy@example.com"))
    place.app(revision=top.sha, operation=place.sync(OperationPhase.SUCCEEDED, top.sha))
    end = await ended(place)
    assert end.progress is Progress.SUPERSEDED
    assert instead in end.explanation
    assert "Cy" in end.explanation


@pytest.mark.parametrize("later", [overlay("v2", NEW), b"# words\n" + overlay("v2"), overlay("v2") + b"replicas: []\n"])
async def test_a_later_commit_that_pins_the_same_image_in_other_words_is_ours(later: bytes) -> None:
    place = Place()
    top = place.overlays.push({PATH: later})
    images = (f"{REPOSITORY}:v2@{NEW}",)
    place.app(revision=top.sha, images=images, operation=place.sync(OperationPhase.SUCCEEDED, top.sha))
    assert (await ended(place)).progress is Progress.HEALTHY


async def test_a_line_that_was_put_back_and_restored_is_ours_again() -> None:
    place = Place()
    place.overlays.push({PATH: overlay("v1")})
    top = place.overlays.push({PATH: overlay("v2")})
    place.app(revision=top.sha, operation=place.sync(OperationPhase.SUCCEEDED, top.sha))
    assert (await ended(place)).progress is Progress.HEALTHY


async def test_an_untrue_synced_is_checked_before_anything_is_said_of_its_cause() -> None:
    """A28: the first look at it explains nothing; only what Argo CD repeats is given a cause."""
    place = Place()
    place.app(images=(f"{REPOSITORY}:v1",), operation=place.sync(OperationPhase.SUCCEEDED, place.before))
    end = await ended(place)
    first = place.told[0]
    assert (first.progress, "checking again" in first.explanation) == (Progress.WAITING, True)
    assert "base" in end.explanation


@pytest.mark.parametrize("phase", [OperationPhase.FAILED, OperationPhase.ERROR, OperationPhase.SUCCEEDED])
@pytest.mark.parametrize("images", [(), (f"{REPOSITORY}:v1",), (f"{REPOSITORY}:v1", "redis:7")])
async def test_whatever_the_operation_says_another_image_is_not_healthy(
    phase: OperationPhase, images: tuple[str, ...]
) -> None:
    place = Place()
    for revision in (place.before, place.commit.sha):
        place.now = START
        place.app(images=images, operation=place.sync(phase, revision))
        assert (await ended(place, 60)).progress is not Progress.HEALTHY
