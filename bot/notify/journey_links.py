"""From a promotion's card to the journeys of the commits that it brings."""

from bot.domain import slack_id
from bot.domain.journey import journey_key
from bot.domain.promotion import Promotion
from bot.notify.permalinks import Permalinks
from bot.store.delivery_news import NewsStore

MOST = 3
"""moves that are looked for"""


class JourneyLinks:
    def __init__(self, news: NewsStore, permalinks: Permalinks) -> None:
        self._news = news
        self._permalinks = permalinks

    async def of(self, promotion: Promotion) -> str:
        """To the first journey that is told in a channel, the card's own before others; "" where there is none.

        What only its author can open, a direct message, is no link for a card that many read.
        """
        for move in [move for move in promotion.moves if move.revision][:MOST]:
            told = await self._news.places(journey_key(move.app, move.revision))
            channels = [place for place in told if slack_id.is_channel(place[1])]
            for place in sorted(channels, key=lambda one: (one[1] != promotion.plan.channel, one[1])):
                if link := await self._permalinks.to(*place):
                    return link
        return ""
