"""From a commit to a scanned image: what is recorded of pushes, runs and images, and what is made of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deliveries.builds import KINDS, builds
from bot.deliveries.image_observer import ImageObserver
from bot.deliveries.news_recorder import NewsRecorder
from bot.deliveries.owners import Owners
from bot.deliveries.recorder import Recorder
from bot.deliveries.run_observer import RunObserver
from bot.domain.build import Build, ImagePushed, ImageScanned, Pushed, RunEnded, RunStarted
from bot.domain.delivery import Detail, Fact
from bot.domain.errors import DatabaseAway, Unavailable
from bot.domain.image import Image
from bot.domain.overlay import Author
from bot.domain.pipeline import HELD, PipelineRun, RunStatus, TaskStatus
from bot.domain.scan import ScanStatus, Severity, Vulnerability
from bot.overlays.catalog import Catalog
from bot.policy import parse
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsStore
from bot.store.promotions import PromotionStore
from tests.fakes.databases import create_tables
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.registry import MemoryRegistry
from tests.sentences import says

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SHA = "c0ffee" + "0" * 34
DIGEST = "sha256:" + "d" * 64
REPOSITORY = "harbor.example.com/apps/my-app"
SOURCE = "https://github.com/example/my-app.git"
RUN = PipelineRun(
    "my-app-x7k2p",
    "ci",
    "ci-pipeline",
    RunStatus.RUNNING,
    app="my-app",
    params={"revision": SHA, "repo-url": SOURCE, "image": REPOSITORY},
    created_at=NOW,
    started_at=NOW,
)
DONE = replace(
    RUN,
    status=RunStatus.SUCCEEDED,
    results={"commit": SHA, "image": f"{REPOSITORY}:v1.5.0", "digest": DIGEST},
    finished_at=NOW + timedelta(seconds=130),
)
PUSH = Pushed(SOURCE, SHA, Author("Ana", "ana@example.com"), "Make it so", count=1, subjects=("Make it so",))


def fact(key: str, detail: Detail, minutes: int = 0, app: str = "my-app") -> Fact:
    return Fact(f"{key}:{app}", NOW + timedelta(minutes=minutes), app, "", detail)


# The fold.

REVISIONS = st.sampled_from(["a" * 40, "b" * 40, ""])
NAMES = st.sampled_from(["r1", "r2", "r3"])
DIGESTS = st.sampled_from(["sha256:" + "1" * 64, "sha256:" + "2" * 64, ""])
APPS = st.sampled_from(["my-app", "other-app"])
MINUTES = st.integers(0, 20)
DETAILS = st.one_of(
    st.builds(RunStarted, NAMES, REVISIONS),
    st.builds(lambda name, status, sha, digest: RunEnded(name, status, sha, digest=digest), NAMES,
              st.sampled_from([RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.DELETED]), REVISIONS, DIGESTS),
    st.builds(lambda sha: replace(PUSH, sha=sha), REVISIONS),
    st.builds(lambda digest: ImagePushed("apps/my-app", digest), DIGESTS),
    st.builds(lambda digest, n: ImageScanned(digest, ScanStatus.SUCCESS, ((Severity.LOW, n),)), DIGESTS, MINUTES),
)  # fmt: skip
FACTS = st.builds(lambda d, m, app, key: fact(f"k{key}", d, m, app), DETAILS, MINUTES, APPS, st.integers(0, 10**6))


@given(st.data())
def test_order_and_repeats_change_nothing(data: st.DataObject) -> None:
    once = data.draw(st.lists(FACTS, max_size=14, unique_by=lambda one: one.key))
    again = data.draw(st.lists(st.sampled_from(once), max_size=6)) if once else []
    shuffled = data.draw(st.permutations([*once, *again]))
    assert builds(shuffled) == builds(once)
    runs = (one for one in once if isinstance(one.detail, RunStarted | RunEnded) and one.detail.revision)
    assert {(one.app, one.revision) for one in builds(once)} == {(r.app, r.detail.revision) for r in runs}  # type: ignore[union-attr]


def test_a_build_knows_its_push_its_run_its_image_and_its_newest_scan() -> None:
    scan = ImageScanned(DIGEST, ScanStatus.SUCCESS, ((Severity.MEDIUM, 1),))
    ended = RunEnded("r1", RunStatus.SUCCEEDED, SHA, SOURCE, "", REPOSITORY, "v1.5.0", DIGEST, started_at=NOW)
    [one] = builds([
        fact("s2", scan, 9), fact("s1", replace(scan, counts=()), 8), fact("e", ended, 2), fact("p", PUSH, -1),
        fact("b", RunStarted("r1", SHA)), fact("i", ImagePushed("apps/my-app", DIGEST, "v1.5.0"), 1),
    ])  # fmt: skip
    assert (one.at, one.lasted) == (NOW - timedelta(minutes=1), timedelta(minutes=2))
    assert (one.push, one.scan, one.stored_at) == (PUSH, scan, NOW + timedelta(minutes=1))


def test_a_run_that_one_replica_saw_vanish_and_another_one_end_has_ended() -> None:
    gone, ended = RunEnded("r1", RunStatus.DELETED, SHA), RunEnded("r1", RunStatus.SUCCEEDED, SHA, digest=DIGEST)
    for first, second in ((gone, ended), (ended, gone)):
        [one] = builds([fact("1", first, 3), fact("2", second, 4)])
        assert (one.status, one.digest) == (RunStatus.SUCCEEDED, DIGEST)


def test_a_second_run_that_fails_does_not_take_the_image_of_the_first_away() -> None:
    first = RunEnded("r1", RunStatus.SUCCEEDED, SHA, digest=DIGEST, started_at=NOW)
    again = RunEnded("r2", RunStatus.FAILED, SHA, reason="no space", started_at=NOW + timedelta(minutes=5))
    [one] = builds([fact("1", first, 3), fact("2", again, 9)])
    assert (one.run, one.digest) == ("r1", DIGEST)


# The observers.


@dataclass
class Record:
    database: Database
    now: datetime = NOW
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    overlays: MemoryOverlays = field(default_factory=MemoryOverlays)

    def __post_init__(self) -> None:
        clock, seconds = (lambda: self.now), (lambda: self.now.timestamp())
        self.store = DeliveryStore(self.database)
        news_recorder = NewsRecorder(NewsStore(self.database), PromotionStore(self.database), seconds)
        recorder = Recorder(self.database, self.store, news_recorder, seconds)
        owners = Owners(self.store, Catalog(self.overlays, parse("")), clock)
        self.runs = RunObserver(recorder, clock)
        self.images = ImageObserver(self.registry, self.store, recorder, owners, clock)

    async def facts(self, kind: str = "") -> list[Fact]:
        return [one for one in await self.store.of() if kind in ("", one.kind)]

    async def build(self) -> Build:
        [one] = builds(await self.store.of_kinds(KINDS, NOW - timedelta(days=1)))
        return one

    async def built(self) -> None:
        """The run has ended, and the registry has its image."""
        self.registry.push(REPOSITORY, "v1.5.0", digest=DIGEST)
        self.runs.heard(DONE)
        await self.runs.record()


@pytest.fixture
async def record(tmp_path: Path) -> AsyncIterator[Record]:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await create_tables(database)
    made = Record(database)
    made.overlays.push({"apps/my-app/overlays/development/kustomization.yaml": b"images: []\n"})
    yield made
    await database.close()


async def test_every_state_that_the_watch_tells_makes_two_facts_of_a_run(record: Record) -> None:
    for run in (RUN, RUN, DONE, DONE):
        record.runs.heard(run)
        await record.runs.record()
    assert sorted(one.kind for one in await record.facts()) == ["run-ended", "run-started"]
    again = Record(record.database)  # another process, which begins with the list of all runs
    again.runs.heard(DONE)
    assert await again.runs.record() == 0
    one = await record.build()
    assert (one.app, one.revision, one.digest, one.tag) == ("my-app", SHA, DIGEST, "v1.5.0")
    assert (one.repository, one.source, one.lasted) == (REPOSITORY, SOURCE, timedelta(seconds=130))


async def test_a_run_of_the_same_name_that_was_made_later_is_another_one(record: Record) -> None:
    later = replace(RUN, created_at=NOW + timedelta(days=1), started_at=NOW + timedelta(days=1))
    for run in (RUN, later):
        record.runs.heard(run)
    assert await record.runs.record() == 2


async def test_a_failure_says_which_task_and_a_hold_says_why(record: Record) -> None:
    task = TaskStatus("run-tests", RunStatus.FAILED, message='step "unit" ended with exit code 1')
    record.runs.heard(replace(DONE, status=RunStatus.FAILED, results={}, tasks=(task,)))
    held = replace(DONE, name="other", results={**DONE.results, HELD: "locked by Bo"}, params={"revision": "e" * 40})
    record.runs.heard(held)
    await record.runs.record()
    details = {one.detail.run: one.detail for one in await record.facts("run-ended")}  # type: ignore[union-attr]
    assert says(details[RUN.name].reason, "run-tests", "failed", '"unit"', "exit code 1")  # type: ignore[union-attr]
    assert details["other"].held == "locked by Bo"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("run", "revision"),
    [
        (replace(RUN, params={"revision": "main"}), ""),
        (replace(RUN, params={"revision": SHA[:12]}), ""),
        (replace(RUN, params={}, results={"CHAINS-GIT_COMMIT": SHA}), SHA),
        (replace(RUN, params={"revision": "main"}, results={"commit": f"{SHA}\n"}), SHA),
    ],
)
async def test_a_branch_is_no_revision(record: Record, run: PipelineRun, revision: str) -> None:
    record.runs.heard(run)
    await record.runs.record()
    [one] = await record.facts()
    assert isinstance(one.detail, RunStarted)
    assert one.detail.revision == revision


async def test_a_run_without_an_app_is_nobodys(record: Record) -> None:
    record.runs.heard(replace(DONE, app=""))
    assert await record.runs.record() == 0


async def test_a_scan_that_harbor_tells_of_is_read_from_the_registry_once(record: Record) -> None:
    await record.built()
    record.registry.finish_scan(Image(REPOSITORY, DIGEST), Vulnerability("CVE-1", "x", "1", Severity.MEDIUM))
    for _ in range(2):
        await record.images.scanned(DIGEST, "apps/my-app")
    assert len(await record.facts("image-scanned")) == 1
    scan = (await record.build()).scan
    assert scan is not None
    assert (scan.status, scan.counts) == (ScanStatus.SUCCESS, ((Severity.MEDIUM, 1),))


async def test_the_scan_of_an_index_is_told_with_the_digest_of_a_platform(record: Record) -> None:
    """H27."""
    await record.built()
    record.registry.finish_scan(Image(REPOSITORY, DIGEST))
    await record.images.scanned("sha256:" + "9" * 64, "apps/my-app")
    assert (await record.build()).scan is not None


async def test_without_a_webhook_a_new_image_is_asked_for_its_scan(record: Record) -> None:
    await record.built()
    record.registry.push(REPOSITORY, "v1.5.0", digest=DIGEST)
    await record.images.look()
    assert await record.facts("image-scanned") == []
    record.registry.failing = Unavailable("Harbor", "read", "down")
    await record.images.look()
    record.registry.failing = None
    record.registry.finish_scan(Image(REPOSITORY, DIGEST))
    await record.images.look()
    assert len(await record.facts("image-scanned")) == 1


async def test_an_image_that_the_registry_has_not_keeps_no_other_from_being_looked_at(record: Record) -> None:
    """Neither by the look that is taken every few seconds, nor when Harbor tells of a scan."""
    gone = "sha256:" + "7" * 64
    elsewhere = {"commit": "f" * 40, "image": f"{REPOSITORY}:v1.4.9", "digest": gone}
    record.runs.heard(replace(DONE, name="gone", results=elsewhere, finished_at=NOW + timedelta(seconds=1)))
    await record.built()
    record.registry.finish_scan(Image(REPOSITORY, DIGEST), Vulnerability("CVE-1", "x", "1", Severity.LOW))
    await record.images.look()
    assert [one.detail.digest for one in await record.facts("image-scanned")] == [DIGEST]  # type: ignore[union-attr]
    record.registry.finish_scan(Image(REPOSITORY, DIGEST))
    await record.images.scanned(DIGEST, "apps/my-app")


async def test_the_database_being_away_is_no_trouble_of_the_registry(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise DatabaseAway("read", "down")

    monkeypatch.setattr(record.store, "of_kinds", away)
    with pytest.raises(DatabaseAway):
        await record.images.look()


async def test_an_image_that_was_built_long_ago_is_not_asked_for(record: Record) -> None:
    await record.built()
    record.registry.failing = AssertionError("asked")
    record.now += timedelta(hours=2)
    await record.images.look()


async def test_pushes_and_images_are_of_the_app_whose_runs_name_them(record: Record) -> None:
    record.runs.heard(replace(RUN, params={**RUN.params, "repo-url": "https://github.com/example/mono.git",
                                           "image": "harbor.example.com/apps/worker"}))  # fmt: skip
    await record.runs.record()
    await record.images.stored(DIGEST, "apps/worker", "v1", None)
    await record.images.committed(replace(PUSH, repository="git@github.com:example/mono.git"), None)
    for unknown in ("apps/nobody", "apps/my-app-2"):
        await record.images.stored("sha256:" + "8" * 64, unknown, "v1", None)
    await record.images.committed(replace(PUSH, repository="https://github.com/example/nobody"), None)
    assert [one.app for kind in ("image-pushed", "pushed") for one in await record.facts(kind)] == ["my-app", "my-app"]


async def test_where_no_run_names_them_they_are_of_the_app_of_that_name(record: Record) -> None:
    await record.images.committed(replace(PUSH, repository="https://github.com/example/My-App.git"), None)
    await record.images.stored(DIGEST, "apps/my-app", "v1", NOW + timedelta(days=3))
    assert {(one.kind, one.app, one.at) for one in await record.facts()} == {
        ("pushed", "my-app", NOW),
        ("image-pushed", "my-app", NOW),
    }
