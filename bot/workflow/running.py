"""What an environment ran before: read from the overlay's own history."""

from dataclasses import replace

from bot.catalog import Catalog, Listing
from bot.domain.errors import UnknownName
from bot.domain.overlay import Commit, Overlay, OverlayImage
from bot.domain.promotion import Kind, Phase
from bot.domain.reply import RollbackChoice
from bot.kustomization import KustomizationError, read_images
from bot.ports import OverlaySource
from bot.store.promotions import PromotionStore
from bot.workflow.tags import Tags

LOOK_BACK = 50
"""Commits of one overlay that are looked through."""


class RollbackTargets:
    """Raises UnknownName, with what there is, when nothing fits."""

    def __init__(self, source: OverlaySource, catalog: Catalog, store: PromotionStore, tags: Tags) -> None:
        self._source = source
        self._catalog = catalog
        self._store = store
        self._tags = tags

    async def choices(self, app: str, environment: str) -> tuple[RollbackChoice, ...]:
        """The images that the environment ran before what it runs now, newest first, each once."""
        listing = await self._catalog.listing()
        overlay = self._catalog.find(listing, app, environment)
        return await self._choices(listing, overlay)

    async def restore(self, listing: Listing, overlay: Overlay, to: str) -> tuple[OverlayImage, ...]:
        """The entries as they stood at the commit that `to` (tag, digest, commit) means; "" = the newest verified."""
        choices = await self._choices(listing, overlay)
        chosen = _chosen(choices, to)
        if chosen is None:
            raise UnknownName(_nothing_fits(overlay, choices, to))
        contents = await self._source.read([overlay.path], chosen.commit.sha)
        return read_images(contents[overlay.path], overlay.path)

    async def _choices(self, listing: Listing, overlay: Overlay) -> tuple[RollbackChoice, ...]:
        commits = await self._source.history(overlay.path, LOOK_BACK)
        running = await self._catalog.images_at(listing, overlay)
        verified, faulty = await self._record(overlay)
        found: dict[tuple[tuple[str, str], ...], RollbackChoice] = {}
        for commit in commits:
            images = await self._images(overlay, commit)
            pins = tuple((image.tag, image.digest) for image in images)
            if not images or images == running:
                continue
            known_good = commit.sha in verified and not faulty.intersection(pins)
            if pins not in found:
                found[pins] = RollbackChoice(_first_changed(images, running), commit.at, commit, known_good)
            elif known_good:  # it came back by another way than a promotion
                found[pins] = replace(found[pins], verified=True)
        named = await self._tags.named(choice.image for choice in found.values())
        return tuple(replace(choice, image=named[choice.image]) for choice in found.values())

    async def _record(self, overlay: Overlay) -> tuple[set[str], set[tuple[str, str]]]:
        """The commits that a promotion saw Healthy here, and the pins that a rollback left behind."""
        past = await self._store.history(overlay.app, overlay.environment, LOOK_BACK)
        verified = {p.commit.sha for p in past if p.commit and p.phase is Phase.SUCCEEDED}
        left = [p.plan for p in past if p.plan.kind is Kind.ROLLBACK and p.commit]
        faulty = {(m.before.tag, m.before.digest) for plan in left for m in plan.moves if m.overlay == overlay.path}
        return verified, faulty

    async def _images(self, overlay: Overlay, commit: Commit) -> tuple[OverlayImage, ...]:
        contents = await self._source.read([overlay.path], commit.sha)
        try:
            return read_images(contents[overlay.path], overlay.path) if overlay.path in contents else ()
        except KustomizationError:
            return ()  # a state that somebody committed by mistake is nothing to go back to


def _chosen(choices: tuple[RollbackChoice, ...], to: str) -> RollbackChoice | None:
    if not to:
        return next((c for c in choices if c.verified), choices[0] if choices else None)
    for choice in choices:
        named = to in (choice.image.tag, choice.image.digest) or choice.image.digest.removeprefix("sha256:").startswith(
            to
        )
        if named or (len(to) >= 7 and choice.commit.sha.startswith(to.lower())):
            return choice
    return None


def _first_changed(images: tuple[OverlayImage, ...], running: tuple[OverlayImage, ...]) -> OverlayImage:
    now = {image.name: image for image in running}
    return next((image for image in images if now.get(image.name) != image), images[0])


def _nothing_fits(overlay: Overlay, choices: tuple[RollbackChoice, ...], to: str) -> str:
    where = f"{overlay.app} in {overlay.environment}"
    if not choices:
        return f"There is nothing to roll {where} back to: its overlay has only ever pinned what it runs now."
    known = ", ".join(f"{c.image.label} ({c.commit.short})" for c in choices[:5])
    return f"{where} has not run {to!r}. It ran {known}."
