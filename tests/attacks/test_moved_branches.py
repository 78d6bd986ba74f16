"""Who pushes to the overlay branch past Pilothouse wants no trace of it: a branch moved by force, a commit that comes
twice, dates and names of one's own. Every change of production is on record all the same, once, at its time, and as
nobody's promotion.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.deliveries.branch_observer import GRACE, OBSERVER
from bot.deliveries.dora import DeploymentRecord, figures
from bot.deliveries.fold import deployments
from bot.domain.delivery import Cause, Committed, Fact, Figures, Judged, Outcome
from bot.domain.event import Event
from bot.domain.four_eyes import unapproved
from bot.domain.overlay import Author
from bot.domain.promotion import Progress
from bot.store.deliveries import KEY, DeliveryStore
from bot.store.delivery_news import NewsStore
from tests.fakes.world import CoreWorld, kustomization, path
from tests.unit.bot.deliveries.test_branch_observer import BEN, NOW, Branch, branch, observer_of

__all__ = ["branch"]

LONG_AGO = datetime(1999, 1, 1, tzinfo=UTC)


async def changes(branch: Branch) -> list[tuple[str, tuple[str, str]]]:
    """Commit, and what it put in the place of what; oldest first."""
    return [(one.sha, one.images[0].labels) for one in await branch.known()]


def dated(branch: Branch, at: datetime) -> None:
    """The newest commit says that it was made then."""
    branch.overlays._log[-1] = replace(branch.overlays._log[-1], at=at)


async def moved_back(branch: Branch) -> tuple[str, str]:
    """v2, then v3, then the branch is moved back to v2 by force; the commits."""
    second = branch.commit("my-app", "production", "v2")
    await branch.observer.look()
    third = branch.commit("my-app", "production", "v3")
    await branch.observer.look()
    branch.overlays.reset(second)
    assert await branch.observer.look() == 1
    return second, third


async def test_a_branch_that_is_moved_back_by_force_changes_production(branch: Branch) -> None:
    second, third = await moved_back(branch)
    assert await changes(branch) == [(second, ("v1", "v2")), (third, ("v2", "v3")), (second, ("v3", "v2"))]
    *_, back = await branch.known()
    assert (back.cause, back.who, back.email, back.promotion) == (Cause.GIT, "", "", "")
    assert back.subject == f"The branch was moved here from {third[:7]}"
    assert unapproved(back)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("restarted", [True, False])
async def test_a_branch_that_is_moved_today_is_no_change_of_last_month(
    branch: Branch, known: bool, restarted: bool
) -> None:
    """Whatever the commit is dated that it is moved to."""
    base = branch.overlays.log[-1].sha
    shas = [branch.commit("my-app", "production", tag) for tag in ("v2", "v3")]
    await branch.observer.look()
    branch.now += timedelta(days=30)
    last = branch.now - timedelta(seconds=20)
    async with branch.database.begin() as connection:
        await branch.store.move(connection, f"seen {OBSERVER}", f"{last.timestamp():.0f}")
    if restarted:
        branch.restart()
    branch.observer.recorder._clock = lambda: branch.now.timestamp()
    if not restarted:
        branch.observer.recorder._seen[OBSERVER] = last.timestamp()
    branch.overlays.reset(shas[0] if known else base)
    await branch.observer.look()
    *_, moved = await branch.known()
    assert last <= moved.at <= branch.now


async def test_a_commit_that_comes_again_without_force_changes_production_again(branch: Branch) -> None:
    second, third = await moved_back(branch)
    branch.overlays._log.append(replace(branch.overlays._log[-1], sha=third, parents=(second,)))
    branch.now += timedelta(minutes=1)
    assert await branch.observer.look() == 1
    assert [labels for _, labels in await changes(branch)][-2:] == [("v3", "v2"), ("v2", "v3")]


async def test_looking_at_a_moved_branch_again_finds_nothing_more(branch: Branch) -> None:
    await moved_back(branch)
    branch.restart()
    assert await branch.observer.look() == 0
    assert len(await branch.known()) == 3


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_branch_whose_old_commits_are_gone_for_good_is_read_on(branch: Branch, restarted: bool) -> None:
    """Moved by force while nobody looked, and git has no longer what was there: what is on record takes its place."""
    base = branch.overlays.log[-1].sha
    gone = branch.commit("my-app", "production", "v2")
    branch.commit("other", "production", "v7")
    await branch.observer.look()
    last = branch.overlays.log[-1].sha
    branch.overlays.reset(base)
    for sha in (gone, last):
        del branch.overlays._trees[sha]
    if restarted:
        branch.restart()
    third = branch.commit("my-app", "production", "v3")
    await branch.observer.look()
    found = {(one.app, *one.images[0].labels) for one in (await branch.known())[2:]}
    assert found == {("my-app", "v2", "v3"), ("other", "v7", "v1")}
    assert await branch.store.position(OBSERVER) == third
    branch.commit("my-app", "production", "v4")
    assert await branch.observer.look() == 1


async def test_nor_does_it_matter_that_nothing_was_on_record(branch: Branch) -> None:
    base, first = (branch.overlays.log[-1].sha, branch.overlays.push({"README.md": b"x"}, "Words", BEN).sha)
    await branch.observer.look()
    branch.overlays.reset(base)
    del branch.overlays._trees[first]
    branch.commit("my-app", "production", "v3")
    await branch.observer.look()
    branch.commit("my-app", "production", "v4")
    assert await branch.observer.look() == 1


async def test_people_hear_that_the_branch_was_moved_back_and_no_author_is_named(branch: Branch) -> None:
    await moved_back(branch)
    told = await NewsStore(branch.database).noted(Event.DEPLOYED, 0.0)
    assert [(one.change, one.who, one.email) for one in told][-1] == ("v3 → v2", "", "")
    assert len(told) == 3


async def test_a_promotion_vouches_for_its_commit_once(world: CoreWorld) -> None:
    """Somebody moves the branch back to what was approved weeks ago: nobody has approved that."""
    observer, store = observer_of(world, NOW), DeliveryStore(world.database)
    await observer.look()
    promotion = await world.deploy()
    await world.approve("mia", promotion)
    approved = world.overlays.log[-1].sha
    await observer.look()
    world.overlays.push({path("production"): kustomization("v1.4.3")}, "Hotfix", BEN)
    await observer.look()
    world.overlays.reset(approved)
    await observer.look()
    there = [one for one in deployments(await store.of()) if one.environment == "production"]
    assert [(one.cause, one.promotion) for one in there] == [
        (Cause.PROMOTION, promotion.id), (Cause.GIT, ""), (Cause.GIT, "")
    ]  # fmt: skip


async def test_each_coming_of_a_commit_is_judged_for_itself(branch: Branch) -> None:
    second, _ = await moved_back(branch)
    first, _, back = (fact for fact in reversed(await branch.store.of()) if isinstance(fact.detail, Committed))
    assert isinstance(back.detail, Committed)
    healthy = [
        Fact(f"judged:{of}:Healthy:production:my-app", at, "my-app", "production", Judged(of, Progress.HEALTHY, "", at))
        for of, at in ((second, first.at), (back.detail.id, back.at + timedelta(minutes=5)))
    ]
    async with branch.database.begin() as connection:
        await branch.store.add(connection, healthy[:1])
    assert [one.outcome for one in await branch.known()] == [
        Outcome.HEALTHY, Outcome.UNDER_WAY, Outcome.UNDER_WAY
    ]  # fmt: skip
    assert back.key in [fact.key for fact in await open_(branch)]
    async with branch.database.begin() as connection:
        await branch.store.add(connection, healthy[1:])
    *_, last = await branch.known()
    assert (last.outcome, last.healthy_at) == (Outcome.HEALTHY, back.at + timedelta(minutes=5))
    assert await open_(branch) == ()
    lasted = [one.lasted for part in dora(await branch.store.of()) for one in part.failures]
    assert all(one is None or one >= timedelta(0) for one in lasted)


async def open_(branch: Branch) -> tuple[Fact, ...]:
    return await branch.store.unjudged(["production"], LONG_AGO, ["Healthy"])


def dora(facts: tuple[Fact, ...]) -> tuple[Figures, ...]:
    return figures(DeploymentRecord.of(facts), "production", LONG_AGO, NOW)


async def test_a_commit_that_is_dated_long_ago_is_not_hidden_in_the_past_by_a_restart(branch: Branch) -> None:
    """The four-eyes report of this month would not have it."""
    first = branch.commit("my-app", "production", "v2")
    await branch.observer.look()
    branch.restart()
    second = branch.commit("my-app", "production", "v3")
    dated(branch, LONG_AGO)
    await branch.observer.look()
    assert [one.sha for one in await branch.known()] == [first, second]
    assert (await branch.known())[-1].at.year == NOW.year


async def test_nor_is_the_first_commit_ever(branch: Branch) -> None:
    base = branch.overlays.log[-1].at
    branch.restart()
    branch.commit("my-app", "production", "v2")
    dated(branch, LONG_AGO)
    await branch.observer.look()
    assert [one.at > base for one in await branch.known()] == [True]


async def test_another_replica_does_not_hide_it_either(branch: Branch) -> None:
    other = branch.observer
    branch.restart()
    for tag in ("v2", "v3"):
        branch.commit("my-app", "production", tag)
        await branch.observer.look()
    branch.commit("my-app", "production", "v4")
    dated(branch, LONG_AGO)
    await other.look()
    assert [labels for _, labels in await changes(branch)] == [("v1", "v2"), ("v2", "v3"), ("v3", "v4")]


async def test_two_replicas_at_the_same_moment_record_each_change_once(branch: Branch) -> None:
    first = branch.observer
    branch.restart()
    for tag in ("v2", "v3"):
        branch.commit("my-app", "production", tag)
    found = await asyncio.gather(first.look(), branch.observer.look())
    assert sum(found) == len(await branch.known()) == 2


async def test_many_commits_that_pose_as_a_promotions_hold_the_record_up_as_long_as_one(world: CoreWorld) -> None:
    """Each might be the one that a live promotion has just written, and waits two minutes for its note."""
    await world.deploy()
    observer, store = observer_of(world, NOW), DeliveryStore(world.database)
    await observer.look()
    for number in range(10):
        tag = "v1.4.2" if number % 2 == 0 else "v1.4.1"
        world.overlays.push({path("production"): kustomization(tag)}, "Mine", BEN)
    world.overlays.push({path("development"): kustomization("v9")}, "Another's", BEN)
    assert await observer.look() == 0
    observer.clock = lambda: NOW + GRACE
    assert await observer.look() == 11
    assert (await store.of())[0].environment == "development"


UNREADABLE = "\udcff"
"""a byte that is no UTF-8, as git hands it on"""


@pytest.mark.parametrize(
    "file",
    [
        f"apps/my-app/overlays/production/{UNREADABLE}.txt",
        f"apps/my-app/base/{UNREADABLE}.txt",
        f"apps/{UNREADABLE}/overlays/production/kustomization.yaml",
        f"apps/{UNREADABLE}/base/x.yaml",
        f"{UNREADABLE}",
        "apps/a\nb/overlays/production/kustomization.yaml",
        "apps/\u202eppa/overlays/production/kustomization.yaml",
        "apps/my-\u0430pp/overlays/production/kustomization.yaml",
        f"apps/{'x' * 255}/overlays/production/kustomization.yaml",
    ],
)
async def test_no_file_name_keeps_what_comes_after_it_from_being_recorded(branch: Branch, file: str) -> None:
    branch.overlays.push({file: kustomization("v2")}, "Settings", BEN)
    branch.commit("other", "production", "v5")
    await branch.observer.look()
    assert [one.app for one in await branch.known()][-1] == "other"


async def test_a_change_by_a_file_whose_name_is_no_text_is_on_record(branch: Branch) -> None:
    branch.overlays.push({f"apps/my-app/overlays/production/{UNREADABLE}.yaml": b"x"}, "Settings", BEN)
    await branch.observer.look()
    (one,) = await branch.known()
    assert (one.app, one.environment, one.paths) == (
        "my-app", "production", ("apps/my-app/overlays/production/\ufffd.yaml",)
    )  # fmt: skip


@pytest.mark.parametrize("words", ["\x00", "", "x" * 100_000])
async def test_no_author_and_no_message_keep_it_from_being_recorded(branch: Branch, words: str) -> None:
    message = f"{words}\n\nPipeline-Run: {words}"
    branch.overlays.push({path("production"): kustomization("v2")}, message, Author(words, words))
    branch.commit("other", "production", "v5")
    assert await branch.observer.look() == 2


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b'images:\n- name: "\\ud800"\n  newTag: x\n',
        b"images:\n- {name: a, newTag: [1]}\n",
        b"a: &a [*a]\nimages: []",
        b"x: " + b"[" * 5000,
    ],
)
async def test_no_content_keeps_it_from_being_recorded(branch: Branch, body: bytes) -> None:
    branch.overlays.push({path("production"): body}, "Odd", BEN)
    branch.commit("other", "production", "v5")
    assert await branch.observer.look() == 2


async def test_a_key_that_is_too_long_is_known_again(branch: Branch) -> None:
    app = "x" * 240
    branch.commit(app, "production", "v1")
    await branch.observer.look()
    (fact,) = await branch.store.of(app)
    assert isinstance(fact.detail, Committed)
    assert len(fact.key) == KEY
    whole = replace(fact, key=f"git:{fact.detail.sha}:production:{app}")
    async with branch.database.begin() as connection:
        assert await branch.store.add(connection, [whole]) == ()
