"""Links to messages that are there."""

import asyncio
import time
from collections.abc import Callable

import structlog

from bot.domain.errors import IntegrationError, Unavailable
from bot.ports import MessageLinks
from bot.runtime.remembered import forget_oldest
from bot.store.threads import ThreadStore

log = structlog.get_logger(__name__)
REMEMBERED = 1000
"""permalinks: what is not remembered is asked for again"""
PATIENCE_SECONDS = 2.0
"""A link only decorates a message, and steps that decide show messages: they go on without it."""
QUIET_SECONDS = 5.0
"""for which Slack is not asked for any link after it did not answer"""


class Permalinks:
    """`clock` counts seconds since the epoch."""

    def __init__(
        self,
        threads: ThreadStore,
        links: MessageLinks,
        *,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._threads = threads
        self._links = links
        self._patience = patience
        self._clock = clock
        self._known: dict[tuple[str, str], str] = {}
        self._silent_since = float("-inf")

    async def to(self, subject: str, channel: str) -> str:
        """To the message about a promotion, or about anything else, in a channel; "" where Slack does not say."""
        if known := self._known.get((subject, channel)):
            return known
        if 0 <= self._clock() - self._silent_since < QUIET_SECONDS:
            return ""
        message = await self._threads.thread(subject, channel)
        if message is None or message.place is None:
            return ""
        try:
            async with asyncio.timeout(self._patience):
                link = await self._links.permalink(message.place)
        except (IntegrationError, TimeoutError) as error:
            if isinstance(error, Unavailable | TimeoutError):
                self._silent_since = self._clock()
            log.warning("copy.no_permalink", promotion=subject, error=str(error) or "no answer in time")
            return ""
        self._known[subject, channel] = link
        forget_oldest(self._known, REMEMBERED)
        return link
