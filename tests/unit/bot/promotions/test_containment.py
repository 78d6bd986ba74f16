"""Whether a commit far below the head still stands, line by line."""

from datetime import UTC, datetime

from bot.deliveries.assessment import CommittedLine
from bot.domain.overlay import Commit, OverlayImage
from bot.promotions.containment import LATER_COMMITS, Containment, Line
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.world import HARBOR, kustomization, path

APPS = ("my-app", "ledger")


def line(app: str) -> CommittedLine:
    image = f"{HARBOR}/{app}"
    return CommittedLine(
        path("production", app), OverlayImage(image, image, tag="v1"), OverlayImage(image, image, tag="v2")
    )


def written(overlays: MemoryOverlays) -> tuple[Commit, Containment]:
    """One commit that moves both apps to v2."""
    commit = overlays.push({path("production", app): kustomization("v2", app) for app in APPS})
    return commit, Containment(overlays, commit, [line(app) for app in APPS], lambda: datetime.now(UTC))


def start() -> MemoryOverlays:
    return MemoryOverlays({path("production", app): kustomization("v1", app) for app in APPS})


def many(overlays: MemoryOverlays, app: str, tag: str = "v2") -> None:
    """More commits to one app than are looked through; its image stays."""
    for number in range(LATER_COMMITS + 5):
        overlays.push({path("production", app): kustomization(tag, app) + f"# {number}\n".encode()})


async def test_it_is_found_on_any_of_its_paths() -> None:
    overlays = start()
    _, contained = written(overlays)
    many(overlays, "my-app")
    assert (await contained.at(overlays.log[-1].sha)).line is Line.OURS


async def test_who_replaced_one_of_several_lines_is_named_whichever_it_is() -> None:
    overlays = start()
    _, contained = written(overlays)
    by = overlays.push({path("production", "ledger"): kustomization("v3", "ledger")})
    many(overlays, "other")
    held = await contained.at(overlays.log[-1].sha)
    assert (held.line, held.by and held.by.sha, held.instead) == (Line.REPLACED, by.sha, "v3")


async def test_a_commit_on_no_path_of_ours_is_past_nothing() -> None:
    overlays = start()
    _, contained = written(overlays)
    for app in APPS:
        many(overlays, app)
    assert (await contained.at(overlays.log[-1].sha)).line is Line.BEFORE
