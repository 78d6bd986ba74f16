"""Images that people reject, and take back."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import NotFound, UnknownName, UnknownRegistry
from bot.domain.event import Event
from bot.domain.image import Image, is_digest
from bot.domain.intent import ClearImage, RejectImage
from bot.domain.reason import need_reason
from bot.domain.reply import ImageRejected, Reply, Told
from bot.domain.safety import Rejection
from bot.domain.sentence import quoted
from bot.notify.ledger import Deed, Ledger
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import EVERY
from bot.ports import Clock, ImageContents, Registry
from bot.promotions.unknown_image import unknown_image
from bot.runtime.spelling import did_you_mean
from bot.store.rejections import RejectionStore
from bot.views import safety as views


class RejectionService:
    """Raises NotAllowed, UnknownName, and IntegrationError when git or the registry is away."""

    def __init__(
        self,
        rejections: RejectionStore,
        ledger: Ledger,
        catalog: Catalog,
        registry: Registry,
        contents: ImageContents,
        image_locations: ImageLocations,
        clock: Clock,
    ) -> None:
        self._rejections = rejections
        self._ledger = ledger
        self._catalog = catalog
        self._registry = registry
        self._contents = contents
        self._image_locations = image_locations
        self._clock = clock

    async def reject(self, ask: RejectImage, caller: Caller) -> Reply:
        """Rejects every image of the app by that tag or digest, and what it consists of."""
        need_reason(ask.reason, "A rejection")
        await self._ledger.authorize(ask, caller, Permission.REJECT_IMAGE, Target(ask.app, EVERY), "reject an image")
        images = await self._images(ask.app, ask.image)
        now = self._clock.now()
        tag = "" if is_digest(ask.image) else ask.image
        parts = [tuple(sorted(await self._contents.contents(image) - {image.digest})) for image in images]
        made = [
            Rejection(ask.app, image.digest, tag or image.tag, caller.person, ask.reason, now, below)
            for image, below in zip(images, parts, strict=True)
        ]
        places = [await self._image_locations.environments(ask.app, image) for image in images]
        runs_in = tuple(dict.fromkeys(environment for found in places for environment in found))

        async def effect(connection: AsyncConnection) -> Reply:
            for rejection in made:
                await self._rejections.reject(connection, rejection)
                deed = _deed(Event.IMAGE_REJECTED, ask, caller, rejection)
                await self._ledger.write(connection, deed, views.rejected(rejection, runs_in))
            return ImageRejected(tuple(made), runs_in)

        return await self._ledger.once(ask.context, Event.IMAGE_REJECTED, effect)

    async def clear(self, ask: ClearImage, caller: Caller) -> Reply:
        """By digest also when the registry has the image no longer."""
        await self._ledger.authorize(
            ask, caller, Permission.REJECT_IMAGE, Target(ask.app, EVERY), "take back a rejection"
        )
        known = await self._rejections.all()
        meant = await self._meant(ask, known)
        others = [one for one in known if one.app != ask.app and one.digest in meant]

        async def effect(connection: AsyncConnection) -> Reply:
            found = [await self._rejections.find_in(connection, ask.app, digest) for digest in meant]
            rejected = [rejection for rejection in found if rejection]
            if not rejected:
                return Told(_not_rejected(ask, others))
            for rejection in rejected:
                await self._rejections.clear(connection, ask.app, rejection.digest)
                deed = _deed(Event.IMAGE_CLEARED, ask, caller, rejection)
                same = tuple(one for one in others if one.digest == rejection.digest)
                await self._ledger.write(connection, deed, views.cleared(rejection, caller.person, same))
            if others:
                return Told(f"{ask.app} {ask.image} is {ELSEWHERE.format(others[0].by.name)}")
            return Told(f"{ask.app} {ask.image} may be promoted again.")

        return await self._ledger.once(ask.context, Event.IMAGE_CLEARED, effect)

    async def _meant(self, ask: ClearImage, known: Sequence[Rejection]) -> tuple[str, ...]:
        """The digests that were rejected under this name: a tag may have moved on since."""
        if is_digest(ask.image):
            return (ask.image,)
        return tuple(one.digest for one in known if (one.app, one.tag) == (ask.app, ask.image))

    async def _images(self, app: str, reference: str) -> tuple[Image, ...]:
        repositories = await self._repositories(app)
        found = [await self._image(repository, reference) for repository in repositories]
        images = tuple(image for image in found if isinstance(image, Image))
        if images:
            return images
        if elsewhere := next((one for one in found if isinstance(one, UnknownRegistry)), None):
            raise elsewhere
        raise await unknown_image(self._registry, reference, repositories)

    async def _repositories(self, app: str) -> tuple[str, ...]:
        listing = await self._catalog.listing()
        overlays = [overlay for (name, _), overlay in listing.overlays.items() if name == app]
        if not overlays:
            raise UnknownName(f"There is no app {quoted(app)}.{did_you_mean(app, listing.apps)}")
        found, broken = await self._catalog.legible_images_at(listing, overlays)  # others must not stand in the way
        mine = [overlay.path for overlay in overlays]
        entries = dict.fromkeys(entry.repository for path in mine for entry in found.get(path, ()))
        if not entries and (why := [broken[path] for path in mine if path in broken]):
            raise UnknownName(why[0])
        return tuple(entries)

    async def _image(self, repository: str, reference: str) -> Image | UnknownRegistry | None:
        """None where there is none; the error for a registry that nobody asks, whose images are not meant mostly."""
        try:
            return (await self._registry.artifact(repository, reference)).image
        except UnknownRegistry as elsewhere:
            return elsewhere
        except NotFound:
            return None


ELSEWHERE = "rejected for another app: ask {} to take that back."
"""whose name is not everybody's to know"""


def _not_rejected(ask: ClearImage, others: Sequence[Rejection]) -> str:
    if others:
        return f"{ask.app} {ask.image} is {ELSEWHERE.format(others[0].by.name)}"
    return f"{ask.app} {ask.image} is not rejected. `/locks` shows what is."


def _deed(event: Event, ask: RejectImage | ClearImage, caller: Caller, rejection: Rejection) -> Deed:
    detail = {"digest": rejection.digest, "tag": rejection.tag, "reason": rejection.reason}
    context = ask.context
    key = f"{context.request_id}:{rejection.digest}"
    return Deed(event, key, caller.id, "", (ask.app,), detail=detail, channel=context.channel)
