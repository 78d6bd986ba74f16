"""An app with several images in one repository, told apart by their tags: each goes back to what it was itself, and the
digest of one is no proof for the other.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.image import Image
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.promotion import Kind, Phase, Promotion
from bot.overlays.image_locations import ImageLocations
from bot.promotions.moves import matched
from bot.promotions.rollback_targets import _claimed
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, path

MONO = f"{HARBOR}/mono"
PARTS = ("api", "worker")
AUTOMATIC = POLICY + (
    "environments:\n- {name: development}\n- {name: staging}\n"
    "- {name: production, approval: {count: 0}, gates: {order: false}, rollback: {automatic: 30m}}\n"
)


def pinned(release: int) -> bytes:
    entries = "".join(f"- name: {part}\n  newName: {MONO}\n  newTag: {part}-{release}\n" for part in PARTS)
    return f"resources: [../../base]\nimages:\n{entries}".encode()


async def built(world: CoreWorld, release: int) -> dict[str, Image]:
    """Both images of a release, scanned, and seen in staging."""
    made = {part: world.registry.push(MONO, f"{part}-{release}", revision=f"{part}{release}").image for part in PARTS}
    for image in made.values():
        world.registry.finish_scan(image)
        await world.seen(image)
    return made


@pytest.fixture
async def mono(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[CoreWorld]:
    """Production has the first release, and staging the second."""
    async with core_world(tmp_path, getattr(request, "param", POLICY)) as world:
        for release in (1, 2, 3):
            await built(world, release)
        world.overlays.push({path("production"): pinned(1), path("staging"): pinned(1)})
        world.overlays.push({path("staging"): pinned(2)})
        for environment in ("staging", "production"):
            await world.applications.refresh(world.applications._apps[f"my-app-{environment}"].ref)
        yield world


async def promoted(world: CoreWorld) -> Promotion:
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    done = await world.now(asked)
    assert done.phase is Phase.SUCCEEDED
    return done


async def digest(world: CoreWorld, tag: str) -> str:
    return (await world.registry.artifact(MONO, tag)).image.digest


async def test_each_image_goes_back_to_what_it_was_itself(mono: CoreWorld) -> None:
    await promoted(mono)
    mono.overlays.push({path("production"): pinned(3)}, "by hand")
    back = await mono.rollback("ana")
    assert back.plan.kind is Kind.ROLLBACK
    for move in back.plan.moves:
        assert (move.after.tag, move.after.digest) == (f"{move.name}-2", await digest(mono, f"{move.name}-2"))


async def test_a_tag_that_was_moved_leads_back_to_what_ran_under_it(mono: CoreWorld) -> None:
    done = await promoted(mono)
    ran = {move.name: move.after.digest for move in done.moves}
    mono.overlays.push({path("production"): pinned(3)}, "by hand")
    mono.registry.push(MONO, "api-2", revision="another")
    back = await mono.rollback("ana")
    assert {move.name: move.after.digest for move in back.plan.moves} == ran


@pytest.mark.parametrize("mono", [AUTOMATIC], indirect=True)
async def test_policy_takes_each_back_to_what_it_was_itself(mono: CoreWorld) -> None:
    await mono.deploy("ana")
    await mono.engine.pass_time(timedelta(hours=1))
    mono.overlays.push({path("staging"): pinned(3)})
    await mono.applications.refresh(mono.applications._apps["my-app-staging"].ref)
    newest = await mono.now(await mono.deploy("ana"))
    assert newest.commit
    listing = await mono.service.planner._catalog.listing(fresh=True)
    for move in newest.moves:
        found, seen = await mono.service.planner._moves.back(listing, move, "production")
        assert found
        assert (found.after.tag, seen) == (f"{move.name}-2", True)


@pytest.mark.parametrize("part", PARTS)
async def test_what_one_promotion_has_put_on_record_is_known_of_each_of_them(mono: CoreWorld, part: str) -> None:
    done = await promoted(mono)
    overlay = await mono.service.planner._catalog.overlay("my-app", "production")
    locations = ImageLocations(mono.service.planner._catalog, mono.overlays, mono.registry, mono.store)
    image = next(move.after for move in done.moves if move.name == part)
    assert await locations.pinned(overlay, image)
    assert await locations.pinned_at(overlay, image, done.commit.sha if done.commit else "")
    assert await locations.was_pinned(overlay, image)
    moved = mono.registry.push(MONO, f"{part}-2", revision="another").image
    assert not await locations.pinned(overlay, moved)


def commit(*digests: str) -> Commit:
    trailers = "\n".join(f"Image: {MONO}@{one}" for one in digests)
    return Commit("a" * 40, Author("ana", "ana@example.com"), f"promote\n\n{trailers}\n", datetime.now(UTC))


D1, D2 = ("sha256:" + digit * 64 for digit in "12")
API, WORKER = (OverlayImage(part, MONO, f"{part}-1") for part in PARTS)
MIGRATION = OverlayImage("migration", MONO, API.tag)


@pytest.mark.parametrize(
    ("entries", "digests", "told"),
    [
        ((API,), (D1,), {"api": D1}),
        ((API, MIGRATION), (D1, D1), {"api": D1, "migration": D1}),
        ((API, WORKER), (D1, D2), {}),
        ((API, WORKER), (D1,), {}),
        ((API,), (D1, D2), {}),
        ((API,), (), {}),
    ],
    ids=["one", "the same twice", "two", "one of two", "of a train", "none"],
)
def test_a_message_says_nothing_where_it_may_mean_another_image(
    entries: tuple[OverlayImage, ...], digests: tuple[str, ...], told: dict[str, str]
) -> None:
    assert _claimed(entries, commit(*digests)) == told


def test_what_is_called_otherwise_where_it_comes_from_is_found_only_where_it_can_be_told_apart() -> None:
    target = OverlayImage("api-production", MONO, "api-0")
    assert matched([target], [API]) == [(target, API)]
    assert matched([target], [API, MIGRATION]) == [(target, MIGRATION)]
    assert matched([target], [API, WORKER]) == []
