"""What an Application runs, held against what git pins: the two may share a line only when they agree."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.application import Application
from bot.domain.overlay import OverlayImage

SILENT = "Argo CD does not say what runs"


@dataclass(frozen=True)
class RunningImage:
    """An image as a cluster writes it: `repository[:tag][@digest]`."""

    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def label(self) -> str:
        return self.tag or self.digest.removeprefix("sha256:")[:12] or "latest"

    def is_pinned_by(self, image: OverlayImage) -> bool:
        """By digest where the entry has one, else by tag. A digest alone does not say which tag it was."""
        if image.digest:
            return self.digest == image.digest
        return bool(image.tag) and self.tag == image.tag


def reference(text: str) -> RunningImage:
    name, _, digest = text.strip().partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return RunningImage(_repository(name), "", digest)
    return RunningImage(_repository(repository), tag, digest)


def running_instead(application: Application, pinned: Iterable[OverlayImage], commit: str) -> str:
    """What is so in place of the images that git pins at `commit`, for people; "" when the Application speaks of those.

    Its images decide. Where they do not tell (nothing of that repository runs, or only a digest is known of a tag),
    only an Application that was compared with that very commit speaks of it. In a rollout both images run.
    """
    told = images_tell(application, pinned)
    return stands_elsewhere(application, commit) if told is None else told


def images_tell(application: Application, pinned: Iterable[OverlayImage]) -> str | None:
    """What runs in place of those images, as far as its images tell: "" for nothing else; None where they do not."""
    running = [reference(text) for text in application.images]
    unknown = False
    for image in pinned:
        same = [one for one in running if one.repository == _repository(image.repository)]
        if any(one.is_pinned_by(image) for one in same):
            continue
        told = [one for one in same if image.digest or one.tag]
        if told:
            return f"{', '.join(dict.fromkeys(one.label for one in told))} runs"
        unknown = True
    return None if unknown else ""


def stands_elsewhere(application: Application, commit: str) -> str:
    """At which other commit it is; "" where it is at that one."""
    if application.revision == commit:
        return ""
    return f"Argo CD is at {application.revision[:7]}" if application.revision else SILENT


def _repository(name: str) -> str:
    """Docker Hub's own spelling left out: `docker.io/library/nginx` is `nginx`."""
    return name.removeprefix("docker.io/").removeprefix("library/")
