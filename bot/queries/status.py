"""What runs where, by git, Argo CD and the promotions under way.

Of Argo CD's Applications what is on record, where that is current; else they are asked for.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.deliveries.application_record import RecordedApplications
from bot.domain.application import Application, ApplicationRef, HealthStatus, SyncStatus
from bot.domain.caller import Caller
from bot.domain.errors import IntegrationError, NotFound, Unavailable
from bot.domain.overlay import Commit, Overlay, OverlayImage
from bot.domain.promotion import Promotion
from bot.domain.reply import StatusRow
from bot.domain.running import SILENT, images_tell, running_instead, stands_elsewhere
from bot.overlays.catalog import Catalog, Listing
from bot.policy import Policy, shows_all, visible
from bot.ports import OverlaySource
from bot.promotions.promotions import Promotions
from bot.promotions.tags import Tags

LISTED = 41
"""Applications of one Argo CD from which on its overview replaces a read of each; it tells no conditions (A7)"""
CLOSER = 40
"""rows of one answer that are read one by one after the overview: those that are not well, or that it leaves open;
and as many that it does not name
"""
AT_ONCE = 8
PAUSE_AFTER = 500
"""rows, for the event loop's sake"""
AWAY = "Argo CD does not answer at the moment."
FAILING, UNKNOWN, DIFFERING, WELL = range(4)

Images = tuple[OverlayImage, ...]
Asked = tuple[Application | None, str]
"""what Argo CD says, or why it says nothing"""
NOTHING: Asked = (None, "")
Place = tuple[Overlay, ApplicationRef]
Detail = tuple[Commit | None, Promotion | None]
"""the overlay's newest commit, and the promotion that is under way there"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One place at a glance: a row is made of those that are shown."""

    overlay: Overlay
    images: Images
    application: Application | None
    problem: str
    runs: str
    rank: int
    """how urgently people want to see it; the smallest first"""
    at: str = ""
    """the commit for which this is so; "" where the images alone say it"""


