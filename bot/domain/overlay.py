"""Overlays: the kustomize directory of one app in one environment, which is what a promotion writes."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Overlay:
    """Where one app's desired state in one environment is kept; `path` is of its kustomization file."""

    app: str
    environment: str
    path: str


@dataclass(frozen=True)
class OverlayImage:
    """One entry of `images:` as it is written: `name` is matched in the base, `repository` is what runs.

    An entry may pin a tag, a digest, or both; "" where it does not.
    """

    name: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def label(self) -> str:
        return self.tag or self.digest.removeprefix("sha256:")[:12] or "nothing"


@dataclass(frozen=True)
class Author:
    """The person that a commit is by."""

    name: str
    email: str


@dataclass(frozen=True)
class Commit:
    """One commit of the overlay repository; `url` is "" where the remote has no page for it."""

    sha: str
    author: Author
    message: str
    at: datetime
    url: str = ""

    @property
    def short(self) -> str:
        return self.sha[:7]

    @property
    def headline(self) -> str:
        return self.message.partition("\n")[0]

    def trailer(self, key: str) -> str:
        """The value of a `Key: value` line in the message's last paragraph, or ""."""
        last = self.message.rstrip().rpartition("\n\n")[2]
        for line in last.splitlines():
            name, colon, value = line.partition(": ")
            if colon and name.lower() == key.lower():
                return value.strip()
        return ""


@dataclass(frozen=True)
class Change:
    """What to write: whole files by path, with the message and the person it is by."""

    files: dict[str, bytes]
    message: str
    author: Author
