"""The overlay repository: readable, holding apps, and open to our pushes."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.doctor.finding import Check, Wrong
from bot.doctor.policy import PolicyFile
from bot.overlays.catalog import Catalog, Listing
from bot.policy import Policy
from bot.ports import OverlaySource
from bot.settings import Settings
from bot.views.words import count
from integrations.git import GitRemote
from integrations.github import GitHub
from integrations.github.probe import missing_permissions


@asynccontextmanager
async def repository(settings: Settings) -> AsyncIterator[OverlaySource]:
    """Raises Wrong when settings name none."""
    if settings.github.repository:
        async with GitHub(settings.github, settings.git.branch) as github:
            yield github
    elif settings.git.url:
        async with GitRemote(settings.git, _cache(settings)) as remote:
            yield remote
    else:
        raise Wrong("no overlay repository is set", "Set PILOTHOUSE_GITHUB__REPOSITORY, or PILOTHOUSE_GIT__URL.")


def _cache(settings: Settings) -> Path:
    """Where git's objects are kept. Raises Wrong where the bot could not keep them."""
    directory = settings.data_dir / "git"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        raise Wrong(
            f"the data directory {settings.data_dir} cannot be written to: {error.strerror}",
            "Set PILOTHOUSE_DATA_DIR to a directory that the bot may write to.",
        ) from error


async def discovered(settings: Settings, policy: Policy) -> Listing:
    """The apps and environments that there are. Raises Wrong, IntegrationError."""
    async with repository(settings) as source:
        return await Catalog(source, policy).listing(fresh=True)


def checks(settings: Settings, file: PolicyFile) -> tuple[Check, ...]:
    github = bool(settings.github.repository)
    system = "GitHub" if github else "git"
    access = (
        "Check PILOTHOUSE_GITHUB__REPOSITORY and the App (or token) that PILOTHOUSE_GITHUB__… names."
        if github
        else "Check PILOTHOUSE_GIT__URL, PILOTHOUSE_GIT__BRANCH and the token or key, and that the server is up."
    )

    async def readable() -> str:
        async with repository(settings) as source:
            return f"{settings.git.branch} is at {(await source.head())[:12]}"

    async def writable() -> str:
        if github:
            return await granted(settings, file.known())
        async with repository(settings), GitRemote(settings.git, _cache(settings)) as remote:
            await remote.verify_push()
        return "a push would be accepted (nothing was pushed)"

    async def apps() -> str:
        return _told(await discovered(settings, file.needed()), file.needed())

    return (
        Check(system, "read access", readable, access),
        Check(system, "write access", writable, access),
        Check(system, "apps", apps, access),
    )


async def granted(settings: Settings, policy: Policy | None) -> str:
    """What GitHub lets us do, of what the policy makes us do. Raises Wrong, IntegrationError."""
    opens = policy is not None and any(policy.rules("", e.name).pull_request for e in policy.environments)
    if missing := await missing_permissions(settings.github, pull_requests=opens):
        raise Wrong(
            f"missing {', '.join(missing)}",
            "Grant these permissions to the App on the overlay repository (or to the token), and accept them there.",
        )
    return "contents and pull requests" if opens else "contents"


def _told(listing: Listing, policy: Policy) -> str:
    if not listing.apps:
        raise Wrong(
            "no overlay was found where the policy looks for them",
            f"Fix `overlays.path` in the policy, which is {policy.overlays.path} now.",
        )
    return f"{count(len(listing.apps), 'app')}, {count(len(listing.overlays), 'overlay')}"
