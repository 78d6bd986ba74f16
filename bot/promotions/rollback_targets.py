"""What an environment ran before what it runs now: read from the overlay's own history, and from what is on record."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.errors import UnknownName
from bot.domain.overlay import Commit, Overlay, OverlayImage
from bot.domain.promotion import Kind, Phase, Promotion
from bot.domain.reply import RollbackChoice
from bot.domain.sentence import listed, quoted
from bot.overlays.catalog import Catalog, Listing
from bot.overlays.kustomization import KustomizationError, read_images
from bot.ports import OverlaySource
from bot.promotions.synced import Synced, SyncHistory
from bot.promotions.tags import Tags
from bot.store.promotions import PromotionStore

LOOK_BACK = 50
"""Commits of one overlay that are looked through."""
SHORTEST = timedelta(minutes=1)
"""What the overlay showed for less than this, and no promotion saw Healthy, does not count as having run."""
Images = tuple[OverlayImage, ...]


@dataclass(frozen=True)
class OverlayState:
    """What the overlay showed from one commit on, until another came in its place."""

    images: Images
    commit: Commit
    until: datetime | None = None
    """None for what it shows now"""
    digests: Mapping[str, str] = field(default_factory=dict)
    """name of an entry → the digest that ran, where a promotion or its commit has put it on record"""
    verified: bool = False
    """whether a promotion saw it Healthy there"""
    left: bool = False
    """whether it was rolled back, or given up for something older: it leads forward"""
    lasted: bool = False
    """whether it was there for long enough at an earlier time"""
    synced: bool | None = None
    """whether Argo CD has brought it out; None where it cannot tell"""

    @property
    def ran(self) -> bool:
        """What nobody can tell counts where the overlay showed it for long enough."""
        if self.verified or self.synced is not None:
            return self.verified or bool(self.synced)
        return self.lasted or self.until is None or self.until - self.commit.at >= SHORTEST


@dataclass(frozen=True)
class RollbackTarget:
    """Where a rollback leads. `back` is whether that is an image that ran there before what runs now."""

    images: Images
    digests: Mapping[str, str] = field(default_factory=dict)
    back: bool = True
    verified: bool = False


class RollbackTargets:
    """Raises UnknownName, with what there is, when nothing fits."""

    def __init__(
        self,
        source: OverlaySource,
        catalog: Catalog,
        store: PromotionStore,
        tags: Tags,
        history: SyncHistory | None = None,
    ) -> None:
        self._source = source
        self._history = history
        self._catalog = catalog
        self._store = store
        self._tags = tags

    async def choices(self, app: str, environment: str) -> tuple[RollbackChoice, ...]:
        """The images that the environment ran before what it runs now, newest first, each once."""
        listing = await self._catalog.listing()
        overlay = self._catalog.find(listing, app, environment)
        running = await self._catalog.images_at(listing, overlay)
        back = [state for state in await self._states(overlay, running) if state.ran and not state.left]
        choices = [
            RollbackChoice(
                _first_changed(state.images, running), state.commit.at, state.commit, state.verified, bool(state.synced)
            )
            for state in back
        ]
        named = await self._tags.named(choice.image for choice in choices)
        return tuple(replace(choice, image=named[choice.image]) for choice in choices)

    async def ran_before(self, app: str, environment: str, digest: str) -> bool:
        """Whether it is on record that the image was Healthy there once."""
        return await self._store.succeeded(app, environment, digest)

    async def restore(self, listing: Listing, overlay: Overlay, to: str) -> RollbackTarget:
        """What stood there when `to` (tag, digest, commit) did; "" = the newest verified of what leads back."""
        running = await self._catalog.images_at(listing, overlay)
        states = await self._states(overlay, running)
        back = [state for state in states if state.ran and not state.left]
        chosen = _named(states, to) if to else next((s for s in back if s.verified), next(iter(back), None))
        if chosen is None:
            raise UnknownName(_nothing_fits(overlay, back, running, to))
        return RollbackTarget(chosen.images, chosen.digests, chosen in back, chosen.verified)

    async def _states(self, overlay: Overlay, running: Images) -> list[OverlayState]:
        """Everything that the overlay showed besides what it shows now, newest first, each once.

        What a rollback left leads forward, until somebody promotes it again; so does what came only after that which
        runs now did for the first time, by whatever way it came back.
        """
        past = await self._store.history(overlay.app, overlay.environment, LOOK_BACK)
        by_commit = {promotion.commit.sha: promotion for promotion in past if promotion.commit}
        states, synced = await asyncio.gather(self._shown(overlay, by_commit), self._synced(overlay))
        states = [replace(state, synced=synced.ran(state.images, state.commit.at)) for state in states]
        found: dict[Images, OverlayState] = {}
        for state in states:
            earlier = found.pop(state.images, None)
            found[state.images] = _once_more(earlier, state) if earlier else state
        begun = next((n for n, state in enumerate(states) if state.images == running), len(states))
        before = {state.images for state in states[:begun]}
        bad = _rolled_back(past, overlay)
        return [
            replace(state, left=state.images not in before or bool(bad & _pins(state.images)))
            for state in reversed(found.values())
            if state.images != running
        ]

    async def _synced(self, overlay: Overlay) -> Synced:
        return await self._history.of(overlay) if self._history else Synced()

    async def _shown(self, overlay: Overlay, by_commit: Mapping[str, Promotion]) -> list[OverlayState]:
        """Oldest first; commits that changed no image are part of the state before them."""
        states: list[OverlayState] = []
        for commit in reversed(await self._source.history(overlay.path, LOOK_BACK)):
            images = await self._images(overlay, commit)
            promotion = by_commit.get(commit.sha)
            if states and images == states[-1].images and promotion is None:
                continue
            if states:
                states[-1] = replace(states[-1], until=commit.at)
            states.append(_state(images, commit, promotion, overlay))
        return [state for state in states if state.images]

    async def _images(self, overlay: Overlay, commit: Commit) -> Images:
        contents = await self._source.read([overlay.path], commit.sha)
        try:
            return read_images(contents[overlay.path], overlay.path) if overlay.path in contents else ()
        except KustomizationError:
            return ()  # a state that somebody committed by mistake is nothing to go back to


def _state(images: Images, commit: Commit, promotion: Promotion | None, overlay: Overlay) -> OverlayState:
    """What the message of the commit claims counts only where nothing is on record, and verifies nothing."""
    moves = [move for move in promotion.moves if move.overlay == overlay.path] if promotion else []
    recorded = {move.name: move.after.digest for move in moves}
    seen = promotion is not None and promotion.phase is Phase.SUCCEEDED
    return OverlayState(images, commit, None, recorded if promotion else _claimed(images, commit), seen)


def _claimed(images: Images, commit: Commit) -> dict[str, str]:
    """A trailer names no entry: of several images of one repository it does not say which is which."""
    pins: dict[str, set[tuple[str, str]]] = {}
    for image in images:
        pins.setdefault(image.repository, set()).add((image.tag, image.digest))
    alone = ((image.name, commit.claimed(image.repository)) for image in images if len(pins[image.repository]) == 1)
    return {name: next(iter(digests)) for name, digests in alone if len(digests) == 1}


def _once_more(first: OverlayState, again: OverlayState) -> OverlayState:
    """The same came back. What was Healthy once is that time's digests, whatever a later commit has or claims."""
    proven = [state for state in (first, again) if state.verified] or [first, again]
    digests = {name: digest for state in proven for name, digest in state.digests.items()}
    synced = first.synced if again.synced is None else again.synced or first.synced
    return replace(
        again,
        digests=digests,
        verified=first.verified or again.verified,
        lasted=first.lasted or first.ran or again.ran,
        synced=synced,
    )


