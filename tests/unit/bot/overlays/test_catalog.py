"""Apps and environments are what the overlay repository says, named as policy says."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Unavailable, UnknownName
from bot.overlays.catalog import PAUSE_AFTER, Catalog, overlay_pattern
from bot.overlays.kustomization import KustomizationError
from bot.policy import parse
from tests.fakes.overlays import MemoryOverlays

FILE = b"images:\n- name: a\n  newTag: v1\n"
PATHS = [
    "apps/my-app/overlays/staging/kustomization.yaml",
    "apps/my-app/overlays/production/kustomization.yml",
    "apps/payments/overlays/production/Kustomization",
    "apps/payments/base/kustomization.yaml",
    "apps/payments/overlays/elsewhere/kustomization.yaml",
    "apps/my-app/overlays/staging/deeper/kustomization.yaml",
    "README.md",
]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def catalog(policy: str = "") -> tuple[Catalog, MemoryOverlays, Clock]:
    overlays, clock = MemoryOverlays(dict.fromkeys(PATHS, FILE)), Clock()
    return Catalog(overlays, parse(policy), clock), overlays, clock


async def test_a_large_repository_leaves_others_their_turns() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    apps = 5 * PAUSE_AFTER
    overlays = MemoryOverlays({f"apps/a{one}/overlays/production/kustomization.yaml": FILE for one in range(apps)})
    known = Catalog(overlays, parse("environments: [{name: production}]"))
    task = asyncio.create_task(others())
    listing = await known.listing()
    task.cancel()
    assert len(listing.overlays) == apps
    assert turns >= 5


async def test_apps_are_discovered_from_their_overlays() -> None:
    known, _, _ = catalog()
    assert await known.apps() == ("my-app", "payments")
    assert (await known.overlay("payments", "production")).path == PATHS[2]
    assert [image.tag for image in await known.images("my-app", "staging")] == ["v1"]


@pytest.mark.parametrize("second", ["kustomization.yml", "Kustomization"])
async def test_two_kustomization_files_in_one_directory_are_refused(second: str) -> None:
    """kustomize builds neither, so nothing would come of a promotion."""
    known, overlays, _ = catalog()
    overlays.push({f"apps/my-app/overlays/staging/{second}": FILE.replace(b"v1", b"evil")})
    with pytest.raises(KustomizationError, match=second):
        await known.images("my-app", "staging")
    listing = await known.listing(fresh=True)
    images, broken = await known.legible_images_at(listing, listing.overlays.values())
    assert [path.split("/")[-2] for path in broken] == ["staging"]
    assert {path.split("/")[-2] for path, found in images.items() if found} == {"production"}


async def test_names_that_nothing_has_say_what_is_near() -> None:
    known, _, _ = catalog()
    with pytest.raises(UnknownName, match=r"There is no app `my-ap`\. Did you mean `my-app`\?"):
        await known.overlay("my-ap", "staging")
    with pytest.raises(
        UnknownName, match=r"payments has no overlay for staging \(it has production\): add apps/payments"
    ):
        await known.overlay("payments", "staging")
    with pytest.raises(UnknownName, match=r"There is no environment `prodution`\. Did you mean `production`"):
        known.environment("prodution")
    assert known.environment("PRD").name == "production"


async def test_environments_come_in_promotion_order() -> None:
    known, _, _ = catalog()
    production = known.environment("prod")
    staging = known.before(production)
    assert staging is not None
    assert staging.name == "staging"
    assert known.before(known.environment("dev")) is None


async def test_a_listing_serves_for_a_moment_and_a_plan_asks_anew() -> None:
    known, overlays, clock = catalog()
    await known.apps()
    overlays.push({"apps/ledger/overlays/staging/kustomization.yaml": FILE})
    assert "ledger" not in await known.apps()
    assert "ledger" in (await known.listing(fresh=True)).apps
    overlays.push({"apps/new/overlays/staging/kustomization.yaml": FILE})
    clock.now += 6
    assert "new" in await known.apps()


async def test_a_repository_that_is_away_is_not_remembered_as_empty() -> None:
    known, overlays, _ = catalog()
    overlays.failing = Unavailable("git", "fetch", "timeout")
    with pytest.raises(Unavailable):
        await known.apps()
    overlays.failing = None
    assert await known.apps() == ("my-app", "payments")


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("apps/{app}/overlays/{environment}", "apps/x/overlays/staging/kustomization.yaml"),
        ("/{environment}/{app}/", "staging/x/kustomization.yaml"),
        ("{app}/env/{environment}/{app}", "x/env/staging/x/kustomization.yaml"),
    ],
)
def test_any_layout_that_names_both(template: str, path: str) -> None:
    match = overlay_pattern(template).fullmatch(path)
    assert match is not None
    assert (match["app"], match["environment"]) == ("x", "staging")


@given(st.text(max_size=80))
def test_no_path_crashes_the_pattern(path: str) -> None:
    match = overlay_pattern("apps/{app}/overlays/{environment}").fullmatch(path)
    assert match is None or "/" not in match["app"]
