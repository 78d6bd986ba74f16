"""Images: what is promoted. Identity is the digest; a tag is only how people call it."""

import re
from dataclasses import dataclass
from datetime import datetime

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


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
