"""Links to messages that are there."""

import structlog

from bot.domain.errors import IntegrationError
from bot.ports import MessageLinks
from bot.store.messages import Messages

log = structlog.get_logger(__name__)
REMEMBERED = 1000
"""permalinks: what is not remembered is asked for again"""


class Permalinks:
    def __init__(self, messages: Messages, links: MessageLinks) -> None:
        self._messages = messages
        self._links = links
        self._known: dict[tuple[str, str], str] = {}

    async def to(self, subject: str, channel: str) -> str:
        """To the message about a promotion, or about anything else, in a channel; "" where Slack does not say."""
        if known := self._known.get((subject, channel)):
            return known
        message = await self._messages.thread(subject, channel)
        if message is None or message.place is None:
            return ""
        try:
            link = await self._links.permalink(message.place)
        except IntegrationError as error:
            log.warning("copy.no_permalink", promotion=subject, error=str(error))
            return ""
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[subject, channel] = link
        return link