def _rolled_back(past: tuple[Promotion, ...], overlay: Overlay) -> set[tuple[str, str, str, str]]:
    """The pins that rollbacks left behind, until somebody promotes them again."""
    bad: set[tuple[str, str, str, str]] = set()
    for promotion in reversed(past):
        for move in promotion.moves if promotion.commit else ():
            if move.overlay != overlay.path:
                continue
            before, name = move.before, move.before.name
            if promotion.plan.kind is Kind.ROLLBACK:
                bad.add((name, before.repository, before.tag, before.digest))
            bad -= {pin for pin in bad if pin[0] == name and _same(pin, move.after.tag, move.after.digest)}
    return bad


def _same(pin: tuple[str, str, str, str], tag: str, digest: str) -> bool:
    return pin[3] == digest if pin[3] else bool(tag) and pin[2] == tag


def _pins(images: Images) -> set[tuple[str, str, str, str]]:
    return {(image.name, image.repository, image.tag, image.digest) for image in images}


def _named(states: list[OverlayState], to: str) -> OverlayState | None:
    return next((state for state in states if _is_meant(state, to)), None)


def _is_meant(state: OverlayState, to: str) -> bool:
    digests = {image.digest for image in state.images if image.digest} | set(state.digests.values())
    short = to.lower().removeprefix("sha256:")
    by_digest = len(short) >= 7 and any(digest.removeprefix("sha256:").startswith(short) for digest in digests)
    by_commit = len(to) >= 7 and state.commit.sha.startswith(to.lower())
    return by_digest or by_commit or any(to == image.tag for image in state.images if image.tag)


def _first_changed(images: Images, running: Images) -> OverlayImage:
    now = {image.name: image for image in running}
    return next((image for image in images if now.get(image.name) != image), images[0])


def _nothing_fits(overlay: Overlay, back: list[OverlayState], running: Images, to: str) -> str:
    where = f"{overlay.app} in {overlay.environment}"
    if not back:
        return f"There is nothing to roll {where} back to: nothing is known to have run there before."
    known = listed([f"{_first_changed(s.images, running).label} ({s.commit.short})" for s in back[:5]], "or")
    return f"{where} has not run {quoted(to)} before. It can go back to {known}."
