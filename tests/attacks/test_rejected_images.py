"""A rejected image under another name, in another place, or wrapped in something else: it goes nowhere.

Identity is content. Each line: what was rejected by `/reject` → what somebody then tries to promote → what must happen.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from bot.domain.errors import NotFound, Refused, Unavailable, UnknownRegistry
from bot.domain.image import Image
from bot.domain.intent import Context
from bot.domain.promotion import Kind, Verdict, VerdictState
from bot.domain.reply import Told
from bot.domain.safety import Rejection
from bot.evaluation.evaluator import answer
from bot.gates.rejected import RejectedGate
from bot.overlays.image_locations import ImageLocations
from bot.safety.rejections import RejectionService
from integrations.registries.known import KnownRegistry
from tests.fakes.command_harness import CommandHarness
from tests.fakes.promotions import HOST, MemoryRecord
from tests.unit.bot.gates.gate_harness import BO, GateHarness

APP, ELSEWHERE = f"{HOST}/my-app", f"{HOST}/copy-of-my-app"
BLOCKED, PASSED, WAITING = VerdictState.BLOCKED, VerdictState.PASSED, VerdictState.WAITING


@dataclass
class World:
    """my-app's images, an index of two platforms among them, and one that wraps the index once more."""

    harness: CommandHarness
    amd64: Image
    arm64: Image
    index: Image
    outer: Image
    requests: int = 0

    async def say(self, line: str, user: str = "U0BO") -> object:
        self.requests += 1
        return await self.harness.run(
            await self.harness.read(line, Context(f"r{self.requests}", "C0DEPLOY", "c", "T0PILOT")), user
        )

    async def promote(self, image: Image, app: str = "my-app", kind: Kind = Kind.PROMOTION) -> Verdict:
        question = await GateHarness().question(kind=kind)
        moves = tuple(replace(move, app=app, after=image) for move in question.moves)
        harness = self.harness
        image_locations = ImageLocations(harness.catalog, harness.overlays, harness.images, MemoryRecord())
        gate = RejectedGate(harness.safety.stores.rejections, harness.images, image_locations)
        return await answer(gate, replace(question, app=app, moves=moves))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    harness = CommandHarness()
    await harness.safety.create()
    amd64, arm64 = (harness.images.push(APP, tag).image for tag in ("multi-amd64", "multi-arm64"))
    index = harness.images.push_index(APP, "multi", amd64, arm64).image
    outer = harness.images.push_index(APP, "outer", index).image
    yield World(harness, amd64, arm64, index, outer)
    await harness.safety.database.close()


Tried = Callable[[World], tuple[Image, str]]
ATTACKS: dict[str, tuple[str, Tried]] = {
    "the image itself": ("multi-amd64", lambda w: (w.amd64, "my-app")),
    "by another app with the same repository": ("multi-amd64", lambda w: (w.amd64, "payments")),
    "under another tag": ("multi-amd64", lambda w: (replace(w.amd64, tag="v9-good"), "my-app")),
    "without a tag": ("multi-amd64", lambda w: (Image(APP, w.amd64.digest), "my-app")),
    "from another repository": ("multi-amd64", lambda w: (copied(w, w.amd64), "my-app")),
    "from another repository, by another app": ("multi-amd64", lambda w: (copied(w, w.amd64), "payments")),
    "in an index that holds it": ("multi-amd64", lambda w: (w.index, "my-app")),
    "in an index in an index": ("multi-amd64", lambda w: (w.outer, "my-app")),
    "in an index, by another app": ("multi-arm64", lambda w: (w.index, "payments")),
    "one platform of a rejected index": ("multi", lambda w: (w.amd64, "my-app")),
    "the other platform of a rejected index": ("multi", lambda w: (w.arm64, "payments")),
    "one platform, from another repository": ("multi", lambda w: (copied(w, w.arm64), "payments")),
    "one platform of an index in a rejected index": ("outer", lambda w: (w.amd64, "my-app")),
    "an index that wraps the rejected one": ("multi", lambda w: (w.outer, "my-app")),
    "another index of the same platforms": ("multi", lambda w: (rewrapped(w, w.arm64, w.amd64), "my-app")),
    "another index with one of the platforms": ("multi", lambda w: (rewrapped(w, w.arm64), "payments")),
}


