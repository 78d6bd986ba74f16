"""Messages that are not about a promotion: one for each subject and channel, edited when there is more to say."""

import time
from collections.abc import Callable

import structlog

from bot.domain.caller import Target
from bot.domain.errors import IntegrationError
from bot.notify.places import Places
from bot.ports import Messenger, Rendered
from bot.store.messages import Messages

log = structlog.get_logger()


class Bulletins:
    """`clock` counts seconds since the epoch."""

    def __init__(self, messages: Messages, messenger: Messenger, *, clock: Callable[[], float] = time.time) -> None:
        self._messages = messages
        self._places = Places(messages, messenger)
        self._clock = clock

    async def show(self, subject: str, channel: str, message: Rendered, about: Target | None) -> None:
        """From now on the subject's message shows this; where Slack is away, the outbox goes on trying.

        `subject` has at most 64 characters; `about` is what shortcuts on it offer, None leaves
        that as it is. Raises what the database raises.
        """
        thread = await self._messages.want(subject, channel, message, self._clock(), about=about)
        if thread.place:
            return
        try:
            await self._places.bring(subject, channel, first=thread.new)
        except IntegrationError as error:
            log.warning("bulletin.not_shown_yet", subject=subject, channel=channel, error=str(error))

    async def note(self, subject: str, channel: str, message: Rendered, about: Target) -> None:
        """As `show`, without waiting for Slack: the outbox posts it, at Slack's pace, however much there is."""
        await self._messages.want(subject, channel, message, self._clock(), given=0.0, about=about)
