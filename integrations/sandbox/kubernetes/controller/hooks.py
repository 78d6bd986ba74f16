"""What the pretended tasks do to the rest of the world. Whoever composes the world says how."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Checkout:
    """A revision to fetch. `run` names the PipelineRun."""

    url: str
    revision: str
    run: str


@dataclass(frozen=True)
class Source:
    """What was fetched: the full hash, and the commit's name from its tags (`v1.4.2-3-g1a2b3c4`)."""

    commit: str
    version: str


@dataclass(frozen=True)
class Build:
    """An image to push: `image` is `repository:tag`, `repository` begins with the registry's host."""

    image: str
    repository: str
    tag: str
    commit: str
    source_url: str
    run: str


@dataclass(frozen=True)
class Signing:
    repository: str
    digest: str


@dataclass(frozen=True)
class ManifestUpdate:
    """An overlay to write. `app` is the last path element of the repository.

    `hold_url`: where to ask first whether it is held back; "" = nowhere.
    """

    app: str
    environment: str
    image: str
    repository: str
    tag: str
    digest: str
    commit: str
    run: str
    hold_url: str = ""


@dataclass(frozen=True)
class Written:
    """The commit of the manifest repository, or why there is none."""

    commit: str = ""
    held: str = ""


async def _fetch(checkout: Checkout) -> Source:
    commit = hashlib.sha1(f"{checkout.url}@{checkout.revision}@{checkout.run}".encode(), usedforsecurity=False)
    return Source(commit.hexdigest(), f"v0.0.0-1-g{commit.hexdigest()[:7]}")


async def _build(build: Build) -> str:
    return "sha256:" + hashlib.sha256(f"{build.image}@{build.commit}".encode()).hexdigest()


async def _sign(_: Signing) -> None:
    return


async def _write(update: ManifestUpdate) -> Written:
    return Written(hashlib.sha1(f"{update.app}@{update.digest}".encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True)
class Hooks:
    """An exception from a hook makes the step fail with the exception's sentence in its log.

    on_fetch gives the commit; on_image_built gives the digest of what was pushed; on_update_manifest gives the
    commit of the manifest repository, or why nothing was written. The defaults touch nothing and answer believably.
    """

    on_fetch: Callable[[Checkout], Awaitable[Source]] = _fetch
    on_image_built: Callable[[Build], Awaitable[str]] = _build
    on_sign: Callable[[Signing], Awaitable[None]] = _sign
    on_update_manifest: Callable[[ManifestUpdate], Awaitable[Written]] = _write
