"""Who writes an image of another registry, and hopes that ours speaks for it: nobody does."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.application import ApplicationRef
from bot.domain.errors import Conflict, UnknownName, UnknownRegistry
from bot.domain.image import Image, registry_of
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import Move, Phase, Promotion, VerdictState
from bot.domain.signature import SignatureCheck, SignatureState
from bot.evaluation.evaluator import answer
from bot.evaluation.question import Gate, Question
from bot.gates.scan import ScanGate
from bot.gates.signature import SignatureGate
from bot.settings import HarborSettings
from integrations.registries import KnownContents, KnownRegistry, KnownSignatures, known_hosts
from tests.fakes.registry import MemoryRegistry
from tests.fakes.world import HARBOR, CoreWorld, core_world, kustomization, path
from tests.unit.bot.gates.test_signature import public_key

OURS = frozenset({"harbor.example.com"})
REPOSITORY = f"{HARBOR}/my-app"
ELSEWHERE = (
    "ghcr.io/apps/my-app",
    "evil.example.com/apps/my-app",
    "harbor.example.com.evil.example.com/apps/my-app",
    "evil.harbor.example.com/apps/my-app",
    "harbor.example.com:8443/apps/my-app",
    "harbor.example.com:80/apps/my-app",
    "harbor.example.com./apps/my-app",
    "harbor.example.com@evil.example.com/apps/my-app",
    "user:secret@harbor.example.com/apps/my-app",
    "h\u0430rbor.example.com/apps/my-app",
    "harbor.example\u3002com/apps/my-app",
    "\uff48arbor.example.com/apps/my-app",
    "localhost/apps/my-app",
    "localhost:5000/apps/my-app",
    "127.0.0.1/apps/my-app",
    "[::1]:5000/apps/my-app",
    "apps/my-app",
    "my-app",
    "library/my-app",
    "docker.io/apps/my-app",
    "index.docker.io/apps/my-app",
    "",
)
SAME = ("harbor.example.com/apps/my-app", "HARBOR.example.COM/apps/my-app", "harbor.example.com:443/apps/my-app")


class Everything(MemoryRegistry):
    """A Harbor that drops the host of what it is asked, and knows all of it, scanned and clean."""

    async def artifact(self, repository: str, reference: str):  # type: ignore[no-untyped-def]
        return await super().artifact(REPOSITORY, reference)


class Signed:
    async def check(self, image: Image, keys: object, *, own_repository: bool = False) -> SignatureCheck:
        return SignatureCheck(SignatureState.SIGNED, "ours")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    """Whose planner, gates and committer ask for images of our registry alone."""
    async with core_world(tmp_path) as built:
        known = KnownRegistry(built.registry, OURS)
        built.service.planner._moves._registry = known
        yield built


@pytest.mark.parametrize("repository", ELSEWHERE)
async def test_what_gates_ask_of_another_registrys_image_is_blocked_with_the_reason(repository: str) -> None:
    registry = Everything()
    image = registry.push(REPOSITORY, "v1").image
    registry.finish_scan(image)
    foreign = replace(image, repository=repository)
    known, signatures = KnownRegistry(registry, OURS), KnownSignatures(Signed(), OURS)
    contents = KnownContents(registry, OURS)
    gates: list[tuple[Gate, dict[str, object]]] = [
        (ScanGate(known), {}),
        (SignatureGate(signatures), {"keys": {"ours": public_key()}}),
    ]
    for gate, options in gates:
        assert (await answer(gate, question(image, options))).state is VerdictState.PASSED
        verdict = await answer(gate, question(foreign, options))
        assert verdict.state is VerdictState.BLOCKED
        assert registry_of(repository) in verdict.reason
        assert "nothing vouches for it" in verdict.reason
    for lookup in (known.artifact(repository, "v1"), known.newest(repository, 1), contents.contents(foreign)):
        with pytest.raises(UnknownRegistry):
            await lookup
    for call in (known.scan(foreign), known.start_scan(foreign), known.vulnerabilities(foreign)):
        with pytest.raises(UnknownRegistry):
            await call
    assert registry.scans_started == []


@pytest.mark.parametrize("repository", SAME)
async def test_another_spelling_of_our_own_registry_is_ours(repository: str) -> None:
    registry = Everything()
    registry.push(REPOSITORY, "v1")
    assert await KnownRegistry(registry, OURS).artifact(repository, "v1")


@pytest.mark.parametrize(
    ("url", "hosts", "known"),
    [
        ("https://harbor.example.com", "", {"harbor.example.com"}),
        ("https://Harbor.example.com:443/", "", {"harbor.example.com"}),
        ("http://127.0.0.1:8080", "", {"127.0.0.1:8080"}),
        ("https://robot:pw@harbor.example.com", "", {"harbor.example.com"}),
        ("http://core.svc", "harbor.example.com, Mirror.io:443", {"harbor.example.com", "mirror.io"}),
        ("http://core.svc", "docker.io", {"docker.io"}),
    ],
)
def test_the_hosts_are_those_of_the_settings_else_that_of_the_url(url: str, hosts: str, known: set[str]) -> None:
    assert known_hosts(HarborSettings(url=url, hosts=hosts)) == known


@pytest.mark.parametrize("settings", [{}, {"url": "http://harbor"}, {"hosts": "harbor, registry"}, {"hosts": " , "}])
def test_a_host_that_no_image_can_name_knows_none(settings: dict[str, str]) -> None:
    assert known_hosts(HarborSettings(**settings)) == frozenset()


@pytest.mark.parametrize("repository", ["ghcr.io/apps/my-app", "evil.example.com/apps/my-app", "apps/my-app"])
@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_an_overlay_that_names_another_registry_is_promoted_from_nowhere_to_nowhere(
    world: CoreWorld, repository: str, environment: str
) -> None:
    entry = f"images:\n- name: {REPOSITORY}\n  newName: {repository}\n  newTag: v1.4.0\n"
    world.overlays.push({path(environment): entry.encode()}, "looks harmless")
    with pytest.raises(UnknownName, match="does not ask: nothing vouches for it"):
        await world.deploy("ana")
    if environment == "production":
        with pytest.raises(UnknownName, match="does not ask: nothing vouches for it"):
            await world.deploy("ana", image="v1.4.2")
        with pytest.raises(UnknownName, match="does not ask: nothing vouches for it"):
            await world.rollback("ana", "v1.4.1")


async def test_an_image_that_our_registry_has_elsewhere_does_not_stand_for_it(world: CoreWorld) -> None:
    """The digest is in the source's repository, but what production pulls from does not have it."""
    world.registry.push(f"{HARBOR}/playground", "v1.4.2")
    entry = f"images:\n- name: {REPOSITORY}\n  newName: {HARBOR}/playground\n  newTag: v1.4.2\n"
    world.overlays.push({path("staging"): entry.encode()}, "looks harmless")
    with pytest.raises(UnknownName, match=r"playground v1\.4\.2 is not in"):
        await world.deploy("ana")


