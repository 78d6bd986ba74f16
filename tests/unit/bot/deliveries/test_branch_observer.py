"""The overlay branch is followed: who commits what, from which place to which, whoever did it and however late."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.deliveries.branch_observer import GRACE, OBSERVER, BranchObserver
from bot.deliveries.fix_counter import FixCounter
from bot.deliveries.fold import deployments
from bot.deliveries.news_recorder import NewsRecorder
from bot.deliveries.overlay_changes import OverlayChanges
from bot.deliveries.recorder import Recorder
from bot.domain.caller import Person
from bot.domain.delivery import FIXED_WITHIN, Cause, Committed, Deployment
from bot.domain.errors import Unavailable
from bot.domain.overlay import Author
from bot.domain.promotion import Promotion
from bot.policy import parse
from bot.runtime.metrics import REGISTRY
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsStore
from bot.store.promotions import PromotionStore
from tests.fakes.databases import create_tables
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.world import CoreWorld, kustomization, path

BEN = Author("Ben", "ben@example.com")
NOW = datetime(2026, 1, 7, tzinfo=UTC)


def news_recorder(database: Database) -> NewsRecorder:
    return NewsRecorder(NewsStore(database), PromotionStore(database))


@dataclass
class Branch:
    """A branch, and whoever watches it."""

    overlays: MemoryOverlays
    database: Database
    now: datetime = NOW
    observer: BranchObserver = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The process is gone, and another one begins."""
        policy, self.store = parse("{}"), DeliveryStore(self.database)
        changes, recorder = (
            OverlayChanges(self.overlays, policy),
            Recorder(self.database, self.store, news_recorder(self.database)),
        )
        promotions = PromotionStore(self.database)
        self.observer = BranchObserver(self.overlays, changes, recorder, promotions, policy, clock=lambda: self.now)
        self.observer.fixes = FixCounter(self.store, FIXED_WITHIN)

    async def known(self) -> list[Deployment]:
        return list(deployments(await self.store.of()))

    def commit(self, app: str, environment: str, tag: str, message: str = "By hand", author: Author = BEN) -> str:
        return self.overlays.push({path(environment, app): kustomization(tag, app)}, message, author).sha


@pytest.fixture
async def branch(tmp_path: Path) -> AsyncIterator[Branch]:
    files = {
        path(e, app): kustomization("v1", app) for app in ("my-app", "other") for e in ("development", "production")
    }
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await create_tables(database)
    branch = Branch(MemoryOverlays({**files, "README.md": b"hello"}), database)
    await branch.observer.look()
    yield branch
    await database.close()


@pytest.mark.parametrize("broken", [b"images: [", b"- a list", b"images: {name: my-app}"])
async def test_an_overlay_that_cannot_be_read_pins_nothing_that_is_known(branch: Branch, broken: bytes) -> None:
    """Not "v1 → nothing": that would be an image that was removed."""
    sha = branch.overlays.push({path("production"): broken}, "Broken", BEN).sha
    await branch.observer.look()
    (fact,) = [fact for fact in await branch.store.of("my-app") if isinstance(fact.detail, Committed)]
    assert isinstance(fact.detail, Committed)
    assert (fact.detail.sha, fact.detail.images, fact.detail.unreadable) == (sha, (), True)
    assert fact.detail.paths == (path("production"),)


async def test_what_was_there_before_the_first_look_is_no_news(branch: Branch) -> None:
    assert await branch.known() == []
    assert await branch.store.position(OBSERVER) == branch.overlays.log[-1].sha
    assert await branch.store.known_since(OBSERVER) is not None


async def test_a_commit_by_hand_is_a_deployment_with_its_author_and_images(branch: Branch) -> None:
    sha = branch.commit("my-app", "production", "v2", "Hotfix\n\nbecause")
    assert await branch.observer.look() == 1
    [one] = await branch.known()
    assert (one.app, one.environment, one.sha, one.cause) == ("my-app", "production", sha, Cause.GIT)
    assert (one.who, one.email, one.subject) == ("Ben", "ben@example.com", "Hotfix")
    assert [image.labels for image in one.images] == [("v1", "v2")]
    assert one.url


