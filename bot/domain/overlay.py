"""Overlays: the kustomize directory of one app in one environment, which is what a promotion writes."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.image import is_digest


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
    """One commit of the overlay repository; `url` is "" where the remote has no page for it.

    `parents` in order, shas; () where nobody looked.
    """

    sha: str
    author: Author
    message: str
    at: datetime
    url: str = ""
    parents: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        return self.sha[:7]

    @property
    def headline(self) -> str:
        return self.message.partition("\n")[0]

    def trailer(self, key: str) -> str:
        """The value of a `Key: value` line in the message's last paragraph, or ""."""
        return next(iter(self.trailers(key)), "")

    def trailers(self, key: str) -> tuple[str, ...]:
        """The values of all of them, in order."""
        last = self.message.rstrip().rpartition("\n\n")[2]
        lines = (line.partition(": ") for line in last.splitlines())
        return tuple(value.strip() for name, colon, value in lines if colon and name.lower() == key.lower())

    def claimed(self, repository: str) -> frozenset[str]:
        """The digests that `Image:` trailers name for a repository: the message may claim what it likes."""
        named = (value.rpartition("@") for value in self.trailers("Image"))
        return frozenset(digest for of, _, digest in named if of == repository and is_digest(digest))


@dataclass(frozen=True)
class ChangedPath:
    """A path that is not the same at two commits.

    `plain`: both times a file of the same mode, so that nothing but its content differs; not for what was added,
    removed or renamed, nor for symbolic links, submodules and changed modes.
    """

    path: str
    plain: bool


@dataclass(frozen=True)
class Change:
    """What to write: whole files by path, with the message and the person it is by."""

    files: dict[str, bytes]
    message: str
    author: Author
