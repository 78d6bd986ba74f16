"""What the journey of a commit shows now, and to whom: read from the record each time, so no order of facts matters."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.deliveries.journeys import KINDS, journeys
from bot.domain import slack_id
from bot.domain.caller import Permission, Target
from bot.domain.delivery import News
from bot.domain.environment import careful_ones
from bot.domain.errors import NotFound
from bot.domain.event import Event
from bot.domain.journey import Journey, Leg
from bot.notify.outbox import Outbox
from bot.notify.permalinks import Permalinks
from bot.policy import Policy, may
from bot.ports import Directory, Rendered
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsBundle, NewsStore
from bot.store.outbox import OutboxEntry
from bot.store.promotions import PromotionStore
from bot.views.journey import failure
from bot.views.journey import journey as drawn

EARLIER = timedelta(days=1)
"""than a journey was noted: from there on an app's facts are read"""
PROMOTIONS = 60
"""of an app, among which those are looked for that bring a commit somewhere"""
ROUND = 12


class JourneyService:
    """`overlays_in`: the environments in which an app has an overlay; none where nobody has looked yet.

    `clock` counts seconds since the epoch.
    """

    def __init__(
        self,
        policy: Policy,
        database: Database,
        record: DeliveryStore,
        promotions: PromotionStore,
        news: NewsStore,
        directory: Directory,
        outbox: Outbox,
        permalinks: Permalinks,
        overlays_in: Callable[[str], Collection[str]],
        *,
        clock: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._database = database
        self._record = record
        self._promotions = promotions
        self._news = news
        self._directory = directory
        self._outbox = outbox
        self._permalinks = permalinks
        self._overlays_in = overlays_in
        self._clock = clock
        self.look_again()

    def look_again(self) -> None:
        """What was read is forgotten: a new round begins. What is still being read belongs to the round before."""
        self._known: dict[str, tuple[datetime, dict[str, Journey]]] = {}
        """by app: since when its facts were read, and what they make"""
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, news: News) -> Journey | None:
        """By revision; None where the record has none any longer."""
        known = self._known
        async with self._reading[news.app]:
            if news.app not in known or known[news.app][0] > news.at:
                oldest = await self._news.oldest(Event.JOURNEY, news.app)
                begun = datetime.fromtimestamp(oldest if oldest is not None else self._clock(), UTC)
                since = min(begun, news.at) - EARLIER
                known[news.app] = since, await self._read(news.app, since)
        return known[news.app][1].get(news.sha)

    async def _read(self, app: str, since: datetime) -> dict[str, Journey]:
        facts = await self._record.of_kinds(KINDS, since, app)
        promotions = await self._promotions.history(app, "", PROMOTIONS)
        there = self._overlays_in(app)
        ways = [each for each in self._policy.environments if each.name in there] or self._policy.environments
        names = [each.name for each in ways]
        # An app that is built two hundred times a day has ten thousand facts: not on the event loop.
        found = await asyncio.to_thread(journeys, facts, promotions, names, careful_ones(ways))
        return {one.build.revision: one for one in found}

    async def authored(self, news: News) -> News:
        """With the author, as the commit names them, where the push was told."""
        found = await self.of(news)
        author = found.build.push.author if found and found.build.push else None
        return replace(news, who=author.name, email=author.email) if author else news

    async def show(self, bundle: NewsBundle) -> Rendered | None:
        """The message; None where there is nothing that may be shown there. Its failures become replies.

        Raises IntegrationError while nobody can say whether a person may see it.
        """
        (news,) = bundle.items
        whole = await self.of(news)
        if whole is None:
            return None
        seen = whole
        if slack_id.is_user(bundle.channel):
            seen = replace(whole, legs=await self._visible(bundle.channel, whole))
            if not seen.legs:
                return None
        await self._explain(bundle, news, seen)
        if whole.ended:
            await self._news.end(news.key)
        return drawn(seen, await self._cards(seen, bundle.channel), None if whole.ended else news.over_at)

    async def _cards(self, journey: Journey, reader: str) -> dict[str, str]:
        """Links to the cards that can be opened there: those in channels, and the reader's own."""
        return {
            leg.promotion: await self._permalinks.to(leg.promotion, leg.channel)
            for leg in journey.legs
            if leg.promotion and (reader == leg.requester or not slack_id.is_personal(leg.channel))
        }

    async def _visible(self, user: str, journey: Journey) -> tuple[Leg, ...]:
        """The environments in which the person may view the app now, whatever was so when it was told first."""
        try:
            caller = await self._directory.caller(user)
        except NotFound:
            return ()
        if caller.foreign:
            return ()
        place = ((leg, Target(journey.app, leg.environment)) for leg in journey.legs)
        return tuple(leg for leg, target in place if may(self._policy, caller, Permission.VIEW, target))

    async def _explain(self, bundle: NewsBundle, news: News, journey: Journey) -> None:
        """Each failure once, as a reply that its author is mentioned in: an edit wakes nobody."""
        if not journey.failures:
            return
        push = journey.build.push
        who = news.who or (push.author.name if push else "")
        async with self._database.begin() as connection:
            for one in journey.failures:
                round_ = hashlib.sha256(one.id.encode()).hexdigest()[:ROUND]
                said = failure(one, news.user, who)
                entry = OutboxEntry(
                    (news.app,), "", bundle.id, Event.JOURNEY, bundle.channel, said, threaded=True, round=round_
                )
                await self._outbox.put(connection, entry)
