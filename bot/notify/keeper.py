"""Keeps cards showing what they should: makes the edits that were noted, and those that were lost with a process."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from bot.domain.errors import IntegrationError
from bot.notify.places import Places
from bot.runtime.patience import wait_after
from bot.store.messages import Messages, Thread

log = structlog.get_logger()
BATCH = 100


class Keeper:
    """`clock` counts seconds since the epoch. Cards are edited beside each other; one waits for no other's turn."""

    def __init__(self, messages: Messages, places: Places, clock: Callable[[], float]) -> None:
        self._messages = messages
        self._places = places
        self._clock = clock
        self._busy: dict[tuple[str, str], asyncio.Task[bool]] = {}

    async def begin(self) -> None:
        """Starts on every card that is stale and not being worked on."""
        for thread in await self._messages.stale(self._clock(), BATCH):
            key = (thread.promotion, thread.channel)
            if key not in self._busy:
                self._busy[key] = asyncio.create_task(self._fix(thread))
                self._busy[key].add_done_callback(partial(self._ended, key))

    async def fix(self) -> int:
        """Does what may be done now; how many cards were brought up to date."""
        stale = await self._messages.stale(self._clock(), BATCH)
        return sum(await asyncio.gather(*(self._fix(thread) for thread in stale)))

    async def stop(self) -> None:
        """What was not done is done by the next process."""
        tasks = list(self._busy.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, key: tuple[str, str], done: asyncio.Task[bool]) -> None:
        del self._busy[key]
        if done.cancelled():
            return
        if error := done.exception():
            log.error("card.not_fixed", promotion=key[0], error=repr(error))
        else:
            # It may be stale again: what it was to show changed while it was edited.
            self._messages.changed.set()

    async def _fix(self, thread: Thread) -> bool:
        try:
            await self._places.bring(thread.promotion, thread.channel)
        except IntegrationError as error:
            wait = wait_after(error, thread.tries)
            log.warning("card.not_shown", promotion=thread.promotion, error=str(error), again_in=round(wait))
            await self._messages.postpone(thread, self._clock() + wait)
            return False
        return True
