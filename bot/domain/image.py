"""Images: what is promoted. Identity is the digest; a tag is only how people call it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


DOCKER_HUB = "docker.io"


def registry_of(repository: str) -> str:
    """The host and port that an image's repository is pulled from, as one spelling; Docker Hub where none is written.

    By the rule of image references: a first part with a dot, a colon, or the word localhost is a host. Letters of DNS
    are ASCII; whatever else is written (another alphabet, a trailing dot, userinfo) stays another host.
    """
    host, slash, _ = repository.partition("/")
    if not slash or not ("." in host or ":" in host or host.lower() == "localhost"):
        return DOCKER_HUB
    plain = host.lower().removesuffix(":443") if host.isascii() else host
    return DOCKER_HUB if plain == f"index.{DOCKER_HUB}" else plain


def is_digest(text: str) -> bool:
    return DIGEST.fullmatch(text) is not None


@dataclass(frozen=True)
class Image:
    """`repository` with its registry host ("harbor.example.com/apps/my-app"); `tag` is display-only.

    Raises ValueError when the digest is not `sha256:` and 64 hexadecimal digits.
    """

    repository: str
    digest: str
    tag: str = ""

    def __post_init__(self) -> None:
        if not is_digest(self.digest):
            raise ValueError(f"not a digest: {self.digest!r} (expected sha256: and 64 hexadecimal digits)")

    @property
    def label(self) -> str:
        """How people call it: the tag, or the digest's first twelve digits."""
        return self.tag or self.short_digest

    @property
    def short_digest(self) -> str:
        return self.digest.removeprefix("sha256:")[:12]

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True)
class Artifact:
    """What a registry knows of one image: names, age, and the source revision from its OCI labels (may be "")."""

    image: Image
    tags: tuple[str, ...]
    pushed_at: datetime | None
    revision: str = ""
    source: str = ""
    size: int = 0
    """bytes"""
    page: str = ""
    """URL at which people look at it, "" where there is none"""


@dataclass(frozen=True)
class Reference:
    """An image as a Pod names it; tag and digest are "" where it has none."""

    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """The colon of a registry's port is none of a tag."""
        name, _, digest = text.partition("@")
        path, colon, last = name.rpartition("/")
        base, _, tag = last.partition(":")
        return cls(f"{path}{colon}{base}", tag, digest)


class PinnedImage(Protocol):
    """An image as it is pinned: by digest where that is known, else by tag."""

    @property
    def repository(self) -> str: ...
    @property
    def tag(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def label(self) -> str: ...


class Runs(StrEnum):
    """Whether an image is among those that run. Absence is no proof: nothing may be listed, or listed by tag only."""

    YES = "yes"
    OTHERS = "others"
    """its repository runs, but with other images only"""
    UNSEEN = "unseen"


def runs(images: Iterable[str], wanted: PinnedImage, *, by_digest: bool) -> Runs:
    """`images` as Argo CD lists them; `by_digest`: the desired state pins the digest, so a tag alone proves nothing."""
    listed = [Reference.parse(text) for text in images]
    if wanted.digest and any(one.digest == wanted.digest for one in listed):
        return Runs.YES
    same = [one for one in listed if one.repository == wanted.repository]
    named = [one for one in same if not one.digest and one.tag and one.tag == wanted.tag]
    if named:
        return Runs.UNSEEN if by_digest else Runs.YES
    return Runs.OTHERS if same else Runs.UNSEEN