CONFIG, FILES = "sha256:" + "c" * 64, "files:" + "f" * 64
AROUND: dict[str, tuple[str, ...]] = {
    "other annotations, the same config and layers": (CONFIG, FILES),
    "the layers compressed in another way": (CONFIG, FILES),
    "another label, so another config around the same files": ("sha256:" + "d" * 64, FILES),
    "another entry point": ("sha256:" + "e" * 64, FILES),
}


@pytest.mark.parametrize("words", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("where", [APP, ELSEWHERE])
@pytest.mark.parametrize("inside", [False, True], ids=["as it is", "in an index"])
@pytest.mark.parametrize("app", ["my-app", "payments"])
async def test_the_same_files_under_another_manifest_go_nowhere(
    world: World, words: tuple[str, ...], where: str, app: str, *, inside: bool
) -> None:
    rejected, again = (
        world.harness.images.push_around(at, f"v{at[-3:]}-{n}", *words) for n, at in ((1, APP), (2, where))
    )
    world.harness.images._relatives[rejected.image.digest] = (CONFIG, FILES)
    tried = again.image
    if inside:
        tried = world.harness.images.push_index(where, "wrapped", tried).image
    assert (await world.promote(tried, app)).state is PASSED
    await world.say(f"/reject my-app@{rejected.image.tag} leaks memory")
    assert (await world.promote(tried, app)).state is BLOCKED
    await world.say(f"/unreject my-app@{rejected.image.tag}")
    assert (await world.promote(tried, app)).state is PASSED


async def test_a_rejection_that_knows_no_files_is_looked_at_anew(world: World) -> None:
    """An older Pilothouse kept the digests of the manifests only."""
    first = world.harness.images.push_around(APP, "around-1", CONFIG, FILES).image
    second = world.harness.images.push_around(APP, "around-2", CONFIG, FILES).image
    old = Rejection("my-app", first.digest, "around-1", BO, "leaks memory", datetime.now(UTC), ())
    async with world.harness.safety.database.begin() as connection:
        await world.harness.safety.stores.rejections.reject(connection, old)
    assert (await world.promote(second)).state is BLOCKED


async def test_an_image_on_top_of_the_same_base_goes(world: World) -> None:
    """Its files are others, though some layers are the same."""
    rejected = world.harness.images.push_around(APP, "base-1", CONFIG, FILES).image
    other = world.harness.images.push_around(APP, "base-2", "sha256:" + "d" * 64, "files:" + "0" * 64).image
    await world.say(f"/reject my-app@{rejected.tag} leaks memory")
    assert (await world.promote(other)).state is PASSED


def copied(world: World, image: Image) -> Image:
    return world.harness.images.push(ELSEWHERE, "v1", digest=image.digest).image


def rewrapped(world: World, *children: Image) -> Image:
    return world.harness.images.push_index(APP, "again", *children).image


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("kind", [Kind.PROMOTION, Kind.ROLLBACK])
async def test_it_goes_nowhere(name: str, kind: Kind, world: World) -> None:
    rejected, tried = ATTACKS[name]
    image, app = tried(world)
    assert (await world.promote(image, app, kind)).state is PASSED
    await world.say(f"/reject my-app@{rejected} leaks memory")
    verdict = await world.promote(image, app, kind)
    assert verdict.state is BLOCKED
    assert "leaks memory" in verdict.reason


@pytest.mark.parametrize("name", ATTACKS)
async def test_it_goes_again_when_the_rejection_is_taken_back(name: str, world: World) -> None:
    rejected, tried = ATTACKS[name]
    image, app = tried(world)
    await world.say(f"/reject my-app@{rejected} leaks memory")
    await world.say(f"/unreject my-app@{rejected}")
    assert (await world.promote(image, app)).state is PASSED


async def test_what_shares_nothing_goes(world: World) -> None:
    await world.say("/reject my-app@multi leaks memory")
    other = (await world.harness.images.artifact(APP, "1.4.2")).image
    assert (await world.promote(other)).state is PASSED


async def test_an_index_of_other_images_goes_though_one_platform_is_rejected(world: World) -> None:
    await world.say("/reject my-app@multi-amd64 leaks memory")
    assert (await world.promote(rewrapped(world, world.arm64))).state is PASSED
    assert (await world.promote(world.arm64)).state is PASSED


async def test_a_registry_that_is_away_is_no_way_around(world: World) -> None:
    """Whether an index holds it cannot be known then; the very image is known without asking."""
    await world.say("/reject my-app@multi-amd64 leaks memory")
    world.harness.images.failing = Unavailable("Harbor", "read", "down")
    assert (await world.promote(world.amd64)).state is BLOCKED
    assert (await world.promote(world.index)).state is WAITING


@pytest.mark.parametrize("error", [Refused("Harbor", "read", "no"), NotFound("Harbor", "read", "gone")])
async def test_a_registry_that_will_not_tell_is_no_way_around(error: Exception, world: World) -> None:
    await world.say("/reject my-app@multi-amd64 leaks memory")
    world.harness.images.failing = error
    assert (await world.promote(world.index)).state is BLOCKED


async def test_while_nothing_is_rejected_the_registry_is_not_needed(world: World) -> None:
    world.harness.images.failing = Unavailable("Harbor", "read", "down")
    assert (await world.promote(world.index)).state is PASSED


async def test_an_index_that_cannot_be_looked_into_is_not_rejected_by_halves(world: World) -> None:
    world.harness.images.failing = Unavailable("Harbor", "read", "down")
    with pytest.raises(Unavailable):
        await world.say("/reject my-app@multi leaks memory")
    assert await world.harness.safety.stores.rejections.all() == ()


async def test_another_apps_rejection_is_not_taken_back_by_the_back_door(world: World) -> None:
    """And its name is not told: not everybody may see that app."""
    await world.say("/reject my-app@multi-amd64 leaks memory")
    verdict = await world.promote(world.amd64, "payments")
    assert "my-app" not in verdict.remedy
    answered = await world.say(f"/unreject payments@{world.amd64.digest}")
    assert isinstance(answered, Told)
    assert "rejected for another app" in answered.sentence
    assert (await world.promote(world.amd64, "payments")).state is BLOCKED


async def test_two_apps_that_reject_it_must_both_take_it_back(world: World) -> None:
    await world.say("/reject my-app@multi-amd64 leaks memory")
    theirs = Rejection("payments", world.amd64.digest, "v1", BO, "leaks money", datetime.now(UTC), ())
    stores = world.harness.safety.stores
    async with world.harness.safety.database.begin() as connection:
        await stores.rejections.reject(connection, theirs)
    await world.say("/unreject my-app@multi-amd64")
    assert (await world.promote(world.amd64)).state is BLOCKED
    async with world.harness.safety.database.begin() as connection:
        await stores.rejections.clear(connection, "payments", world.amd64.digest)
    assert (await world.promote(world.amd64)).state is PASSED


@pytest.mark.parametrize("which", ["amd64", "index", "outer"])
async def test_a_rejection_from_before_an_upgrade_holds_for_its_platforms_too(which: str, world: World) -> None:
    """What an older Pilothouse wrote down does not say what the index consists of."""
    old = Rejection("my-app", world.index.digest, "multi", BO, "leaks memory", datetime.now(UTC))
    async with world.harness.safety.database.begin() as connection:
        await world.harness.safety.stores.rejections.reject(connection, old)
    assert (await world.promote(getattr(world, which))).state is BLOCKED


# What stands in the way of a rejection.


async def test_an_image_of_another_registry_beside_it_keeps_nobody_from_rejecting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlays, images = world.harness.overlays, world.harness.images
    place = "apps/my-app/overlays/production/kustomization.yaml"
    before = (await overlays.read([place], await overlays.head()))[place]
    proxy = b"images:\n- name: proxy\n  newName: docker.io/library/nginx\n  newTag: '1.27'\n"
    overlays.push({place: before.replace(b"images:\n", proxy)})
    known = KnownRegistry(images, frozenset({HOST.partition("/")[0]}))
    monkeypatch.setattr(world.harness.safety.services[RejectionService], "_registry", known)
    await world.say("/reject my-app@multi-amd64 leaks memory")
    assert (await world.promote(world.amd64)).state is BLOCKED
    with pytest.raises(UnknownRegistry):
        await world.say("/reject my-app@1.27 leaks memory")


async def test_an_overlay_that_nobody_can_read_keeps_nobody_from_rejecting(world: World) -> None:
    world.harness.overlays.push({"apps/my-app/overlays/development/kustomization.yaml": b"images: [\n"})
    await world.say("/reject my-app@multi-amd64 leaks memory")
    assert (await world.promote(world.amd64)).state is BLOCKED
