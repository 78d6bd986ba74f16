"""The images of an overlay, looked up in the registry: what each line shows now, and what it is to show."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.domain.age import Older, compared, older_by
from bot.domain.application import ApplicationRef
from bot.domain.errors import NotFound, UnknownName, UnknownRegistry
from bot.domain.image import Artifact, Image, is_digest
from bot.domain.overlay import Overlay, OverlayImage
from bot.domain.promotion import MissingImage, Move
from bot.overlays.catalog import Catalog, Listing
from bot.policy import Policy
from bot.ports import Registry
from bot.promotions.rollback_targets import RollbackTarget, RollbackTargets
from bot.promotions.unknown_image import unknown_image

Found = Artifact | UnknownRegistry | None


class Moves:
    """Makes the moves of a plan. Raises UnknownName for an image that is not there, IntegrationError for no answer."""

    def __init__(self, catalog: Catalog, registry: Registry, policy: Policy, targets: RollbackTargets) -> None:
        self._catalog = catalog
        self._registry = registry
        self._policy = policy
        self._targets = targets

    async def restored(
        self, overlay: Overlay, before: Mapping[str, OverlayImage], target: RollbackTarget
    ) -> list[Move]:
        pairs = [(before[image.name], image) for image in target.images if image.name in before]
        found = (self.to_pinned(overlay, old, new, target.digests.get(new.name, "")) for old, new in pairs)
        return [move for move in await asyncio.gather(*found) if move]

    async def again(self, listing: Listing, move: Move, environment: str) -> Move | None:
        overlay = self._catalog.find(listing, move.app, environment)
        entries = await self._catalog.images_at(listing, overlay, planned=True)
        now = next((entry for entry in entries if entry.name == move.name), None)
        if now is None:
            raise UnknownName(f"{move.app} {move.after.label} can no longer be promoted to {environment}.")
        found, running = await asyncio.gather(self._found(now.repository, move.after.digest), self._running(now))
        artifact = _known(found)
        if artifact is None:
            raise UnknownName(f"{move.app} {move.after.label} can no longer be promoted to {environment}.")
        moved = self._move(overlay, now, artifact, move.after.tag, running)
        return moved and replace(moved, origin=move.origin)

    async def back(self, listing: Listing, move: Move, environment: str) -> tuple[Move | None, bool]:
        """And whether a promotion saw just that image Healthy there. What the history of the overlay, or the messages
        of its commits, make of the time before may be anybody's: nobody approves this.
        """
        overlay = self._catalog.find(listing, move.app, environment)
        entries = await self._catalog.images_at(listing, overlay, planned=True)
        now = next((entry for entry in entries if entry.name == move.name), None)
        if now is None or now.label not in (move.after.label, move.after.short_digest):
            raise UnknownName(f"{move.app} no longer runs {move.after.label} in {environment}.")
        good = await self._targets.restore(listing, overlay, "")
        pinned = next((each for each in good.images if each.name == move.name), move.before)
        if not good.verified and pinned != move.before:
            raise UnknownName(f"No promotion saw {move.app} {pinned.label} Healthy in {environment}.")
        recorded = good.digests.get(pinned.name, "") if good.verified else move.digest_before
        back = await self.to_pinned(overlay, now, pinned, recorded)
        return back, good.verified and (back is None or back.after.digest == recorded)

    async def named(self, listing: Listing, overlay: Overlay, reference: str) -> list[Move]:
        """Every image of the overlay that exists by this tag or digest."""
        entries = await self._catalog.images_at(listing, overlay, planned=True)
        found, running = await asyncio.gather(
            asyncio.gather(*(self._found(entry.repository, reference) for entry in entries)),
            asyncio.gather(*(self._running(entry) for entry in entries)),
        )
        pairs = [
            (entry, one, now)
            for entry, one, now in zip(entries, found, running, strict=True)
            if isinstance(one, Artifact)
        ]
        if not pairs and (elsewhere := next((one for one in found if isinstance(one, UnknownRegistry)), None)):
            raise UnknownName(_not_ours(elsewhere))
        if not pairs:
            raise await unknown_image(self._registry, reference, [entry.repository for entry in entries])
        tag = "" if is_digest(reference) else reference
        moves = (self._move(overlay, entry, artifact, tag, now) for entry, artifact, now in pairs)
        return [move for move in moves if move]

    async def to_pinned(
        self, overlay: Overlay, before: OverlayImage, pinned: OverlayImage, recorded: str = ""
    ) -> Move | None:
        """From what the overlay says now to what another place pins, or pinned; `recorded` is the digest that ran."""
        reference = pinned.digest or recorded or pinned.tag
        if not reference:
            raise UnknownName(
                f"{pinned.name} pins neither a tag nor a digest where it comes from: pin one there first."
            )
        if before == pinned and not recorded:
            return None  # of another registry, perhaps: what stays as it is needs nobody to vouch for it
        found, running = await asyncio.gather(self._found(pinned.repository, reference), self._running(before))
        artifact = _known(found)
        if artifact is None:
            raise UnknownName(f"The registry no longer has {pinned.repository} {pinned.label}: build it again.")
        if pinned.repository != before.repository:
            artifact = _known(await self._found(before.repository, artifact.image.digest))
            if artifact is None:
                raise UnknownName(
                    f"{pinned.repository} {pinned.label} is not in {before.repository}, which {overlay.path} names: "
                    "push it there, or change `newName:` there first."
                )
        # Beside a digest, a tag is what somebody wrote there: people must not approve "v1.4.2" and get another image.
        tag = pinned.tag if reference == pinned.tag or pinned.tag in artifact.tags else ""
        return self._move(overlay, before, artifact, tag, running)

    async def to_pinned_if_there(
        self, overlay: Overlay, before: OverlayImage, pinned: OverlayImage
    ) -> Move | MissingImage | None:
        """One app whose image is missing must not keep the rest of a train."""
        try:
            return await self.to_pinned(overlay, before, pinned)
        except UnknownName as error:
            return MissingImage(overlay.app, before.label, pinned.label, error.sentence)

    def _move(self, overlay: Overlay, before: OverlayImage, artifact: Artifact, tag: str, now: Found) -> Move | None:
        """None when that is what the overlay pins already; `now` is what its image is in the registry."""
        if before.digest == artifact.image.digest:
            return None
        running = _known(now)
        if running and running.image.digest == artifact.image.digest:
            return None
        label = tag or (artifact.tags[0] if artifact.tags else "")
        return Move(
            app=overlay.app,
            overlay=overlay.path,
            before=before,
            after=Image(before.repository, artifact.image.digest, label),
            application=ApplicationRef(self._policy.application(overlay.app, overlay.environment), overlay.environment),
            revision=artifact.revision,
            revision_before=running.revision if running else "",
            source=artifact.source,
            tag_before=running.tags[0] if running and running.tags else "",
            newer=_newer(artifact, running),
            older=(Older.PUSHED,) if running and _newer(running, artifact, unknown=False) else (),
            digest_before=running.image.digest if running else "",
            page=artifact.page,
        )

    async def _running(self, before: OverlayImage) -> Found:
        if before.label == "nothing":
            return None
        return await self._found(before.repository, before.digest or before.tag)

    async def _found(self, repository: str, reference: str) -> Found:
        """None where the registry has none; the error for an image of a registry that is not configured."""
        try:
            return await self._registry.artifact(repository, reference)
        except UnknownRegistry as elsewhere:
            return elsewhere
        except NotFound:
            return None

    async def aged(self, move: Move, environment: str) -> Move:
        """With what says that it is older than what the line shows now."""
        version = compared(move.after.label, move.label_before)
        source = 0 if move.commits < 0 else (move.commits > 0) - (move.behind > 0 and not move.commits)
        signs = set(move.older)
        suspect = bool(signs) or version < 0 or source < 0
        if suspect and await self._targets.ran_before(move.app, environment, move.after.digest):
            signs.add(Older.RAN)
        return replace(move, older=older_by(signs, version=version, source=source))


def _not_ours(error: UnknownRegistry) -> str:
    return f"{error.detail} {error.advice.remedy}" if error.advice else error.detail


def _known(found: Found) -> Artifact | None:
    """Raises UnknownName for an image of a registry that is not configured."""
    if isinstance(found, UnknownRegistry):
        raise UnknownName(_not_ours(found))
    return found


def _newer(artifact: Artifact, running: Artifact | None, *, unknown: bool = True) -> bool:
    """What runs may be gone from the registry, and must not keep anybody from going back."""
    if running is None:
        return False
    if artifact.pushed_at is None or running.pushed_at is None:
        return unknown
    return artifact.pushed_at > running.pushed_at


def matched(
    targets: Iterable[OverlayImage], sources: Iterable[OverlayImage]
) -> list[tuple[OverlayImage, OverlayImage]]:
    """The entries of two overlays that stand for the same image: by name, else by repository, where only one image of
    the source is of it.
    """
    known = list(sources)
    by_name = {image.name: image for image in known}
    pins = Counter(image.repository for image in dict.fromkeys(replace(image, name="") for image in known))
    by_repository = {image.repository: image for image in known if pins[image.repository] == 1}
    found = [(target, by_name.get(target.name) or by_repository.get(target.repository)) for target in targets]
    return [(target, source) for target, source in found if source]
