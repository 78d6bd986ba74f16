"""Copies of a card: for each approver a direct message with what matters, which votes as the card itself does."""

import time
from collections.abc import Callable, Iterable, Mapping

import structlog

from bot.domain.caller import Caller
from bot.domain.errors import IntegrationError, NotFound
from bot.domain.promotion import Promotion, Stage
from bot.notify.journey_links import JourneyLinks
from bot.notify.permalinks import Permalinks
from bot.notify.quiet import night
from bot.policy import Policy
from bot.ports import MessageLinks, Rendered
from bot.store.mutes import MuteStore
from bot.store.threads import ThreadStore
from bot.views import approval_request

COPY = "copy-"

log = structlog.get_logger(__name__)


class Copies:
    """`clock` counts seconds since the epoch. The outbox posts and edits the copies, at Slack's pace."""

    def __init__(
        self,
        threads: ThreadStore,
        links: MessageLinks,
        permalinks: Permalinks,
        mutes: MuteStore,
        policy: Policy,
        journeys: JourneyLinks,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._threads = threads
        self._links = links
        self._mutes = mutes
        self._policy = policy
        self._clock = clock
        self._permalinks = permalinks
        self._journeys = journeys

    async def send(self, promotion: Promotion, people: Iterable[Caller]) -> None:
        """Asked once, however often this is called; who is muted is not asked."""
        muted = await self._mutes.muted()
        users = [caller.id for caller in people if caller.id not in muted]
        if not users:
            return
        for user, message in (await self._shown(promotion, users)).items():
            now, about = self._clock(), promotion.plan.about
            await self._threads.want(subject(promotion), user, message, now, given=0.0, about=about)

    async def send_missing(self, promotion: Promotion, people: Iterable[Caller]) -> bool:
        """As `send`, to those who have no copy; whether there was anybody."""
        asked = {copy.channel for copy in await self._threads.showing(subject(promotion))}
        missing = [caller for caller in people if caller.id not in asked]
        await self.send(promotion, missing)
        return bool(missing)

    async def keep(self, promotion: Promotion) -> None:
        """Every copy shows what is so now; one that nobody has seen when all is over is no longer sent."""
        copies = await self._threads.showing(subject(promotion))
        if not copies:
            return
        shown = await self._shown(promotion, ["", *(copy.channel for copy in copies)])
        if promotion.phase.final:
            await self._threads.give_up_unplaced(subject(promotion), shown[""])
            copies = await self._threads.showing(subject(promotion))
        for copy in copies:
            await self._threads.want_if_new(copy, shown.get(copy.channel, shown[""]), self._clock())

    async def remind(self, promotion: Promotion, people: Iterable[Caller], *, incident: bool) -> None:
        """The copy comes again at the end of the conversation; at night only for an incident, never to the muted."""
        if promotion.stage is not Stage.APPROVAL or promotion.phase.final:
            return
        muted = await self._mutes.muted()
        copies = {copy.channel: copy for copy in await self._threads.showing(subject(promotion))}
        shown = await self._shown(promotion, copies, again=True)
        for caller in people:
            copy = copies.get(caller.id)
            asleep = not incident and night(caller, self._policy, self._clock())
            if copy is None or copy.place is None or caller.id in muted or asleep:
                continue
            try:
                await self._links.remove(copy.place)
            except NotFound:
                pass
            except IntegrationError as error:
                log.warning("copy.not_moved", promotion=promotion.id, error=str(error))
                continue
            await self._threads.displaced(copy)
            await self._threads.want(copy.promotion, copy.channel, shown[copy.channel], self._clock(), given=0.0)

    async def _shown(
        self, promotion: Promotion, users: Iterable[str], *, again: bool = False
    ) -> Mapping[str, Rendered]:
        """What each of them reads, with links to the card, and to the journey of the commit where they can open it."""
        link, careful = await self._permalinks.to(promotion.id, promotion.plan.channel), self._policy.careful
        journeys = await self._journeys.each(promotion, users)
        by_journey = {
            journey: approval_request(promotion, link, careful, again=again, journey=journey)
            for journey in dict.fromkeys(journeys.values())
        }
        return {user: by_journey[journey] for user, journey in journeys.items()}


def subject(promotion: Promotion) -> str:
    """Its own: the results of a promotion are told to people directly, too, and must not be edited away."""
    return f"{COPY}{promotion.id}"[:64]
