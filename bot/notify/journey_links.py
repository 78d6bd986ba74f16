"""From a promotion's card to the journeys of the commits that it brings."""

from collections.abc import Iterable, Sequence

from bot.domain import slack_id
from bot.domain.journey import journey_key
from bot.domain.promotion import Promotion
from bot.notify.permalinks import Permalinks
from bot.store.delivery_news import NewsStore

MOST = 3
"""moves that are looked for"""
Place = tuple[str, str]
"""a message's name, and its channel"""


class JourneyLinks:
    def __init__(self, news: NewsStore, permalinks: Permalinks) -> None:
        self._news = news
        self._permalinks = permalinks

    async def of(self, promotion: Promotion) -> str:
        """For those who read the card where it stands: a channel, or the requester in a direct message.

        "" where there is no journey that they can open: another person's direct message is no link for them.
        """
        plan = promotion.plan
        reader = plan.requester.id if slack_id.is_personal(plan.channel) else ""
        return (await self.each(promotion, [reader]))[reader]

    async def each(self, promotion: Promotion, readers: Iterable[str]) -> dict[str, str]:
        """For each person by id, and "" for everybody: their own direct message first, then the card's channel."""
        moves = [move for move in promotion.moves if move.revision][:MOST]
        told = await self._news.places([journey_key(move.app, move.revision) for move in moves])
        links: dict[Place, str] = {}
        return {reader: await self._first(told, reader, promotion.plan.channel, links) for reader in readers}

    async def _first(self, told: Sequence[Place], reader: str, channel: str, links: dict[Place, str]) -> str:
        """`links`: those that are known by now, so that each is asked for once, however many read."""
        can_open = [place for place in told if place[1] == reader or not slack_id.is_personal(place[1])]
        for place in sorted(can_open, key=lambda one: (one[1] != reader, one[1] != channel)):
            if place not in links:
                links[place] = await self._permalinks.to(*place)
            if links[place]:
                return links[place]
        return ""