async def test_a_sidecar_of_another_registry_holds_up_nobody_as_long_as_it_stays(world: CoreWorld) -> None:
    sidecar = b"- name: docker.io/library/nginx\n  newTag: '1.27'\n"
    for environment, tag in (("staging", "v1.4.2"), ("production", "v1.4.1")):
        world.overlays.push({path(environment): kustomization(tag) + sidecar}, "a sidecar")
    asked = await world.deploy("ana")
    assert [move.after.tag for move in asked.plan.moves] == ["v1.4.2"]
    await world.abort("ana", asked)
    assert (await world.deploy("ana", image="v1.4.3")).plan.moves[0].after.tag == "v1.4.3"
    world.overlays.push({path("staging"): kustomization("v1.4.2") + sidecar.replace(b"27", b"29")}, "a newer sidecar")
    with pytest.raises(UnknownName, match=r"docker\.io/library/nginx"):
        await world.deploy("ana")


@pytest.mark.parametrize("repository", ["ghcr.io/apps/my-app", f"{HARBOR}/my-app-2"])
async def test_a_new_name_after_the_request_voids(world: CoreWorld, repository: str) -> None:
    asked = await world.deploy("ana")
    entry = f"images:\n- name: {REPOSITORY}\n  newName: {repository}\n  newTag: v1.4.1\n"
    world.overlays.push({path("production"): entry.encode()}, "only the name")
    with pytest.raises(Conflict, match="was changed by Someone Else"):
        await world.approve("bo", asked)
    ended = await world.now(asked)
    assert (ended.phase, ended.successor, world.promotion_commits()) == (Phase.FAILED, "", [])
    assert repository in ended.outcome


async def test_an_approval_is_bound_to_repository_tag_and_digest_of_both_sides(world: CoreWorld) -> None:
    asked = await world.now(await world.deploy("ana"))
    move = asked.plan.moves[0]
    digest = "sha256:" + "e" * 64
    others = [
        replace(move, before=replace(move.before, repository="ghcr.io/apps/my-app")),
        replace(move, before=replace(move.before, tag="v0")),
        replace(move, before=replace(move.before, digest=digest)),
        replace(move, after=replace(move.after, repository="ghcr.io/apps/my-app")),
        replace(move, after=replace(move.after, tag="v0")),
        replace(move, after=replace(move.after, digest=digest)),
    ]
    hashes = {hash_of(asked, each) for each in [move, *others]}
    assert len(hashes) == 1 + len(others)


def hash_of(promotion: Promotion, move: Move) -> str:
    return replace(promotion, plan=replace(promotion.plan, moves=(move,))).content_hash


def question(image: Image, options: dict[str, object]) -> Question:
    move = Move("my-app", "overlay", OverlayImage("x", image.repository), image, ApplicationRef("a", "production"))
    return Question(None, "my-app", (move,), datetime.now(UTC), options)  # type: ignore[arg-type]
