"""What runs where: git, Argo CD and the promotions under way, all asked at once."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import IntegrationError, NotFound, Unavailable
from bot.domain.overlay import Commit, Overlay, OverlayImage
from bot.domain.promotion import Promotion
from bot.domain.reply import StatusRow
from bot.domain.running import SILENT, running_instead
from bot.overlays.catalog import Catalog, Listing
from bot.policy import Policy, may, shows_all
from bot.ports import Applications, OverlaySource
from bot.promotions.promotions import Promotions
from bot.promotions.tags import Tags

DETAILED = 40
"""rows up to which each overlay's last commit and live promotion are looked up"""
LISTED = DETAILED + 1
"""Applications of one Argo CD from which on its overview replaces a read of each; it tells no conditions (A7)"""
CLOSER = 40
"""rows of one answer that are read one by one after the overview: those that are not well, or that it leaves open"""
AT_ONCE = 8

Images = tuple[OverlayImage, ...]
Asked = tuple[Application | None, str]
"""what Argo CD says, or why it says nothing"""
Detail = tuple[Commit | None, Promotion | None]
"""the overlay's newest commit, and the promotion that is under way there"""


class StatusQuery:
    """One Argo CD that does not answer spoils its own rows, and no other."""

    def __init__(
        self,
        catalog: Catalog,
        policy: Policy,
        applications: Applications,
        source: OverlaySource,
        promotions: Promotions,
        tags: Tags,
    ) -> None:
        self._catalog = catalog
        self._policy = policy
        self._applications = applications
        self._source = source
        self._promotions = promotions
        self._tags = tags

    async def rows(self, app: str, environment: str, caller: Caller) -> tuple[StatusRow, ...]:
        """As `glance`, with details where there are not more than `DETAILED`."""
        found = await self.glance(app, environment, caller)
        return await self.detailed(found, caller) if len(found) <= DETAILED else found

    async def glance(self, app: str, environment: str, caller: Caller) -> tuple[StatusRow, ...]:
        """By app, then in promotion order; only what the caller may view. Without last commits and promotions.

        "" means every one. Raises UnknownName, and IntegrationError when the overlay repository does not answer.
        """
        listing = await self._catalog.listing(fresh=True)  # beside its newest commit, an older image would be a lie
        if app and environment:
            self._catalog.find(listing, app, environment)
        overlays = [
            overlay
            for (its_app, its_environment), overlay in listing.overlays.items()
            if app in ("", its_app) and environment in ("", its_environment)
            if may(self._policy, caller, Permission.VIEW, Target(its_app, its_environment))
        ]
        overlays.sort(key=lambda overlay: (overlay.app, self._catalog.environment(overlay.environment).order))
        (images, broken), argo = await asyncio.gather(self._named_images(listing, overlays), self._ask_argo(overlays))
        argo = await self._look_closer(argo, images, listing.commit)
        argo = {**argo, **{overlay: (None, why) for overlay, why in broken.items()}}
        return tuple(
            StatusRow(
                overlay.app,
                overlay.environment,
                images[overlay],
                *argo[overlay],
                runs=_instead(argo[overlay][0], images[overlay], listing.commit),
            )
            for overlay in overlays
        )

    async def runs_instead(self, app: str, environment: str) -> str:
        """What is so in place of the images that git pins there, for people; "" when Argo CD runs those.

        Raises UnknownName, and IntegrationError when the overlay repository does not answer.
        """
        listing = await self._catalog.listing()
        overlay = self._catalog.find(listing, app, environment)
        images = await self._catalog.images_at(listing, overlay)
        found, _ = await self._get(self._ref(overlay))
        return running_instead(found, images, listing.commit) if found else SILENT

    async def _named_images(
        self, listing: Listing, overlays: list[Overlay]
    ) -> tuple[Mapping[Overlay, Images], Mapping[Overlay, str]]:
        """What each overlay pins, and of those that cannot be read, why."""
        pinned, broken = await self._catalog.legible_images_at(listing, overlays)
        named = await self._tags.named(image for images in pinned.values() for image in images)
        return {overlay: tuple(named[image] for image in images) for overlay, images in pinned.items()}, broken

    async def _ask_argo(self, overlays: Iterable[Overlay]) -> Mapping[Overlay, Asked]:
        by_environment: dict[str, list[Overlay]] = defaultdict(list)
        for overlay in overlays:
            by_environment[overlay.environment].append(overlay)
        served = [
            [overlay for environment in environments for overlay in by_environment[environment]]
            for environments in self._applications.together(by_environment)
        ]
        answers = await asyncio.gather(*map(self._ask_one_argo, served))
        return {overlay: asked for answer in answers for overlay, asked in answer.items()}

    async def _ask_one_argo(self, overlays: list[Overlay]) -> dict[Overlay, Asked]:
        """Of overlays that one Argo CD serves."""
        if len(overlays) < LISTED:
            return await self._read_each(overlays)
        try:
            overview = await self._applications.overview(overlays[0].environment)
        except IntegrationError as error:
            return dict.fromkeys(overlays, (None, problem(error)))
        return _in_overview({overlay: self._ref(overlay) for overlay in overlays}, overview)

    async def _look_closer(
        self, argo: Mapping[Overlay, Asked], images: Mapping[Overlay, Images], commit: str
    ) -> dict[Overlay, Asked]:
        """Why an Application is not well, and at which commit it is where its images do not tell: no overview says."""
        doubtful = [o for o, (found, _) in argo.items() if found and _leaves_open(found, images.get(o, ()), commit)]
        asked = await self._read_each(doubtful[:CLOSER]) if len(argo) >= LISTED else {}
        told = {o: said for o, said in asked.items() if said[0] or said[1] == _missing(self._ref(o).name)}
        return {**argo, **told}

    async def _read_each(self, overlays: list[Overlay]) -> dict[Overlay, Asked]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def read(overlay: Overlay) -> Asked:
            async with turns:
                return await self._get(self._ref(overlay))

        return dict(zip(overlays, await asyncio.gather(*map(read, overlays)), strict=True))

    async def _get(self, ref: ApplicationRef) -> Asked:
        try:
            return await self._applications.get(ref), ""
        except NotFound:
            return None, _missing(ref.name)
        except IntegrationError as error:
            return None, problem(error)

    async def detailed(self, rows: Iterable[StatusRow], caller: Caller) -> tuple[StatusRow, ...]:
        """The rows with their overlays' newest commits and the promotions that are under way."""
        listing, known = await self._catalog.listing(), tuple(rows)
        overlays = [self._catalog.find(listing, row.app, row.environment) for row in known]
        details = await asyncio.gather(*(self._detail(overlay, caller) for overlay in overlays))
        return tuple(replace(row, last=d[0], promotion=d[1]) for row, d in zip(known, details, strict=True))

    async def _detail(self, overlay: Overlay, caller: Caller) -> Detail:
        commit, live = await asyncio.gather(
            self._last_commit(overlay.path), self._promotions.live(overlay.app, overlay.environment)
        )
        # Of a release train with apps that the caller may not view, nothing is shown.
        return commit, live if live and shows_all(self._policy, caller, live) else None

    async def _last_commit(self, path: str) -> Commit | None:
        try:
            return next(iter(await self._source.history(path, 1)), None)
        except IntegrationError:
            return None

    def _ref(self, overlay: Overlay) -> ApplicationRef:
        return ApplicationRef(self._policy.application(overlay.app, overlay.environment), overlay.environment)


