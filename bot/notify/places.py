"""Puts a card where it belongs and keeps it showing what it should."""

import structlog

from bot.domain.errors import NotFound, Refused
from bot.ports import Messenger, Posted
from bot.store.messages import Messages, Thread

log = structlog.get_logger()


class Places:
    """One message for each promotion and channel, however often it is asked for and wherever the process dies."""

    def __init__(self, messages: Messages, messenger: Messenger) -> None:
        self._messages = messages
        self._messenger = messenger

    async def bring(self, promotion: str, channel: str, *, first: bool = False) -> Posted:
        """The card as it should be: posted, or edited, or posted again when somebody deleted it.

        What it should show is read when its turn comes, so edits that were overtaken are never sent. A process that
        dies between the post and the note of it finds the post again by its key (S3); `first` says that nobody can
        have posted it before. Raises IntegrationError.
        """
        async with self._messages.alone(promotion, channel) as lease:
            thread = await self._messages.thread(promotion, channel)
            assert thread is not None
            if not thread.stale:
                if thread.place is None:
                    raise NotFound("Pilothouse", "show a message", "it is no longer to be posted")
                return thread.place
            posted = await self._shown(thread, first=first)
            await self._messages.placed(promotion, channel, posted, thread.wanted_hash, lease)
        if thread.place is None:
            await self._messages.hasten(promotion, channel)
        return posted

    async def _shown(self, thread: Thread, *, first: bool) -> Posted:
        assert thread.wanted is not None
        if thread.place:
            try:
                await self._messenger.update(thread.place, thread.wanted)
            except NotFound:
                log.info("card.gone", promotion=thread.promotion, channel=thread.channel)
            except Refused as error:
                # Too old to be edited, or the like: trying again would not help, and the next change is tried anyway.
                log.warning("card.edit_refused", promotion=thread.promotion, detail=error.detail)
                return thread.place
            else:
                return thread.place
        key = f"card:{thread.promotion}"
        return await self._messenger.post(thread.channel, thread.wanted, key=key, first=first and not thread.tries)