class StatusQuery:
    """One Argo CD that does not answer spoils its own rows, and no other."""

    def __init__(
        self,
        catalog: Catalog,
        policy: Policy,
        applications: RecordedApplications,
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
        self._listing: Listing | None = None
        self._places: tuple[Place, ...] = ()
        """of `_listing`, by app, then in promotion order"""
        self._seen: dict[str, Seen] = {}
        """by path of the overlay, what was seen last: of ten thousand, few have changed since"""

    async def glance(self, app: str, environment: str, caller: Caller) -> tuple[Seen, ...]:
        """By app, then in promotion order; only what the caller may view.

        "" means every one. Raises UnknownName, and IntegrationError when the overlay repository does not answer.
        """
        listing = await self._catalog.listing(fresh=True)  # beside its newest commit, an older image would be a lie
        if app and environment:
            self._catalog.find(listing, app, environment)
        places = self._visible(listing, app, environment, caller)
        told = self._recorded(places)
        unrecorded = [place for place, found in zip(places, told, strict=True) if found is None]
        (images, broken), asked = await asyncio.gather(
            self._catalog.legible_images_at(listing, [overlay for overlay, _ in places]), self._ask(unrecorded)
        )
        asked.update(await self._look_closer(places, asked, images, listing.commit))
        asked.update({path: (None, why) for path, why in broken.items()})
        found: list[Seen] = []
        for number, ((overlay, _), recorded) in enumerate(zip(places, told, strict=True), 1):
            if number % PAUSE_AFTER == 0:
                await asyncio.sleep(0)
            application, problem = asked.get(overlay.path, (recorded, ""))
            found.append(self._see(overlay, application, problem, images[overlay.path], listing.commit))
        return tuple(found)

    def _recorded(self, places: Sequence[Place]) -> list[Application | None]:
        """Of each, what may be believed now. What no record has, Argo CD alone can call absent (A5)."""
        records = {one.name: self._applications.record(one.name) for one in self._catalog.environments}
        return [record.find(ref) if (record := records[overlay.environment]) else None for overlay, ref in places]

    def _see(self, overlay: Overlay, app: Application | None, problem: str, images: Images, commit: str) -> Seen:
        before = self._seen.get(overlay.path)
        same = before and before.application is app and before.images is images and before.problem == problem
        if before and same and before.at in ("", commit):
            return before
        told = images_tell(app, images) if app else ""
        at, runs = (commit, stands_elsewhere(app, commit)) if app and told is None else ("", told or "")
        seen = Seen(overlay, images, app, problem, runs, rank(app, runs), at)
        self._seen[overlay.path] = seen
        return seen

    async def rows(self, found: Iterable[Seen], caller: Caller) -> tuple[StatusRow, ...]:
        """With tags for images that are pinned by digest, the newest commits, and the promotions that are under way."""
        seen = tuple(found)
        named, details = await asyncio.gather(
            self._tags.named(image for one in seen for image in one.images),
            asyncio.gather(*(self._detail(one.overlay, caller) for one in seen)),
        )
        return tuple(
            StatusRow(
                one.overlay.app,
                one.overlay.environment,
                tuple(named[image] for image in one.images),
                one.application,
                one.problem,
                last,
                promotion,
                one.runs,
                unheard=self._applications.unheard(one.overlay.environment),
                last_known=self._applications.last_known(self._ref(one.overlay)) if one.problem == AWAY else None,
            )
            for one, (last, promotion) in zip(seen, details, strict=True)
        )

    def _visible(self, listing: Listing, app: str, environment: str, caller: Caller) -> Sequence[Place]:
        self._learn(listing)
        apps = (app,) if app else listing.apps
        names = [one.name for one in self._catalog.environments if environment in ("", one.name)]
        found = {name: visible(self._policy, caller, apps, name) for name in names}
        if not app and not environment and all(len(shown) == len(apps) for shown in found.values()):
            return self._places
        allowed = {name: frozenset(shown) for name, shown in found.items()}
        nothing: frozenset[str] = frozenset()
        return [place for place in self._places if place[0].app in allowed.get(place[0].environment, nothing)]

    def _learn(self, listing: Listing) -> None:
        """The names of the Applications."""
        if self._listing is None or self._listing.overlays != listing.overlays:
            order = {environment.name: environment.order for environment in self._catalog.environments}
            overlays = sorted(listing.overlays.values(), key=lambda one: (one.app, order[one.environment]))
            self._places = tuple([(overlay, self._ref(overlay)) for overlay in overlays])
            self._seen.clear()
        self._listing = listing

    async def runs_instead(self, app: str, environment: str) -> str:
        """What is so in place of the images that git pins there, for people; "" when Argo CD runs those.

        Raises UnknownName, and IntegrationError when the overlay repository does not answer.
        """
        listing = await self._catalog.listing()
        overlay = self._catalog.find(listing, app, environment)
        images = await self._catalog.images_at(listing, overlay)
        found, _ = await self._get(self._ref(overlay))
        return running_instead(found, images, listing.commit) if found else SILENT

    async def _ask(self, places: Sequence[Place]) -> dict[str, Asked]:
        """By path."""
        by_environment: dict[str, list[Place]] = defaultdict(list)
        for place in places:
            by_environment[place[0].environment].append(place)
        served = [
            [place for environment in environments for place in by_environment[environment]]
            for environments in self._applications.together(by_environment)
        ]
        answers = await asyncio.gather(*map(self._ask_one_argo, served))
        return {path: asked for answer in answers for path, asked in answer.items()}

    async def _ask_one_argo(self, places: list[Place]) -> dict[str, Asked]:
        """Of overlays that one Argo CD serves."""
        if len(places) < LISTED:
            return await self._read_each(places)
        try:
            overview = await self._applications.overview(places[0][0].environment)
        except IntegrationError as error:
            return {overlay.path: (None, problem(error)) for overlay, _ in places}
        found = _in_overview(places, overview)
        # An overview names what is in Argo CD's own namespace without it (A11); a policy may write it.
        qualified = [place for place in places if "/" in place[1].name and found[place[0].path][0] is None]
        unasked = {overlay.path: (None, _unlisted(ref.name, overlay.app)) for overlay, ref in qualified[CLOSER:]}
        return {**found, **unasked, **await self._read_each(qualified[:CLOSER])}

    async def _look_closer(
        self, places: Sequence[Place], asked: Mapping[str, Asked], images: Mapping[str, Images], commit: str
    ) -> dict[str, Asked]:
        """Why an Application is not well, and at which commit it is where its images do not tell: no overview says."""
        if len(asked) < LISTED:
            return {}
        doubtful = [
            (overlay, ref)
            for overlay, ref in places
            if (found := asked.get(overlay.path, NOTHING)[0])
            and (not well(found) or running_instead(found, images[overlay.path], commit))
        ]
        closer = doubtful[:CLOSER]
        answers = await self._read_each(closer)
        missing = {overlay.path: _missing(ref.name) for overlay, ref in closer}
        return {path: said for path, said in answers.items() if said[0] or said[1] == missing[path]}

    async def _read_each(self, places: list[Place]) -> dict[str, Asked]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def read(ref: ApplicationRef) -> Asked:
            async with turns:
                return await self._get(ref)

        answers = await asyncio.gather(*(read(ref) for _, ref in places))
        return {overlay.path: said for (overlay, _), said in zip(places, answers, strict=True)}

    async def _get(self, ref: ApplicationRef) -> Asked:
        try:
            return await self._applications.get(ref), ""
        except NotFound:
            return None, _missing(ref.name)
        except IntegrationError as error:
            return None, problem(error)

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


def _in_overview(places: Iterable[Place], overview: Iterable[Application]) -> dict[str, Asked]:
    listed = {found.ref.name: found for found in overview}
    return {
        overlay.path: (replace(found, ref=ref), "") if (found := listed.get(ref.name)) else (None, _missing(ref.name))
        for overlay, ref in places
    }


def failed(found: Application) -> bool:
    """Whether its newest sync did."""
    return found.operation is not None and found.operation.failed


def well(found: Application) -> bool:
    return found.health is HealthStatus.HEALTHY and found.sync is SyncStatus.SYNCED and not failed(found)


def rank(app: Application | None, runs: str) -> int:
    """How urgently people want to see it. `runs`: what is so in place of what git pins."""
    if app is None:
        return UNKNOWN
    if failed(app) or app.health in (HealthStatus.DEGRADED, HealthStatus.MISSING):
        return FAILING
    if HealthStatus.UNKNOWN is app.health or app.sync is SyncStatus.UNKNOWN:
        return UNKNOWN
    return WELL if well(app) and not runs else DIFFERING


def _missing(name: str) -> str:
    return f"Argo CD has no Application {name}, or hides it from the bot."


def _unlisted(name: str, app: str) -> str:
    return f"Argo CD's list does not name {name}; `/status {app}` asks for it alone."


def problem(error: IntegrationError) -> str:
    """Why Argo CD says nothing, for people."""
    if isinstance(error, Unavailable):
        return AWAY
    return "Argo CD refuses to tell: an administrator can run `pilothouse doctor`."