def _instead(application: Application | None, pinned: Images, commit: str) -> str:
    return running_instead(application, pinned, commit) if application else ""


def _in_overview(refs: Mapping[Overlay, ApplicationRef], overview: Iterable[Application]) -> dict[Overlay, Asked]:
    wanted = {ref.name for ref in refs.values()}
    listed = {found.ref.name: found for found in overview if found.ref.name in wanted}
    return {
        overlay: (replace(listed[ref.name], ref=ref), "") if ref.name in listed else (None, _missing(ref.name))
        for overlay, ref in refs.items()
    }


def _leaves_open(found: Application, pinned: Images, commit: str) -> bool:
    return not well(found) or bool(running_instead(found, pinned, commit))


def failed(found: Application) -> bool:
    """Whether its newest sync did."""
    return found.operation is not None and found.operation.failed


def well(found: Application) -> bool:
    return found.health is HealthStatus.HEALTHY and found.sync is SyncStatus.SYNCED and not failed(found)


def _missing(name: str) -> str:
    return f"Argo CD has no Application {name}, or hides it from the bot."


def problem(error: IntegrationError) -> str:
    """Why Argo CD says nothing, for people."""
    if isinstance(error, Unavailable):
        return "Argo CD does not answer at the moment."
    return "Argo CD refuses to tell: an administrator can run `pilothouse doctor`."
