"""Messages that are kept current: one for each subject and channel, edited when there is more to show.

`Bulletins` says what the message of a subject shows from now on (`Cards` says it of a promotion), `Places` brings it
there, and `MessageUpdater` makes the edits that were noted, and those that were lost with a process. What a message
should show and what it shows stand side by side in the table `threads` (bot/store/threads.py).
"""

import time
from collections.abc import Callable
from functools import partial

import structlog

from bot.domain.caller import Target
from bot.domain.errors import IntegrationError, NotFound, Refused
from bot.ports import Messenger, Posted, Rendered
from bot.runtime.keyed_tasks import KeyedTasks
from bot.runtime.patience import wait_after
from bot.store.messages import Messages
from bot.store.threads import Thread

log = structlog.get_logger()
MOST = 100
"""cards that are edited at a time"""


class Places:
    """One message for each promotion and channel, however often it is asked for and wherever the process dies."""

    def __init__(self, messages: Messages, messenger: Messenger) -> None:
        self._threads = messages.threads
        self._outbox = messages.outbox
        self._messenger = messenger

    async def bring(self, promotion: str, channel: str, *, first: bool = False) -> Posted:
        """The card as it should be: posted, or edited, or posted again when somebody deleted it.

        What it should show is read when its turn comes, so edits that were overtaken are never sent. A process that
        dies between the post and the note of it finds the post again by its key (S3); `first` says that nobody can
        have posted it before. Raises IntegrationError.
        """
        async with self._threads.alone(promotion, channel) as lease:
            thread = await self._threads.thread(promotion, channel)
            assert thread is not None
            if not thread.stale:
                if thread.place is None:
                    raise NotFound("Pilothouse", "show a message", "it is no longer to be posted")
                return thread.place
            posted = await self._shown(thread, first=first)
            await self._threads.placed(promotion, channel, posted, thread.wanted_hash, lease)
        if thread.place is None:
            await self._outbox.hasten(promotion, channel)
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


class Bulletins:
    """`clock` counts seconds since the epoch."""

    def __init__(self, messages: Messages, messenger: Messenger, *, clock: Callable[[], float] = time.time) -> None:
        self._threads = messages.threads
        self._places = Places(messages, messenger)
        self._clock = clock

    async def show(self, subject: str, channel: str, message: Rendered, about: Target | None) -> None:
        """From now on the subject's message shows this; where Slack is away, the outbox goes on trying.

        `subject` has at most 64 characters; `about` is what shortcuts on it offer, None leaves
        that as it is. Raises what the database raises.
        """
        thread = await self._threads.want(subject, channel, message, self._clock(), about=about)
        if thread.place:
            return
        try:
            await self._places.bring(subject, channel, first=thread.new)
        except IntegrationError as error:
            log.warning("bulletin.not_shown_yet", subject=subject, channel=channel, error=str(error))

    async def note(self, subject: str, channel: str, message: Rendered, about: Target) -> None:
        """As `show`, without waiting for Slack: the outbox posts it, at Slack's pace, however much there is."""
        await self._threads.want(subject, channel, message, self._clock(), given=0.0, about=about)


class MessageUpdater:
    """`clock` counts seconds since the epoch. Cards are edited beside each other; one waits for no other's turn."""

    def __init__(self, messages: Messages, places: Places, clock: Callable[[], float]) -> None:
        self._threads = messages.threads
        self._places = places
        self._clock = clock
        # One that was edited may be stale again: what it was to show changed meanwhile.
        self._tasks = KeyedTasks[tuple[str, str]]("cards", MOST, messages.changed)

    async def begin(self) -> None:
        """Starts on every card that is stale and not being worked on."""
        if not self._tasks.free:
            return
        for thread in await self._threads.stale(self._clock(), MOST + len(self._tasks.busy)):
            self._tasks.start((thread.promotion, thread.channel), partial(self._fix, thread))

    async def stop(self) -> None:
        """What was not done is done by the next process."""
        await self._tasks.stop()

    async def _fix(self, thread: Thread) -> None:
        try:
            await self._places.bring(thread.promotion, thread.channel)
        except IntegrationError as error:
            wait = wait_after(error, thread.tries)
            log.warning("card.not_shown", promotion=thread.promotion, error=str(error), again_in=round(wait))
            await self._threads.postpone(thread, self._clock() + wait)
