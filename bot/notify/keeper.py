"""Keeps cards showing what they should: makes the edits that were noted, and those that were lost with a process."""

from collections.abc import Callable
from functools import partial

import structlog

from bot.domain.errors import IntegrationError
from bot.notify.places import Places
from bot.runtime.keyed_tasks import KeyedTasks
from bot.runtime.patience import wait_after
from bot.store.messages import Messages, Thread

log = structlog.get_logger()
MOST = 100
"""cards that are edited at a time"""


class Keeper:
    """`clock` counts seconds since the epoch. Cards are edited beside each other; one waits for no other's turn."""

    def __init__(self, messages: Messages, places: Places, clock: Callable[[], float]) -> None:
        self._messages = messages
        self._places = places
        self._clock = clock
        # One that was edited may be stale again: what it was to show changed meanwhile.
        self._tasks = KeyedTasks[tuple[str, str]]("cards", MOST, messages.changed)

    async def begin(self) -> None:
        """Starts on every card that is stale and not being worked on."""
        if not self._tasks.free:
            return
        for thread in await self._messages.stale(self._clock(), MOST + len(self._tasks.busy)):
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
            await self._messages.postpone(thread, self._clock() + wait)