async def test_every_commit_counts_though_several_came_between_two_looks(branch: Branch) -> None:
    shas = [branch.commit("my-app", "production", tag) for tag in ("v2", "v1", "v3")]
    branch.commit("other", "production", "v9")
    assert await branch.observer.look() == 4
    mine = [one for one in await branch.known() if one.app == "my-app"]
    assert [one.sha for one in mine] == shas
    assert [one.images[0].labels for one in mine] == [("v1", "v2"), ("v2", "v1"), ("v1", "v3")]


async def test_looking_again_and_after_a_restart_finds_nothing_twice(branch: Branch) -> None:
    branch.commit("my-app", "production", "v2")
    await branch.observer.look()
    branch.restart()
    assert await branch.observer.look() == 0
    branch.commit("my-app", "production", "v3")
    branch.restart()  # while nobody looked
    assert await branch.observer.look() == 1
    assert len(await branch.known()) == 2


async def test_two_replicas_that_see_the_same_record_it_once(branch: Branch) -> None:
    first = branch.observer
    branch.restart()
    branch.commit("my-app", "production", "v2")
    await asyncio.gather(first.look(), branch.observer.look())
    assert len(await branch.known()) == 1


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("README.md", []),
        ("apps/my-app/README.md", []),
        ("apps/my-app/base2/deployment.yaml", []),
        ("apps/my-app/overlays/nowhere/kustomization.yaml", []),
        ("apps/my-app/overlays/production/patch.yaml", ["production"]),
        ("apps/my-app/overlays/production/patches/deep/patch.yaml", ["production"]),
        ("apps/my-app/base/deployment.yaml", ["development", "production"]),
        ("apps/my-app/base/deep/x.yaml", ["development", "production"]),
    ],
)
async def test_what_else_lies_in_the_overlays_directory_is_a_change_too(
    branch: Branch, file: str, changed: list[str]
) -> None:
    """And what it is built from: whoever changes the base changes production."""
    branch.overlays.push({file: b"x"}, "Settings", BEN)
    assert await branch.observer.look() == len(changed)
    assert sorted(one.environment for one in await branch.known()) == changed
    assert {one.paths for one in await branch.known()} <= {(file,)}


@pytest.mark.parametrize(
    ("environment", "message", "cause"),
    [
        ("development", "Deploy\n\nImage: x\nPipeline-Run: ci-1", Cause.PIPELINE),
        ("development", "Deploy", Cause.GIT),
        ("production", "Deploy\n\nPipeline-Run: ci-1", Cause.GIT),
        ("production", "Deploy\n\nPromotion-Id: p-1\nApproved-By: Mia <mia@example.com> (U0MIA)", Cause.GIT),
    ],
)
async def test_words_in_a_message_vouch_for_nothing(
    branch: Branch, environment: str, message: str, cause: Cause
) -> None:
    branch.commit("my-app", environment, "v2", message)
    await branch.observer.look()
    assert [one.cause for one in await branch.known()] == [cause]


async def test_a_commit_that_claims_to_be_of_the_future_is_of_now(branch: Branch) -> None:
    branch.now = branch.overlays.log[-1].at + timedelta(seconds=1)
    branch.commit("my-app", "production", "v2")  # a minute ahead
    await branch.observer.look()
    assert [one.at for one in await branch.known()] == [branch.now]


async def test_a_commit_on_top_is_not_older_than_what_is_under_it(branch: Branch) -> None:
    first = branch.commit("my-app", "production", "v2")
    second = branch.commit("my-app", "production", "v3")
    branch.overlays._log[-1] = replace(branch.overlays._log[-1], at=datetime(1999, 1, 1, tzinfo=UTC))
    await branch.observer.look()
    assert [one.sha for one in await branch.known()] == [first, second]


async def test_a_branch_that_was_moved_by_force_is_compared_as_a_whole(branch: Branch) -> None:
    base = branch.overlays.log[-1].sha
    branch.commit("my-app", "production", "v2")
    await branch.observer.look()
    branch.overlays.reset(base)
    sha = branch.commit("my-app", "production", "v3")
    await branch.observer.look()
    assert [(one.sha, one.images[0].labels) for one in await branch.known()][-1] == (sha, ("v2", "v3"))


