"""Edits of one message, at most one a second: those that are overtaken are dropped, the last one never is."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

SECONDS = 1.0


@dataclass
class EditState:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    newest: int = 0
    users: int = 0
    free_at: float = 0.0


class Edits:
    """Coalesces edits. `clock` counts seconds."""

    def __init__(self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._messages: dict[Hashable, EditState] = {}

    async def submit(self, key: Hashable, send: Callable[[], Awaitable[None]]) -> bool:
        """Sends it when its turn comes, unless a newer one came meanwhile. Whether it was sent.

        Whoever submits the newest edit gets its error; those that were overtaken are done.
        """
        message = self._messages.setdefault(key, EditState())
        message.newest += 1
        mine = message.newest
        message.users += 1
        try:
            async with message.lock:
                await self._turn(message, mine)
                if mine != message.newest:
                    return False
                try:
                    await send()
                finally:
                    message.free_at = self._clock() + self._seconds
                return True
        finally:
            message.users -= 1
            self._forget()

    async def _turn(self, message: EditState, mine: int) -> None:
        wait = message.free_at - self._clock()
        if wait > 0 and mine == message.newest:
            await asyncio.sleep(wait)

    def _forget(self) -> None:
        now = self._clock()
        if len(self._messages) > 1000:
            kept = {key: one for key, one in self._messages.items() if one.users or one.free_at > now}
            self._messages = kept
