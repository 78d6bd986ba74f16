"""Whether Argo CD speaks of the images that git pins, or of others that run instead."""

import pytest

from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.overlay import OverlayImage
from bot.domain.running import running_instead

REPOSITORY = "harbor.example.com:8443/apps/web"
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
HEAD, BEFORE = "a" * 40, "b" * 40


def entry(tag: str = "", digest: str = "", repository: str = REPOSITORY) -> OverlayImage:
    return OverlayImage("web", repository, tag, digest)


@pytest.mark.parametrize(
    ("pinned", "images", "revision", "instead"),
    [
        (entry("v2"), [f"{REPOSITORY}:v2"], BEFORE, ""),
        (entry("v2"), [f"{REPOSITORY}:v1"], BEFORE, "v1 runs"),
        (entry("v2"), [f"{REPOSITORY}:v1"], HEAD, "v1 runs"),  # the entry matches nothing in its base
        (entry("v2"), [f"{REPOSITORY}:v1", f"{REPOSITORY}:v2"], HEAD, ""),  # a rollout
        (entry("v2"), [f"{REPOSITORY}:v2@{TWO}"], BEFORE, ""),  # admission has pinned it
        (entry("v2"), [f"{REPOSITORY}@{TWO}"], HEAD, ""),
        (entry("v2"), [f"{REPOSITORY}@{TWO}"], BEFORE, "Argo CD is at bbbbbbb"),
        (entry("v2", TWO), [f"{REPOSITORY}:v2@{ONE}"], HEAD, "v2 runs"),  # the tag was moved
        (entry("", TWO), [f"{REPOSITORY}@{ONE}"], HEAD, "1" * 12 + " runs"),
        (entry("v1", TWO), [f"{REPOSITORY}@{TWO}"], BEFORE, ""),
        (entry("v2"), [], HEAD, ""),
        (entry("v2"), [], "", "Argo CD does not say what runs"),
        (entry("v2"), [f"{REPOSITORY}@{TWO}"], "", "Argo CD does not say what runs"),
        (entry("v2"), [f"{REPOSITORY}:v2"], "", ""),
        (entry("v2"), [], BEFORE, "Argo CD is at bbbbbbb"),
        (entry("v2"), ["harbor.example.com:8443/apps/other:v1"], BEFORE, "Argo CD is at bbbbbbb"),
        (entry("v2"), [f"{REPOSITORY}"], BEFORE, "Argo CD is at bbbbbbb"),
        (entry("1.27", repository="nginx"), ["docker.io/library/nginx:1.27"], BEFORE, ""),
        (entry("1.27", repository="nginx"), ["docker.io/library/nginx:1.26"], BEFORE, "1.26 runs"),
    ],
)
def test_images_decide_and_else_the_commit(
    pinned: OverlayImage, images: list[str], revision: str, instead: str
) -> None:
    ref = ApplicationRef("web-production", "production")
    application = Application(ref, SyncStatus.SYNCED, HealthStatus.HEALTHY, revision, images=tuple(images))
    assert running_instead(application, [pinned], HEAD) == instead


def test_of_several_images_one_is_enough_to_disagree() -> None:
    ref = ApplicationRef("web-production", "production")
    images = (f"{REPOSITORY}:v2", "harbor.example.com/apps/job:v1")
    application = Application(ref, SyncStatus.SYNCED, HealthStatus.HEALTHY, HEAD, images=images)
    job = OverlayImage("job", "harbor.example.com/apps/job", "v2")
    assert running_instead(application, [entry("v2"), job], HEAD) == "v1 runs"