async def test_while_git_is_away_nothing_is_lost(branch: Branch) -> None:
    branch.commit("my-app", "production", "v2")
    branch.overlays.failing = Unavailable("git", "fetch", "timeout")
    with pytest.raises(Unavailable):
        await branch.observer.look()
    branch.overlays.failing = None
    assert await branch.observer.look() == 1


# Pilothouse's own commits, and those that pose as such.


def observer_of(world: CoreWorld, now: datetime) -> BranchObserver:
    changes = OverlayChanges(world.overlays, parse("{}"))
    recorder = Recorder(world.database, DeliveryStore(world.database), news_recorder(world.database))
    return BranchObserver(world.overlays, changes, recorder, world.store, parse("{}"), clock=lambda: now)


async def test_a_promotions_own_commit_is_the_promotions(world: CoreWorld) -> None:
    observer = observer_of(world, NOW)
    await observer.look()
    promotion = await world.deploy()
    await world.approve("mia", promotion)
    await observer.look()
    [one] = deployments(await DeliveryStore(world.database).of())
    assert (one.cause, one.promotion) == (Cause.PROMOTION, promotion.id)


async def test_a_commit_waits_for_the_promotion_that_may_have_made_it_and_not_for_long(world: CoreWorld) -> None:
    """Between the push and the note of it the process may die."""
    promotion = await world.deploy()
    observer, store = observer_of(world, NOW), DeliveryStore(world.database)
    await observer.look()
    forged = world.overlays.push(
        {path("production"): kustomization("v1.4.2")}, f"x\n\nPromotion-Id: {promotion.id}", BEN
    )
    assert await observer.look() == 0
    assert await store.position(OBSERVER) != forged.sha
    observer.clock = lambda: NOW + GRACE
    assert await observer.look() == 1
    [one] = deployments(await store.of())
    assert (one.cause, one.promotion) == (Cause.GIT, "")


async def test_another_image_is_never_waited_for(world: CoreWorld) -> None:
    await world.deploy()
    observer = observer_of(world, NOW)
    await observer.look()
    world.overlays.push({path("production"): kustomization("v9")}, "By hand", BEN)
    assert await observer.look() == 1


async def test_a_rollback_by_policy_says_so(world: CoreWorld) -> None:
    promotion = await world.deploy()
    await world.approve("mia", promotion)
    kept: Promotion = await world.now(promotion)
    automatic = replace(kept, plan=replace(kept.plan, automatic=True, requester=Person("", "Pilothouse")))
    async with world.database.begin() as connection:
        await world.store.save(connection, automatic)
        await DeliveryStore(world.database).move(connection, OBSERVER, world.overlays.log[-2].sha)
    await observer_of(world, NOW).look()
    assert [one.cause for one in deployments(await DeliveryStore(world.database).of())] == [Cause.ROLLBACK]


SETTINGS = "apps/my-app/overlays/production/patch.yaml"


async def fixes_counted(branch: Branch) -> float:
    """By the look that follows, and by those after it."""
    labels = {"app": "my-app", "environment": "production"}
    before = REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) or 0
    await branch.observer.look()
    await branch.observer.look()
    branch.restart()
    await branch.observer.look()
    return (REGISTRY.get_sample_value("pilothouse_fixed_deployments_total", labels) or 0) - before


@pytest.mark.parametrize("word", ["This reverts commit {}.", "Fixes: {}"])
async def test_a_change_of_settings_that_undoes_a_deployment_is_counted_once(branch: Branch, word: str) -> None:
    """No source commit of it will ever be looked up."""
    bad = branch.commit("my-app", "production", "v2")
    await branch.observer.look()
    branch.overlays.push({SETTINGS: b"as before"}, f"Less memory\n\n{word.format(bad)}", BEN)
    assert await fixes_counted(branch) == 1


async def test_what_changed_settings_alone_is_no_deployment_that_is_undone(branch: Branch) -> None:
    bad = branch.overlays.push({SETTINGS: b"worse"}, "More memory", BEN).sha
    await branch.observer.look()
    branch.overlays.push({SETTINGS: b"as before"}, f"Less memory\n\nThis reverts commit {bad}.", BEN)
    assert await fixes_counted(branch) == 0
