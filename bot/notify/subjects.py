"""Which promotion a message in Slack is about."""

from collections.abc import Iterable

from bot.notify.copies import promotion_of
from bot.ports import Posted
from bot.store.messages import Messages


class Subjects:
    """By where a message stands, which Slack signs; what is written on it may be anybody's."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def promotion(self, places: Iterable[Posted]) -> str:
        """The id of the first one whose card, copy or notice is at one of the places; "" for none."""
        for place in places:
            if subject := await self._messages.subject_at(place):
                return promotion_of(subject)
        return ""
